//! The page in a real browser: headless Chromium loads it, and what it then says of itself is checked. Needs `chromium` on the
//! path: CI installs it and fails without it, elsewhere the tests say that they are skipped.

#![expect(clippy::print_stderr, reason = "a skipped test says so, and a measured one says its figure")]

mod pages;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use personaform::plan::Plan;
use personaform::report;
use serde_json::{Value, json};

use crate::pages::all_pages;

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
    // From the start of the navigation to the load event, with a layout of the whole page after it.
    let probe = "const t = performance.getEntriesByType('navigation')[0]; document.body.offsetHeight; \
                 return {ms: performance.now() - t.startTime, changes: document.querySelectorAll('article').length}";
    // The other tests and other programs load the machine too: the quickest of a few says what the page needs, and where all of
    // them are slow, a few more are tried.
    let mut quickest = f64::INFINITY;
    for attempt in 0..16 {
        if attempt >= 3 && quickest < 1_000.0 {
            break;
        }
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

#[test]
fn every_text_stands_out_from_its_ground_in_the_light_and_in_the_dark() {
    // Colours as Chromium computes them, translucent grounds laid over each other; WCAG 2.2 asks for 4.5, and 3 for large text.
    let probe = "
        const parse = c => { const n = c.match(/[\\d.]+(e-?\\d+)?/g).map(Number); const scale = c.startsWith('color') ? 255 : 1;
            return [n[0]*scale, n[1]*scale, n[2]*scale, n.length > 3 ? n[3] : 1] };
        const over = (top, under) => [0,1,2].map(i => top[i]*top[3] + under[i]*(1-top[3])).concat([1]);
        const ground = e => { const layers = []; for (let at = e; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
            return layers.reverse().reduce((under, top) => over(top, under), [255,255,255,1]) };
        const light = c => { const [r,g,b] = c.map(v => { v /= 255; return v <= 0.04045 ? v/12.92 : ((v+0.055)/1.055)**2.4 });
            return 0.2126*r + 0.7152*g + 0.0722*b };
        document.querySelectorAll('details').forEach(d => d.open = true);
        const faint = new Set(); let texts = 0; let least = 99;
        const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walk.nextNode()) { const e = walk.currentNode.parentElement; if (!walk.currentNode.data.trim() || e.closest('script,.nothing,.skip')) continue;
            const style = getComputedStyle(e); const under = ground(e); const ink = over(parse(style.color), under);
            let see = 1; for (let at = e; at; at = at.parentElement) see *= Number(getComputedStyle(at).opacity);
            const [a, b] = [light(over([...ink.slice(0,3), see], under)), light(under)]; const ratio = (Math.max(a,b)+0.05)/(Math.min(a,b)+0.05);
            const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
            texts++; least = Math.min(least, ratio); if (ratio < (large ? 3 : 4.5)) faint.add(`${e.tagName}.${e.className} in .${e.parentElement.className}: ${ratio.toFixed(2)}`) }
        return {texts, least, faint: [...faint]}";
    for page in all_pages() {
        for scheme in ["0", "1"] {
            let flag = format!("--blink-settings=preferredColorScheme={scheme}");
            let Some(found) = answer(&page, probe, &[&flag]) else { return };
            assert!(found["texts"].as_u64().expect("a number") > 5, "{found}");
            assert_eq!(found["faint"], json!([]), "scheme {scheme}");
            eprintln!("scheme {scheme}: {} texts, the least contrast is {}", found["texts"], found["least"]);
        }
    }
}

#[test]
fn every_control_can_be_reached_by_keyboard_shows_its_focus_and_has_a_name() {
    let probe = "
        const controls = [...document.querySelectorAll('a[href],input,summary,[tabindex]')];
        const name = e => (e.getAttribute('aria-label') || (e.labels && [...e.labels].map(l => l.textContent).join(' ')) || e.value && e.type === 'reset' && e.value ||
            (e.getAttribute('aria-labelledby') && document.getElementById(e.getAttribute('aria-labelledby')).textContent) || e.textContent || '').trim();
        // A browser without a window matches :focus-visible when it likes, so an attribute stands for it, at the rule's own place.
        const sheet = document.styleSheets[0];
        const at = [...sheet.cssRules].findIndex(rule => rule.selectorText === ':focus-visible');
        sheet.insertRule('[data-focused] {' + sheet.cssRules[at].style.cssText + '}', at + 1);
        const wrong = [];
        for (const e of controls) {
            e.focus(); e.setAttribute('data-focused', '');
            const style = getComputedStyle(e);
            const hidden = style.visibility === 'hidden';
            if (!hidden && document.activeElement !== e) wrong.push('no focus: ' + e.outerHTML.slice(0, 90));
            if (!hidden && (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2)) wrong.push('focus not seen: ' + e.outerHTML.slice(0, 90));
            if (e.tabIndex < 0) wrong.push('not in the order: ' + e.outerHTML.slice(0, 90));
            if (!name(e)) wrong.push('no name: ' + e.outerHTML.slice(0, 90));
        }
        for (const s of document.querySelectorAll('summary')) { const before = s.parentElement.open; s.click();
            if (s.parentElement.open === before) wrong.push('does not fold: ' + s.textContent) }
        const headings = [...document.querySelectorAll('h1,h2,h3,h4,h5')].map(h => Number(h.tagName[1]));
        headings.forEach((level, at) => { if (at && level > headings[at-1] + 1) wrong.push('a heading is left out before ' + at) });
        const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
        if (new Set(ids).size !== ids.length) wrong.push('an id stands twice');
        for (const a of document.querySelectorAll('a[href]')) if (!document.querySelector(a.getAttribute('href'))) wrong.push('leads nowhere: ' + a.outerHTML);
        return {controls: controls.length, mains: document.querySelectorAll('main').length, language: document.documentElement.lang, wrong}";
    for (page, least) in all_pages().iter().zip([20, 20, 1, 0]) {
        let Some(found) = answer(page, probe, &[]) else { return };
        assert_eq!(found["wrong"], json!([]));
        assert_eq!((&found["mains"], &found["language"]), (&json!(1), &json!("en")));
        assert!(found["controls"].as_u64().expect("a number") >= least, "{found}");
    }
}

#[test]
fn paper_shows_every_text_and_no_control() {
    // The rules for paper, applied to the screen: what they hide and what they open can then be asked for.
    let probe = "
        const sheet = document.styleSheets[0];
        const paper = [...sheet.cssRules].filter(rule => rule.media && rule.media.mediaText === 'print').flatMap(rule => [...rule.cssRules].map(r => r.cssText));
        const off = [...sheet.cssRules].filter(rule => rule.media && rule.media.mediaText.startsWith('screen'));
        for (const rule of off) sheet.deleteRule([...sheet.cssRules].indexOf(rule));
        for (const rule of paper) sheet.insertRule(rule, sheet.cssRules.length);
        const closed = [...document.querySelectorAll('details:not([open])')];
        const unseen = closed.filter(d => d.querySelector('summary + *').getBoundingClientRect().height < 10).length;
        const cut = [...document.querySelectorAll('.sheet,pre,.change')].filter(e => e.scrollHeight > e.clientHeight + 2 && getComputedStyle(e).overflowY !== 'visible').length;
        const controls = [...document.querySelectorAll('input,.skip')].filter(e => e.getClientRects().length).length;
        return {rules: paper.length, closed: closed.length, unseen, cut, controls}";
    for (page, folds) in all_pages().iter().zip([3, 3, 1, 0]) {
        let Some(found) = answer(page, probe, &["--blink-settings=preferredColorScheme=0"]) else { return };
        assert!(found["rules"].as_u64() > Some(5) && found["closed"].as_u64() >= Some(folds), "{found}");
        assert_eq!((&found["unseen"], &found["cut"], &found["controls"]), (&json!(0), &json!(0), &json!(0)), "{found}");
    }
}
