//! The sentences of a plan that tell what its edits do not, and the calls that belong to a change, from the files to the service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use personaform::plan::{Action, Change, Method, Plan, Request};
use personaform::providers::{anam, bland, opengiant};
use personaform::reconcile::{Ending, Outcome};
use personaform::sandbox::Miniature;
use serde_json::{Value, json};

use crate::pipeline::{KEY, Pipeline};

/// One persona, `ada`, at one service.
struct Stage<M> {
    id: &'static str,
    miniature: Arc<Mutex<M>>,
    pipeline: Pipeline,
}

impl<M: Miniature + 'static> Stage<M> {
    /// Applies a first section.
    async fn begin(id: &'static str, miniature: M, section: Value) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let miniature = Arc::new(Mutex::new(miniature));
        let pipeline = Pipeline::start(id, Box::new(Arc::clone(&miniature))).await;
        let mut stage = Self { id, miniature, pipeline };
        stage.write(section);
        let (_, outcome) = stage.apply().await;
        assert!(matches!(outcome.entries[0].ending, Ending::Done { .. }), "{outcome:?}");
        stage
    }

    fn miniature(&self) -> MutexGuard<'_, M> {
        self.miniature.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, section: Value) {
        let file = json!({"name": "Ada", "prompt": "Be kind.", "targets": {self.id: section}});
        self.pipeline.write("ada", Some(&file));
    }

    async fn plan(&mut self) -> Plan {
        let read = self.pipeline.read().expect("sound files");
        self.pipeline.plan(&read).await
    }

    async fn apply(&mut self) -> (Plan, Outcome) {
        let read = self.pipeline.read().expect("sound files");
        let plan = self.pipeline.plan(&read).await;
        let outcome = self.pipeline.apply(&read, &plan).await;
        (plan, outcome)
    }

    /// The change that another section makes, applied.
    async fn change(&mut self, section: Value) -> Change {
        self.write(section);
        let (plan, outcome) = self.apply().await;
        assert!(matches!(outcome.entries[0].ending, Ending::Done { .. }), "{outcome:?}");
        plan.changes[0].clone()
    }
}

const VOICE: &str = "de23e340-1416-4dd8-977d-065a7ca11697";
const LLM: &str = "a7cf662c-2ace-4de1-a21e-ef0fbf144bb7";

fn anam_section(over: Value) -> Value {
    let mut section = json!({"avatarId": anam::sandbox::AVATAR_BOTH, "voiceId": VOICE, "llmId": LLM});
    section.as_object_mut().expect("an object").extend(over.as_object().cloned().expect("an object"));
    section
}

async fn anam(section: Value) -> Stage<anam::sandbox::Sandbox> {
    Stage::begin("anam", anam::sandbox::Sandbox::new(KEY), anam_section(section)).await
}

async fn bland(section: Value) -> Stage<bland::sandbox::Sandbox> {
    Stage::begin("bland", bland::sandbox::Sandbox::new(KEY), section).await
}

async fn opengiant(section: Value, attributes: opengiant::sandbox::Attributes) -> Stage<opengiant::sandbox::Sandbox> {
    let switches = opengiant::sandbox::Switches { attributes, ..Default::default() };
    Stage::begin("opengiant", opengiant::sandbox::Sandbox::with(KEY, switches), section).await
}

#[tokio::test]
async fn a_new_avatar_carries_its_model_and_says_so() {
    let mut stage = anam(json!({"avatarModel": "cara-3"})).await;
    let change = stage.change(anam_section(json!({"avatarId": "another", "avatarModel": "cara-3"}))).await;
    assert_eq!(change.notes, ["also sends `avatarModel`: changing the avatar may reset it"]);
    assert_eq!(change.requests[0].body, Some(json!({"avatarId": "another", "avatarModel": "cara-3"})));
}

#[tokio::test]
async fn a_new_voice_resets_options_that_are_not_in_the_file_and_says_so() {
    let mut stage = anam(json!({})).await;
    let id = stage.miniature().ids()[0].clone();
    stage.miniature().alter(&id, |persona| {
        persona.insert("voiceGenerationOptions".to_owned(), json!({"speed": 1.1}));
    });
    let change = stage.change(anam_section(json!({"voiceId": "another"}))).await;
    assert_eq!(change.notes, ["changing the voice resets `voiceGenerationOptions` to the provider's default: not in the file"]);
}

#[tokio::test]
async fn retention_goes_with_the_voice_and_the_llm_that_allow_it() {
    let retaining = json!({
        "voiceId": anam::sandbox::VOICE_THAT_RETAINS, "llmId": anam::sandbox::LLM_THAT_RETAINS, "zeroDataRetention": false,
    });
    let mut stage = anam(retaining).await;
    let change = stage.change(anam_section(json!({"zeroDataRetention": true}))).await;
    let body = json!({"voiceId": VOICE, "llmId": LLM, "zeroDataRetention": true});
    assert_eq!(change.requests.len(), 1);
    assert_eq!(change.requests[0].body, Some(body));
}

#[tokio::test]
async fn an_llm_that_stands_for_none_and_a_null_are_one() {
    for no_llm in [anam::sandbox::NoLlm::Null, anam::sandbox::NoLlm::Sentinel] {
        let switches = anam::sandbox::Switches { no_llm, ..Default::default() };
        let section = anam_section(json!({"llmId": "CUSTOMER_CLIENT_V1"}));
        let mut stage = Stage::begin("anam", anam::sandbox::Sandbox::with(KEY, switches), section).await;
        assert_eq!(stage.plan().await.changes, []);
    }
}

#[tokio::test]
async fn what_leaves_the_file_and_cannot_be_cleared_is_said_once() {
    let mut stage = anam(json!({"avatarModel": "cara-3"})).await;
    let change = stage.change(anam_section(json!({}))).await;
    assert_eq!(change.requests, []);
    assert!(change.notes[0].starts_with("`/avatarModel` cannot be cleared through this API: "), "{:?}", change.notes);
    assert!(change.notes[0].ends_with("; it stays as it is and is no longer managed"), "{:?}", change.notes);
    assert_eq!(stage.plan().await.changes, []);
}

#[tokio::test]
async fn a_promotion_lists_the_dashboards_edits_with_old_and_new_values() {
    let mut stage = bland(json!({"call_config": {"voice": "June", "webhook": {"$env": "HOOK"}}})).await;
    let id = stage.miniature().ids()[0].clone();
    stage.miniature().edit_draft(&id, "orchestration_prompt", json!("Transfer early. ".repeat(20)));
    stage.miniature().edit_draft(&id, "kb_ids", json!(["KB-1"]));
    stage.miniature().edit_draft(&id, "pause", json!("the value of HOOK"));
    stage.miniature().edit_draft(
        &id,
        "memory",
        json!({"api_key": "sk-live-1", "url": "https://u:p@crm.example/?k=v", "size": 5}),
    );
    stage.miniature().edit_draft(&id, "webhook_token", json!("sk-live-2"));
    let change = stage.change(json!({"call_config": {"voice": "Maya", "webhook": {"$env": "HOOK"}}})).await;
    let long = "Transfer early. ".repeat(4)[..60].to_owned();
    assert_eq!(
        change.notes,
        [format!(
            "promotes the draft; it also carries 7 edits made in the dashboard: `kb_ids` ([] to [\"KB-1\"]), \
             `memory.api_key` (nothing to a value not shown), `memory.size` (nothing to 5), \
             `memory.url` (nothing to a value not shown), `orchestration_prompt` (nothing to \"{long}…\"), \
             `pause` (nothing to a secret), `webhook_token` (nothing to a value not shown)"
        )]
    );
    assert_eq!(stage.plan().await.changes, []);
}

#[tokio::test]
async fn a_persona_with_phone_numbers_is_deleted_only_where_its_target_said_so() {
    for force in [false, true] {
        let lifecycle = json!({"$lifecycle": {"force_destroy": force}});
        let mut stage = bland(lifecycle).await;
        let id = stage.miniature().ids()[0].clone();
        stage.miniature().attach_number(&id, "+14155550100");
        stage.pipeline.write("ada", None);
        let (plan, outcome) = stage.apply().await;
        if !force {
            let blocked = &plan.blocked[0];
            assert!(blocked.why.contains("phone number +14155550100"), "{blocked:?}");
            assert!(blocked.help.contains("force_destroy"), "{blocked:?}");
            assert_eq!((plan.changes.len(), stage.miniature().ids().len()), (0, 1));
            continue;
        }
        assert_eq!(plan.changes[0].action, Action::Delete);
        assert_eq!(plan.changes[0].requests, [Request::new(Method::Delete, format!("/v1/personas/{id}?force=true"))]);
        assert_eq!(plan.changes[0].notes, ["deletes it although it is used by phone number +14155550100"]);
        assert!(matches!(outcome.entries[0].ending, Ending::Done { verified: true }), "{outcome:?}");
        assert!(stage.miniature().ids().is_empty());
    }
}

#[tokio::test]
async fn the_permission_to_delete_by_force_comes_and_goes_without_a_request() {
    let mut stage = bland(json!({})).await;
    stage.write(json!({"$lifecycle": {"force_destroy": true}}));
    let (plan, _) = stage.apply().await;
    assert_eq!((plan.changes.len(), plan.settled.len()), (0, 1));
    assert!(stage.pipeline.state().objects.values().all(|record| record.force_destroy));
    stage.write(json!({}));
    stage.apply().await;
    assert!(stage.pipeline.state().objects.values().all(|record| !record.force_destroy));
}

#[tokio::test]
async fn a_200_that_stored_null_is_diverged_and_planned_again() {
    let mut stage = bland(json!({})).await;
    stage.miniature().lose_next("role");
    stage.write(json!({"role": "guide"}));
    let (_, outcome) = stage.apply().await;
    let Ending::Diverged { differences } = &outcome.entries[0].ending else { panic!("{outcome:?}") };
    assert_eq!((differences[0].path.to_string(), &differences[0].found), ("/role".to_owned(), &Some(Value::Null)));
    assert_eq!(stage.plan().await.changes.len(), 1);
}

#[tokio::test]
async fn an_error_inside_a_200_is_a_failure() {
    let mut stage = bland(json!({})).await;
    stage.write(json!({"role": "guide"}));
    let read = stage.pipeline.read().expect("sound files");
    let plan = stage.pipeline.plan(&read).await;
    // The read before the write is answered with it.
    stage.miniature().fail_next("INTERNAL");
    let outcome = stage.pipeline.apply(&read, &plan).await;
    assert!(
        matches!(&outcome.entries[0].ending, Ending::Failed { message, .. } if message.contains("INTERNAL")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn unverified_changes_say_so() {
    let mut stage = opengiant(json!({"attributes": {"tone": "warm"}}), opengiant::sandbox::Attributes::Replace).await;
    let change = stage.change(json!({"attributes": {"tone": "cool"}})).await;
    assert_eq!(change.notes, ["not verified: OpenGiant cannot be read"]);
}

#[tokio::test]
async fn an_attribute_that_survives_its_removal_goes_by_an_explicit_null() {
    for attributes in [opengiant::sandbox::Attributes::Merge, opengiant::sandbox::Attributes::MergePatch] {
        let mut stage = opengiant(json!({"attributes": {"tone": "warm", "old": 1}}), attributes).await;
        stage.write(json!({"attributes": {"tone": "warm"}}));
        let (_, outcome) = stage.apply().await;
        let Ending::Diverged { differences } = &outcome.entries[0].ending else { panic!("{outcome:?}") };
        assert_eq!(differences[0].path.to_string(), "/attributes/old");
        assert_eq!(stage.plan().await.changes, [], "it is told once");
        let change = stage.change(json!({"attributes": {"tone": "warm", "old": null}})).await;
        assert_eq!(change.requests[0].body.as_ref().expect("a body")["attributes"]["old"], Value::Null);
        let id = stage.miniature().ids()[0].clone();
        assert!(stage.miniature().persona(&id).expect("a persona")["attributes"]["old"].is_null());
        assert_eq!(stage.plan().await.changes, []);
    }
}

#[tokio::test]
async fn what_resists_a_null_is_asked_for_once_and_then_blocked() {
    let switches = anam::sandbox::Switches { options: anam::sandbox::Options::Merge, ..Default::default() };
    let options = |speed: Value| anam_section(json!({"voiceGenerationOptions": {"speed": speed}}));
    let mut stage = Stage::begin("anam", anam::sandbox::Sandbox::with(KEY, switches), options(json!(1.1))).await;
    stage.write(options(Value::Null));
    let (_, outcome) = stage.apply().await;
    assert!(matches!(outcome.entries[0].ending, Ending::Diverged { .. }), "{outcome:?}");
    let plan = stage.plan().await;
    assert_eq!((plan.changes.len(), plan.blocked.len()), (0, 1));
    assert!(plan.blocked[0].why.contains("`/voiceGenerationOptions/speed` cannot be cleared"), "{:?}", plan.blocked);
    stage.write(options(json!(0.9)));
    assert_eq!(stage.apply().await.0.changes.len(), 1, "a value frees it");
}

#[tokio::test]
async fn a_tool_detached_in_the_lab_is_seen_under_whatever_name_tools_carry_their_id() {
    use anam::sandbox::ToolId;
    for tool_id in [ToolId::Underscored, ToolId::Plain, ToolId::Named] {
        let switches = anam::sandbox::Switches { tool_id, ..Default::default() };
        let section = anam_section(json!({"toolIds": ["t1", "t2"]}));
        let mut stage = Stage::begin("anam", anam::sandbox::Sandbox::with(KEY, switches), section).await;
        let id = stage.miniature().ids()[0].clone();
        stage.miniature().alter(&id, |persona| {
            persona.insert("toolIds".to_owned(), json!(["t2"]));
        });
        let plan = stage.plan().await;
        assert_eq!(plan.changes.len(), 1, "{tool_id:?}");
        assert_eq!(plan.changes[0].edits[0].from, Some(json!(["t2"])));
    }
}

#[tokio::test]
async fn a_namesake_is_found_on_the_last_page_however_short_pages_are() {
    let switches = bland::sandbox::Switches { max_limit: 3, ..Default::default() };
    let mut stage = Stage::begin("bland", bland::sandbox::Sandbox::with(KEY, switches), json!({})).await;
    let file = |name: &str| json!({"name": name, "targets": {"bland": {}}});
    for number in 0..6 {
        stage.pipeline.write(&format!("other-{number}"), Some(&file(&format!("Other {number}"))));
    }
    stage.apply().await;
    // The oldest stands on the last page. Its record is lost, so that it is nobody's.
    let mut state = stage.pipeline.state();
    state.objects.retain(|address, _| address.key.as_str() != "ada");
    stage.pipeline.remember(&state);
    let plan = stage.plan().await;
    assert_eq!((plan.changes.len(), plan.blocked.len()), (0, 1));
    assert!(plan.blocked[0].why.contains("a persona named `Ada` exists there already"), "{:?}", plan.blocked);
}

/// `ignore_changes` on a secret that was changed in the dashboard, inside an object that is sent as a whole.
fn webhook_left_alone(voice: &str) -> Value {
    json!({"$lifecycle": {"ignore_changes": ["/call_config/webhook"]}, "call_config": {"voice": voice, "webhook": {"$env": "HOOK"}}})
}

#[tokio::test]
async fn a_secret_that_is_left_alone_goes_back_as_the_dashboard_has_it_and_is_never_shown() {
    let mut stage = bland(webhook_left_alone("June")).await;
    let id = stage.miniature().ids()[0].clone();
    let theirs = json!({"voice": "June", "webhook": "https://set.in.the.dashboard"});
    stage.miniature().edit_draft(&id, "call_config", theirs);
    let change = stage.change(webhook_left_alone("Maya")).await;
    assert!(!json!(change).to_string().contains("set.in.the"), "{}", json!(change));
    let held = stage.miniature().written(&id, "production").expect("a version");
    assert_eq!(held["call_config"], json!({"voice": "Maya", "webhook": "https://set.in.the.dashboard"}));
    assert_eq!(stage.plan().await.changes, []);
}

#[tokio::test]
async fn a_mask_in_the_place_of_a_secret_is_not_sent_back_and_the_reason_is_said() {
    let mut stage = bland(webhook_left_alone("June")).await;
    let id = stage.miniature().ids()[0].clone();
    stage.miniature().edit_draft(&id, "call_config", json!({"voice": "June", "webhook": "********"}));
    stage.write(webhook_left_alone("Maya"));
    let (_, outcome) = stage.apply().await;
    let Ending::Failed { message, help, .. } = &outcome.entries[0].ending else { panic!("{outcome:?}") };
    assert!(message.contains("is shown masked, and cannot be sent back"), "{message}");
    assert!(help.as_ref().is_some_and(|help| help.contains("ignore_changes")), "{help:?}");
    assert_eq!(stage.miniature().written(&id, "draft").expect("a version")["call_config"]["voice"], "June");
}
