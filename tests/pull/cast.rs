//! The example cast, applied, changed elsewhere in every way, and pulled.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use crate::support::Project;
use crate::{changed, elsewhere, id, planned_empty};

/// All files that people write.
fn files(project: &Project) -> BTreeMap<PathBuf, String> {
    let all = project.everything().into_iter();
    let own = all.filter(|(path, _)| !path.to_string_lossy().contains(".personaform/"));
    own.map(|(path, bytes)| {
        let path = path.strip_prefix(project.folder.path()).expect("below").to_path_buf();
        (path, String::from_utf8(bytes).expect("UTF-8"))
    })
    .collect()
}

#[test]
fn the_cast_is_pulled_with_the_lines_that_had_to_change_and_no_others() {
    let project = Project::example();
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    let before = files(&project);
    let tavus = |name: &str| format!("/v2/personas/{}", id(&project, name));
    let anam = |name: &str| format!("/v1/personas/{}", id(&project, name));
    let bland = |name: &str, more: &str| format!("/v1/personas/{}{more}", id(&project, name));
    elsewhere(
        &project,
        &[
            (
                "tavus",
                "PATCH",
                &tavus("tavus.support-guide"),
                json!([
                    { "op": "replace", "path": "/greeting", "value": "Hello: \"you\" # there" },
                    { "op": "replace", "path": "/document_tags", "value": ["plans", "invoices", "repairs"] },
                    { "op": "replace", "path": "/layers/llm/extra_body/temperature", "value": 0.25 },
                    { "op": "replace", "path": "/layers/conversational_flow/idle_engagement", "value": "always" },
                    { "op": "remove", "path": "/layers/stt/hotwords" },
                ]),
            ),
            (
                "anam",
                "PUT",
                &anam("anam.support-guide"),
                json!({
                    "voiceDetectionOptions": {
                        "endOfSpeechSensitivity": 0.7, "silenceBeforeAutoEndTurnSeconds": 2.5, "silenceBeforeSessionEndSeconds": 300,
                    },
                    "languageCode": "de",
                }),
            ),
            (
                "bland",
                "PATCH",
                &bland("bland.support-guide", ""),
                json!({ "name": "Support Guide", "tags": ["support", "app", "new"] }),
            ),
            ("bland", "POST", &bland("bland.support-guide", "/versions/promote"), json!({})),
        ],
    );
    let run = project.run(&["--sandbox", "pull", "-y"]).ends(0);
    let mut lines = String::new();
    for (path, text) in &files(&project) {
        let diff = changed(&before[path], text);
        if !diff.is_empty() {
            lines.push_str(&format!("{}\n{diff}", path.display()));
        }
    }
    let wanted = r#"personas/support-guide.yaml
-    greeting: "Hi, I'm the Support Guide. What can I look up for you?"
-    document_tags: [plans, repairs]
+    greeting: "Hello: \"you\" # there"
+    document_tags: [plans, invoices, repairs]
-        extra_body: { temperature: 0.3, top_p: 0.9 }
+        extra_body: { temperature: 0.25, top_p: 0.9 }
-        hotwords: "Tidewheel is the company; City and Cargo are its bikes."
-        idle_engagement: "off"                # in quotes, for some YAML tools read a bare off as false
+        idle_engagement: "always"                # in quotes, for some YAML tools read a bare off as false
-    languageCode: en
+    languageCode: de
-      endOfSpeechSensitivity: 0.6
+      endOfSpeechSensitivity: 0.7
-    tags: [support, app]
+    tags: [support, app, new]
"#;
    assert_eq!(lines, wanted, "{run:?}");
    assert!(run.stdout.ends_with("Pulled 8 values into 1 file.\n"), "{}", run.stdout);
    planned_empty(&project);
}

#[test]
fn a_prompt_of_pieces_is_written_into_the_piece_that_changed() {
    let project = Project::example();
    // Without the target that cannot be read, every target that uses the prompt can agree.
    let text = project.read("personas/support-guide.yaml");
    project.write("personas/support-guide.yaml", &text[..text.find("  opengiant:").expect("a target")]);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    let before = files(&project);
    let piece = |name: &str| before[&PathBuf::from(format!("personas/prompts/{name}.md"))].trim_end_matches('\n').to_owned();
    let line = "You do not change bank details";
    let prompt =
        format!("{}\n\n{}", piece("house-rules"), piece("support-guide")).replace(line, "You 🙂 never change bank details");
    let bland = format!("/v1/personas/{}", id(&project, "bland.support-guide"));
    elsewhere(
        &project,
        &[
            (
                "tavus",
                "PATCH",
                &format!("/v2/personas/{}", id(&project, "tavus.support-guide")),
                json!([
                    { "op": "replace", "path": "/system_prompt", "value": prompt },
                ]),
            ),
            ("anam", "PUT", &format!("/v1/personas/{}", id(&project, "anam.support-guide")), json!({ "systemPrompt": prompt })),
            ("bland", "PATCH", &bland, json!({ "name": "Support Guide", "personality_prompt": prompt })),
            ("bland", "POST", &format!("{bland}/versions/promote"), json!({})),
        ],
    );
    project.run(&["--sandbox", "pull", "-y"]).ends(0);
    for (path, text) in &files(&project) {
        let diff = changed(&before[path], text);
        if path.ends_with("support-guide.md") {
            assert_eq!(diff.lines().count(), 2, "{diff}");
            assert!(diff.contains("+You 🙂 never change bank details"), "{diff}");
        } else {
            assert_eq!(diff, "", "{}", path.display());
        }
    }
    planned_empty(&project);
}
