//! The page in a real browser: headless Chromium loads it, and what it then says of itself is checked. Needs `chromium` on the
//! path: CI installs it and fails without it, elsewhere the tests say that they are skipped.

#![expect(clippy::print_stderr, reason = "a skipped test says so, and a measured one says its figure")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use personaform::plan::Plan;
use personaform::report;
use serde_json::{Value, json};

/// Runs Chromium on a file; none where there is no Chromium and nobody insists.
fn chromium(page: &Path, flags: &[&str]) -> Option<(String, Duration)> {
    let profile = tempfile::tempdir().expect("a folder");
    let begun = Instant::now();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(flags)
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some((String::from_utf8_lossy(&output.stdout).into_owned(), begun.elapsed()))
        }
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: chromium does not run here ({error}); CI installs it");
            None
        }
        Err(error) => panic!("chromium does not run: {error}"),
    }
}

/// A page with a script of the test's in it, which the page's own policy would not let run.
fn probed(page: &str, probe: &str) -> String {
    let policy = page.find("<meta http-equiv=\"Content-Security-Policy\"").expect("a policy");
    let end = policy + page[policy..].find('>').expect("an end") + 1;
    let open = format!("{}{}", &page[..policy], &page[end..]);
    open.replace("</body>", &format!("<script>addEventListener('load',()=>{{{probe}}})</script></body>"))
}

/// What a probe writes into the title of the page.
fn answer(page: &str, probe: &str, flags: &[&str]) -> Option<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("page.html");
    std::fs::write(&path, probed(page, &format!("document.title = JSON.stringify((()=>{{{probe}}})())"))).expect("written");
    let (dom, _) = chromium(&path, &[&["--dump-dom"], flags].concat())?;
    let (_, after) = dom.split_once("<title>").expect("a title");
    let title =
        after.split_once("</title>").expect("an end").0.replace("&quot;", "\"").replace("&lt;", "<").replace("&amp;", "&");
    Some(serde_json::from_str(&title).unwrap_or_else(|error| panic!("{error}: {title}")))
}

fn plan_of(changes: Vec<Value>) -> Plan {
    let summary =
        json!({"create": 0, "update": changes.len(), "delete": 0, "adopt": 0, "forget": 0, "move": 0, "unchanged": 3});
    let basis = json!({"lineage": "l", "serial": 1, "accounts": {}});
    serde_json::from_value(json!({"format_version": "1.0", "summary": summary, "changes": changes, "basis": basis}))
        .expect("a plan")
}

fn change(account: &str, key: &str, action: &str, reason: &str, edits: Value) -> Value {
    json!({"address": format!("{account}.{key}"), "provider": account, "action": action, "id": format!("id-{key}"), "name": "Ada",
        "reason": reason, "edits": edits, "notes": [], "requests": []})
}

fn prompt(key: usize) -> String {
    let mut text = String::new();
    for line in 0..80 {
        let _ = writeln!(text, "- Rule {line} of persona {key}: answer briefly, and ask whether it helped the caller.");
    }
    text
}

/// Half of the personas of a company change, at three services each.
fn large() -> Plan {
    let changes = (0..100).flat_map(|key| {
        let old = prompt(key);
        let new = old.replace("Rule 7 ", "Rule seven ").replace("Rule 41 ", "Rule 42 ").replace("Rule 70 ", "");
        let edits = |path: &str| json!([{"path": path, "from": old, "to": new, "reason": "declared"}]);
        let name = format!("persona-{key:03}");
        [
            change("anam", &name, "update", "declared", edits("/systemPrompt")),
            change("bland", &name, "update", "declared", edits("/personality_prompt")),
            change(
                "tavus",
                &name,
                "update",
                "drifted",
                json!([{"path": "/greeting", "from": "Hi", "to": "Hello", "reason": "drifted"}]),
            ),
        ]
    });
    plan_of(changes.collect())
}

#[test]
fn a_hundred_personas_open_in_less_than_a_second() {
    let page = report::html::plan(&large(), false);
    let probe = "const t = performance.getEntriesByType('navigation')[0]; document.body.offsetHeight; \
                 return {ms: performance.now(), load: t.loadEventStart, changes: document.querySelectorAll('article').length}";
    // The other tests and other programs load the machine too: the quickest of a few says what the page needs.
    let mut quickest = f64::INFINITY;
    for _ in 0..4 {
        let Some(found) = answer(&page, probe, &["--window-size=1280,800"]) else { return };
        assert_eq!(found["changes"], json!(300));
        quickest = quickest.min(found["ms"].as_f64().expect("a number"));
    }
    eprintln!("{} KiB in {quickest} ms", page.len() / 1024);
    assert!(quickest < 1_000.0, "{quickest} ms");
}

fn small() -> Plan {
    let arabic = json!([{"path": "/greeting", "from": "أهلًا وسهلًا في دبي", "to": "أهلًا بكم في دبي 🚲", "reason": "declared"}]);
    let prompt = json!([
        {"path": "/prompt", "from": "Be kind.\nAsk once.\nBye.\n", "to": "Be calm.\nAsk once.\nBye.\n", "reason": "declared"},
        {"path": "/voice", "from": "June", "to": "Maya", "reason": "drifted"},
    ]);
    let wide = json!([{"path": "/url", "from": "x".repeat(400), "to": "y".repeat(400), "reason": "declared"}]);
    plan_of(vec![
        change("tavus", "ada", "update", "declared", prompt),
        change("anam", "ada", "update", "declared", arabic),
        change("bland", "bea", "delete", "removed", json!([])),
        change("bland", "cyd", "update", "declared", wide),
    ])
}

#[test]
fn nothing_is_wider_than_the_screen_and_right_to_left_text_begins_at_the_right() {
    let page = report::html::plan(&small(), false);
    let probe = "const cell = [...document.querySelectorAll('.t')].find(t => t.textContent.includes('بكم')); \
                 return {wide: document.documentElement.scrollWidth - innerWidth, direction: getComputedStyle(cell).direction, \
                 kind: getComputedStyle([...document.querySelectorAll('.t')].find(t => t.textContent.includes('kind'))).direction}";
    for window in ["--window-size=500,844", "--window-size=1280,800"] {
        let Some(found) = answer(&page, probe, &[window]) else { return };
        assert!(found["wide"].as_f64().expect("a number") <= 0.0, "{window}: {found}");
        assert_eq!((&found["direction"], &found["kind"]), (&json!("rtl"), &json!("ltr")), "{window}");
    }
}

#[test]
fn filters_hide_what_none_of_them_shows_and_a_reset_brings_it_back() {
    let page = report::html::plan(&small(), false);
    // The boxes of the form in order: providers anam, bland, tavus; actions update, delete; reasons declared, drifted, removed.
    let probe = "const shown = () => [...document.querySelectorAll('article')].filter(a => a.offsetParent !== null || \
                   getComputedStyle(a).display !== 'none').map(a => a.querySelector('.address').textContent); \
                 const personas = () => [...document.querySelectorAll('.persona')].filter(s => getComputedStyle(s).display !== 'none').length; \
                 const set = (word, on) => { for (const l of document.querySelectorAll('.filters label')) \
                   if (l.textContent === word) document.getElementById(l.htmlFor).checked = on }; \
                 const all = shown(); \
                 set('bland', false); const bland = [shown(), personas()]; \
                 set('bland', true); set('declared', false); const declared = [shown(), personas()]; \
                 set('drifted', false); set('removed', false); \
                 const none = [shown(), getComputedStyle(document.querySelector('.nothing')).display]; \
                 document.querySelector('.filters').reset(); return {all, bland, declared, none, reset: shown()}";
    let Some(found) = answer(&page, probe, &[]) else { return };
    let all = json!(["tavus.ada", "anam.ada", "bland.bea", "bland.cyd"]);
    assert_eq!(found["all"], all);
    assert_eq!(found["bland"], json!([["tavus.ada", "anam.ada"], 1]));
    assert_eq!(found["declared"], json!([["tavus.ada", "bland.bea"], 2]));
    assert_eq!(found["none"], json!([[], "block"]));
    assert_eq!(found["reset"], all);
}

#[test]
fn a_page_with_hostile_content_holds_no_element_of_it() {
    let text = "</pre></style><script>document.title='owned'</script><img src=x onerror=alert(1)>\" onclick=\"x";
    let edits = json!([{"path": "/prompt", "from": text, "to": format!("{text}\n{text}"), "reason": "declared"}]);
    let mut hostile = change("tavus", "ada", "update", "declared", edits);
    hostile["notes"] = json!([text]);
    hostile["id"] = json!(text);
    let page = report::html::plan(&plan_of(vec![hostile]), true);
    let probe = "return {scripts: document.scripts.length, images: document.images.length, \
                 handlers: document.querySelectorAll('[onclick],[onerror]').length, text: document.body.textContent.includes('<img src=x')}";
    let Some(found) = answer(&page, probe, &[]) else { return };
    // The one script is the probe.
    assert_eq!(found, json!({"scripts": 1, "images": 0, "handlers": 0, "text": true}));
}

#[test]
fn the_dark_is_dark_and_the_light_is_light() {
    let page = report::html::plan(&small(), false);
    let probe = "return {page: getComputedStyle(document.body).backgroundColor, ink: getComputedStyle(document.body).color}";
    let light = |value: &Value| -> u32 {
        let numbers = value.as_str().expect("a colour").trim_start_matches("rgb(").trim_end_matches(')');
        numbers.split(", ").map(|number| number.parse::<u32>().expect("a number")).sum()
    };
    for (scheme, is_dark) in [("0", true), ("1", false)] {
        let flag = format!("--blink-settings=preferredColorScheme={scheme}");
        let Some(found) = answer(&page, probe, &[&flag]) else { return };
        assert_eq!(light(&found["page"]) < light(&found["ink"]), is_dark, "{found}");
    }
}
