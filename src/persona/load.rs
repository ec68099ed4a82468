//! Loading: a folder in, a [`Project`] or every problem of all its files out. Files are read in the order of their names, and
//! no mistake keeps another from being found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;

use super::accounts::{self, PROJECT_FILE, Settings};
use super::document::{Account, Persona, Project};
use super::expression::Resolver;
use super::folder;
use super::mask;
use super::name::{AccountName, Key, Pointer};
use super::node::Node;
use super::parts::in_parts;
use super::problem::{self, Place, Problem, Severity, SourceFile};
use super::schema::{
    self,
    shape::{ShapeId, Shapes},
};
use super::source::{self, Files, Unreadable};
use super::target::{Former, Reader};
use super::yaml;
use super::{Environment, Vocabulary};

/// The most problems of one file that are told. A file with more is not what it was taken for, and nobody reads them.
const MOST_PROBLEMS: usize = 100;

/// What came of loading.
#[derive(Debug)]
pub struct Loaded {
    /// The project; only if no problem is an error.
    pub project: Option<Project>,
    /// Everything that is wrong or doubtful, sorted by place.
    pub problems: Vec<Problem>,
}

/// Finds the closest folder at or above `start` that holds `personaform.yaml`.
pub fn find_root(start: &Path) -> Option<PathBuf> {
    let start = std::path::absolute(start).ok()?;
    let root = start.ancestors().find(|folder| folder.join(PROJECT_FILE).symlink_metadata().is_ok())?;
    Some(root.to_path_buf())
}

/// What a project would be with other files.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    /// Texts that stand for files, by path relative to the root.
    pub files: BTreeMap<PathBuf, String>,
    /// Only these personas are read; none: all.
    pub only: Option<BTreeSet<Key>>,
}

/// Loads the project of a folder.
///
/// `environment` gives the value of a variable, and is asked for nothing but the variables that the files name.
pub fn load(root: &Path, vocabulary: &Vocabulary, environment: Environment<'_>) -> Loaded {
    load_with(root, vocabulary, environment, &Overlay::default())
}

/// Loads a project as it would be with other files.
pub fn load_with(root: &Path, vocabulary: &Vocabulary, environment: Environment<'_>, overlay: &Overlay) -> Loaded {
    load_each(root, vocabulary, environment, overlay, |_, _| ()).0
}

/// Loads a project, and makes something of each persona as soon as its file is read: whoever needs the values of a persona for that
/// alone takes them out of it, and never holds those of all. What is made counts only if the project does. A persona of which an
/// error is known already is passed over.
pub fn load_each<T: Send>(
    root: &Path,
    vocabulary: &Vocabulary,
    environment: Environment<'_>,
    overlay: &Overlay,
    make: impl Fn(&BTreeMap<AccountName, Account>, &mut Persona) -> T + Sync,
) -> (Loaded, Vec<T>) {
    let (mut problems, mut made) = (Vec::new(), Vec::new());
    let files = Files::new(root, &overlay.files);
    let mut resolver = Resolver::new(root, &overlay.files, environment);
    let file = match read_yaml(&files, Path::new(PROJECT_FILE), &mut problems) {
        Read::Unreadable(Unreadable::Missing) => {
            let message = format!("this folder holds no `{PROJECT_FILE}`");
            problems.push(Problem::nowhere("missing-project", message).with_help("`personaform init` writes one"));
            None
        }
        Read::Unreadable(unreadable) => {
            problems.push(source::problem(Path::new(PROJECT_FILE), &unreadable));
            None
        }
        Read::Broken => None,
        Read::Empty(place) => Some(Arc::new(Node { place, kind: super::node::Kind::Null })),
        Read::Document(node) => Some(node),
    };
    let mut settings = file.map(|file| accounts::read(&file, vocabulary, &mut problems));

    let nobody = overlay.only.as_ref().is_some_and(BTreeSet::is_empty);
    // Without the project's accounts, sections named after a provider can still be checked.
    let by_provider = |provider: &String| (AccountName::new(provider.clone()), provider.clone());
    let document = match &settings {
        Some(settings) if nobody && settings.defaults.is_empty() => Value::Null,
        Some(settings) => persona_document(settings, vocabulary, &mut problems),
        None => schema::persona_document(vocabulary, &vocabulary.providers.keys().map(by_provider).collect()),
    };
    let (shapes, whole) = Shapes::new(&document, &document);
    let whole_project = source::whole(Path::new(PROJECT_FILE));
    let (folder, folder_place) =
        settings.as_ref().map_or(("personas", &whole_project), |it| (it.personas.0.as_str(), &it.personas.1));
    let mut personas: Vec<(Key, Persona)> = Vec::new();
    let (mut former, mut secrets) = (Vec::new(), BTreeMap::new());
    let found = folder::find(root, folder, folder_place, &mut problems);
    let persona_folder = found.clone().unwrap_or_else(|| PathBuf::from(folder));
    if let Some(folder) = found.filter(|_| !nobody) {
        let mut listed = folder::files(root, &folder, &mut problems);
        listed.retain(|(key, _)| overlay.only.as_ref().is_none_or(|only| only.contains(key)));
        let settings = settings.as_ref();
        let context = Context { root, shapes: &shapes, whole, vocabulary, settings, overlay, environment, make };
        for mut part in in_parts(&listed, |part| context.read(part)) {
            problems.append(&mut part.problems);
            former.append(&mut part.former);
            secrets.append(&mut part.secrets);
            personas.append(&mut part.personas);
            made.append(&mut part.made);
        }
    }
    let personas = without_twins(personas, &mut problems);
    // For those who write files beneath which defaults lie. Their problems show at the targets that use them.
    let problems_so_far = resolver.problems.len();
    if let Some(Settings { accounts, defaults, .. }) = &mut settings {
        for (name, node) in defaults.iter() {
            if let (Some(account), Value::Object(fields)) = (accounts.get_mut(name), resolver.value(node)) {
                account.defaults = fields;
            }
        }
    }
    resolver.problems.truncate(problems_so_far);
    claims(&personas, &former, &mut problems);
    secrets.append(&mut resolver.secrets);
    problems.append(&mut resolver.problems);
    let problems = tidied(problems);
    let sound = problems.iter().all(|problem| problem.severity != Severity::Error);
    let project = settings.filter(|_| sound).map(|settings| {
        let Settings { state_path, safety, accounts, .. } = settings;
        Project { root: root.to_path_buf(), folder: persona_folder, state_path, safety, accounts, personas, secrets }
    });
    (Loaded { project, problems }, made)
}

/// What every persona file is read with.
struct Context<'a, M> {
    root: &'a Path,
    shapes: &'a Shapes<'a>,
    whole: ShapeId,
    vocabulary: &'a Vocabulary,
    settings: Option<&'a Settings>,
    overlay: &'a Overlay,
    environment: Environment<'a>,
    make: M,
}

/// What came of some of the persona files.
struct Part<T> {
    personas: Vec<(Key, Persona)>,
    made: Vec<T>,
    former: Vec<Former>,
    secrets: BTreeMap<String, SecretString>,
    problems: Vec<Problem>,
}

impl<M> Context<'_, M> {
    fn read<T>(&self, listed: &[(Key, PathBuf)]) -> Part<T>
    where
        M: Fn(&BTreeMap<AccountName, Account>, &mut Persona) -> T,
    {
        let files = Files::new(self.root, &self.overlay.files);
        let mut resolver = Resolver::new(self.root, &self.overlay.files, self.environment);
        let (mut personas, mut made, mut found) =
            (Vec::with_capacity(listed.len()), Vec::with_capacity(listed.len()), Vec::new());
        let Self { shapes, whole, vocabulary, settings, .. } = *self;
        let (problems, former) = (&mut found, Vec::new());
        let mut reader = Reader { shapes, whole, vocabulary, settings, resolver: &mut resolver, problems, former };
        for (key, path) in listed {
            let known = (reader.problems.len(), reader.resolver.problems.len());
            match read_yaml(&files, path, reader.problems) {
                Read::Unreadable(unreadable) => reader.problems.push(source::problem(path, &unreadable)),
                Read::Broken => {}
                Read::Empty(place) => {
                    let help = "write the persona, as in `name: Ada`, with its `targets`, or remove the file";
                    reader.problems.push(Problem::error("empty-file", place, "this persona is empty").with_help(help));
                }
                Read::Document(node) => {
                    let mut persona = reader.persona(key.clone(), &node);
                    let mut told = reader.problems[known.0..].iter().chain(&reader.resolver.problems[known.1..]);
                    if let Some(settings) = settings
                        && told.all(|problem| problem.severity != Severity::Error)
                    {
                        made.push((self.make)(&settings.accounts, &mut persona));
                    }
                    personas.push((key.clone(), persona));
                }
            }
        }
        let former = reader.former;
        let Resolver { secrets, mut problems, .. } = resolver;
        problems.append(&mut found);
        Part { personas, made, former, secrets, problems }
    }
}

/// The personas by key; of two files with the same key the first counts.
fn without_twins(mut personas: Vec<(Key, Persona)>, problems: &mut Vec<Problem>) -> BTreeMap<Key, Persona> {
    personas.sort_by(|(left, _), (right, _)| left.cmp(right));
    personas.dedup_by(|(key, persona), (first_key, first)| {
        if key == first_key {
            let message = format!("two files claim the persona `{key}`");
            let problem = Problem::error("duplicate-persona", persona.place.clone(), message);
            let problem = problem.with_related(first.place.clone(), "the other file");
            problems.push(problem.with_help("keep one of them, or rename it"));
        }
        key == first_key
    });
    // At once, since a map that grows in order keeps half of its room empty.
    personas.into_iter().collect()
}

/// Reads only the accounts of a project, by name with the name of each one's section, for the schema of its persona files.
///
/// # Errors
/// The problems of the project file, if errors are among them.
pub fn load_accounts(root: &Path, vocabulary: &Vocabulary) -> Result<BTreeMap<AccountName, String>, Vec<Problem>> {
    let mut problems = Vec::new();
    let node = match read_yaml(&Files::new(root, &BTreeMap::new()), Path::new(PROJECT_FILE), &mut problems) {
        Read::Document(node) => Some(node),
        Read::Empty(_) | Read::Broken => None,
        Read::Unreadable(unreadable) => {
            problems.push(source::problem(Path::new(PROJECT_FILE), &unreadable));
            None
        }
    };
    let settings = node.map(|node| accounts::read(&node, vocabulary, &mut problems));
    if let Some(settings) = &settings {
        persona_document(settings, vocabulary, &mut problems);
    }
    let problems = tidied(problems);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(problems);
    }
    let accounts = settings.map(|settings| settings.accounts).unwrap_or_default();
    Ok(accounts.into_values().map(|account| (account.name, account.section)).collect())
}

/// The schema of the project's personas, against which the defaults of its accounts are checked first.
fn persona_document(settings: &Settings, vocabulary: &Vocabulary, problems: &mut Vec<Problem>) -> Value {
    let accounts = settings.accounts.values().map(|account| (account.name.clone(), account.section.clone()));
    let document = schema::persona_document(vocabulary, &accounts.collect());
    accounts::check_defaults(settings, &document, problems);
    document
}

/// What a YAML file turned out to be.
enum Read {
    Unreadable(Unreadable),
    Broken,
    Empty(Place),
    Document(Arc<Node>),
}

fn read_yaml(files: &Files<'_>, path: &Path, problems: &mut Vec<Problem>) -> Read {
    let text = match files.read(path) {
        Ok(text) => text,
        Err(unreadable) => return Read::Unreadable(unreadable),
    };
    let mut file = Arc::new(SourceFile { path: path.to_path_buf(), text: text.clone() });
    let (mut node, mut found) = yaml::parse(&text, &file);
    if let Some(masked) = mask::masked(&text, node.as_deref()) {
        file = Arc::new(SourceFile { path: path.to_path_buf(), text: masked });
        (node, found) = yaml::parse(&text, &file);
    }
    let broken = !found.is_empty() && node.is_none();
    problems.extend(found);
    match node {
        Some(node) if node.is_null() => Read::Empty(Place { file, span: 0..0 }),
        Some(node) => Read::Document(node),
        None if broken => Read::Broken,
        None => Read::Empty(Place { file, span: 0..0 }),
    }
}

/// Reports what two personas cannot both have.
fn claims(personas: &BTreeMap<Key, Persona>, former: &[Former], problems: &mut Vec<Problem>) {
    let mut bound: BTreeMap<(&AccountName, &str), (&Key, Place)> = BTreeMap::new();
    for persona in personas.values() {
        for target in &persona.targets {
            let Some(id) = &target.settings.id else { continue };
            let place = target.places.of(&Pointer::new(["$id"]));
            match bound.get(&(&target.account, id.as_str())) {
                Some((other, first)) => problems.push(
                    Problem::error(
                        "duplicate-id",
                        place,
                        format!("`{other}` is bound to this object of `{}` already", target.account),
                    )
                    .with_related(first.clone(), "first bound here"),
                ),
                None => {
                    bound.insert((&target.account, id), (&persona.key, place));
                }
            }
        }
    }
    let mut first: BTreeMap<&Key, &Former> = BTreeMap::new();
    for claim in former {
        let Former { key, previously, place } = claim;
        if personas.contains_key(previously) {
            let message = format!("`{previously}` cannot be the former key of `{key}`: it exists");
            let help = "`previously` is the key that a renamed file had before; remove it once the rename is applied";
            problems.push(Problem::error("bad-previously", place.clone(), message).with_help(help));
        }
        if let Some(other) = first.get(previously) {
            let message = format!("`{previously}` cannot have become both `{}` and `{key}`", other.key);
            problems.push(
                Problem::error("bad-previously", place.clone(), message)
                    .with_related(other.place.clone(), "first claimed here"),
            );
        } else {
            first.insert(previously, claim);
        }
    }
}

/// Sorts problems, leaves out what was said twice, and drops doubts about a value where an error stands already.
fn tidied(mut problems: Vec<Problem>) -> Vec<Problem> {
    problem::sort(&mut problems);
    let start = |problem: &Problem| problem.place.as_ref().map(|place| (place.file.path.clone(), place.span.start));
    let wrong: BTreeSet<_> = problems.iter().filter(|problem| problem.severity == Severity::Error).filter_map(start).collect();
    problems.retain(|problem| problem.code != "ambiguous-value" || start(problem).is_none_or(|start| !wrong.contains(&start)));
    // Defaults are checked alone and beneath every target.
    problems.dedup_by(|left, right| left.code == right.code && left.place == right.place && left.message == right.message);
    cut(problems)
}

/// The first problems of each file, errors before warnings, and how many there are besides.
fn cut(problems: Vec<Problem>) -> Vec<Problem> {
    let file = |problem: &Problem| problem.place.as_ref().map(|place| place.file.path.clone());
    let mut told: BTreeMap<Option<PathBuf>, (usize, Severity)> = BTreeMap::new();
    let (errors, warnings): (Vec<_>, Vec<_>) = problems.into_iter().partition(|problem| problem.severity == Severity::Error);
    let mut kept = Vec::new();
    for problem in errors.into_iter().chain(warnings) {
        // Errors come first: what is cut is no worse than the first of them.
        let (count, _) = told.entry(file(&problem)).or_insert((0, problem.severity));
        *count += 1;
        if *count <= MOST_PROBLEMS {
            kept.push(problem);
        }
    }
    for (path, (count, worst)) in told.into_iter().filter(|(_, (count, _))| *count > MOST_PROBLEMS) {
        let message = format!("this file has {} more problems", count - MOST_PROBLEMS);
        let mut problem = Problem::nowhere("more-problems", message);
        problem.severity = worst;
        problem.place = path.map(|path| source::whole(&path));
        kept.push(problem.with_help("mend those that are told, and run this again"));
    }
    problem::sort(&mut kept);
    kept
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
