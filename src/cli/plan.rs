//! `plan` and `show`: what would change.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use super::args::{Common, PlanArgs, ShowArgs};
use super::aside::aside;
use super::exit::{Exit, Stop};
use super::reports::Subject;
use super::screen::Screen;
use super::session::Session;
use crate::plan::Plan;
use crate::plan::change::FORMAT_VERSION;
use crate::report;

/// The largest plan that is read, in bytes: some 100,000 changes.
const MOST: u64 = 256 << 20;

/// Plans, prints, and saves the plan where that is wanted.
///
/// # Errors
/// When the files have problems, or nothing can be planned.
pub(super) async fn plan(common: &Common, screen: &Screen, args: &PlanArgs) -> Result<Exit, Stop> {
    let mut session = Session::open(common, screen, None, None).await?;
    let plan = session.plan(&args.planning).await?;
    session.let_go();
    aside(std::mem::take(&mut session.state.objects));
    screen.publish(Subject::Plan(&plan, args.planning.requests))?;
    if let Some(path) = &args.out {
        save(&plan, path)?;
        screen.hint(&format!("\nSaved. To apply exactly this: personaform apply {}", path.display()));
    }
    if !plan.blocked.is_empty() {
        return Ok(Exit::Failed);
    }
    Ok(if args.detailed_exitcode && !plan.changes.is_empty() { Exit::Changes } else { Exit::Done })
}

/// Prints a saved plan.
///
/// # Errors
/// When the file is no plan.
pub(super) fn show(screen: &Screen, args: &ShowArgs) -> Result<Exit, Stop> {
    let plan = read(&args.plan_file)?;
    screen.publish(Subject::Plan(&plan, args.requests))?;
    Ok(Exit::Done)
}

fn save(plan: &Plan, path: &Path) -> Result<(), Stop> {
    let failed = |error: std::io::Error| Stop::failed(format!("the plan cannot be saved as `{}`: {error}", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".plan-").tempfile_in(folder).map_err(failed)?;
    let text = format!("{:#}\n", report::json::plan(plan));
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Reads a saved plan.
///
/// # Errors
/// When the file cannot be read, is no plan, or is one of another major version.
pub(super) fn read(path: &Path) -> Result<Plan, Stop> {
    let failed = |why: String| {
        Stop::failed(format!("`{}` is no saved plan: {why}", path.display()))
            .with_help("make one with `personaform plan -o FILE`")
    };
    let unreadable = |why: String| Stop::failed(format!("the plan `{}` cannot be read: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let metadata = file.metadata().map_err(|error| unreadable(error.to_string()))?;
    let too_large = || unreadable(format!("it is larger than {} MiB", MOST >> 20));
    if metadata.len() > MOST {
        return Err(too_large());
    }
    // A pipe is a good way to hand over a plan; a device without end is known by how it begins, and not read on.
    let mut reader = BufReader::new(file.take(MOST + 1));
    let beginning = reader.fill_buf().map_err(|error| unreadable(error.to_string()))?;
    if !beginning.trim_ascii_start().starts_with(b"{") {
        return Err(failed("it does not begin as a JSON object".to_owned()));
    }
    let mut text = String::new();
    reader.read_to_string(&mut text).map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > MOST {
        return Err(too_large());
    }
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
    let version = value.get("format_version").and_then(serde_json::Value::as_str).unwrap_or_default();
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    if major(version) != major(FORMAT_VERSION) {
        return Err(failed(format!("its format version is `{version}`, and this personaform reads `{FORMAT_VERSION}`")));
    }
    serde_json::from_value(value).map_err(|error| failed(error.to_string()))
}
