//! From a folder to what its files say, and to where its state is kept.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::args::Common;
use super::exit::{Stop, with_causes};
use super::screen::Screen;
use crate::persona::document::{Persona, Project};
use crate::persona::problem::{self, Problem, Severity};
use crate::persona::{Overlay, find_root, load_each, load_with};
use crate::plan::Document;
use crate::providers::{self, Compiled, Part};
use crate::state::{State, StateFile};

/// The folder below a project's root where sandbox runs keep everything.
pub(super) const SANDBOX_FOLDER: &str = ".personaform/sandbox";

/// Finds the project's root, or says how to begin one.
pub(super) fn root(common: &Common) -> Result<PathBuf, Stop> {
    let start =
        std::path::absolute(&common.dir).map_err(|error| Stop::failed(format!("`{}`: {error}", common.dir.display())))?;
    find_root(&start).ok_or_else(|| {
        Stop::failed(format!("there is no `personaform.yaml` in `{}` or any folder above it", common.dir.display()))
            .with_help("go to a project's folder, name it with `-C`, or begin one here: `personaform init`")
    })
}

/// What the files of a project say, and what they come to.
pub(super) struct Understood {
    pub(super) project: Project,
    pub(super) compiled: Compiled,
    /// What is no obstacle, and worth knowing.
    pub(super) warnings: Vec<Problem>,
}

/// Loads and compiles the files of a project. Of each persona, and of what it comes to, `keep` may let go of what is not needed.
///
/// # Errors
/// Their problems, warnings too, if errors are among them.
pub(super) fn understand(
    root: &Path,
    sandbox: bool,
    keep: impl Fn(&mut Persona, &mut Part) + Sync,
) -> Result<Understood, Stop> {
    let environment = |name: &str| variable(sandbox, name);
    let (loaded, parts) = load_each(root, &providers::vocabulary(), &environment, &Overlay::default(), |accounts, persona| {
        let mut part = providers::compile_persona(accounts, persona);
        keep(persona, &mut part);
        part
    });
    let mut problems = loaded.problems;
    let mut compiled = None;
    if loaded.project.is_some() {
        match Compiled::of(parts) {
            Ok(mut result) => {
                problems.append(&mut result.warnings);
                compiled = Some(result);
            }
            Err(more) => problems.extend(more),
        }
    }
    match (loaded.project, compiled) {
        (Some(project), Some(compiled)) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
            Ok(Understood { project, compiled, warnings: problems })
        }
        _ => {
            problem::sort(&mut problems);
            Err(Stop::Problems(problems))
        }
    }
}

/// Loads and checks the files of a project, and gives it with the number of its targets. Warnings are printed; errors stop.
pub(super) fn read_project(common: &Common, screen: &Screen, root: &Path) -> Result<(Project, usize), Stop> {
    let only_checked = |persona: &mut Persona, part: &mut Part| {
        persona.let_go_of_values();
        for resource in &mut part.resources {
            resource.fields = Document::default();
        }
    };
    let Understood { project, compiled, warnings } = understand(root, common.sandbox, only_checked)?;
    if !warnings.is_empty() {
        screen.warn(warnings);
    }
    Ok((project, compiled.resources.len()))
}

/// A project whatever its variables are, for those who have no use for its secrets.
///
/// # Errors
/// The problems of its files.
pub(super) fn without_secrets(root: &Path) -> Result<Project, Stop> {
    whatever_its_variables(root, &Overlay::default())
}

/// The same without its personas, whose files are not opened: where state is kept, and the accounts.
///
/// # Errors
/// The problems of the project file.
pub(super) fn without_personas(root: &Path) -> Result<Project, Stop> {
    whatever_its_variables(root, &Overlay { only: Some(BTreeSet::new()), ..Overlay::default() })
}

fn whatever_its_variables(root: &Path, overlay: &Overlay) -> Result<Project, Stop> {
    let loaded = load_with(root, &providers::vocabulary(), &|_| Some("unknown".to_owned()), overlay);
    loaded.project.ok_or(Stop::Problems(loaded.problems))
}

/// The value of a variable. In the sandbox every secret is a stand-in: the miniatures keep what they get in plain files.
pub(super) fn variable(sandbox: bool, name: &str) -> Option<String> {
    if sandbox { Some(format!("sandbox-{name}")) } else { std::env::var(name).ok() }
}

/// Where a project's state is: its own place, or the sandbox's.
pub(super) fn state_path(common: &Common, root: &Path, project: &Project) -> PathBuf {
    if common.sandbox { root.join(SANDBOX_FOLDER).join("state.json") } else { root.join(&project.state_path) }
}

/// Reads a state.
pub(super) fn load_state(file: &mut StateFile) -> Result<State, Stop> {
    file.load().map_err(|error| {
        let stop = Stop::failed(with_causes(&error));
        match error.help() {
            Some(help) => stop.with_help(help),
            None => stop,
        }
    })
}
