//! "Did you mean": the closest of the known words. Only the comparison; the wording is the caller's.

/// The candidate that a writer most likely meant; none when nothing is close enough.
pub(super) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let folded = fold(word);
    let limit = (folded.chars().count() / 3).clamp(1, 4);
    let mut best: Option<(usize, &str)> = None;
    for &candidate in &candidates {
        let distance = strsim::damerau_levenshtein(&folded, &fold(candidate));
        let better = best.is_none_or(|(least, chosen)| (distance, candidate) < (least, chosen));
        // A word of two letters is one edit away from too much.
        if distance == 0 || (better && distance <= limit && folded.chars().count() > 2) {
            if distance == 0 {
                return Some(candidate);
            }
            best = Some((distance, candidate));
        }
    }
    if let Some((_, candidate)) = best {
        return Some(candidate);
    }
    // A word cut short (`prod`) means the only one that begins with it.
    let mut longer = candidates.into_iter().filter(|candidate| folded.len() > 2 && fold(candidate).starts_with(&folded));
    let only = longer.next()?;
    longer.next().is_none().then_some(only)
}

/// A word without case, `_`, `-` and `$`, in which slips of spelling conventions vanish (`voice_id` is `voiceId`).
pub(super) fn fold(word: &str) -> String {
    word.chars().filter(|character| !matches!(character, '_' | '-' | '$' | ' ')).flat_map(char::to_lowercase).collect()
}

/// Writes names as a list for people: `` `a`, `b` or `c` ``, cut after a dozen.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
    match shown.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some(_) if names.len() > shown.len() => format!("{} and {} more", shown.join(", "), names.len() - shown.len()),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_words_find_what_was_meant() {
        let fields = ["voiceId", "avatarId", "$id", "languageCode"];
        assert_eq!(closest("voice_id", fields), Some("voiceId"));
        assert_eq!(closest("avtarId", fields), Some("avatarId"));
        assert_eq!(closest("id", fields), Some("$id"));
        assert_eq!(closest("temperature", fields), None);
        assert_eq!(closest("x", fields), None);
        assert_eq!(closest("prod", ["production", "draft"]), Some("production"));
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
        assert!(listed(names.iter().map(String::as_str)).ends_with("`11` and 8 more"));
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
