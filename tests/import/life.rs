//! The whole way: an account made by hand is imported, planned empty, edited as in a dashboard, seen drifting, pulled, planned empty,
//! and git shows the lines that had to change and no others.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use crate::services::{Services, locked};
use crate::support::Project;
use crate::take::{everything_at_anam, everything_at_bland, everything_at_tavus};

/// Names that people and other programs give: other scripts, right to left, signs, paths, words of file systems and of YAML, one
/// another's doubles.
fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "Support Guide",
        "support guide",
        "Support Guide",
        "Support/Guide!",
        "🚲",
        "Zoë サポート",
        "مرحبا بك",
        "\u{202e}live\u{202c}",
        "../../etc/passwd",
        ".hidden",
        "con",
        "LPT1",
        "no",
        "012",
        "---",
        "?!;,.",
        "  padded  ",
        "a\tb\u{7}",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("long".repeat(50));
    names
}

/// Prompts that editors, git or YAML would change if they could.
const PROMPTS: [&str; 19] = [
    "Be kind.\r\nBe brief.\r\nSay {{name}}.\r\n",
    "trailing   \n\ttab first\n\n  - item  \n",
    "no",
    "012",
    "---\nname: Eve\n...\n",
    "one line without an end, long enough that it does not stand in the persona file but in a file of its own, as all such do",
    "many ends\n\n\n\n",
    "a\u{0}b\u{1}c\nd\u{7f}",
    "{{x}} and ${y} and {% z %}\n# not a comment\n",
    "\n\nstarts late",
    " leading blank\nsecond",
    "\u{feff}mark\nsecond",
    "null",
    "1e3",
    "'quoted' \"twice\"",
    "key: value # hash",
    "mixed\nends\r\nhere\r",
    "- a\n- b",
    "{ $file: ../secrets }",
];

/// 61 personas at three services, and stock ones in two of the lists.
fn account_made_by_hand() -> (Services, BTreeMap<String, String>) {
    let services = Services::start();
    let mut ids = BTreeMap::new();
    for (index, (name, prompt)) in names().iter().zip(PROMPTS).enumerate() {
        let id = services
            .at_tavus(json!({"persona_name": name, "system_prompt": prompt, "layers": {"llm": {"model": "tavus-gpt-5.2"}}}));
        ids.insert(format!("tavus {index}"), id);
        // What is alike at several services is merged where that is asked for, and what differs stays apart.
        let id = services.at_anam(name, json!({"systemPrompt": prompt, "description": format!("{name} #{index}: [yes]")}));
        ids.insert(format!("anam {index}"), id);
        let id = services.at_bland(name, json!({"personality_prompt": format!("{prompt}!"), "tags": ["no", "1.0", ""]}));
        ids.insert(format!("bland {index}"), id);
    }
    let id = services.at_tavus(everything_at_tavus());
    locked(&services.tavus).age(&id);
    ids.insert("tavus everything".to_owned(), id);
    let id = services.at_anam("Everything", everything_at_anam());
    locked(&services.anam).alter(&id, |persona| {
        persona.insert("widgetConfig".to_owned(), json!({"callToAction": "Talk", "new": 1}));
    });
    ids.insert("anam everything".to_owned(), id);
    let id = services.at_bland("Everything", everything_at_bland());
    locked(&services.bland).edit_draft(&id, "skills", json!([{"id": "s1"}]));
    locked(&services.bland).promote_draft(&id);
    ids.insert("bland everything".to_owned(), id);
    ids.insert("tavus unnamed".to_owned(), services.at_tavus(json!({"system_prompt": "Nobody.", "layers": {}})));
    (services, ids)
}

/// Git in a project's folder, with nobody's settings.
#[track_caller]
fn git(project: &Project, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "core.autocrlf=false"])
        .args(["-c", "core.quotepath=false"])
        .args(arguments)
        .current_dir(project.folder.path())
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")])
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn commit(project: &Project, message: &str) {
    git(project, &["add", "-A"]);
    git(project, &["commit", "-q", "-m", message]);
}

/// The lines that went and came since the last commit, below the file that they stand in; state is no text for people.
fn changed(project: &Project) -> String {
    let diff = git(project, &["diff", "-U0", "--text", "--no-color", "--no-ext-diff", "--", ".", ":!.personaform"]);
    let mut lines = String::new();
    for line in diff.split_inclusive('\n') {
        if let Some(path) = line.strip_prefix("+++ b/") {
            lines.push_str(path);
        } else if !line.starts_with("---") && line.starts_with(['+', '-']) {
            lines.push_str(&line.replace('\r', "␍").replace('\u{7f}', "␡"));
        }
    }
    lines
}

#[track_caller]
fn plan_is_empty(project: &Project) {
    let run = project.run(&["plan", "--detailed-exitcode"]).ends(0);
    assert!(run.stdout.starts_with("No changes."), "{}", run.stdout);
}

/// What colleagues do in dashboards: managed fields, and some that nobody manages.
fn edit_in_dashboards(services: &Services, ids: &BTreeMap<String, String>) {
    let tavus = |which: &str, pointer: &str, value: Value| {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        let change = |persona: &mut Value| persona.pointer_mut(parent).expect("there")[name] = value;
        assert!(locked(&services.tavus).alter(&ids[which], change));
    };
    let anam = |which: &str, field: &str, value: Value| {
        assert!(locked(&services.anam).alter(&ids[which], |persona| drop(persona.insert(field.to_owned(), value))));
    };
    // Carriage returns in a prompt: the middle line, and only it.
    tavus("tavus 0", "/system_prompt", json!("Be kind.\r\nBe very brief.\r\nSay {{name}}.\r\n"));
    tavus("tavus 1", "/system_prompt", json!("trailing   \n\ttab first\n\n  - another  \n"));
    tavus("tavus 2", "/system_prompt", json!("yes"));
    tavus("tavus 6", "/system_prompt", json!("many ends\n\n\n"));
    tavus("tavus 7", "/system_prompt", json!("a\u{0}b\u{1}c\nd\u{7f}e"));
    tavus("tavus 16", "/system_prompt", json!("mixed\nends, changed\r\nhere\r"));
    tavus("tavus 12", "/system_prompt", json!("null\nand: more\n"));
    tavus("tavus 13", "/persona_name", json!("1e3"));
    tavus("tavus 9", "/layers/llm/model", json!("tavus-gpt-4o"));
    tavus("tavus everything", "/layers/llm/extra_body/temperature", json!(0.25));
    tavus("tavus everything", "/layers/stt/hotwords", Value::Null);
    tavus("tavus everything", "/document_tags", json!(["no", "1.0", "---"]));
    tavus("tavus everything", "/maker_notes", json!("seen by nobody"));
    tavus("tavus 10", "/layers/tts", json!({"tts_engine": "cartesia"}));
    anam("anam 3", "description", json!("say: \"hi\" # not a comment"));
    anam("anam 8", "systemPrompt", json!("{{x}} and ${y} and {% z %}\n# not a comment!\n"));
    anam("anam everything", "voiceDetectionOptions", {
        let mut options = everything_at_anam()["voiceDetectionOptions"].clone();
        options["silenceBeforeSkipTurnSeconds"] = json!(0);
        options
    });
    anam("anam everything", "languageCode", json!("no"));
    let mut bland = locked(&services.bland);
    let mut config = everything_at_bland()["call_config"].clone();
    config["record"] = json!(false);
    assert!(bland.edit_draft(&ids["bland everything"], "call_config", config));
    assert!(bland.promote_draft(&ids["bland everything"]));
    assert!(bland.edit_draft(&ids["bland 4"], "personality_prompt", json!("---\nname: Mallory\n...\n!")));
    assert!(bland.promote_draft(&ids["bland 4"]));
    assert!(bland.alter(&ids["bland 5"], "tags", json!(["no", "2.0", ""])));
}

/// What a pull has to change where every object has a file of its own.
const APART: &str = r#"personas/012.yaml
-name: "012"
+name: "1e3"
personas/everything-2.yaml
-    languageCode: fr
+    languageCode: "no"
-      silenceBeforeSkipTurnSeconds: 5
+      silenceBeforeSkipTurnSeconds: 0
personas/everything-3.yaml
-      record: true
+      record: false
personas/everything.yaml
+      - "---"
-          temperature: 0.7
+          temperature: 0.25
-        hotwords: Tidewheel, e-bike
personas/hidden.yaml
-        model: tavus-gpt-5.2
+        model: tavus-gpt-4o
personas/no.yaml
-prompt: "null"
+prompt: |
+  null
+  and: more
personas/prompts/00000000-0000-4000-8000-000000000019.md
-name: Eve
+name: Mallory
personas/prompts/etc-passwd-2.md
-# not a comment
+# not a comment!
personas/prompts/live.md
-d␡
+d␡e
personas/prompts/p0000000000d.md
-
personas/prompts/padded.md
-ends␍
+ends, changed␍
personas/prompts/support-guide-2.md
-  - item  
+  - another  
personas/prompts/support-guide.md
-Be brief.␍
+Be very brief.␍
personas/support-guide-3.yaml
-prompt: "no"
+prompt: "yes"
personas/support-guide-8.yaml
-description: "Support/Guide! #3: [yes]"
+description: "say: \"hi\" # not a comment"
personas/zo-3.yaml
-      - "1.0"
+      - "2.0"
"#;

/// The same where objects of one name share a file: a name that changed at one of them stands in its section alone.
const MERGED: &str = r#"personas/012.yaml
+    persona_name: "1e3"
personas/everything.yaml
+      - "---"
-          temperature: 0.7
+          temperature: 0.25
-        hotwords: Tidewheel, e-bike
-    languageCode: fr
+    languageCode: "no"
-      silenceBeforeSkipTurnSeconds: 5
+      silenceBeforeSkipTurnSeconds: 0
-      record: true
+      record: false
personas/hidden.yaml
-        model: tavus-gpt-5.2
+        model: tavus-gpt-4o
personas/no.yaml
-    system_prompt: "null"
+    system_prompt: |
+      null
+      and: more
personas/prompts/etc-passwd.anam.md
-# not a comment
+# not a comment!
personas/prompts/live.tavus.md
-d␡
+d␡e
personas/prompts/p00000000009.bland.md
-name: Eve
+name: Mallory
personas/prompts/p0000000000d.tavus.md
-
personas/prompts/padded.tavus.md
-ends␍
+ends, changed␍
personas/prompts/support-guide-2.tavus.md
-  - item  
+  - another  
personas/prompts/support-guide.md
-Be brief.␍
+Be very brief.␍
personas/support-guide-3.yaml
-prompt: "no"
+prompt: "yes"
personas/support-guide-4.yaml
-    description: "Support/Guide! #3: [yes]"
+    description: "say: \"hi\" # not a comment"
personas/zo.yaml
-      - "1.0"
+      - "2.0"
"#;

/// Imports, edits, pulls; gives the lines that git shows.
fn lived(flags: &[&str], drifted: usize) -> String {
    let (services, ids) = account_made_by_hand();
    let project = services.project(&[]);
    git(&project, &["init", "-q"]);
    project.write(".gitignore", "/.personaform/*.lock\n/.personaform/*.backup\n");
    let before = services.stores();
    let arguments = [&["--format", "json", "import", "tavus,anam,bland", "--all"], flags].concat();
    let report = project.run(&arguments).ends(0).json();
    assert_eq!(report["imported"].as_array().map(Vec::len), Some(61), "{report:#}");
    assert_eq!((&report["refused"], &report["plan"]), (&json!([]), &json!({"empty": true, "open": []})), "{report:#}");
    plan_is_empty(&project);
    project.run(&["fmt", "--check"]).ends(0);
    assert_eq!(services.stores(), before, "an import only reads");
    commit(&project, "import");
    // Once more, either way, there is nothing left to take.
    for flags in [&[][..], &["--merge"]] {
        let again = project.run(&[&["import", "tavus,anam,bland", "--all"], flags].concat()).ends(0).stdout;
        assert!(again.contains("Imported 0 personas into 0 files, 61 managed already."), "{again}");
    }
    assert_eq!(git(&project, &["status", "--porcelain"]), "");
    // Git and another checkout give back the bytes that were imported.
    git(&project, &["clone", "-q", ".", "elsewhere"]);
    for (path, bytes) in project.everything() {
        let below = path.strip_prefix(project.folder.path()).expect("below");
        if below.starts_with("personas") {
            assert_eq!(std::fs::read(project.path("elsewhere").join(below)).expect("cloned"), bytes, "{}", below.display());
        }
    }
    std::fs::remove_dir_all(project.path("elsewhere")).expect("removed");

    edit_in_dashboards(&services, &ids);
    let edited = services.stores();
    let drift = project.run(&["--format", "json", "drift"]).ends(2).json();
    assert_eq!(drift["summary"]["changed"], drifted, "{drift:#}");
    assert!(project.run(&["drift"]).ends(2).stdout.contains("personaform pull"));
    let shown = project.run(&["pull", "--dry-run"]).ends(0);
    assert_eq!(git(&project, &["status", "--porcelain"]), "", "{}", shown.stdout);
    project.run(&["pull", "-y"]).ends(0);
    plan_is_empty(&project);
    project.run(&["drift"]).ends(0);
    assert_eq!(services.stores(), edited, "a pull only reads");
    project.run(&["fmt", "--check"]).ends(0);
    let lines = changed(&project);
    commit(&project, "pull");
    project.run(&["pull", "-y"]).ends(0);
    assert_eq!(git(&project, &["status", "--porcelain"]), "");
    lines
}

#[test]
fn an_account_made_by_hand_lives_on_in_git() {
    assert_eq!(lived(&[], 16), APART);
}

#[test]
fn an_account_made_by_hand_lives_on_in_git_merged() {
    assert_eq!(lived(&["--merge"], 16), MERGED);
}
