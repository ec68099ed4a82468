//! Blame: writes into each change where in the files of the project it is asked for.

use serde_json::Value;

use super::change::{Change, Edit};
use super::source::{Whereabouts, line_of};

/// Writes into a change and its edits where they are asked for. What has left the files points at what is left of them: the
/// persona's file, if there still is one.
pub fn blame(change: &mut Change, sources: &dyn Whereabouts) {
    let Some(sources) = sources.of_target(&change.address) else {
        change.source = sources.of_persona(&change.address.key);
        return;
    };
    for edit in &mut change.edits {
        edit.pieces = sources.pieces.get(&edit.path).cloned().unwrap_or_default();
        let line = first_changed_line(edit).and_then(|line| line_of(&edit.pieces, line));
        edit.source = Some(line.unwrap_or_else(|| sources.of(&edit.path).clone()));
    }
    change.source = Some(sources.section);
}

/// The first line of the new text that the old one does not have at that place; none where there is no old text.
fn first_changed_line(edit: &Edit) -> Option<usize> {
    let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    let (old, new) = (text(&edit.from)?, text(&edit.to)?);
    let same = old.lines().zip(new.lines()).take_while(|(old, new)| old == new).count();
    Some((same + 1).min(new.lines().count().max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persona::name::Pointer;

    #[test]
    fn the_first_changed_line_is_inside_the_new_text() {
        let line = |from: &str, to: &str| {
            first_changed_line(&Edit::new(
                Pointer::root(),
                Some(Value::from(from)),
                Some(Value::from(to)),
                crate::plan::change::Reason::Declared,
            ))
        };
        assert_eq!(line("a\nb\nc", "a\nB\nc"), Some(2));
        assert_eq!(line("a\nb\nc", "a\nb"), Some(2));
        assert_eq!(line("a", "a\nb"), Some(2));
        assert_eq!(line("a", ""), Some(1));
    }
}
