//! Damage: good texts made bad in every way, for the tests that read them. `PROPTEST_CASES=100000` tries as many inputs per test.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

/// Damage to a text: bytes taken out, put in, doubled; pieces that mean something to a parser.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    Cut(usize, usize),
    Put(usize, String),
    Double(usize, usize),
    Byte(usize, u8),
}

pub(crate) fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ": ",
            "- ",
            "\n",
            "\t",
            "&a ",
            "*a",
            "<<: ",
            "!!int ",
            "---\n",
            "...\n",
            "|\n",
            "\"",
            "'",
            "#",
            "%",
            "? ",
            "null",
            "~",
            "1e999",
            "-0",
            "0x",
            "$env",
            "$file",
            "$join",
            "$id: ",
            "\u{feff}",
            "\u{0}",
            "\u{85}",
            "\u{202e}",
            "é",
            "\u{10ffff}",
            "\\u0000",
            "\\ud800",
            "99999999999999999999",
            "true",
            ",",
            "..",
            "/",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ];
    let one = prop_oneof![
        (any::<usize>(), 0..40usize).prop_map(|(at, length)| Damage::Cut(at, length)),
        (any::<usize>(), piece).prop_map(|(at, text)| Damage::Put(at, text)),
        (any::<usize>(), 0..80usize).prop_map(|(at, length)| Damage::Double(at, length)),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
    ];
    vec(one, 1..6)
}

/// The text with all of it done.
pub(crate) fn damaged(text: &str, damages: &[Damage]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for damage in damages {
        let length = bytes.len();
        let stretch = |at: usize, count: usize| (at % (length + 1), (at % (length + 1)).saturating_add(count).min(length));
        match damage {
            Damage::Cut(at, count) => {
                let (from, to) = stretch(*at, *count);
                bytes.drain(from..to);
            }
            Damage::Put(at, text) => {
                let (at, _) = stretch(*at, 0);
                bytes.splice(at..at, text.bytes());
            }
            Damage::Double(at, count) => {
                let (from, to) = stretch(*at, *count);
                let copy = bytes[from..to].to_vec();
                bytes.splice(to..to, copy);
            }
            Damage::Byte(at, byte) => {
                if length > 0 {
                    bytes[at % length] = *byte;
                }
            }
        }
    }
    bytes
}

/// As many inputs as are wanted.
pub(crate) fn cases(usual: u32) -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    Config { failure_persistence: None, ..Config::with_cases(cases) }
}
