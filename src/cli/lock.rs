//! The lock of a state: taken in the name of this run, waited for where another holds it.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::exit::{Stop, with_causes};
use super::screen::Screen;
use crate::state::{Held, Holder, Lock};

/// How often a held lock is asked for again.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Takes the lock of a state, and waits for it for a while.
pub(super) async fn lock(screen: &Screen, path: &Path, command: &str, timeout: Duration) -> Result<Lock, Stop> {
    let holder =
        Holder { owner: owner(), host: host(), process: std::process::id(), command: command.to_owned(), since: now() };
    let until = Instant::now() + timeout;
    let mut waiting = false;
    loop {
        match Lock::take(path, &holder) {
            Ok(lock) => {
                if let Some(dead) = &lock.taken_over {
                    screen.hint(&format!("Took over the lock of {dead}, which has died."));
                }
                return Ok(lock);
            }
            Err(error @ Held::Other(_)) if Instant::now() < until => {
                if !waiting {
                    screen.hint(&format!("Waiting: {error}"));
                    waiting = true;
                }
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            Err(error) => {
                let stop = Stop::refused(with_causes(&error));
                return Err(match error {
                    Held::Other(_) => stop.with_help("wait until it has ended, as with `--lock-timeout 5m`"),
                    Held::Elsewhere(_) => stop.with_help("if that run has died: `personaform state unlock`"),
                    Held::Unusable { .. } => stop,
                });
            }
        }
    }
}

/// The time of day, RFC 3339, UTC.
pub(super) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

fn owner() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "somebody".to_owned())
}

/// The name of this machine.
pub(super) fn host() -> String {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"].into_iter().find_map(|path| std::fs::read_to_string(path).ok());
    let asked = || {
        let output = std::process::Command::new("hostname").output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    let name = files.or_else(|| std::env::var("COMPUTERNAME").ok()).or_else(asked).unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "an unnamed host".to_owned() } else { name.to_owned() }
}
