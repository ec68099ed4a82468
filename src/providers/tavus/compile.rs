//! From a persona's target to what is wanted of one Tavus persona, and the mistakes that a schema cannot express.

use serde_json::{Map, Value};

use super::api::Api;
use super::rules::CONFERENCING;
use super::spec::Section;
use crate::persona::document::{Persona, Target};
use crate::persona::name::Pointer;
use crate::persona::problem::Problem;
use crate::plan::{Address, RemoteId, Resource, value};
use crate::providers::field::Field;

/// Pipeline modes without a language model, which have no prompt.
const WITHOUT_PROMPT: [&str; 2] = ["echo", "speech-to-speech"];

/// The only fields of `conversational_flow` without a default; Tavus refills the others as soon as they are cleared.
const FLOW_WITHOUT_DEFAULT: [&str; 2] = ["wake_phrase", "sleep_phrase"];

/// Fills in the shared fields and checks what the schema cannot.
///
/// # Errors
/// Every problem of the section, each at its place.
pub(super) fn compile(api: Api, address: &Address, persona: &Persona, target: &Target) -> Result<Resource, Vec<Problem>> {
    let mut written = target.fields.clone();
    api.to_persona(&mut written);
    let mut section: Section = serde_json::from_value(Value::Object(written)).map_err(|fault| {
        let message = format!("this is no section for Tavus: {fault}");
        vec![Problem::error("tavus-section", target.places.section.clone(), message)]
    })?;
    let mut problems = Vec::new();
    check_context(&section, target, &mut problems);
    check_prompt(&section, persona, target, &mut problems);
    check_flow(api, &section, target, &mut problems);
    check_face(api, &section, target, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }

    section.persona_name = section.persona_name.or(shared(persona.shared.name.as_ref()));
    if !has_no_prompt(&section) {
        section.system_prompt = section.system_prompt.or(shared(persona.shared.prompt.as_ref()));
    }
    let name = match &section.persona_name {
        Field::Value(name) => name.clone(),
        Field::Absent | Field::Null | Field::Secret(_) => String::new(),
    };
    let mut fields = fields(&section);
    api.to_own(&mut fields);
    Ok(Resource {
        address: address.clone(),
        name,
        fields: fields.into(),
        bind: target.settings.id.clone().map(RemoteId::new),
        release: true,
        ignore: target.settings.ignore_changes.clone(),
        prevent_destroy: target.settings.prevent_destroy,
        force_destroy: target.settings.force_destroy,
        manage: target.settings.manage,
    })
}

/// The section as JSON.
fn fields(section: &Section) -> Map<String, Value> {
    match serde_json::to_value(section) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => unreachable!("a struct of JSON values is a JSON object"),
    }
}

/// A shared field as one of the section; the loader has seen to its type.
fn shared(value: Option<&Value>) -> Field<String> {
    value.into()
}

/// Whether the pipeline mode is known to have no prompt.
fn has_no_prompt(section: &Section) -> bool {
    matches!(&section.pipeline_mode, Field::Value(mode) if WITHOUT_PROMPT.contains(&mode.as_str()))
}

fn check_context(section: &Section, target: &Target, problems: &mut Vec<Problem>) {
    if section.context.is_absent() {
        return;
    }
    let place = target.places.of(&Pointer::new(["context"]));
    let message = "`context` was withdrawn by Tavus on 12 February 2026 and merged into `system_prompt`";
    problems.push(
        Problem::error("tavus-context", place, message)
            .with_help("write it into the prompt: sent apart, it would come back as a part of the prompt and never settle"),
    );
}

fn check_prompt(section: &Section, persona: &Persona, target: &Target, problems: &mut Vec<Problem>) {
    let place = || target.places.of(&Pointer::new(["system_prompt"]));
    if let Field::Value(mode) = &section.pipeline_mode
        && has_no_prompt(section)
    {
        if matches!(&section.system_prompt, Field::Value(_) | Field::Secret(_)) {
            let message = format!("`system_prompt` has no place where `pipeline_mode` is `{mode}`");
            problems.push(
                Problem::error("tavus-prompt-not-used", place(), message)
                    .with_help("remove it; a persona's shared `prompt` is not sent in this mode"),
            );
        }
        return;
    }
    let problem = match (&section.system_prompt, persona.shared.prompt.as_ref()) {
        (Field::Secret(_), _) | (Field::Absent, Some(Value::Object(_))) => return,
        (Field::Value(text), _) | (Field::Absent, Some(Value::String(text))) if !text.is_empty() => return,
        // A persona that is bound by its id has its prompt already, and need not hand it over.
        (Field::Absent, None) if target.settings.id.is_some() => return,
        (Field::Absent, None) => Problem::error("tavus-prompt-missing", place(), "a persona at Tavus needs a prompt"),
        _ => Problem::error("tavus-prompt-missing", place(), "a persona at Tavus always keeps a prompt: it cannot be empty"),
    };
    problems.push(problem.with_help("write `prompt` at the top of the persona, or `system_prompt` in this section"));
}

fn check_flow(api: Api, section: &Section, target: &Target, problems: &mut Vec<Problem>) {
    let Field::Value(layers) = &section.layers else { return };
    let Ok(Value::Object(flow)) = serde_json::to_value(&layers.conversational_flow) else { return };
    let at = Pointer::new(["layers", "conversational_flow"]);
    for (name, field) in &flow {
        if field.is_null() && !FLOW_WITHOUT_DEFAULT.contains(&name.as_str()) {
            let path = api.own(&at.child(name));
            let name = path.last().unwrap_or(name);
            let message = format!("`{name}` cannot be `null`: Tavus fills this layer with its defaults");
            problems.push(
                Problem::error("tavus-flow-null", target.places.of(&path), message)
                    .with_help("leave the field out, or write the value that you want"),
            );
        }
    }
}

/// A PAL cannot be made without a face, and nobody joins a meeting without one.
fn check_face(api: Api, section: &Section, target: &Target, problems: &mut Vec<Problem>) {
    let face = &section.default_replica_id;
    let given = matches!(face, Field::Value(id) if !id.is_empty()) || matches!(face, Field::Secret(_));
    // A persona that is bound by its id may have one already.
    if given || (target.settings.id.is_some() && face.is_absent()) {
        return;
    }
    let name = Pointer::new(["default_replica_id"]);
    let place = target.places.of(&api.own(&name));
    if api == Api::Pals {
        problems.push(
            Problem::error("tavus-face-missing", place, "a PAL always has a face")
                .with_help("write `default_face_id` with the id (`r…`) of a face, stock or own"),
        );
        return;
    }
    if !matches!(section.layers, Field::Value(_)) {
        return;
    }
    let fields = fields(section);
    let conferencing = Pointer::new(CONFERENCING);
    if value::get(&fields, &conferencing).is_some_and(|settings| !value::is_empty(settings)) {
        let place = target.places.of(if face.is_absent() { &conferencing } else { &name });
        problems.push(
            Problem::error("tavus-conferencing-face", place, "a persona that joins meetings needs a replica")
                .with_help("write `default_replica_id` with the id (`r…`) of a replica, stock or own"),
        );
    }
}

/// Inline functions in each of the lists that may hold them.
const INLINE_TOOLS: [[&str; 3]; 4] = [
    ["layers", "llm", "tools"],
    ["layers", "perception", "visual_tools"],
    ["layers", "perception", "audio_tools"],
    ["layers", "perception", "perception_tools"],
];

/// Warnings about a section that can be planned all the same.
pub(super) fn advice(target: &Target) -> Vec<Problem> {
    let written = |path: &Pointer| value::get(&target.fields, path).is_some_and(|value| !value::is_empty(value));
    let lists = INLINE_TOOLS.into_iter().map(Pointer::new).filter(written);
    lists
        .map(|path| {
            let name = path.last().unwrap_or_default().to_owned();
            let message = format!("inline `{name}` are deprecated at Tavus, and an invalid one makes it drop all of `layers`");
            Problem::warning("tavus-inline-tools", target.places.of(&path), message)
                .with_help("register the functions as tools, and name their ids in `tool_ids`")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::persona::document::{Places, Settings, Shared};
    use crate::persona::name::{AccountName, Key};
    use crate::persona::problem::{Place, SourceFile};

    fn place(start: usize) -> Place {
        let file = SourceFile { path: "ada.yaml".into(), text: String::new() };
        Place { file: Arc::new(file), span: start..start }
    }

    /// Compiles a section; each of its fields stands at its own made-up offset, the section at 0.
    fn compile_with(shared: Shared, id: Option<&str>, section: Value) -> Result<Resource, Vec<Problem>> {
        compile_for(Api::Personas, shared, id, section)
    }

    fn compile_for(api: Api, shared: Shared, id: Option<&str>, section: Value) -> Result<Resource, Vec<Problem>> {
        let fields = section.as_object().expect("an object").clone();
        let leaves = (1..).zip(value::leaves(&fields));
        let places = leaves.fold(Places::new(place(0)), |places, (offset, (path, _))| places.with(&path, place(offset)));
        let target = Target {
            account: AccountName::new("tavus"),
            settings: Settings { id: id.map(str::to_owned), ..Settings::default() },
            places,
            fields,
        };
        let key = Key::new("ada");
        let address = Address::new(target.account.clone(), key.clone());
        let persona =
            Persona { key, shared, previously: None, targets: Vec::new(), places: Places::new(place(0)), place: place(0) };
        compile(api, &address, &persona, &target)
    }

    fn shared_fields() -> Shared {
        Shared { name: Some(json!("Ada")), description: Some(json!("helps")), prompt: Some(json!("Be kind.")) }
    }

    fn codes(result: Result<Resource, Vec<Problem>>) -> BTreeMap<&'static str, usize> {
        let problems = result.expect_err("problems");
        problems.into_iter().map(|problem| (problem.code, problem.place.expect("a place").span.start)).collect()
    }

    #[test]
    fn shared_fields_go_where_tavus_keeps_them_and_the_description_nowhere() {
        let resource = compile_with(shared_fields(), None, json!({})).expect("a resource");
        assert_eq!(Value::Object(resource.fields.into()), json!({"persona_name": "Ada", "system_prompt": "Be kind."}));
        assert_eq!(resource.name, "Ada");
        assert!(resource.release);
    }

    #[test]
    fn a_field_of_the_section_wins_over_the_shared_one() {
        let section = json!({"persona_name": "Ada B", "system_prompt": {"$env": "PROMPT"}});
        let resource = compile_with(shared_fields(), None, section.clone()).expect("a resource");
        assert_eq!(Value::Object(resource.fields.into()), section);
        assert_eq!(resource.name, "Ada B");
    }

    #[test]
    fn a_context_is_refused_where_it_stands() {
        assert_eq!(codes(compile_with(shared_fields(), None, json!({"context": "A shop."}))), [("tavus-context", 1)].into());
    }

    #[test]
    fn a_persona_needs_a_prompt_that_is_not_empty() {
        let missing = |shared: Shared, section: Value| codes(compile_with(shared, None, section));
        assert_eq!(missing(Shared::default(), json!({})), [("tavus-prompt-missing", 0)].into());
        assert_eq!(missing(shared_fields(), json!({"system_prompt": null})), [("tavus-prompt-missing", 1)].into());
        assert_eq!(missing(shared_fields(), json!({"system_prompt": ""})), [("tavus-prompt-missing", 1)].into());
    }

    #[test]
    fn a_bound_persona_may_keep_a_prompt_that_is_not_ours() {
        let resource = compile_with(Shared::default(), Some("p1"), json!({"greeting": "Hi"})).expect("a resource");
        assert_eq!(Value::Object(resource.fields.into()), json!({"greeting": "Hi"}));
        assert_eq!(resource.bind, Some(RemoteId::new("p1")));
    }

    #[test]
    fn an_echo_takes_no_prompt_and_is_not_sent_the_shared_one() {
        for mode in WITHOUT_PROMPT {
            let resource = compile_with(shared_fields(), None, json!({"pipeline_mode": mode})).expect("a resource");
            assert_eq!(Value::Object(resource.fields.into()), json!({"persona_name": "Ada", "pipeline_mode": mode}));
            let section = json!({"pipeline_mode": mode, "system_prompt": "Be kind."});
            assert_eq!(codes(compile_with(shared_fields(), None, section)), [("tavus-prompt-not-used", 2)].into());
        }
    }

    #[test]
    fn flow_fields_that_tavus_refills_cannot_be_null() {
        let section = json!({"layers": {"conversational_flow": {"turn_taking_patience": null, "wake_phrase": null}}});
        assert_eq!(codes(compile_with(shared_fields(), None, section)), [("tavus-flow-null", 1)].into());
        let whole_layer = json!({"layers": {"conversational_flow": null}});
        assert!(compile_with(shared_fields(), None, whole_layer).is_ok());
    }

    #[test]
    fn all_problems_of_a_section_come_at_once() {
        let section = json!({"context": "A shop.", "system_prompt": ""});
        let found = codes(compile_with(shared_fields(), None, section));
        assert_eq!(found, [("tavus-context", 1), ("tavus-prompt-missing", 2)].into());
    }

    #[test]
    fn who_joins_meetings_needs_a_replica() {
        let joining = |more: Value| {
            let mut section = json!({"layers": {"conferencing": {"username": "ada"}}});
            section.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            section
        };
        let faceless = |more: Value| codes(compile_with(shared_fields(), None, joining(more)));
        assert_eq!(faceless(json!({})), [("tavus-conferencing-face", 0)].into());
        assert_eq!(faceless(json!({"default_replica_id": null})), [("tavus-conferencing-face", 1)].into());
        let given = joining(json!({"default_replica_id": "r1"}));
        assert!(compile_with(shared_fields(), None, given).is_ok());
        assert!(compile_with(shared_fields(), Some("p1"), joining(json!({}))).is_ok());
        assert!(compile_with(shared_fields(), None, json!({"layers": {"conferencing": null}})).is_ok());
    }

    #[test]
    fn a_pal_is_spelled_in_its_own_words_and_has_a_face() {
        let section = json!({
            "default_face_id": "r1", "layers": {"conversational_flow": {"pal_interruptibility": "low"}}, "pal_name": "Ada B",
        });
        let resource = compile_for(Api::Pals, shared_fields(), None, section.clone()).expect("a resource");
        let mut wanted = section;
        wanted["system_prompt"] = json!("Be kind.");
        assert_eq!(Value::Object(resource.fields.into()), wanted);
        assert_eq!(resource.name, "Ada B");
        let faceless = |section: Value| codes(compile_for(Api::Pals, shared_fields(), None, section));
        assert_eq!(faceless(json!({})), [("tavus-face-missing", 0)].into());
        assert_eq!(faceless(json!({"default_face_id": ""})), [("tavus-face-missing", 1)].into());
        assert!(compile_for(Api::Pals, shared_fields(), Some("p1"), json!({})).is_ok());
        let flow = json!({"default_face_id": "r1", "layers": {"conversational_flow": {"pal_interruptibility": null}}});
        assert_eq!(faceless(flow), [("tavus-flow-null", 2)].into());
    }
}
