//! The miniatures of a project's accounts, served on loopback.

use std::net::SocketAddr;
use std::path::Path;

use tokio::net::TcpListener;

use super::exit::{Stop, with_causes};
use super::project::SANDBOX_FOLDER;
use crate::persona::document::{Account, Project};
use crate::providers;
use crate::sandbox::{Running, ServeError};

/// Starts a miniature for every account of a project.
///
/// # Errors
/// When the sandbox's folder is in use or damaged.
pub(super) async fn start_sandbox(root: &Path, project: &Project) -> Result<Running, Stop> {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| Stop::failed(format!("no loopback port for the sandbox: {error}")))?;
    serve_sandbox(listener, root, project).await
}

/// As [`start_sandbox`], on a listener of the caller's.
///
/// # Errors
/// As [`start_sandbox`].
pub(super) async fn serve_sandbox(listener: TcpListener, root: &Path, project: &Project) -> Result<Running, Stop> {
    let miniatures = project
        .accounts
        .values()
        .filter_map(|account| Some((account.name.to_string(), providers::miniature(&account.provider, &sandbox_key(account))?)))
        .collect();
    let folder = root.join(SANDBOX_FOLDER);
    let running = crate::sandbox::serve(listener, miniatures, Some(folder)).await;
    running.map_err(|error: ServeError| Stop::failed(with_causes(&error)))
}

/// The key that an account's miniature takes.
pub(super) fn sandbox_key(account: &Account) -> String {
    format!("sandbox-key-of-{}", account.name)
}
