//! The texts of a persona: one YAML file, and prompt files beside it. Puts what all sections have alike on top, leaves out what the
//! accounts' defaults say anyway, puts names in the place of ids where that is asked for, and says in comments what stayed out.

use serde_json::{Map, Value, json};

use super::draft::{Draft, Part};
use super::margin::{Margin, with_names};
use super::yaml::{self, Line, Node};
use crate::persona::name::{AccountName, Key, Pointer};
use crate::plan::value::{get, is_secret, leaves, remove, same, set};

/// From this many characters on, a prompt has a file of its own even if it is a single line.
const LONG: usize = 100;

/// Where prompt files stand, below the folder of the persona file.
const PROMPTS: &str = "prompts";

/// The texts of one persona.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// The persona file.
    pub yaml: String,
    /// Prompt files: path below the persona folder, and content.
    pub prompts: Vec<(String, String)>,
}

/// The path of the file that holds a prompt, relative to the folder of the persona file.
fn prompt_path(key: &Key, account: Option<&AccountName>) -> String {
    let name = key.as_str().rsplit('/').next().unwrap_or_default();
    match account {
        Some(account) => format!("{PROMPTS}/{name}.{account}.md"),
        None => format!("{PROMPTS}/{name}.md"),
    }
}

/// Writes a persona. `schema` is the path of the persona schema as the persona file names it.
pub fn texts(draft: &Draft, schema: Option<&str>) -> Texts {
    let mut writer = Writer { key: &draft.key, texts: Texts::default(), inline: false };
    let mut lines = Vec::new();
    if let Some(schema) = schema {
        lines.push(Line::Comment(format!("yaml-language-server: $schema={schema}")));
    }
    let mut fields: Vec<Map<String, Value>> = draft.parts.iter().map(|part| part.section.fields.clone()).collect();
    for name in ["name", "description", "prompt"] {
        if let Some(value) = lifted(draft, name, &mut fields) {
            let node = if name == "prompt" { writer.prompt(value, None) } else { value.into() };
            lines.push(Line::Member(name.to_owned(), node));
        }
    }
    let mut targets = Vec::new();
    for (part, fields) in draft.parts.iter().zip(fields) {
        targets.extend(writer.target(part, fields, draft.parts.len() > 1));
    }
    lines.push(Line::Member("targets".to_owned(), Node::Members(targets)));
    writer.texts.yaml = yaml::write(&lines);
    writer.texts
}

/// The lines that would add a section to a persona that has a file already, below its `targets`. `shared` are the shared fields that
/// the file holds.
pub fn pasted(key: &Key, part: &Part, shared: &Map<String, Value>) -> String {
    let mut writer = Writer { key, texts: Texts::default(), inline: true };
    let mut fields = part.section.fields.clone();
    for (name, value) in shared {
        let Some(path) = at(part, name) else { continue };
        match get(&fields, &path) {
            Some(own) if same(own, value) => drop(remove(&mut fields, &path)),
            Some(_) => {}
            None => set(&mut fields, &path, Value::Null),
        }
    }
    yaml::write(&[Line::Member("targets".to_owned(), Node::Members(writer.target(part, fields, true)))])
}

/// Where a part's provider keeps a shared field.
fn at(part: &Part, name: &str) -> Option<Pointer> {
    part.shared.iter().find(|(shared, _)| *shared == name).and_then(|(_, path)| Pointer::parse(path).ok())
}

/// Takes a shared field out of the sections, if all that would be sent it hold the same.
fn lifted(draft: &Draft, name: &str, fields: &mut [Map<String, Value>]) -> Option<Value> {
    let mut places = Vec::new();
    for (index, part) in draft.parts.iter().enumerate() {
        let Some(path) = at(part, name) else { continue };
        // An account's default would win over the shared field.
        if get(&part.defaults, &path).is_some() {
            return None;
        }
        places.push((index, path));
    }
    let values: Vec<Option<&Value>> = places.iter().map(|(index, path)| get(&fields[*index], path)).collect();
    let first = (*values.first()?)?.clone();
    if !values.iter().all(|value| value.is_some_and(|value| same(value, &first))) {
        return None;
    }
    for (index, path) in places {
        remove(&mut fields[index], &path);
    }
    Some(first)
}

struct Writer<'a> {
    key: &'a Key,
    texts: Texts,
    /// Whether prompts stay where they are, whatever their length.
    inline: bool,
}

impl Writer<'_> {
    /// One section with its comments.
    fn target(&mut self, part: &Part, fields: Map<String, Value>, several: bool) -> Vec<Line> {
        let mut fields = without_defaults(fields, &part.section.fields, part);
        if let Some(path) = at(part, "prompt")
            && let Some(prompt) = get(&fields, &path).cloned()
        {
            let Node::Brief(expression) = self.prompt(prompt.clone(), several.then_some(&part.account)) else {
                return self.lines(part, &fields);
            };
            set(&mut fields, &path, Value::Object(expression));
        }
        self.lines(part, &fields)
    }

    fn lines(&self, part: &Part, fields: &Map<String, Value>) -> Vec<Line> {
        let mut head = Vec::new();
        if part.bind {
            head.push(Line::Member("$id".to_owned(), json!(part.id).into()));
        }
        if part.section.unreleased {
            let comment = "The draft differs from what is released. Remove the next line, and an apply releases it.";
            head.push(Line::Comment(comment.to_owned()));
            head.push(Line::Member("$release".to_owned(), json!("draft").into()));
        }
        let left = part.section.left.iter().filter(|left| get(&part.defaults, &left.path).is_none());
        let (fields, remarks) = with_names(fields, part);
        let margin = Margin { key: self.key, left: left.cloned().collect(), remarks };
        let mut body = margin.members(&fields, &Pointer::root());
        let is_empty = head.is_empty() && !body.iter().any(|line| matches!(line, Line::Member(..)));
        let account = part.account.to_string();
        if is_empty {
            // Comments alone would make the section `null`.
            body.push(Line::Member(account, Node::Brief(Map::new())));
            return body;
        }
        head.append(&mut body);
        vec![Line::Member(account, Node::Members(head))]
    }

    /// A prompt: on its line where it is short, else in a file. The loader drops one line end at the end of a file, so one is added.
    fn prompt(&mut self, value: Value, account: Option<&AccountName>) -> Node {
        let Some(text) = value.as_str().filter(|text| text.contains(['\n', '\r']) || text.chars().count() > LONG) else {
            return value.into();
        };
        if self.inline {
            return value.into();
        }
        let path = prompt_path(self.key, account);
        let end = if text.ends_with('\r') { "\r\n" } else { "\n" };
        self.texts.prompts.push((path.clone(), format!("{text}{end}")));
        Node::Brief(Map::from_iter([("$file".to_owned(), Value::from(path))]))
    }
}

/// The fields without those that the account's defaults supply, and with a `null` for those that they must not. What was lifted is
/// neither.
fn without_defaults(mut fields: Map<String, Value>, all: &Map<String, Value>, part: &Part) -> Map<String, Value> {
    for (path, default) in leaves(&part.defaults) {
        match get(all, &path) {
            Some(value) if same(value, default) => {
                remove(&mut fields, &path);
            }
            Some(_) => {}
            // Nobody can see whether a secret of the defaults is set there, and clearing it is not what anybody asked for.
            None if default.is_null() || is_secret(default) || part.section.left.iter().any(|left| left.path.covers(&path)) => {
            }
            None => set(&mut fields, &path, Value::Null),
        }
    }
    fields.into_iter().filter_map(|(name, value)| Some((name, without_hollow(value)?))).collect()
}

/// A value without the objects that hold nothing any more; none where nothing is left.
fn without_hollow(value: Value) -> Option<Value> {
    match value {
        Value::Object(members) => {
            let kept: Map<String, Value> =
                members.into_iter().filter_map(|(name, value)| Some((name, without_hollow(value)?))).collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::super::draft::Called;
    use super::super::section::{Left, Section, Why};
    use crate::persona::name::Pointer;
    use crate::plan::RemoteId;
    use std::collections::BTreeMap;

    use super::*;

    const SHARED: &[(&str, &str)] = &[("name", "/name"), ("description", "/about"), ("prompt", "/brain/prompt")];

    fn part(account: &str, fields: Value) -> Part {
        let fields = fields.as_object().cloned().expect("an object");
        Part {
            account: AccountName::new(account),
            id: RemoteId::new("p1"),
            section: Section { fields, left: Vec::new(), unreleased: false },
            defaults: Map::new(),
            shared: SHARED,
            bind: false,
            called: BTreeMap::new(),
        }
    }

    fn written(parts: Vec<Part>) -> Texts {
        texts(&Draft { key: Key::new("ada"), parts }, Some("../schemas/persona.schema.json"))
    }

    #[test]
    fn shared_fields_stand_on_top_and_long_prompts_in_files() {
        let texts = written(vec![part(
            "one",
            json!({"name": "Ada", "about": "Helps", "brain": {"prompt": "Be kind.\nBe brief.\n"}, "voice": "v"}),
        )]);
        let wanted = "\
# yaml-language-server: $schema=../schemas/persona.schema.json
name: Ada
description: Helps
prompt: { $file: prompts/ada.md }
targets:
  one:
    voice: v
";
        assert_eq!(texts.yaml, wanted);
        assert_eq!(texts.prompts, [("prompts/ada.md".to_owned(), "Be kind.\nBe brief.\n\n".to_owned())]);
    }

    #[test]
    fn a_short_prompt_stays_and_a_carriage_return_at_the_end_survives() {
        let texts = written(vec![part("one", json!({"brain": {"prompt": "Be kind."}}))]);
        assert!(texts.yaml.contains("prompt: Be kind.\n") && texts.prompts.is_empty(), "{texts:?}");
        let texts = written(vec![part("one", json!({"brain": {"prompt": "Be kind.\r"}}))]);
        assert_eq!(texts.prompts[0].1, "Be kind.\r\r\n");
    }

    #[test]
    fn only_what_all_sections_have_alike_is_shared() {
        let one = part("one", json!({"name": "Ada", "about": "Helps", "brain": {"prompt": "Be kind."}}));
        let two = part("two", json!({"name": "Ada", "brain": {"prompt": "Be brief."}}));
        let wanted = "\
name: Ada
targets:
  one:
    about: Helps
    brain:
      prompt: Be kind.
  two:
    brain:
      prompt: Be brief.
";
        assert_eq!(texts(&Draft { key: Key::new("ada"), parts: vec![one, two] }, None).yaml, wanted);
    }

    #[test]
    fn a_section_that_does_not_know_a_shared_field_has_no_say() {
        let one = part("one", json!({"about": "Helps"}));
        let mut two = part("two", json!({}));
        two.shared = &[("name", "/name"), ("prompt", "/brain/prompt")];
        let text = texts(&Draft { key: Key::new("ada"), parts: vec![one, two] }, None).yaml;
        assert_eq!(text, "description: Helps\ntargets:\n  one: {}\n  two: {}\n");
    }

    #[test]
    fn defaults_are_left_out_and_overruled() {
        let mut one = part("one", json!({"voice": "v", "llm": {"model": "m", "speed": 2}, "name": "Ada"}));
        one.defaults = json!({"voice": "v", "llm": {"model": "other", "extra": 1}, "name": "Bea"})
            .as_object()
            .cloned()
            .expect("an object");
        let wanted = "\
targets:
  one:
    llm:
      extra: null
      model: m
      speed: 2
    name: Ada
";
        assert_eq!(texts(&Draft { key: Key::new("ada"), parts: vec![one] }, None).yaml, wanted);
    }

    #[test]
    fn names_stand_for_ids_where_they_lead_to_nothing_else() {
        let called = |kind, name: &str, unique| Called { kind, name: name.to_owned(), unique };
        let mut one = part(
            "one",
            json!({"voice": "v1", "config": {"face": "f1"}, "tools": ["t1", "t2", "t3"], "llm": "m", "other": "v1"}),
        );
        one.defaults = json!({"llm": "m"}).as_object().cloned().expect("an object");
        one.called = [
            ("/voice", called("voice", "Lucy - Fresh & Casual", true)),
            ("/config/face", called("face", "Liv", false)),
            ("/tools/0", called("tool", "no", true)),
            ("/tools/2", called("knowledge_base", "a\nname: Eve", false)),
            ("/llm", called("llm", "M", true)),
        ]
        .into_iter()
        .map(|(path, called)| (Pointer::parse(path).expect("a pointer"), called))
        .collect();
        let wanted = "\
targets:
  one:
    config:
      # f1 is the face \"Liv\"; others have that name too
      face: f1
    other: v1
    # t3 is the knowledge base \"a\\nname: Eve\"; others have that name too
    tools:
      - { $lookup: { tool: \"no\" } }
      - t2
      - t3
    voice: { $lookup: { voice: \"Lucy - Fresh & Casual\" } }
";
        assert_eq!(texts(&Draft { key: Key::new("ada"), parts: vec![one] }, None).yaml, wanted);
    }

    #[test]
    fn what_stays_out_is_named_where_it_belongs() {
        let mut one = part("one", json!({"llm": {"model": "m"}}));
        let left = |path: &str, why: Why| Left { path: Pointer::parse(path).expect("a pointer"), why };
        one.section.left = vec![
            left("/llm/api_key", Why::WriteOnly { secret: true }),
            left("/tts/api_key", Why::Secret),
            left("/new\nname: Eve", Why::Unknown),
        ];
        one.section.unreleased = true;
        one.bind = true;
        let wanted = "\
targets:
  one:
    $id: p1
    # The draft differs from what is released. Remove the next line, and an apply releases it.
    $release: draft
    llm:
      model: m
      # api_key: { $env: ADA_LLM_API_KEY }  # not managed: it can be written and never read
    # tts/api_key: { $env: ADA_TTS_API_KEY }  # not managed: it looks like a secret, which never stands in a file
    # not managed: new\\nname: Eve: personaform does not know this field
";
        assert_eq!(texts(&Draft { key: Key::new("ada"), parts: vec![one] }, None).yaml, wanted);
    }
}
