//! Names in the place of ids: written by an import, read once per run, and no obstacle to others where they cannot be read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use personaform::providers::anam;
use personaform::sandbox::{Incoming, Miniature, Outgoing};
use serde_json::{Value, json};

use crate::services::{Services, locked};

/// Anam with one list shut, as long as a word says so.
struct Shut {
    inner: Arc<Mutex<anam::sandbox::Sandbox>>,
    list: Arc<Mutex<&'static str>>,
}

impl Miniature for Shut {
    fn handle(&mut self, request: &Incoming) -> Outgoing {
        let shut = *locked(&self.list);
        if request.segments().last() == Some(&shut) {
            return Outgoing::json(403, json!({ "error": "the key may not see this" }));
        }
        self.inner.handle(request)
    }

    fn store(&self) -> Value {
        self.inner.store()
    }

    fn restore(&mut self, store: Value) -> Result<(), String> {
        self.inner.restore(store)
    }
}

/// How often each list was asked for, by path with its page; personas are no catalogue.
fn lists(services: &Services, from: usize) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    for entry in services.log().into_iter().skip(from).filter(|entry| !entry.path.contains("/personas")) {
        *asked.entry(format!("{} {}", entry.mount, entry.path)).or_default() += 1;
    }
    asked
}

#[test]
fn an_import_writes_names_that_lead_to_one_thing() {
    let services = Services::start();
    let ambiguous = "e0000000-0000-4000-8000-000000000003";
    services.at_anam(
        "Ada",
        json!({"systemPrompt": "Be kind.", "voiceId": "de23e340-1416-4dd8-977d-065a7ca11697", "avatarId": "071b0286-0000-4000-8000-000000000002", "toolIds": ["c2a9d8e4-17b3-4f65-8e0d-93b6a5f1d472", ambiguous]}),
    );
    services.at_anam("Bea", json!({"systemPrompt": "Be kind.", "voiceId": "5e5e5e5e-0000-4000-8000-000000000002"}));
    services.at_bland(
        "Cyd",
        json!({"call_config": {"voice": "June"}, "default_tools": ["TL-5da8347d-0ab7-415d-b156-a7fc5c6074dc"], "kb_ids": ["KB-plans2026", "KB-gone"]}),
    );
    services.at_tavus(json!({
        "persona_name": "Dan", "system_prompt": "Be kind.", "default_replica_id": "r90bbd427f71", "document_ids": ["d0000000006b"],
        "guardrails_id": "gset000000001", "guardrail_ids": ["g1234567890ac"], "objectives_id": "o1234567890ab", "layers": {},
    }));
    let project = services.project(&[]);
    let report = project.run(&["--format", "json", "import", "tavus,anam,bland", "--all", "--lookups"]).ends(0).json();
    assert_eq!((&report["plan"], &report["refused"]), (&json!({"empty": true, "open": []}), &json!([])), "{report:#}");
    let asked = lists(&services, 0);
    assert!(asked.values().all(|count| *count == 1), "{asked:#?}");
    assert!(asked.contains_key("anam /v1/voices?page=2&perPage=100"), "{asked:#?}");
    assert!(asked.contains_key("tavus /v2/documents?limit=100&page=1"), "{asked:#?}");

    let ada = "\
name: Ada
prompt: Be kind.
targets:
  anam:
    avatarId: { $lookup: { avatar: Liv/office } }
    llmId: { $lookup: { llm: GPT-4o } }
    # e0000000-0000-4000-8000-000000000003 is the tool \"find_station\"; others have that name too
    toolIds:
      - { $lookup: { tool: find_bike } }
      - e0000000-0000-4000-8000-000000000003
    voiceId: { $lookup: { voice: \"Lucy - Fresh & Casual\" } }
";
    assert_eq!(project.read("personas/ada.yaml"), ada);
    let bea = project.read("personas/bea.yaml");
    let remark = "    # 5e5e5e5e-0000-4000-8000-000000000002 is the voice \"June\"; others have that name too\n";
    assert!(bea.contains(&format!("{remark}    voiceId: 5e5e5e5e-0000-4000-8000-000000000002\n")), "{bea}");
    let cyd = project.read("personas/cyd.yaml");
    for said in
        ["voice: June", "- { $lookup: { tool: OpenTicket } }", "- { $lookup: { knowledge_base: Plans 2026 } }", "- KB-gone"]
    {
        assert!(cyd.contains(said), "{said}\n{cyd}");
    }
    let dan = project.read("personas/dan.yaml");
    for said in ["replica: Rio", "document: Manual 107", "guardrail_set: house rules", "no_discounts", "qualify_lead"] {
        assert!(dan.contains(said), "{said}\n{dan}");
    }
    // State holds ids, never names in their place.
    assert!(!project.read(".personaform/state.json").contains("$lookup"));
    let before = services.log().len();
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
    let asked = lists(&services, before);
    assert!(asked.values().all(|count| *count == 1), "one list per kind, however many use it: {asked:#?}");
    project.run(&["fmt", "--check"]).ends(0);
}

#[test]
fn names_that_cannot_be_read_are_left_as_ids_with_a_note() {
    let list = Arc::new(Mutex::new("voices"));
    let shut = Arc::clone(&list);
    let services = Services::with(move |inner| Box::new(Shut { inner, list: shut }));
    services.at_anam("Ada", json!({"systemPrompt": "Be kind."}));
    let project = services.project(&[]);
    let run = project.run(&["import", "anam", "--all", "--lookups"]).ends(0);
    assert!(run.stderr.contains("note: the names of the kind `voice` at `anam` cannot be read"), "{}", run.stderr);
    let ada = project.read("personas/ada.yaml");
    assert!(ada.contains("voiceId: de23e340") && ada.contains("{ $lookup: { avatar: Liv/home } }"), "{ada}");
}

#[test]
fn a_catalogue_that_cannot_be_read_blocks_only_the_targets_that_need_it() {
    let list = Arc::new(Mutex::new("nothing"));
    let shut = Arc::clone(&list);
    let services = Services::with(move |inner| Box::new(Shut { inner, list: shut }));
    let project = services.project(&[]);
    let rest = "avatarId: 071b0286-4cce-4808-bee2-e642f1062de3, llmId: a7cf662c-2ace-4de1-a21e-ef0fbf144bb7";
    let named = format!("{{ voiceId: {{ $lookup: {{ voice: Cara }} }}, {rest} }}");
    let plain = format!("{{ voiceId: de23e340-1416-4dd8-977d-065a7ca11697, {rest} }}");
    for (key, section) in [("ada", &named), ("bea", &plain), ("cyd", &named)] {
        let tavus = if key == "ada" { ", tavus: {}" } else { "" };
        project.write(
            &format!("personas/{key}.yaml"),
            &format!("name: {key}\nprompt: Be kind.\ntargets: {{ anam: {section}{tavus} }}\n"),
        );
    }
    project.run(&["apply", "-y", "--target", "anam.ada"]).ends(0);
    *locked(&list) = "voices";
    project.edit("personas/ada.yaml", "Be kind.", "Be kind and brief.");
    let plan = project.run(&["--format", "json", "plan"]).ends(1).json();
    let addresses = |list: &Value| -> Vec<String> {
        list.as_array().expect("a list").iter().map(|one| one["address"].as_str().expect("an address").to_owned()).collect()
    };
    assert_eq!(addresses(&plan["changes"]), ["anam.bea", "tavus.ada"], "{plan:#}");
    assert_eq!(addresses(&plan["blocked"]), ["anam.ada", "anam.cyd"], "{plan:#}");
    for blocked in plan["blocked"].as_array().expect("a list") {
        let why = blocked["why"].as_str().expect("a reason");
        assert!(why.starts_with("the names of the kind `voice` at `anam` cannot be read: GET /v1/voices"), "{why}");
        assert!(blocked["help"].as_str().is_some_and(|help| help.contains("$ANAM_API_KEY")), "{blocked:#}");
    }
    assert!(!plan["changes"].to_string().contains("$lookup"));
    // What can be done is done; what was held up is told, and the run is no success.
    let run = project.run(&["apply", "-y"]);
    assert_ne!(run.code, 0, "{}", run.stdout);
    assert_eq!(project.run(&["state", "list"]).ends(0).stdout.lines().count(), 3);
    // A name leads for drift to what it led to.
    project.run(&["drift"]).ends(0);
    let id = locked(&services.anam).ids()[0].clone();
    assert!(locked(&services.anam).alter(&id, |persona| drop(persona.insert("voiceId".to_owned(), json!("elsewhere")))));
    let drift = project.run(&["--format", "json", "drift"]).ends(2).json();
    assert_eq!(drift["drifted"][0]["fields"][0]["file"], "written", "{drift:#}");
    let pull = project.run(&["pull", "-y"]);
    assert!(pull.stdout.contains("! anam.ada: the names of the kind `voice`"), "{}", pull.stdout);
    // An import has to know what the files want, to tell what is in them already.
    let import = project.run(&["import", "anam", "--all"]).ends(1);
    assert!(import.stderr.contains("what the files want there cannot be told"), "{}", import.stderr);
    *locked(&list) = "nothing";
    project.run(&["apply", "-y"]).ends(0);
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}
