//! `drift`: what somebody changed elsewhere since we last wrote it. Only ever looks.

use std::path::Path;

use serde_json::json;

use super::args::{Common, DriftArgs};
use super::exit::{Exit, Stop};
use super::onlooker::Onlooker;
use super::reports::Subject;
use super::screen::Screen;

/// Compares every recorded object with what was last written.
///
/// # Errors
/// When the files have problems, state cannot be read, or a selection matches nothing.
pub(super) async fn drift(common: &Common, screen: &Screen, args: &DriftArgs) -> Result<Exit, Stop> {
    let onlooker = Onlooker::open(common, screen).await?;
    for pointer in args.ignore.iter().filter(|pointer| !onlooker.wrote(pointer)) {
        screen.aside(&format!("warning: `--ignore {pointer}` names no field of any recorded object\n"));
    }
    let drift = onlooker.drift(&args.ignore).await?;
    screen.publish(Subject::Drift(&drift))?;
    if let Some(path) = &args.out {
        save(path, &format!("{:#}\n", json!(drift)))?;
    }
    // Half an answer is a failure, whatever the other half says: the printed account has both.
    Ok(if !drift.unreadable.is_empty() {
        Exit::Failed
    } else if drift.drifted.is_empty() {
        Exit::Done
    } else {
        Exit::Changes
    })
}

fn save(path: &Path, text: &str) -> Result<(), Stop> {
    std::fs::write(path, text).map_err(|error| Stop::failed(format!("`{}` cannot be written: {error}", path.display())))
}
