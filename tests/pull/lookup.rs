//! Names instead of ids.

use serde_json::json;

use crate::support::Project;
use crate::{elsewhere, id, planned_empty};

const ACCOUNTS: &str = "accounts: { anam: {}, bland: {}, tavus: {} }\n";

const PERSONA: &str = r#"name: Ada
prompt: Be kind.
targets:
  tavus:
    default_replica_id: { $lookup: { replica: Rio } }
    document_ids: [{ $lookup: { document: Manual 107 } }]
    guardrail_ids:
      - $lookup: { guardrail: no_discounts }
  anam:
    avatarId: { $lookup: { avatar: Liv/office } }
    voiceId: { $lookup: { voice: "Lucy - Fresh & Casual" } }
    llmId: { $lookup: { llm: GPT-4o } }
    toolIds: [{ $lookup: { tool: find_bike } }, e0000000-0000-4000-8000-000000000001]
  bland:
    call_config: { voice: { $lookup: { voice: Florian } } }
    default_tools: [{ $lookup: { tool: OpenTicket } }]
    kb_ids: [{ $lookup: { knowledge_base: Plans 2026 } }]
"#;

fn project(persona: &str) -> Project {
    Project::new(&[("personaform.yaml", ACCOUNTS), ("personas/ada.yaml", persona)])
}

#[test]
fn names_become_ids_in_plans_which_show_both() {
    let project = project(PERSONA);
    for key in ["TAVUS_API_KEY", "ANAM_API_KEY", "BLAND_API_KEY"] {
        assert!(!project.read("personas/ada.yaml").contains(key));
    }
    project.run(&["validate"]).ends(0);
    let plan = project.run(&["--sandbox", "--format", "json", "plan"]).ends(0).json();
    let text = plan.to_string();
    for id in [
        "r90bbd427f71",
        "d0000000006b",
        "g1234567890ac",
        "071b0286-0000-4000-8000-000000000002",
        "de23e340-1416-4dd8-977d-065a7ca11697",
        "a7cf662c-2ace-4de1-a21e-ef0fbf144bb7",
        "c2a9d8e4-17b3-4f65-8e0d-93b6a5f1d472",
        "0e6f2f3a-0000-4000-8000-000000000004",
        "TL-5da8347d-0ab7-415d-b156-a7fc5c6074dc",
        "KB-plans2026",
    ] {
        assert!(text.contains(id), "{id}");
    }
    assert!(!text.contains("$lookup"));
    let shown = project.run(&["--sandbox", "plan"]).ends(0).stdout;
    assert!(
        shown.contains("`/voiceId`: `de23e340-1416-4dd8-977d-065a7ca11697` is the voice \"Lucy - Fresh & Casual\""),
        "{shown}"
    );
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    planned_empty(&project);
}

#[test]
fn unknown_and_ambiguous_names_are_problems_at_their_line() {
    for (old, new, code, line, help) in [
        ("voice: \"Lucy - Fresh & Casual\"", "voice: Lucy", "unknown-name", "ada.yaml:11", "`Lucy - Fresh & Casual` (de23e340"),
        (
            "voice: \"Lucy - Fresh & Casual\"",
            "voice: June",
            "ambiguous-name",
            "ada.yaml:11",
            "5e5e5e5e-0000-4000-8000-000000000002",
        ),
        ("avatar: Liv/office", "avatar: Liv", "ambiguous-name", "ada.yaml:10", "`Liv/home` (071b0286"),
        ("tool: find_bike", "tool: find_station", "ambiguous-name", "ada.yaml:13", "e0000000-0000-4000-8000-000000000003"),
        ("avatar: Liv/office", "avatr: Liv/office", "unknown-kind", "ada.yaml:10", "kinds are `voice`, `avatar`"),
        ("{ $lookup: { llm: GPT-4o } }", "{ $lookup: GPT-4o }", "wrong-expression", "ada.yaml:12", "as in `{ $lookup:"),
        ("{ $lookup: { llm: GPT-4o } }", "{ $lookpu: { llm: GPT-4o } }", "unknown-expression", "ada.yaml:12", "$lookup"),
    ] {
        let project = project(PERSONA);
        project.edit("personas/ada.yaml", old, new);
        let run = project.run(&["--sandbox", "plan"]).ends(5);
        for wanted in [code, line, help] {
            assert!(run.stderr.contains(wanted), "{new}: {wanted}\n{}", run.stderr);
        }
        let offline = if code.ends_with("-name") { 0 } else { 5 };
        project.run(&["validate"]).ends(offline);
    }
}

#[test]
fn what_can_be_looked_up_is_listed_from_all_pages() {
    let project = project("name: Ada\nprompt: Hi.\ntargets: { bland: }\n");
    let list = |arguments: &[&str]| project.run(&[&["--sandbox", "list"], arguments].concat());
    let json = list(&["anam", "voices", "--match", "*lucy*", "--format", "json"]).ends(0).json();
    assert_eq!(
        json["items"],
        json!([{ "name": "Lucy - Fresh & Casual", "id": "de23e340-1416-4dd8-977d-065a7ca11697", "about": "ELEVENLABS, FEMALE, GB" }])
    );
    for (account, kind, count) in [
        ("anam", "voice", 124),
        ("anam", "avatar", 4),
        ("anam", "llm", 4),
        ("anam", "tool", 5),
        ("bland", "voice", 4),
        ("bland", "tool", 2),
        ("bland", "knowledge_base", 106),
        ("tavus", "replica", 4),
        ("tavus", "document", 110),
        ("tavus", "objectives", 1),
        ("tavus", "guardrail", 2),
        ("tavus", "guardrail_set", 1),
    ] {
        assert_eq!(list(&[account, kind]).ends(0).stdout.lines().count(), count, "{account} {kind}");
    }
    let unknown = list(&["bland", "avatar"]).ends(1).stderr;
    assert!(unknown.contains("kinds are `voice`, `tool`, `knowledge_base`"), "{unknown}");
    assert!(list(&["anm", "voice"]).ends(1).stderr.contains("`anam`"));
}

#[test]
fn a_drifted_id_is_pulled_as_the_name_that_leads_to_it() {
    let project = project(PERSONA);
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    let path = format!("/v1/personas/{}", id(&project, "anam.ada"));
    elsewhere(
        &project,
        &[("anam", "PUT", &path, json!({ "voiceId": "6bfbe25a-979d-40f3-a92b-5394170af54b", "avatarId": "elsewhere" }))],
    );
    let run = project.run(&["--sandbox", "pull", "-y"]).ends(3);
    assert!(run.stdout.contains("/avatarId: it is looked up, and no name of the kind `avatar`"), "{}", run.stdout);
    assert!(project.read("personas/ada.yaml").contains("    voiceId: { $lookup: { voice: \"Cara\" } }\n"));
}
