//! Keys for personas that have none yet: from the display name, else from the id. Nothing is looked up here.

/// Longest key made from a name, in bytes.
const LONGEST: usize = 60;

/// Names that some file systems keep for devices.
const DEVICES: [&str; 4] = ["aux", "con", "nul", "prn"];

/// And those that they keep with a digit behind them.
const PORTS: [&str; 2] = ["com", "lpt"];

/// The key that a display name suggests: lower-case ASCII letters and digits, `-` for everything between them. Nothing is
/// transliterated: a name without a single ASCII letter or digit gives way to the id.
pub fn slug(name: &str, id: &str) -> String {
    let made = [name, id].into_iter().map(plain).find(|text| !text.is_empty()).unwrap_or_else(|| "persona".to_owned());
    let is_port = |text: &str| {
        let digit = PORTS.iter().find_map(|port| text.strip_prefix(port));
        digit.is_some_and(|digit| digit.len() == 1 && digit.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if DEVICES.contains(&made.as_str()) || is_port(&made) { format!("{made}-persona") } else { made }
}

fn plain(text: &str) -> String {
    let mut made = String::new();
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            made.push(letter.to_ascii_lowercase());
        } else if !made.is_empty() && !made.ends_with('-') {
            made.push('-');
        }
        if made.len() >= LONGEST {
            break;
        }
    }
    made.trim_matches('-').to_owned()
}

/// The candidates for a key in their order: `ada`, `ada-2`, `ada-3`, ….
pub fn candidates(base: &str) -> impl Iterator<Item = String> {
    let numbered = (2..).map({
        let base = base.to_owned();
        move |number: usize| format!("{base}-{number}")
    });
    std::iter::once(base.to_owned()).chain(numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_lower_case_ascii() {
        let cases = [
            ("Support Guide", "support-guide"),
            ("  Ada -- (EMEA) v2.1 ", "ada-emea-v2-1"),
            ("Zoë", "zo"),
            ("🚲 Bike Doctor 🚲", "bike-doctor"),
            ("../../etc/passwd", "etc-passwd"),
            ("CON", "con-persona"),
            ("com9", "com9-persona"),
            ("LPT 1", "lpt-1"),
            ("compass", "compass"),
        ];
        for (name, wanted) in cases {
            assert_eq!(slug(name, "p1"), wanted, "{name}");
        }
    }

    #[test]
    fn a_name_without_ascii_gives_way_to_the_id() {
        for name in ["", "🚲🚲", "サポート", "---"] {
            assert_eq!(slug(name, "P-00A1"), "p-00a1", "{name}");
        }
        assert_eq!(slug("", "…"), "persona");
    }

    #[test]
    fn long_names_are_cut_and_never_end_with_a_dash() {
        let made = slug(&"ab ".repeat(100), "p1");
        assert!(made.len() <= LONGEST && made.ends_with(['a', 'b']), "{made}");
    }

    #[test]
    fn collisions_count_from_two() {
        assert_eq!(candidates("ada").take(3).collect::<Vec<_>>(), ["ada", "ada-2", "ada-3"]);
    }
}
