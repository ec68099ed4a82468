//! Holds the rooms of the house apart by reading what each file uses: who may know whom is the table below, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may use of the crate. A room may always use itself.
const MAY_USE: &[(&str, &[&str])] = &[
    ("persona", &[]),
    ("plan", &["persona::name"]),
    ("edit", &["persona::raw"]),
    ("provider", &["persona", "plan"]),
    ("capture", &["persona::name", "plan", "provider"]),
    ("sandbox", &[]),
    ("providers", &["persona", "plan", "provider", "sandbox"]),
    ("http", &["plan", "provider"]),
    ("state", &["persona::name", "plan"]),
    ("reconcile", &["persona::name", "plan", "provider", "http", "state"]),
    ("report", &["persona", "plan", "provider", "reconcile::outcome", "reconcile::{"]),
    ("schemas", &["persona", "plan", "providers", "report", "state"]),
    (
        "cli",
        &[
            "capture",
            "edit",
            "http",
            "persona",
            "plan",
            "provider",
            "providers",
            "reconcile",
            "report",
            "sandbox",
            "schemas",
            "state",
        ],
    ),
    ("lib", &[]),
    ("main", &["cli"]),
];

/// Words of the world outside that only some rooms may say.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("std::env", &["cli"]),
    ("SystemTime", &["cli"]),
    ("process::exit", &["cli"]),
    ("println!", &["cli"]),
    ("std::fs", &["cli", "persona", "state", "sandbox"]),
    ("tokio", &["cli", "http", "sandbox", "reconcile"]),
    ("reqwest", &["http"]),
    ("axum", &["sandbox"]),
    ("clap::", &["cli", "main"]),
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every source file as (path below src, room, code without comments and without its unit tests).
fn sources() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    paths
        .into_iter()
        .filter(|path| !path.strip_prefix(&root).expect("below src").to_string_lossy().contains("tests"))
        .map(|path| {
            let below = path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
            let room = below.split('/').next().expect("a segment").trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).expect("readable");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            (below, room, code.join("\n"))
        })
        .collect()
}

/// What follows each `crate::` in a text.
fn uses(code: &str) -> BTreeSet<String> {
    code.match_indices("crate::")
        .map(|(at, word)| {
            let rest = &code[at + word.len()..];
            let end = rest.find(|letter: char| !(letter.is_alphanumeric() || "_:{".contains(letter))).unwrap_or(rest.len());
            rest[..end].to_owned()
        })
        .collect()
}

#[test]
fn rooms_use_only_what_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut broken = Vec::new();
    for (path, room, code) in sources() {
        let Some(may) = allowed.get(room.as_str()) else {
            broken.push(format!("{path}: the room `{room}` is not in the table"));
            continue;
        };
        for used in uses(&code) {
            let own = used.split("::").next() == Some(room.as_str());
            if !own
                && !may.iter().any(|word| {
                    used == *word || used.starts_with(&format!("{word}::")) || (word.ends_with('{') && used.starts_with(*word))
                })
            {
                broken.push(format!("{path}: uses crate::{used}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn providers_do_not_know_each_other_and_their_miniatures_know_nobody() {
    let mut broken = Vec::new();
    for (path, room, code) in sources() {
        let parts: Vec<&str> = path.split('/').collect();
        let (true, [_, provider, rest @ ..]) = (room == "providers", parts.as_slice()) else { continue };
        if rest.is_empty() {
            continue;
        }
        for other in ["tavus", "anam", "bland", "opengiant"].iter().filter(|other| **other != *provider) {
            if code.contains(&format!("providers::{other}")) || code.contains(&format!("super::super::{other}")) {
                broken.push(format!("{path}: knows {other}"));
            }
        }
        if rest[0].starts_with("sandbox") {
            for used in uses(&code).iter().filter(|used| !used.starts_with("sandbox")) {
                broken.push(format!("{path}: a miniature uses crate::{used}"));
            }
            for sibling in ["super::spec", "super::wire", "super::patch", "super::super::wire", "super::super::spec"] {
                if code.contains(sibling) {
                    broken.push(format!("{path}: a miniature uses {sibling}"));
                }
            }
        } else if uses(&code).iter().any(|used| used.starts_with("sandbox") || used.contains("::sandbox"))
            || code.contains("super::sandbox")
        {
            broken.push(format!("{path}: uses its miniature"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_some_rooms_touch_the_world() {
    let mut broken = Vec::new();
    for (path, room, code) in sources() {
        for (word, rooms) in OUTSIDE {
            if code.contains(word) && !rooms.contains(&room.as_str()) {
                broken.push(format!("{path}: says `{word}`"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_engine_names_no_provider() {
    let mut broken = Vec::new();
    for (path, room, code) in sources() {
        if ["plan", "reconcile", "state", "http", "persona", "report", "capture", "cli"].contains(&room.as_str()) {
            for name in ["tavus", "anam", "bland", "opengiant"] {
                // Help texts may give an address as an example.
                let code = code.replace("tavus.support-guide", "").replace("tavus.*", "");
                for line in code.lines().filter(|line| line.to_lowercase().contains(name)) {
                    broken.push(format!("{path}: names {name}: {}", line.trim()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// `drift` gets an onlooker, which holds a session and hands out none of it; what reads for it cannot send, by type.
#[test]
fn drift_only_looks() {
    let mut broken = Vec::new();
    let writing = ["Memory", "StateFile", "lock", "\"drift\"", ".send(", "apply", "connections", "pub(super) Session"];
    for (path, _, code) in sources() {
        let words: &[&str] = match path.as_str() {
            "cli/drift.rs" => &["Session", "Connection", "Memory", "StateFile", "lock", "reconcile", "state::"],
            "cli/onlooker.rs" => &writing,
            "reconcile/reader.rs" => &["fn send", "pub connection", ".send(", "&mut Connection"],
            _ => continue,
        };
        broken.extend(words.iter().filter(|word| code.contains(**word)).map(|word| format!("{path}: says `{word}`")));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_file_says_what_lives_in_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    files(&root.join("src"), &mut paths);
    files(&root.join("tests"), &mut paths);
    let silent: Vec<String> = paths
        .iter()
        .filter(|path| !fs::read_to_string(path).expect("readable").starts_with("//!"))
        .map(|path| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

/// The files of its room that a file takes names from, by reading `super::` paths, and those from `crate::` on. The file of a module may
/// be named by what is in it: that is one thing in several files.
fn neighbours(path: &str, code: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
    let mut folder: Vec<&str> = path.split('/').collect();
    let file = folder.pop().expect("a file");
    // Inside `x/mod.rs`, `super` is the folder above; inside `x/y.rs`, it is `x`.
    if file == "mod.rs" {
        folder.pop();
    }
    let above = code
        .match_indices("super::")
        .filter(|(at, _)| !code[..*at].ends_with("super::") && !code[..*at].ends_with("in "))
        .flat_map(|(at, _)| {
            let mut base = folder.clone();
            let mut rest = code[at..].strip_prefix("super::").unwrap_or_default();
            while let Some(further) = rest.strip_prefix("super::") {
                base.pop();
                rest = further;
            }
            let base = base.join("/");
            first_names(rest).into_iter().map(move |name| format!("{base}/{name}"))
        })
        .filter_map(|named| file_of(&named, known));
    let room = path.split('/').next().unwrap_or_default();
    let whole = uses(code).into_iter().filter_map(|used| {
        let segments: Vec<&str> = used.split("::").take_while(|segment| !segment.starts_with('{')).collect();
        let named = (1..=segments.len()).rev().find_map(|length| file_of(&segments[..length].join("/"), known))?;
        (segments.first() == Some(&room)).then_some(named)
    });
    let within = |file: &String| path.starts_with(&format!("{}/", file.trim_end_matches(".rs").trim_end_matches("/mod")));
    above.chain(whole).filter(|file| file != path && !within(file)).collect()
}

/// The file of a module, by its path below src.
fn file_of(module: &str, known: &BTreeSet<String>) -> Option<String> {
    [format!("{module}.rs"), format!("{module}/mod.rs")].into_iter().find(|file| known.contains(file))
}

/// The first names of a path or of a braced list of paths: `a::b` gives `a`, `{a, b::{c, d}}` gives `a` and `b`.
fn first_names(text: &str) -> Vec<String> {
    let name =
        |text: &str| text.trim().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect::<String>();
    let Some(list) = text.strip_prefix('{') else { return vec![name(text)] };
    let mut depth = 0;
    let mut names = vec![String::new()];
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            _ if depth == 0 => names.last_mut().expect("one").push(letter),
            _ => {}
        }
    }
    names.iter().map(|text| name(text)).collect()
}

#[test]
fn no_files_of_a_room_take_names_from_each_other_in_a_circle() {
    let sources = sources();
    let known: BTreeSet<String> = sources.iter().map(|(path, _, _)| path.clone()).collect();
    let uses: BTreeMap<&str, BTreeSet<String>> =
        sources.iter().map(|(path, _, code)| (path.as_str(), neighbours(path, code, &known))).collect();
    let mut circles = BTreeSet::new();
    for start in uses.keys() {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&str> = uses[start].iter().map(String::as_str).collect();
        while let Some(file) = next.pop() {
            if reached.insert(file) {
                next.extend(uses.get(file).into_iter().flatten().map(String::as_str));
            }
        }
        if reached.contains(start) {
            circles.insert(*start);
        }
    }
    assert!(circles.is_empty(), "in circles: {circles:?}");
}
