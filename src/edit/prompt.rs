//! The bytes of prompt files, and the pieces of a joined text.

use crate::persona::raw::file_value;

/// The text that a file must hold to stand for a value: byte for byte, with a newline at its end if it had one before, or if the
/// value would lose its own.
pub fn file_text(before: &str, value: &str) -> String {
    let ending = &before[file_value(before).len()..];
    match ending {
        "" if file_value(value) == value => value.to_owned(),
        "" => format!("{value}\n"),
        ending => format!("{value}{ending}"),
    }
}

/// Which piece of a joined text changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Split {
    /// Only this one; what it now contributes.
    Piece(usize, String),
    /// More than one piece could have: a line was added between two pieces, say.
    Ambiguous,
    /// More than one piece has, or what stands between them.
    Several,
}

/// Finds the one piece whose change makes a new joined text, `pieces` being what each contributes.
pub fn split(pieces: &[&str], new: &str) -> Split {
    let mut found = None;
    for (index, piece) in pieces.iter().enumerate() {
        let before: String = pieces[..index].iter().map(|piece| format!("{piece}\n\n")).collect();
        let after: String = pieces[index + 1..].iter().map(|piece| format!("\n\n{piece}")).collect();
        let middle = new.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(after.as_str()));
        if let Some(middle) = middle.filter(|middle| middle != piece) {
            if found.is_some() {
                return Split::Ambiguous;
            }
            found = Some(Split::Piece(index, middle.to_owned()));
        }
    }
    found.unwrap_or(Split::Several)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_its_way_to_end() {
        for (before, value, wanted) in [
            ("old\n", "new", "new\n"),
            ("old", "new", "new"),
            ("old\r\n", "new", "new\r\n"),
            ("old", "new\n", "new\n\n"),
            ("old\n", "new\n", "new\n\n"),
            ("", "", ""),
            ("old", "a\r\nb\r\n", "a\r\nb\r\n\n"),
        ] {
            let text = file_text(before, value);
            assert_eq!((text.as_str(), file_value(&text)), (wanted, value), "{before:?}");
        }
    }

    #[test]
    fn the_changed_piece_is_found_where_only_one_can_be_meant() {
        let pieces = ["house rules", "the task", "the end"];
        let found = |new: &str| split(&pieces, new);
        assert_eq!(found("house rules\n\nthe big task\n\nthe end"), Split::Piece(1, "the big task".to_owned()));
        assert_eq!(found("house rules\n\nthe task\n\nthe end, indeed"), Split::Piece(2, "the end, indeed".to_owned()));
        assert_eq!(found("house rules\n\nnew\n\nthe task\n\nthe end"), Split::Ambiguous);
        assert_eq!(found("no rules\n\nno task\n\nthe end"), Split::Several);
        assert_eq!(found("house rules\nthe task\n\nthe end"), Split::Several);
    }
}
