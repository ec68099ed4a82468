//! Runs cases in lockstep against one setting of a service, and judges every step: the plan is applied, the service holds what
//! the files want, nothing else has changed, and a second plan is empty; or the user was told what the row says.

use std::collections::{BTreeMap, BTreeSet};

use personaform::persona::name::{AccountName, Key, Pointer};
use personaform::plan::change::Blocked;
use personaform::plan::diff::equal;
use personaform::plan::value::{get, is_secret, leaves, same};
use personaform::plan::{Action, Address, Change, Clear, Plan, Reason, Resource, Rules};
use personaform::providers;
use personaform::reconcile::{Ending, Outcome};
use serde_json::{Map, Value};

use crate::pipeline::{Pipeline, Read, secret};
use crate::rows::{Expected, Inspect, Row, Setting};
use crate::transitions::{Case, Kind, Step};

/// What went wrong, one line per step of a case.
pub(crate) type Faults = Vec<String>;

/// A case on its way.
struct Walker {
    case: Case,
    next: usize,
    /// The file as it stands, with its key.
    standing: Option<(String, Value)>,
    /// Whether the object holds members that no file names.
    has_strangers: bool,
    /// What was changed elsewhere and is not ours, so that it must stay.
    theirs: Vec<(Pointer, Value)>,
}

/// What a round expects of one address.
struct Expectation<'a> {
    step: &'a Step,
    expected: Expected,
    /// Whether it may be that nothing is planned.
    may_be_idle: bool,
    label: String,
}

/// How many personas share a project: enough that lists are read, and few enough that saving the state after each change stays
/// cheap.
const TOGETHER: usize = 10;

/// Runs every step of every case, and gives the number of steps.
pub(crate) async fn run(row: &Row, setting: &Setting, mut cases: Vec<Case>, faults: &mut Faults) -> usize {
    // Cases of one length keep each other company to the end.
    cases.sort_by_key(|case| case.steps.len());
    let mut steps = 0;
    while !cases.is_empty() {
        let rest = cases.split_off(cases.len().min(TOGETHER));
        steps += run_together(row, setting, std::mem::replace(&mut cases, rest), faults).await;
    }
    steps
}

async fn run_together(row: &Row, setting: &Setting, cases: Vec<Case>, faults: &mut Faults) -> usize {
    let (miniature, inspect) = setting.start();
    let mut pipeline = Pipeline::start(row.id, miniature).await;
    let rules = providers::find(row.id).expect("a provider").rules();
    let mut walkers: Vec<Walker> = cases
        .into_iter()
        .map(|case| Walker { case, next: 0, standing: None, has_strangers: false, theirs: Vec::new() })
        .collect();
    let mut steps = 0;
    let mut pending = BTreeSet::new();
    while walkers.iter().any(|walker| walker.next < walker.case.steps.len()) {
        let round = Round { row, setting, rules, inspect: inspect.as_ref() };
        steps += round.run(&mut pipeline, &mut walkers, &mut pending, faults).await;
        if faults.len() > 40 {
            break;
        }
    }
    pipeline.server.stop().await;
    steps
}

struct Round<'a> {
    row: &'a Row,
    setting: &'a Setting,
    rules: &'static Rules,
    inspect: &'a dyn Inspect,
}

impl Round<'_> {
    /// `pending` are addresses whose change the service refuses, so that it is planned again and again.
    async fn run(
        &self,
        pipeline: &mut Pipeline,
        walkers: &mut [Walker],
        pending: &mut BTreeSet<Address>,
        faults: &mut Faults,
    ) -> usize {
        let mut expectations: BTreeMap<Address, Expectation<'_>> = BTreeMap::new();
        let mut by_key: BTreeMap<String, usize> = BTreeMap::new();
        let before: Vec<Option<(String, Value)>> = walkers.iter().map(|walker| walker.standing.clone()).collect();
        for (index, walker) in walkers.iter_mut().enumerate() {
            let Some(step) = walker.case.steps.get(walker.next) else { continue };
            walker.next += 1;
            if let Some((key, _)) = walker.standing.take() {
                pipeline.write(&key, None);
            }
            pipeline.write(&step.key, step.file.as_ref());
            walker.standing = step.file.clone().map(|file| (step.key.clone(), file));
            by_key.insert(step.key.clone(), index);
            if let Some(value) = &step.elsewhere {
                let address = Address::new(AccountName::new(self.row.id), Key::new(&step.key));
                let state = pipeline.state();
                let record = state.objects.get(&address).unwrap_or_else(|| panic!("`{address}` was not made"));
                self.inspect.alter(record.id.as_str(), &walker.case.field, value);
                if step.kind == Kind::Elsewhere {
                    walker.theirs.push((walker.case.field.clone(), value.clone()));
                }
            }
        }
        let walkers: &mut [Walker] = walkers;
        let read = self.read(pipeline, walkers, &before, &by_key, faults);
        let count = by_key.len();
        let mut indices: BTreeMap<Address, usize> = BTreeMap::new();
        for (key, index) in by_key {
            let walker = &walkers[index];
            let step = &walker.case.steps[walker.next - 1];
            let label = format!(
                "{} [{}] {}, step {} ({:?}){}",
                self.row.id,
                self.setting.name,
                walker.case.key,
                walker.next,
                step.kind,
                step.file.as_ref().map(|file| shortened(&file["targets"][self.row.id])).unwrap_or_default(),
            );
            let address = Address::new(AccountName::new(self.row.id), Key::new(key));
            let expected = self.row.expected(self.setting, self.rules, &walker.case, step, read.desired.get(&address));
            let may_be_idle = self.row.may_be_idle(self.setting, &walker.case, step);
            indices.insert(address.clone(), index);
            expectations.insert(address, Expectation { step, expected, may_be_idle, label });
        }
        let plan = pipeline.plan(&read).await;
        let outcome = pipeline.apply(&read, &plan).await;
        for change in &plan.changes {
            if !expectations.contains_key(&change.address) && !pending.contains(&change.address) {
                faults.push(format!("{} [{}]: `{}` changed unasked", self.row.id, self.setting.name, change.address));
            }
        }
        pending.retain(|address| !expectations.contains_key(address));
        let refused = expectations.iter().filter(|(_, expectation)| matches!(expectation.expected, Expected::Fails(_)));
        pending.extend(refused.map(|(address, _)| address.clone()));
        let again = pipeline.read_again(read);
        let second = pipeline.plan(&again).await;
        for (address, expectation) in &expectations {
            let judged = Judged { round: self, address, expectation, plan: &plan, outcome: &outcome, second: &second };
            if let Err(why) = judged.judge(&again).and_then(|()| self.keeps(&again, address, &walkers[indices[address]].theirs))
            {
                faults.push(format!("{}: {why}", expectation.label));
            }
        }
        let seen: BTreeSet<&Address> = expectations.keys().chain(pending.iter()).collect();
        for change in second.changes.iter().filter(|change| !seen.contains(&change.address)) {
            faults.push(format!("{} [{}]: `{}` would change later", self.row.id, self.setting.name, change.address));
        }
        for (address, index) in &indices {
            let Some(record) = again.state.objects.get(address).filter(|_| !walkers[*index].has_strangers) else { continue };
            for (path, value) in self.row.strangers(self.setting) {
                self.inspect.alter(record.id.as_str(), &path, &value);
                walkers[*index].theirs.push((path, value));
            }
            walkers[*index].has_strangers = true;
        }
        count
    }

    /// Whether an object still holds what is not ours.
    fn keeps(&self, again: &Read, address: &Address, theirs: &[(Pointer, Value)]) -> Result<(), String> {
        let Some(record) = again.state.objects.get(address) else { return Ok(()) };
        let held = self.inspect.held(record.id.as_str()).ok_or("the service does not have it")?;
        match theirs.iter().find(|(path, value)| !get(&held, path).is_some_and(|held| same(held, value))) {
            None => Ok(()),
            Some((path, value)) => Err(format!("`{path}` is not ours, was {value} and is {}", shown(get(&held, path)))),
        }
    }

    /// Reads the files; those with problems, where the row wants that, are put back as they were.
    fn read(
        &self,
        pipeline: &Pipeline,
        walkers: &mut [Walker],
        before: &[Option<(String, Value)>],
        by_key: &BTreeMap<String, usize>,
        faults: &mut Faults,
    ) -> Read {
        let problems = match pipeline.read() {
            Ok(read) => return read,
            Err(problems) => problems,
        };
        let mut refused: BTreeMap<usize, String> = BTreeMap::new();
        for problem in &problems {
            let place = problem.place.as_ref().expect("every problem here has a place");
            let key = place.file.path.file_stem().and_then(|stem| stem.to_str()).expect("a file name").to_owned();
            let index = *by_key.get(&key).unwrap_or_else(|| panic!("an unchanged file has a problem: {problem:?}"));
            if problem.help.is_none() {
                faults.push(format!("{} [{}] {key}: no help with {}", self.row.id, self.setting.name, problem.message));
            }
            refused.insert(index, problem.message.clone());
        }
        for (index, message) in refused {
            let walker = &mut walkers[index];
            let step = &walker.case.steps[walker.next - 1];
            if !self.row.refuses(&walker.case, step) {
                faults.push(format!(
                    "{} [{}] {}, step {} ({:?}) is refused: {message}",
                    self.row.id, self.setting.name, walker.case.key, walker.next, step.kind
                ));
            }
            pipeline.write(&step.key, None);
            if let Some((key, file)) = &before[index] {
                pipeline.write(key, Some(file));
            }
            walker.standing.clone_from(&before[index]);
        }
        pipeline.read().unwrap_or_else(|problems| panic!("the files were sound before: {problems:?}"))
    }
}

/// One step after it was taken.
struct Judged<'a> {
    round: &'a Round<'a>,
    address: &'a Address,
    expectation: &'a Expectation<'a>,
    plan: &'a Plan,
    outcome: &'a Outcome,
    second: &'a Plan,
}

impl Judged<'_> {
    fn judge(&self, again: &Read) -> Result<(), String> {
        match self.expectation.expected {
            Expected::Done => self.is_done(again),
            Expected::Blocked(why) => {
                let blocked = blocked_in(self.plan, self.address).ok_or("it is not blocked")?;
                if !blocked.why.contains(why) || blocked.help.is_empty() {
                    return Err(format!("blocked for another reason: {} ({})", blocked.why, blocked.help));
                }
                if self.change().is_some() { Err("it is blocked and changed".to_owned()) } else { Ok(()) }
            }
            Expected::Fails(words) => {
                match self.ending() {
                    Some(Ending::Failed { message, .. }) if message.contains(words) => {}
                    other => return Err(format!("it should have failed with `{words}`, and ended as {other:?}")),
                }
                let later = self.second.changes.iter().any(|change| change.address == *self.address);
                if later { Ok(()) } else { Err("a failed change is not planned again".to_owned()) }
            }
            Expected::Survives { below, null_helps } => self.is_done_but_for(again, below, null_helps),
        }
    }

    fn change(&self) -> Option<&Change> {
        self.plan.changes.iter().find(|change| change.address == *self.address)
    }

    fn ending(&self) -> Option<&Ending> {
        let entry = self.outcome.entries.iter().find(|entry| entry.address == *self.address);
        entry.map(|entry| &entry.ending)
    }

    fn is_done(&self, again: &Read) -> Result<(), String> {
        if let Some(blocked) = blocked_in(self.plan, self.address) {
            return Err(format!("blocked: {}", blocked.why));
        }
        match self.ending() {
            None => {}
            Some(Ending::Done { verified }) if *verified == self.round.rules.read => {}
            other => return Err(format!("ended as {other:?}")),
        }
        if let Some(later) = self.second.changes.iter().find(|change| change.address == *self.address) {
            return Err(format!("a second plan is not empty: {:?}, {:?}", later.edits, later.notes));
        }
        let settled = self.second.settled.iter().any(|settled| settled.address == *self.address);
        if settled || blocked_in(self.second, self.address).is_some() {
            return Err("a second plan is not empty".to_owned());
        }
        self.shows_the_edit()?;
        self.is_held(again)
    }

    /// What the plan clears below a field survives there, which is said, and is not tried for ever.
    fn is_done_but_for(&self, again: &Read, below: &str, null_helps: bool) -> Result<(), String> {
        let below = Pointer::parse(below).expect("a pointer");
        let fields = again.desired.get(self.address).map(|resource| &resource.fields);
        let asked = |path: &Pointer| fields.is_some_and(|fields| get(fields, path).is_some_and(Value::is_null));
        // Cleared as a whole, an object is sent without members, which a merge takes for nothing to do.
        let helped = |path: &Pointer| null_helps && asked(path) && *path != below;
        let Some(Ending::Diverged { differences }) = self.ending() else { return self.is_done(again) };
        let cleared: Vec<&Pointer> = self
            .change()
            .into_iter()
            .flat_map(|change| &change.edits)
            .filter(|edit| edit.to.is_none() && below.covers(&edit.path) && !helped(&edit.path))
            .map(|edit| &edit.path)
            .collect();
        if let Some(other) = differences.iter().find(|difference| !cleared.contains(&&difference.path)) {
            return Err(format!("diverged at something that was not cleared: {other:?}"));
        }
        if let Some(later) = self.second.changes.iter().find(|change| change.address == *self.address) {
            return Err(format!("it would be tried for ever: {:?}", later.edits));
        }
        let insists = differences.iter().any(|difference| asked(&difference.path));
        match blocked_in(self.second, self.address) {
            None if !insists => Ok(()),
            Some(blocked) if insists && blocked.why.contains("was not cleared when") => Ok(()),
            other => Err(format!("afterwards it is {other:?}")),
        }
    }

    /// A step that must show in the plan does, and what cannot be cleared is said.
    fn shows_the_edit(&self) -> Result<(), String> {
        let change = self.change();
        let kind = self.expectation.step.kind;
        if self.expectation.may_be_idle {
            return Ok(());
        }
        let wanted = match kind {
            Kind::Base => Some(Action::Create),
            Kind::Deleted if self.round.rules.delete => Some(Action::Delete),
            Kind::Deleted => Some(Action::Forget),
            Kind::Set | Kind::Change => Some(Action::Update),
            Kind::Drifted => {
                let edits = change.iter().flat_map(|change| &change.edits);
                return match edits.clone().find(|edit| edit.reason == Reason::Drifted) {
                    Some(_) => Ok(()),
                    None => Err(format!("the drift is not planned as one: {:?}", edits.collect::<Vec<_>>())),
                };
            }
            Kind::Elsewhere => {
                return change.map_or(Ok(()), |change| Err(format!("what is not ours is planned: {:?}", change.edits)));
            }
            Kind::Moved => return change.map(|_| ()).ok_or_else(|| "the move is not planned".to_owned()),
            _ => None,
        };
        match (wanted, change) {
            (Some(wanted), Some(change)) if change.action != wanted => Err(format!("planned as {:?}", change.action)),
            (Some(_), None) => Err("nothing was planned".to_owned()),
            (Some(Action::Create), Some(change)) if change.requests.is_empty() => Err("nothing is sent".to_owned()),
            _ => Ok(()),
        }
    }

    /// The service holds what the files want, judged by its own store.
    fn is_held(&self, again: &Read) -> Result<(), String> {
        let Some(resource) = again.desired.get(self.address) else {
            let known = again.state.objects.contains_key(self.address);
            return if known { Err("state still knows it".to_owned()) } else { Ok(()) };
        };
        let record = again.state.objects.get(self.address).ok_or("state does not know it")?;
        let id = record.id.as_str();
        let held = self.round.inspect.held(id).ok_or("the service does not have it")?;
        let released = self.round.inspect.released(id);
        let cleared = self.change().into_iter().flat_map(|change| &change.edits).filter(|edit| edit.to.is_none());
        let cleared: Vec<&Pointer> = cleared.map(|edit| &edit.path).collect();
        for held in std::iter::once(held).chain(released) {
            agrees(resource, &held, self.round.rules)?;
            let kept = |path: &&&Pointer| !equal(self.round.rules.field(path), &Value::Null, get(&held, path));
            if let Some(path) = cleared.iter().find(kept) {
                return Err(format!("`{path}` was to be cleared, and the service holds {}", shown(get(&held, path))));
            }
        }
        Ok(())
    }
}

fn blocked_in<'a>(plan: &'a Plan, address: &Address) -> Option<&'a Blocked> {
    plan.blocked.iter().find(|blocked| blocked.address == *address)
}

/// Whether a stored document in write shape holds every desired field.
fn agrees(resource: &Resource, held: &Map<String, Value>, rules: &Rules) -> Result<(), String> {
    for (path, wanted) in leaves(&resource.fields) {
        let found = get(held, &path);
        let wanted = in_clear(wanted);
        // A miniature that keeps no keys keeps their digests.
        let sealed = found.and_then(Value::as_str).is_some_and(|text| text.starts_with("sha256:"));
        if !sealed && !equal(rules.field(&path), &wanted, found) && !rules_hide(rules, &path, &wanted, found) {
            return Err(format!("the service holds {} at `{path}`, not {}", shown(found), shortened(&wanted)));
        }
    }
    Ok(())
}

/// A service may leave a value equal to its own default out of its store.
fn rules_hide(rules: &Rules, path: &Pointer, wanted: &Value, found: Option<&Value>) -> bool {
    let rule = rules.field(path);
    found.is_none()
        && (rule.reading != personaform::plan::Reading::Always || matches!(rule.clear, Clear::False) && *wanted == false)
}

/// A value with its secrets put in.
fn in_clear(value: &Value) -> Value {
    match value {
        Value::Object(members) if is_secret(value) => {
            Value::from(secret(members.get("$env").and_then(Value::as_str).unwrap_or_default()))
        }
        Value::Object(members) => Value::Object(members.iter().map(|(key, value)| (key.clone(), in_clear(value))).collect()),
        Value::Array(items) => items.iter().map(in_clear).collect(),
        _ => value.clone(),
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), shortened)
}

fn shortened(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 300 { format!("{}…", text.chars().take(300).collect::<String>()) } else { text }
}
