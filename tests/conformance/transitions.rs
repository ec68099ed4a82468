//! THE LIST: what every persona of every provider must survive. Data only; who runs it is in `run`, and what is special about a
//! provider is in its row.

use personaform::persona::name::Pointer;
use personaform::plan::Reading;
use personaform::plan::diff::equal;
use personaform::plan::value::{remove, set};
use serde_json::{Map, Value, json};

use crate::rows::Row;
use crate::values;

/// What a step does to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The file is written as the row's base has it, without the field of the case.
    Base,
    /// The field appears.
    Set,
    /// The field gets another value.
    Change,
    /// The number 0.
    Zero,
    /// The boolean false.
    False,
    /// An empty text, list or object.
    Empty,
    /// A text with characters of other scripts, quotes, line breaks and slashes.
    Unicode,
    /// A list in another order.
    Reordered,
    /// `null`.
    Null,
    /// The field leaves the file.
    Removed,
    /// The file gets another name.
    Moved,
    /// The file is deleted.
    Deleted,
    /// The file stays, and somebody changes the field in the service's own surface.
    Drifted,
    /// The same with a field that the file does not name: it is not ours.
    Elsewhere,
    /// Anything else.
    Other,
}

/// One step: the file as it then is.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) kind: Kind,
    /// The key of the persona, which is its file's name.
    pub(crate) key: String,
    /// The document; none: there is no such file.
    pub(crate) file: Option<Value>,
    /// What somebody writes into the field of the case at the service beforehand.
    pub(crate) elsewhere: Option<Value>,
}

impl Step {
    /// The value that the file gives a field of its section, as JSON; empty: none.
    pub(crate) fn value(&self, account: &str, field: &Pointer) -> String {
        let section = self.file.as_ref().and_then(|file| file["targets"][account].as_object());
        let value = section.and_then(|section| personaform::plan::value::get(section, field));
        value.map(Value::to_string).unwrap_or_default()
    }
}

/// One persona and what happens to its file.
pub(crate) struct Case {
    pub(crate) key: String,
    /// The field that it is about; the root where it is about several.
    pub(crate) field: Pointer,
    pub(crate) steps: Vec<Step>,
}

/// Builds the steps of a case.
struct Builder<'a> {
    row: &'a Row,
    case: Case,
    persona: Value,
    section: Map<String, Value>,
}

impl<'a> Builder<'a> {
    fn new(row: &'a Row, key: &str) -> Self {
        let section = (row.section)();
        let persona = json!({"name": format!("Persona {key}"), "description": "Answers.", "prompt": "Be kind."});
        let case = Case { key: key.to_owned(), field: Pointer::root(), steps: Vec::new() };
        Self { row, case, persona, section: section.as_object().cloned().expect("a section") }
    }

    fn about(mut self, field: &Pointer) -> Self {
        self.case.field = field.clone();
        for (path, beside) in self.row.beside {
            if Pointer::parse(path).is_ok_and(|path| path.covers(field)) {
                for (path, value) in (beside)().as_object().into_iter().flatten() {
                    set(&mut self.section, &Pointer::parse(path).expect("a pointer"), value.clone());
                }
            }
        }
        self
    }

    fn step(mut self, kind: Kind) -> Self {
        let mut persona = self.persona.clone();
        persona["targets"] = json!({self.row.id: self.section});
        self.case.steps.push(Step { kind, key: self.case.key.clone(), file: Some(persona), elsewhere: None });
        self
    }

    /// The file stays as it is; at the service the field of the case gets a value.
    fn elsewhere(self, kind: Kind, value: &Value) -> Self {
        let mut this = self.step(kind);
        let step = this.case.steps.last_mut().expect("it was pushed");
        step.elsewhere = Some(value.clone());
        this
    }

    fn with(mut self, kind: Kind, path: &Pointer, value: Value) -> Self {
        set(&mut self.section, path, value);
        self.step(kind)
    }

    fn without(mut self, path: &Pointer) -> Self {
        // An object that holds nothing else goes with its member, as it would from a file.
        let mut path = Some(path.clone());
        while let Some(gone) = path.filter(|path| !path.is_root()) {
            remove(&mut self.section, &gone);
            let above = gone.parent().filter(|above| !above.is_root());
            path = above.filter(|above| {
                personaform::plan::value::get(&self.section, above).is_some_and(personaform::plan::value::is_empty)
            });
        }
        self.step(Kind::Removed)
    }

    fn shared(mut self, kind: Kind, field: &str, value: Value) -> Self {
        self.persona[field] = value;
        self.step(kind)
    }

    /// The row's base with these fields over it.
    fn section(mut self, over: Value) -> Self {
        self.section = (self.row.section)().as_object().cloned().expect("a section");
        self.section.extend(over.as_object().cloned().expect("a section"));
        self.step(Kind::Other)
    }

    fn moved(mut self, key: &str) -> Self {
        let old = std::mem::replace(&mut self.case.key, key.to_owned());
        self.persona["previously"] = json!(old);
        let mut this = self.step(Kind::Moved);
        this.persona.as_object_mut().expect("a persona").remove("previously");
        this.step(Kind::Other)
    }

    fn deleted(mut self) -> Case {
        let key = self.case.key.clone();
        self.case.steps.push(Step { kind: Kind::Deleted, key, file: None, elsewhere: None });
        self.done()
    }

    fn done(mut self) -> Case {
        // The runner knows a case by its first name.
        self.case.key.clone_from(&self.case.steps[0].key);
        self.case
    }
}

/// Every case of a row.
pub(crate) fn all(row: &Row) -> Vec<Case> {
    let mut cases = of_personas(row);
    cases.extend(long_prompts(row));
    cases.extend(of_fields(row, |_| true));
    cases
}

/// The cases of personas, and those of one field of every class: of one top-level field, with like values and under a like rule.
pub(crate) fn representative(row: &Row) -> Vec<Case> {
    let rules = personaform::providers::find(row.id).expect("a provider").rules();
    let mut seen = std::collections::BTreeSet::new();
    let mut cases = of_personas(row);
    cases.extend(of_fields(row, |field| {
        let rule = rules.field(&field.path);
        let kinds: Vec<Kind> = field.values.iter().map(|(kind, _)| *kind).collect();
        let above = field.path.segments().split_last().and_then(|(_, above)| above.first());
        let own = row.values.iter().any(|(path, _)| *path == field.path.to_string());
        let class = (rule.empty_is_absent, rule.set, rule.normal.is_some(), rule.reading, rule.clear);
        own || seen.insert(format!("{:?} {kinds:?} {class:?}", above))
    }));
    cases
}

fn of_fields(row: &Row, mut wanted: impl FnMut(&values::FieldValues) -> bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for field in values::fields(&row.schema()).into_iter().filter(|field| wanted(field)) {
        let path = field.path.to_string();
        let known = row.values.iter().find(|(known, _)| *known == path);
        let values: Vec<(Kind, Value)> = match known {
            Some((_, values)) => in_order((values)()),
            None => field.values,
        };
        if let [(_, first), (_, second), ..] = values.as_slice() {
            cases.push(later(row, &field.path, &values));
            cases.push(born(row, &field.path, first, second));
            cases.extend(drifted(row, &field.path, first, second));
        }
    }
    cases
}

/// The few cases that are about many fields at once, for every pair of switches.
pub(crate) fn brief(row: &Row) -> Vec<Case> {
    together(row)
}

fn in_order(values: Vec<Value>) -> Vec<(Kind, Value)> {
    let kinds = [Kind::Set, Kind::Change].into_iter().chain(std::iter::repeat(Kind::Other));
    kinds.zip(values).collect()
}

fn key(path: &Pointer, suffix: &str) -> String {
    let name: String = path.segments().join("-").to_lowercase().replace('_', "-");
    format!("{name}-{suffix}")
}

/// A field that comes to a persona that exists, takes every value, is cleared, comes back and leaves.
fn later(row: &Row, path: &Pointer, values: &[(Kind, Value)]) -> Case {
    let mut builder = Builder::new(row, &key(path, "later")).about(path);
    remove(&mut builder.section, path);
    if row.required.contains(&path.to_string().as_str()) {
        set(&mut builder.section, path, values[1].1.clone());
    }
    let mut builder = builder.step(Kind::Base);
    for (kind, value) in values {
        builder = builder.with(*kind, path, value.clone());
    }
    builder.with(Kind::Null, path, Value::Null).with(Kind::Other, path, values[0].1.clone()).without(path).done()
}

/// A field that a persona is created with.
fn born(row: &Row, path: &Pointer, first: &Value, second: &Value) -> Case {
    let mut builder = Builder::new(row, &key(path, "born")).about(path);
    set(&mut builder.section, path, first.clone());
    let builder = builder.step(Kind::Other).without(path).with(Kind::Other, path, second.clone());
    builder.with(Kind::Null, path, Value::Null).without(path).done()
}

/// A field that is changed elsewhere while it is ours, and set back; and once it is not ours any more, and stays.
fn drifted(row: &Row, path: &Pointer, first: &Value, second: &Value) -> Option<Case> {
    let rules = personaform::providers::find(row.id).expect("a provider").rules();
    let rule = rules.field(path);
    let seen = rules.read && rule.reading == Reading::Always;
    let secret = |value: &Value| value.to_string().contains("$env");
    // An object as a whole drifts with its members; and of what reads show otherwise nobody can tell.
    let never = row
        .refused
        .iter()
        .any(|(refused, kinds)| kinds.is_empty() && Pointer::parse(refused).is_ok_and(|refused| refused.covers(path)));
    if !seen || never || first.is_object() || secret(first) || secret(second) || equal(rule, first, Some(second)) {
        return None;
    }
    let mut builder = Builder::new(row, &key(path, "drifted")).about(path);
    set(&mut builder.section, path, first.clone());
    let builder = builder.step(Kind::Base).elsewhere(Kind::Drifted, second);
    let text = path.to_string();
    let shared = personaform::providers::find(row.id).expect("a provider").shared();
    // Required, or said for all services at the top of the file: it stays ours.
    if row.required.contains(&text.as_str()) || shared.iter().any(|(_, own)| *own == text) {
        return Some(builder.done());
    }
    let builder = builder.without(path).elsewhere(Kind::Elsewhere, second);
    Some(builder.shared(Kind::Other, "name", json!("Another name")).done())
}

/// A prompt of 100 KB comes, changes in its last letter, and goes.
fn long_prompts(row: &Row) -> Vec<Case> {
    let prompt = "Be kind, and never promise a date. 🦀 ünïcode\n".repeat(2_100);
    vec![
        Builder::new(row, "prompted")
            .step(Kind::Base)
            .shared(Kind::Other, "prompt", json!(prompt))
            .shared(Kind::Other, "prompt", json!(format!("{prompt}.")))
            .shared(Kind::Other, "prompt", json!("{{name}} ${name}\n\n\ttabbed \u{2028} "))
            .shared(Kind::Other, "prompt", json!({"$env": "SECRET_ONE"}))
            .shared(Kind::Other, "prompt", json!({"$env": "SECRET_TWO"}))
            .deleted(),
        Builder::new(row, "born-with-a-long-prompt").shared(Kind::Base, "prompt", json!(prompt)).deleted(),
    ]
}

/// Cases that need no schema.
fn of_personas(row: &Row) -> Vec<Case> {
    let mut cases = vec![
        Builder::new(row, "created").step(Kind::Base).deleted(),
        Builder::new(row, "renamed")
            .step(Kind::Base)
            .shared(Kind::Other, "name", json!("Another name"))
            .shared(Kind::Other, "name", json!("名前 \"ü\""))
            .deleted(),
        Builder::new(row, "described")
            .step(Kind::Base)
            .shared(Kind::Other, "description", json!("Answers more."))
            .shared(Kind::Other, "description", json!(""))
            .shared(Kind::Other, "description", json!("Answers."))
            .shared(Kind::Other, "description", Value::Null)
            .deleted(),
        Builder::new(row, "moved").step(Kind::Base).moved("moved-elsewhere").deleted(),
        {
            let mut builder = Builder::new(row, "moved-and-changed").step(Kind::Base);
            builder.persona["name"] = json!("Moved and changed");
            builder.persona["prompt"] = json!("Be brief.");
            builder.moved("moved-and-changed-elsewhere").deleted()
        },
    ];
    cases.extend(together(row));
    cases
}

/// What a row says influences each other.
fn together(row: &Row) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, sections) in row.together {
        let mut builder = Builder::new(row, name);
        for section in (sections)() {
            builder = builder.section(section);
        }
        cases.push(builder.deleted());
    }
    cases
}
