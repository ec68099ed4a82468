//! `fmt`: the layout of persona files and the project file.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{Common, FmtArgs, Format};
use super::exit::{Exit, Stop};
use super::project::{read_project, root};
use super::screen::Screen;
use crate::edit::{Page, Tidied, tidy};
use crate::report;

/// The project file.
const PROJECT: &str = "personaform.yaml";

/// Tidies persona files and the project file, or lists those that are not tidy.
///
/// # Errors
/// When the files have problems, a path names no persona, or a file cannot be written.
pub(super) fn fmt(common: &Common, screen: &Screen, args: &FmtArgs) -> Result<Exit, Stop> {
    let root = root(common)?;
    let (project, _) = read_project(common, screen, &root)?;
    let personas = project.personas.values().map(|persona| persona.place.path().to_path_buf());
    let all: BTreeSet<PathBuf> = personas.chain([PathBuf::from(PROJECT)]).collect();
    let chosen = chosen(common, &root, &all, &args.paths)?;
    let (mut changed, mut left) = (Vec::new(), Vec::new());
    for path in chosen {
        let full = root.join(&path);
        let failed = |error: std::io::Error| Stop::failed(format!("`{}`: {error}", path.display()));
        let text = std::fs::read_to_string(&full).map_err(failed)?;
        let page = if path == Path::new(PROJECT) { Page::Project } else { Page::Persona };
        match tidy(&text, page) {
            Tidied::Already => {}
            Tidied::Left(why) => left.push((path.display().to_string(), why)),
            Tidied::Changed(tidied) => {
                if !args.check {
                    replace(&full, &tidied).map_err(failed)?;
                }
                let path = path.display().to_string();
                let diff = args.diff.then(|| report::files::diff(&path, &text, &tidied));
                changed.push((path, diff));
            }
        }
    }
    match screen.format {
        Format::Json => {
            let left: Vec<_> = left.iter().map(|(path, why)| json!({ "path": path, "why": why })).collect();
            let paths: Vec<&String> = changed.iter().map(|(path, _)| path).collect();
            let mut told = json!({ "changed": paths, "left": left, "written": !args.check });
            if args.diff {
                told["diffs"] = changed.iter().map(|(path, diff)| json!({ "path": path, "diff": diff })).collect();
            }
            screen.json(&told);
        }
        _ => {
            for (path, diff) in &changed {
                screen.result(&diff.clone().unwrap_or_else(|| format!("{path}\n")));
            }
            left.iter().for_each(|(path, why)| screen.hint(&format!("left alone: {path}: {why}")));
        }
    }
    Ok(if args.check && !changed.is_empty() { Exit::Failed } else { Exit::Done })
}

/// The persona files that the paths of the command line mean, relative to the folder of the command.
fn chosen(common: &Common, root: &Path, all: &BTreeSet<PathBuf>, paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, Stop> {
    if paths.is_empty() {
        return Ok(all.clone());
    }
    let mut chosen = BTreeSet::new();
    let real_root = root.canonicalize().map_err(|error| Stop::failed(format!("`{}`: {error}", root.display())))?;
    for path in paths {
        let failed = |why: &str| {
            Stop::failed(format!("`{}` {why}", path.display())).with_help("name files below the folder of the personas")
        };
        let full = common.dir.join(path).canonicalize().map_err(|error| failed(&format!("cannot be read: {error}")))?;
        let below = full.strip_prefix(&real_root).map_err(|_| failed("lies outside the project"))?;
        let meant: Vec<PathBuf> = all.iter().filter(|persona| persona.starts_with(below)).cloned().collect();
        if meant.is_empty() {
            return Err(failed("is no persona file, and no folder of them"));
        }
        chosen.extend(meant);
    }
    Ok(chosen)
}

/// Replaces a file in one step.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // A link stays one: what it leads to is replaced.
    let path = path.canonicalize()?;
    let mut file = tempfile::Builder::new().prefix(".fmt-").tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(std::fs::metadata(&path)?.permissions())?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
