//! `--target`: which addresses a run is about.

use super::exit::Stop;
use crate::plan::Address;

/// The patterns of a run; without any, every address is selected.
pub(super) struct Selection {
    patterns: Vec<String>,
}

impl Selection {
    /// The selection of some patterns.
    pub(super) fn of(patterns: &[String]) -> Self {
        Self { patterns: patterns.to_vec() }
    }

    /// Whether an address is selected.
    pub(super) fn selects(&self, address: &Address) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| matches(pattern, &address.to_string()))
    }

    /// Refuses a pattern that matches none of the known addresses: a typing mistake is not an empty plan.
    ///
    /// # Errors
    /// Names the pattern, and the address that it may have meant.
    pub(super) fn check<'a>(&self, known: impl Iterator<Item = &'a Address>) -> Result<(), Stop> {
        let known: Vec<String> = known.map(ToString::to_string).collect();
        for pattern in &self.patterns {
            if !known.iter().any(|address| matches(pattern, address)) {
                let nearest = known
                    .iter()
                    .map(|address| (strsim::jaro_winkler(pattern, address), address))
                    .max_by(|left, right| left.0.total_cmp(&right.0))
                    .filter(|(likeness, _)| *likeness > 0.7);
                let stop = Stop::failed(format!("`--target {pattern}` matches no address"));
                return Err(match nearest {
                    Some((_, address)) => stop.with_help(format!("did you mean `{address}`?")),
                    None => stop.with_help("addresses look like `tavus.support-guide`; `*` stands for any characters"),
                });
            }
        }
        Ok(())
    }
}

/// Whether a text matches a pattern in which `*` stands for any characters.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text
            .strip_prefix(start)
            .is_some_and(|text| (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| matches(rest, &text[at..]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        assert!(matches("tavus.*", "tavus.emea/ada"));
        assert!(matches("*.support-*", "bland-eu.support-guide"));
        assert!(!matches("tavus.*", "tavus-eu.ada"));
        assert!(!matches("tavus.ada", "tavus.ada2"));
    }
}
