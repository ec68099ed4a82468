//! The rows: one per provider. A row says which miniature stands for the service under which switches, what a plain section looks
//! like, and what is known not to work. A new provider is covered once its row stands here.

mod anam;
mod bland;
mod opengiant;
mod tavus;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use personaform::persona::name::Pointer;
use personaform::plan::value::{remove, set};
use personaform::plan::{Clear, Resource, Rules};
use personaform::sandbox::{Incoming, Miniature, Outgoing};
use serde_json::{Map, Value};

use crate::transitions::{Case, Kind, Step};

/// All rows, in the order of the provider table.
pub(crate) static ROWS: [&Row; 4] = [&tavus::ROW, &anam::ROW, &bland::ROW, &opengiant::ROW];

/// Something that is made under a name.
type Named<T> = (&'static str, fn() -> T);

/// A miniature, and a look into it.
type Started = (Box<dyn Miniature>, Box<dyn Inspect>);

/// One provider.
pub(crate) struct Row {
    /// The provider's id.
    pub(crate) id: &'static str,
    /// A plain section that every case begins with.
    pub(crate) section: fn() -> Value,
    /// Fields that a section must have.
    pub(crate) required: &'static [&'static str],
    /// What has to stand beside a field, as pointers and values.
    pub(crate) beside: &'static [Named<Value>],
    /// Values of fields whose schema cannot say what the service takes.
    pub(crate) values: &'static [Named<Vec<Value>>],
    /// Fields that influence each other: sections laid over the base, one after the other.
    pub(crate) together: &'static [Named<Vec<Value>>],
    /// Fields whose values here are the service's own, so that it may be that nothing is planned for them.
    pub(crate) idle: &'static [&'static str],
    /// Members that no file names: each object comes to hold them, and they must survive every step.
    pub(crate) strangers: &'static [Named<Value>],
    /// Switches under which the service refuses a write to an object that holds such members.
    pub(crate) estranged: &'static [&'static str],
    /// Where a file is refused, at these fields and below, with these kinds of step; none: every kind.
    pub(crate) refused: &'static [(&'static str, &'static [Kind])],
    /// Where the service cannot do what is wanted.
    pub(crate) exceptions: &'static [Exception],
    /// The service's miniature: all defaults, then each switch alone off its default.
    pub(crate) settings: fn() -> Vec<Setting>,
    /// The miniature with every pair of two switches off their defaults.
    pub(crate) pairs: fn() -> Vec<Setting>,
}

/// What the service cannot do, under which setting, and what the user is told.
pub(crate) struct Exception {
    /// The switch, as settings are named after; empty: whatever the setting.
    pub(crate) setting: &'static str,
    /// The field and all below it; with `/*` at the end, only what is below.
    pub(crate) field: &'static str,
    /// The kinds of step; none: every kind.
    pub(crate) kinds: &'static [Kind],
    /// The value that the file gives the field, as JSON; empty: whatever it is.
    pub(crate) value: &'static str,
    pub(crate) expected: Expected,
}

impl Exception {
    /// What is cleared below a field survives under a setting.
    const fn survives(setting: &'static str, field: &'static str, null_helps: bool) -> Self {
        Self { setting, field, kinds: &[], value: "", expected: Expected::Survives { below: field, null_helps } }
    }
}

/// How a step ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    /// Applied, read back, as predicted; a second plan is empty.
    Done,
    /// Held up before anything is sent, with these words.
    Blocked(&'static str),
    /// Refused by the service with these words, and planned again.
    Fails(&'static str),
    /// Below this field, what the plan clears survives, and is reported as diverged; the rest is done. With `null_helps`, an
    /// explicit `null` is done too; else it is blocked afterwards.
    Survives { below: &'static str, null_helps: bool },
}

/// A service under one setting of its switches.
pub(crate) struct Setting {
    /// The switches that are off their defaults, joined by `+`.
    pub(crate) name: String,
    start: Box<dyn Fn() -> Started + Send + Sync>,
}

impl Setting {
    /// A fresh miniature, and a look into it.
    pub(crate) fn start(&self) -> Started {
        (self.start)()
    }

    /// Whether every switch is at its default.
    pub(crate) fn is_plain(&self) -> bool {
        self.name == "defaults"
    }

    fn has(&self, switch: &str) -> bool {
        switch.is_empty() || self.name.split('+').any(|part| part == switch)
    }
}

/// A look into a miniature's own store, in the shape of writes.
pub(crate) trait Inspect {
    /// The object where writes go.
    fn held(&self, id: &str) -> Option<Map<String, Value>>;

    /// The object as customers hear it, where the service keeps the two apart.
    fn released(&self, _id: &str) -> Option<Map<String, Value>> {
        None
    }

    /// Somebody changes one field of the object elsewhere; null: takes it away.
    fn alter(&self, _id: &str, path: &Pointer, _value: &Value) {
        panic!("nobody can see whether `{path}` was changed");
    }
}

/// Writes or takes away one field of a document.
fn altered(document: &mut Map<String, Value>, path: &Pointer, value: &Value) {
    if value.is_null() {
        remove(document, path);
    } else {
        set(document, path, value.clone());
    }
}

impl Row {
    /// The schema of a target section.
    pub(crate) fn schema(&self) -> Value {
        crate::pipeline::words().providers[self.id].section.schema()
    }

    /// The strangers that a service takes under a setting.
    pub(crate) fn strangers(&self, setting: &Setting) -> Vec<(Pointer, Value)> {
        if self.estranged.iter().any(|switch| setting.has(switch)) {
            return Vec::new();
        }
        self.strangers.iter().map(|(path, value)| (Pointer::parse(path).expect("a pointer"), (value)())).collect()
    }

    /// Whether a file is refused after a step of a case.
    pub(crate) fn refuses(&self, case: &Case, step: &Step) -> bool {
        let covers = |path: &str| Pointer::parse(path).is_ok_and(|path| path.covers(&case.field));
        self.refused.iter().any(|(path, kinds)| covers(path) && (kinds.is_empty() || kinds.contains(&step.kind)))
    }

    /// Whether it may be that nothing is planned for a step: the file was refused, the value is the service's own, or another
    /// value was refused by the service before.
    pub(crate) fn may_be_idle(&self, setting: &Setting, case: &Case, step: &Step) -> bool {
        if self.refuses(case, step) || self.idle.contains(&case.field.to_string().as_str()) {
            return true;
        }
        self.exceptions.iter().any(|exception| {
            matches!(exception.expected, Expected::Fails(_))
                && setting.has(exception.setting)
                && Pointer::parse(exception.field).is_ok_and(|field| field.covers(&case.field))
        })
    }

    /// How a step of a case ends under a setting.
    pub(crate) fn expected(
        &self,
        setting: &Setting,
        rules: &Rules,
        case: &Case,
        step: &Step,
        resource: Option<&Resource>,
    ) -> Expected {
        let applies = |exception: &&Exception| {
            let below = exception.field.strip_suffix("/*");
            let field = Pointer::parse(below.unwrap_or(exception.field)).expect("a pointer");
            // A case about several fields meets what survives as well.
            let several = case.field.is_root() && matches!(exception.expected, Expected::Survives { .. });
            setting.has(exception.setting)
                && ((field.covers(&case.field) && (below.is_none() || field != case.field)) || several)
                && (exception.kinds.is_empty() || exception.kinds.contains(&step.kind))
                && (exception.value.is_empty() || step.value(self.id, &case.field) == exception.value)
        };
        if let Some(exception) = self.exceptions.iter().find(applies) {
            return exception.expected;
        }
        let clears = resource
            .is_some_and(|resource| personaform::plan::value::get(&resource.fields, &case.field).is_some_and(Value::is_null));
        match rules.field(&case.field).clear {
            Clear::Impossible(why) if clears && step.kind == Kind::Null => Expected::Blocked(why),
            _ => Expected::Done,
        }
    }
}

/// A switch off its default, by name: `switch=value`.
type Switch<S> = (&'static str, fn(&mut S));

/// A miniature that is served and looked into at once.
pub(crate) struct Shared<M>(Arc<Mutex<M>>);

impl<M> Shared<M> {
    pub(crate) fn get(&self) -> MutexGuard<'_, M> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps nothing: what a miniature holds is not written out after each of thousands of requests.
impl<M: Miniature> Miniature for Shared<M> {
    fn handle(&mut self, request: &Incoming) -> Outgoing {
        self.get().handle(request)
    }

    fn store(&self) -> Value {
        Value::Null
    }

    fn restore(&mut self, _store: Value) -> Result<(), String> {
        Ok(())
    }
}

fn setting<S, M>(switches: Vec<Switch<S>>, make: fn(S) -> M) -> Setting
where
    S: Default + 'static,
    M: Miniature + 'static,
    Shared<M>: Inspect,
{
    let names: Vec<&str> = switches.iter().map(|(name, _)| *name).collect();
    let name = if names.is_empty() { "defaults".to_owned() } else { names.join("+") };
    let start = move || {
        let mut values = S::default();
        for (_, switch) in &switches {
            switch(&mut values);
        }
        let miniature = Arc::new(Mutex::new(make(values)));
        let inspect: Box<dyn Inspect> = Box::new(Shared(Arc::clone(&miniature)));
        (Box::new(Shared(miniature)) as Box<dyn Miniature>, inspect)
    };
    Setting { name, start: Box::new(start) }
}

/// All defaults, then each switch alone.
fn alone<S, M>(switches: &[Switch<S>], make: fn(S) -> M) -> Vec<Setting>
where
    S: Default + 'static,
    M: Miniature + 'static,
    Shared<M>: Inspect,
{
    let each = switches.iter().map(|switch| setting(vec![*switch], make));
    std::iter::once(setting(Vec::new(), make)).chain(each).collect()
}

/// Every two values of two different switches.
fn pairs<S, M>(switches: &[Switch<S>], make: fn(S) -> M) -> Vec<Setting>
where
    S: Default + 'static,
    M: Miniature + 'static,
    Shared<M>: Inspect,
{
    let of = |switch: &Switch<S>| switch.0.split('=').next().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for (at, first) in switches.iter().enumerate() {
        for second in switches[at + 1..].iter().filter(|second| of(second) != of(first)) {
            found.push(setting(vec![*first, *second], make));
        }
    }
    found
}
