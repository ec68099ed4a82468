//! From the tree of one persona file to a [`Persona`]: shared fields, and each target with its account's defaults beneath it.

use std::sync::Arc;

use serde_json::Map;

use super::Vocabulary;
use super::accounts::{Settings, unknown_account};
use super::check;
use super::document::{self, Persona, Shared, Target};
use super::expression::{Resolver, recognise};
use super::folder::is_key;
use super::name::{AccountName, Key, Manage, Pointer};
use super::node::{Entry, Kind, Node};
use super::places::Places;
use super::problem::{Place, Problem};
use super::schema::shape::{ShapeId, Shapes};

/// What reading a persona takes.
pub(super) struct Reader<'a, 'b> {
    /// The persona schema for the configured accounts, and the whole of it.
    pub(super) shapes: &'a Shapes<'a>,
    pub(super) whole: ShapeId,
    /// The providers, for what is said of an account that there is not.
    pub(super) vocabulary: &'a Vocabulary,
    /// The project's settings; none when its file could not be read.
    pub(super) settings: Option<&'a Settings>,
    /// Replaces expressions.
    pub(super) resolver: &'a mut Resolver<'b>,
    /// Where problems go.
    pub(super) problems: &'a mut Vec<Problem>,
    /// Every `previously` read so far.
    pub(super) former: Vec<Former>,
}

/// A `previously` with its place.
pub(super) struct Former {
    /// The persona that says so.
    pub(super) key: Key,
    /// The key that it had.
    pub(super) previously: Key,
    /// Where it says so.
    pub(super) place: Place,
}

impl Reader<'_, '_> {
    /// Reads one persona as far as it goes.
    pub(super) fn persona(&mut self, key: Key, root: &Node) -> Persona {
        self.problems.extend(check::check(root, self.shapes, self.whole, &[], None));
        let mut places = Places::new(root.place.clone());
        let mut shared = |name: &str| {
            let entry = root.entry(name)?;
            places.push(&format!("/{name}"), entry.field_place());
            Some(self.resolver.field(name, &entry.value))
        };
        let shared = Shared { name: shared("name"), description: shared("description"), prompt: shared("prompt") };
        let places = places.finished(self.resolver.made());
        let previously = root.get("previously").and_then(|node| self.previously(node));
        let mut targets = Vec::new();
        for entry in root.get("targets").map_or(&[][..], Node::entries) {
            targets.extend(self.target(entry));
        }
        targets.shrink_to_fit();
        if let (Some(previously), Some(node)) = (&previously, root.get("previously")) {
            self.former.push(Former { key: key.clone(), previously: previously.clone(), place: node.place.clone() });
        }
        Persona { key, shared, previously, targets, places, place: root.place.clone() }
    }

    fn previously(&mut self, node: &Node) -> Option<Key> {
        let text = node.text()?;
        if !is_key(text) {
            let problem = Problem::error("bad-previously", node.place.clone(), "this is no key of a persona");
            let help = "a key is the path below the persona folder without extension, as in `emea/ada`";
            self.problems.push(problem.with_help(help));
            return None;
        }
        Some(Key::new(text))
    }

    fn target(&mut self, entry: &Entry) -> Option<Target> {
        let section = self.shapes.section(self.whole, &entry.key);
        if section.is_none()
            && let Some(settings) = self.settings
            && !settings.written.contains(&entry.key)
        {
            self.problems.push(unknown_account(&entry.key, &entry.place, settings, self.vocabulary));
        }
        let account = AccountName::new(&entry.key);
        let merged = match self.settings.and_then(|settings| settings.defaults.get(&account)) {
            // A target without fields of its own (`opengiant:`) is all defaults; only a field's `null` clears.
            Some(defaults) if entry.value.is_null() => Arc::clone(defaults),
            Some(defaults) => merge(defaults, &entry.value),
            None => Arc::clone(&entry.value),
        };
        if let Some(section) = section {
            let path = ["targets", entry.key.as_str()];
            self.problems.extend(check::check(&merged, self.shapes, section, &path, Some(&entry.place)));
        }
        let settings = self.settings(&merged);
        let mut places = Places::new(entry.place.clone());
        let mut fields = Map::new();
        for field in merged.entries() {
            places.add(&field.key, field.field_place(), &field.value);
            if !field.key.starts_with('$') {
                fields.insert(field.key.clone(), self.resolver.field(&field.key, &field.value));
            }
        }
        Some(Target { account, fields, settings, places: places.finished(self.resolver.made()) })
    }

    /// The `$` keys; their types have been checked.
    fn settings(&mut self, section: &Node) -> document::Settings {
        let text = |name: &str| section.get(name).and_then(Node::text).map(str::to_owned);
        let lifecycle = section.get("$lifecycle");
        let says =
            |name: &str| lifecycle.and_then(|node| node.get(name)).is_some_and(|node| matches!(node.kind, Kind::Bool(true)));
        let (prevent_destroy, force_destroy) = (says("prevent_destroy"), says("force_destroy"));
        let mut ignore_changes = Vec::new();
        if let Some(Kind::List(items)) = lifecycle.and_then(|node| node.get("ignore_changes")).map(|node| &node.kind) {
            for item in items {
                let Some(text) = item.text() else { continue };
                match Pointer::parse(text) {
                    Ok(pointer) if !pointer.is_root() => ignore_changes.push(pointer),
                    Ok(_) => {
                        let message = "an empty pointer would ignore the whole object";
                        self.problems.push(Problem::error("bad-pointer", item.place.clone(), message));
                    }
                    Err(message) => {
                        let problem = Problem::error("bad-pointer", item.place.clone(), message);
                        self.problems.push(problem.with_suggestion(item.place.clone(), format!("/{}", text.replace('.', "/"))));
                    }
                }
            }
        }
        let release = text("$release").map(|release| release == "production");
        let manage = match text("$manage").as_deref() {
            Some("observe") => Manage::Observe,
            Some("no-delete") => Manage::NoDelete,
            _ => Manage::Full,
        };
        document::Settings { id: text("$id"), prevent_destroy, force_destroy, ignore_changes, release, manage }
    }
}

/// Lays a section over an account's defaults: mappings by key; lists, scalars and expressions are replaced, and a `null` wins.
fn merge(defaults: &Arc<Node>, section: &Arc<Node>) -> Arc<Node> {
    let both = [defaults, section].iter().all(|node| matches!(node.kind, Kind::Mapping(_)) && recognise(node).is_none());
    if !both {
        return Arc::clone(section);
    }
    let mut entries: Vec<Entry> = Vec::new();
    for entry in section.entries() {
        let value = match defaults.entry(&entry.key) {
            Some(below) => merge(&below.value, &entry.value),
            None => Arc::clone(&entry.value),
        };
        entries.push(Entry { value, ..entry.clone() });
    }
    entries.extend(defaults.entries().iter().filter(|below| section.entry(&below.key).is_none()).cloned());
    Arc::new(Node { place: section.place.clone(), kind: Kind::Mapping(entries) })
}
