//! `import`: an account made by hand comes into files and state, and a plan is empty afterwards.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::services::{Services, locked};
use crate::support::Project;

/// Every field of Tavus's sheet, with values that no default has, and some that nobody knows.
pub(crate) fn everything_at_tavus() -> Value {
    json!({
        "persona_name": "Everything", "system_prompt": "# Role\n\nYou know {{name}} and ${price}.\n\ttabbed  \n  - indented\r\n",
        "pipeline_mode": "full", "default_replica_id": "r79e1c033f", "document_ids": ["d1", "d2"], "document_tags": ["no", "1.0"],
        "objectives_id": "o1", "guardrails_id": "g1", "guardrail_ids": ["g2"], "guardrail_tags": ["strict"], "greeting": "Hi: #1 \"you\"",
        "memories": ["m"], "is_template": true, "tool_ids": ["t1"], "languages": ["en", "fr"], "disclosure_type": "always",
        "verbal_disclosure": {"text": "I am an AI."}, "visual_disclosure": "badge",
        "layers": {
            "llm": {
                "model": "my-model", "base_url": "https://llm.example/v1", "api_key": "sk-in-clear", "speculative_inference": false,
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
                "headers": {"X-Secret": "hush"}, "extra_body": {"temperature": 0.7, "top_p": 1.0, "stop": [], "seed": 1e21},
                "default_query": {"v": "1"}, "is_custom": true,
            },
            "tts": {
                "tts_engine": "elevenlabs", "api_key": "sk-voice", "external_voice_id": "v1", "tts_model_name": "eleven_turbo_v2_5",
                "tts_emotion_control": true, "voice_settings": {"speed": 0.9, "emotion": ["calm"]}, "pronunciation_dictionary_id": "pd_1",
                "playht_user_id": "u",
            },
            "stt": {
                "stt_engine": "tavus-advanced", "hotwords": "Tidewheel, e-bike", "participant_pause_sensitivity": "high",
                "participant_interrupt_sensitivity": "low", "smart_turn_detection": true,
            },
            "perception": {
                "perception_model": "raven-1", "visual_awareness_queries": ["Is it dark?"], "audio_awareness_queries": ["Is it loud?"],
                "perception_analysis_queries": ["Was it kind?"], "visual_tool_prompt": "see", "audio_tool_prompt": "hear",
                "visual_tools": [{"type": "function"}], "audio_tools": [{"type": "function"}], "emotion_recognition": "full",
                "ambient_awareness_queries": ["a"], "perception_tool_prompt": "p", "perception_tools": [{"type": "function"}], "tool_prompt": "t",
            },
            "conversational_flow": {
                "turn_detection_model": "sparrow-1", "turn_taking_patience": "high", "turn_commitment": "low",
                "replica_interruptibility": "low", "voice_isolation": "far", "wake_phrase": "hey", "sleep_phrase": "bye",
                "idle_engagement": "eager", "idle_end_behavior": "wait", "active_listening": "on", "noise_cancellation": "off",
            },
            "transport": {"transport_type": "livekit"}, "sts": {"model": "s"}, "capabilities": {"mcp_enabled": true},
            "knowledge_base": {"rag_n_chunks": 5}, "conferencing": {"username": "ada", "allowlist": ["a@b.c"], "whitelabel": true},
            "of_tomorrow": {"on": true},
        },
        "maker_notes": "only the dashboard knows this", "empty_of_old": null,
    })
}

pub(crate) fn everything_at_anam() -> Value {
    json!({
        "description": "All of it", "avatarModel": "cara-3", "systemPrompt": "One line", "skipGreeting": true,
        "uninterruptibleGreeting": true, "initialMessage": "Hello\nthere", "languageCode": "fr",
        "voiceDetectionOptions": {
            "endOfSpeechSensitivity": 0.5, "silenceBeforeSkipTurnSeconds": 5, "silenceBeforeSessionEndSeconds": 60,
            "silenceBeforeAutoEndTurnSeconds": 2.5, "speechEnhancementLevel": 1,
        },
        "voiceGenerationOptions": {"stability": 0.5, "similarityBoost": 0.75, "speed": 1.1, "style": 0, "useSpeakerBoost": false},
        "toolIds": ["tool-b", "tool-a"],
    })
}

pub(crate) fn everything_at_bland() -> Value {
    json!({
        "role": "Support", "description": "All of it", "tags": ["a", "yes"], "image_url": "https://img.example/a.png",
        "personality_prompt": "Be kind.\n\nBe brief.", "orchestration_prompt": "Use the tools.",
        "call_config": {
            "voice": "June", "record": true, "language": "en-US", "background_track": "office", "max_duration": 12.5,
            "wait_for_greeting": false, "interruption_threshold": 100, "keywords": ["x"], "summary": null,
        },
        "default_tools": ["TL-1"], "kb_ids": ["kb-1"],
        "pathway_conditions": [{"name": "n", "prompt": "p", "pathway_id": "pw", "pathway_version": "1", "start_node_id": "s"}],
    })
}

/// Names that make trouble.
const NAMES: [&str; 14] = [
    "Support Guide",
    "support guide",
    "Support Guide",
    "🚲",
    "サポート",
    "",
    "Ada: the #1 \"guide\"",
    "../../etc/passwd",
    "no",
    "1e3",
    "  padded  ",
    "CON",
    "Zoë",
    "a\tb",
];

/// 43 personas at three services.
fn inhabited() -> Services {
    let services = Services::start();
    for name in NAMES {
        services.at_tavus(json!({"persona_name": name, "system_prompt": format!("You are {name}.\nBe kind.\n"), "layers": {}}));
        // The other two refuse a persona without a name.
        if !name.is_empty() {
            services.at_anam(name, json!({"systemPrompt": format!("You are {name}."), "description": "x"}));
            services.at_bland(name, json!({"personality_prompt": "You are a helpful assistant", "tags": []}));
        }
    }
    let id = services.at_tavus(everything_at_tavus());
    locked(&services.tavus).age(&id);
    let id = services.at_anam("Everything", everything_at_anam());
    locked(&services.anam).alter(&id, |persona| {
        persona.insert("enableAudioPassthrough".to_owned(), json!(true));
        persona.insert(
            "widgetConfig".to_owned(),
            json!({"callToAction": "Talk", "allowedOrigins": ["https://a.example"], "new": 1}),
        );
    });
    let id = services.at_bland("Everything", everything_at_bland());
    locked(&services.bland).edit_draft(&id, "skills", json!([{"id": "s1"}]));
    locked(&services.bland).alter(&id, "secret_of_the_dashboard", json!(1));
    services
}

#[track_caller]
fn plan_is_empty(project: &Project) {
    let run = project.run(&["plan", "--detailed-exitcode"]).ends(0);
    assert!(run.stdout.starts_with("No changes."), "{}", run.stdout);
}

#[test]
fn an_inhabited_account_comes_into_files_and_the_plan_is_empty() {
    let services = inhabited();
    let before = services.stores();
    let project = services.project(&[]);
    let report = project.run(&["--format", "json", "import", "tavus,anam,bland", "--all"]).ends(0).json();
    assert_eq!(report["imported"].as_array().map(Vec::len), Some(43), "{report:#}");
    assert_eq!(report["refused"], json!([]));
    assert_eq!(report["plan"], json!({"empty": true, "open": []}));
    plan_is_empty(&project);
    assert_eq!(services.stores(), before, "an import only reads");
    assert!(services.log().iter().all(|entry| entry.method == "GET"));

    let addresses: BTreeSet<&str> =
        report["imported"].as_array().expect("a list").iter().filter_map(|one| one["address"].as_str()).collect();
    for address in [
        "tavus.support-guide",
        "tavus.support-guide-2",
        "tavus.support-guide-3",
        "tavus.everything",
        "tavus.zo",
        "tavus.etc-passwd",
    ] {
        assert!(addresses.contains(address), "{address} of {addresses:?}");
    }
    let everything = project.read("personas/everything.yaml");
    for secret in ["sk-in-clear", "sk-voice", "hush", "****"] {
        for (path, bytes) in project.everything() {
            assert!(!String::from_utf8_lossy(&bytes).contains(secret), "{secret} in {}", path.display());
        }
    }
    for said in [
        "# api_key: { $env: EVERYTHING_LLM_API_KEY }",
        "# not managed: tools: reads leave out parts of it",
        "# not managed: of_tomorrow: personaform does not know this field",
        "# not managed: maker_notes: personaform does not know this field",
        "greeting: \"Hi: #1 \\\"you\\\"\"",
    ] {
        assert!(everything.contains(said), "{said} in\n{everything}");
    }
    assert!(!everything.contains("empty_of_old"), "{everything}");
    let stored = everything_at_tavus();
    let prompt = project.read("personas/prompts/everything.md");
    assert_eq!(prompt, format!("{}\n", stored["system_prompt"].as_str().expect("a text")));
}

#[test]
fn every_known_field_is_managed_and_nothing_else_is() {
    let services = inhabited();
    let project = services.project(&[]);
    let report = project.run(&["--format", "json", "import", "tavus,anam,bland", "--match", "Everything"]).ends(0).json();
    let left = |address: &str| -> BTreeSet<String> {
        let one =
            report["imported"].as_array().expect("a list").iter().find(|one| one["address"] == address).expect("imported");
        one["not_managed"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|left| left["path"].as_str())
            .map(str::to_owned)
            .collect()
    };
    let paths = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect::<BTreeSet<String>>();
    let tavus = [
        "/layers/llm/api_key",
        "/layers/llm/headers",
        "/layers/llm/is_custom",
        "/layers/llm/tools",
        "/layers/of_tomorrow",
        "/layers/perception/audio_tools",
        "/layers/perception/perception_tools",
        "/layers/perception/visual_tools",
        "/layers/tts/api_key",
        "/maker_notes",
    ];
    assert_eq!(left("tavus.everything"), paths(&tavus));
    assert_eq!(left("anam.everything-2"), paths(&["/widgetConfig/new"]));
    assert_eq!(left("bland.everything-3"), paths(&["/skills"]));
    let state: Value = serde_json::from_str(&project.read(".personaform/state.json")).expect("JSON");
    let applied = |address: &str| state["objects"][address]["applied"].clone();
    let (tavus, anam, bland) = (applied("tavus.everything"), applied("anam.everything-2"), applied("bland.everything-3"));
    let mut wanted = everything_at_tavus();
    for gone in ["api_key", "headers", "is_custom", "tools"] {
        wanted["layers"]["llm"].as_object_mut().expect("an object").remove(gone);
    }
    wanted["layers"]["tts"].as_object_mut().expect("an object").remove("api_key");
    wanted["layers"].as_object_mut().expect("an object").remove("of_tomorrow");
    for gone in ["maker_notes", "empty_of_old", "pipeline_mode"] {
        wanted.as_object_mut().expect("an object").remove(gone);
    }
    // What aging leaves is the vendor's business.
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<BTreeSet<String>>();
    assert_eq!(keys(&tavus), keys(&wanted));
    assert_eq!(keys(&tavus["layers"]), keys(&wanted["layers"]));
    assert_eq!(tavus["layers"]["llm"], wanted["layers"]["llm"]);
    for (field, value) in everything_at_anam().as_object().expect("an object") {
        let value = if field == "toolIds" { json!(["tool-a", "tool-b"]) } else { value.clone() };
        assert_eq!(anam[field], value, "{field}");
    }
    for (field, value) in everything_at_bland().as_object().expect("an object") {
        let mut value = value.clone();
        if field == "call_config" {
            value.as_object_mut().expect("an object").remove("summary");
        }
        assert_eq!(bland[field], value, "{field}");
    }
    plan_is_empty(&project);
}

#[test]
fn the_same_name_at_several_accounts_is_merged_into_one_file() {
    let services = Services::start();
    services.at_tavus(json!({"persona_name": "Ada", "system_prompt": "Be kind.\nBe brief.", "layers": {}}));
    services.at_anam("Ada", json!({"systemPrompt": "Be kind.\nBe brief.", "description": "Helps"}));
    services.at_bland("Ada", json!({"personality_prompt": "Be terse.\nBe brief.", "description": "Helps"}));
    services.at_bland("Twin", json!({"personality_prompt": "a"}));
    services.at_bland("Twin", json!({"personality_prompt": "b"}));
    services.at_anam("Twin", json!({"systemPrompt": "c"}));
    let project = services.project(&[]);
    let run = project.run(&["--format", "json", "import", "tavus,anam,bland", "--all", "--merge"]).ends(0);
    let report = run.json();
    assert_eq!(report["plan"]["empty"], true, "{report:#}");
    let text = project.read("personas/ada.yaml");
    let wanted = "\
name: Ada
description: Helps
targets:
  tavus:
    system_prompt: { $file: prompts/ada.tavus.md }
  anam:
    avatarId: 071b0286-4cce-4808-bee2-e642f1062de3
    llmId: a7cf662c-2ace-4de1-a21e-ef0fbf144bb7
    systemPrompt: { $file: prompts/ada.anam.md }
    voiceId: de23e340-1416-4dd8-977d-065a7ca11697
  bland:
    personality_prompt: { $file: prompts/ada.bland.md }
";
    assert_eq!(text, wanted);
    let files: BTreeSet<&str> =
        report["imported"].as_array().expect("a list").iter().filter_map(|one| one["file"].as_str()).collect();
    assert_eq!(files, ["personas/ada.yaml", "personas/twin.yaml", "personas/twin-2.yaml", "personas/twin-3.yaml"].into());
    assert!(report["notes"][0].as_str().is_some_and(|note| note.contains("\"Twin\" is not merged")), "{report:#}");
    plan_is_empty(&project);
}

#[test]
fn a_persona_that_has_a_file_gets_a_section_to_paste_that_plans_empty() {
    let services = Services::start();
    services.at_tavus(json!({"persona_name": "Ada", "system_prompt": "Be kind.\nBe brief.\n", "layers": {}}));
    services.at_bland("Ada", json!({"personality_prompt": "Be kind.\nBe brief.\n", "call_config": {"voice": "June"}}));
    services.at_anam("Ada", json!({"systemPrompt": "Other.\n\n  Words", "description": "Helps"}));
    let project = services.project(&[]);
    project.run(&["import", "tavus", "--all"]).ends(0);
    let before = project.read("personas/ada.yaml");
    for account in ["bland", "anam"] {
        let run = project.run(&["import", account, "--all", "--merge"]).ends(0);
        assert!(run.stderr.contains("personas/ada.yaml is there already and was not touched"), "{}", run.stderr);
        assert!(project.read("personas/ada.yaml").starts_with(&before));
        let below = run.stdout.split_once("targets:\n").expect("a section").1;
        let section = below.split_once("\n\nImported").expect("an end").0.trim_end().to_owned() + "\n";
        let text = project.read("personas/ada.yaml") + &section;
        project.write("personas/ada.yaml", &text);
        let plan = project.run(&["--format", "json", "plan"]).ends(0).json();
        assert_eq!(plan["changes"][0]["action"], "adopt", "{text}\n{plan:#}");
        assert!(
            plan["changes"]
                .as_array()
                .expect("a list")
                .iter()
                .all(|change| change["requests"] == json!([]) && change["edits"] == json!([])),
            "{text}\n{plan:#}"
        );
        project.run(&["apply", "-y"]).ends(0);
        plan_is_empty(&project);
    }
}

#[test]
fn defaults_of_the_account_are_left_out_and_overruled() {
    let services = Services::start();
    services.at_anam("Ada", json!({"systemPrompt": "Be kind."}));
    services.at_anam(
        "Bea",
        json!({"systemPrompt": "Be kind.", "skipGreeting": true, "llmId": "0934d97d-0c3a-4f33-91b0-5e136a0ef466"}),
    );
    let project = services.project(&[(
        "anam",
        ", defaults: { llmId: a7cf662c-2ace-4de1-a21e-ef0fbf144bb7, skipGreeting: true, voiceDetectionOptions: { speechEnhancementLevel: 0.5 } }",
    )]);
    project.run(&["import", "anam", "--all"]).ends(0);
    let (ada, bea) = (project.read("personas/ada.yaml"), project.read("personas/bea.yaml"));
    assert!(
        !ada.contains("llmId") && ada.contains("skipGreeting: null") && ada.contains("speechEnhancementLevel: null"),
        "{ada}"
    );
    assert!(bea.contains("llmId: 0934d97d-0c3a-4f33-91b0-5e136a0ef466") && !bea.contains("skipGreeting"), "{bea}");
    plan_is_empty(&project);
}

#[test]
fn an_unreleased_draft_is_imported_as_a_draft() {
    let services = Services::start();
    let id = services.at_bland("Ada", json!({"personality_prompt": "Old."}));
    locked(&services.bland).edit_draft(&id, "personality_prompt", json!("New."));
    let project = services.project(&[]);
    project.run(&["import", "bland", &id]).ends(0);
    let text = project.read("personas/ada.yaml");
    assert!(text.contains("    $release: draft\n") && text.contains("prompt: New.\n"), "{text}");
    plan_is_empty(&project);
}

#[test]
fn a_thousand_personas_come_in_one_run_and_none_in_the_next() {
    let services = Services::start();
    for number in 0..1000 {
        services.at_tavus(json!({"persona_name": format!("Guide {}", number % 900), "system_prompt": format!("You are {number}.\nBe kind."), "layers": {}}));
    }
    let project = services.project(&[]);
    let run = project.run(&["import", "tavus", "--all"]).ends(0);
    assert!(run.stdout.contains("Imported 1000 personas into 1000 files."), "{}", &run.stdout[run.stdout.len() - 200..]);
    assert!(run.stdout.contains("A plan finds nothing to change in them."));
    let again = project.run(&["import", "tavus", "--all"]).ends(0);
    assert!(again.stdout.contains("Imported 0 personas into 0 files, 1000 managed already."), "{}", again.stdout);
}
