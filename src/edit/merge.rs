//! Three texts become one: lines that only one side changed are taken from that side.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// What came of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// Both sides' changes, in different places.
    Clean(String),
    /// Both changed the same place: the text with conflict markers.
    Conflict(String),
}

/// Merges two changed texts over the one that both come from. Neighbouring changes count as the same place.
pub fn merge(base: &str, file: &str, live: &str) -> Merged {
    let [base, file, live] = [base, file, live].map(|text| text.split('\n').collect::<Vec<&str>>());
    let (in_file, in_live) = (matches(&base, &file), matches(&base, &live));
    let mut lines: Vec<&str> = Vec::new();
    let mut conflict = false;
    let (mut at_base, mut at_file, mut at_live) = (0, 0, 0);
    loop {
        // The next line of the base that both sides still have.
        let stable = (at_base..base.len())
            .find_map(|at| in_file[at].zip(in_live[at]).map(|(file, live)| (at, file, live)))
            .unwrap_or((base.len(), file.len(), live.len()));
        let theirs = (&base[at_base..stable.0], &file[at_file..stable.1], &live[at_live..stable.2]);
        match theirs {
            (old, one, other) if one == old || one == other => lines.extend(other),
            (old, one, other) if other == old => lines.extend(one),
            (_, one, other) => {
                conflict = true;
                lines.push("<<<<<<< file");
                lines.extend(one);
                lines.push("=======");
                lines.extend(other);
                lines.push(">>>>>>> live");
            }
        }
        if stable.0 == base.len() {
            break;
        }
        lines.push(base[stable.0]);
        (at_base, at_file, at_live) = (stable.0 + 1, stable.1 + 1, stable.2 + 1);
    }
    let text = lines.join("\n");
    if conflict { Merged::Conflict(text) } else { Merged::Clean(text) }
}

/// For each line of the base, where the other text has it.
fn matches(base: &[&str], other: &[&str]) -> Vec<Option<usize>> {
    let mut found = vec![None; base.len()];
    for op in capture_diff_slices(Algorithm::Myers, base, other) {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            for at in 0..len {
                found[old_index + at] = Some(new_index + at);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_in_different_places_are_both_kept() {
        for (base, file, live, wanted) in [
            ("a\nb\nc", "A\nb\nc", "a\nb\nC", "A\nb\nC"),
            ("a\nb\nc", "a\nb\nc", "a\nc", "a\nc"),
            ("a\nb\nc", "a\nx\nb\nc", "a\nb\nc\ny\n", "a\nx\nb\nc\ny\n"),
            ("a\nb", "a\nB", "a\nB", "a\nB"),
            ("", "", "new", "new"),
            ("a\r\nb\r\nc", "a!\r\nb\r\nc", "a\r\nb\r\nc!", "a!\r\nb\r\nc!"),
        ] {
            assert_eq!(merge(base, file, live), Merged::Clean(wanted.to_owned()), "{base:?} {file:?} {live:?}");
        }
    }

    #[test]
    fn changes_of_the_same_place_are_marked_with_both_versions() {
        let wanted = "a\n<<<<<<< file\nours\n=======\ntheirs\n>>>>>>> live\nc";
        assert_eq!(merge("a\nb\nc", "a\nours\nc", "a\ntheirs\nc"), Merged::Conflict(wanted.to_owned()));
        assert!(matches!(merge("a\nb\nc", "a\nours\nc", "a\nc"), Merged::Conflict(_)));
    }
}
