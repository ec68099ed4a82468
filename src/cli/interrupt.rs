//! Interrupts: the first Ctrl-C (or SIGTERM) ends a run in good order, the second one at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::exit::Exit;
use super::screen::Aside;
use crate::http::Brake;

/// Whether somebody wants this run to end.
#[derive(Debug)]
pub(super) struct Interrupt {
    /// Set by the first signal: no further request is sent, nobody waits to try once more.
    pub(super) stop: Brake,
    /// Whether the command ends by itself once it has seen [`Interrupt::stop`]; otherwise it is dropped where it stands.
    orderly: AtomicBool,
    first: Notify,
}

impl Interrupt {
    /// Listens from now on, instead of the system's way of ending the process: on a thread of its own, which hears a signal also
    /// while the command computes.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn listen(aside: Aside) -> std::io::Result<Arc<Self>> {
        let interrupt = Arc::new(Self::new());
        let listener = Arc::clone(&interrupt);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut signals = {
            let _entered = runtime.enter();
            Signals::new()
        };
        let listen = async move {
            signals.next().await;
            if listener.orderly.load(Ordering::SeqCst) {
                aside.say("Interrupted: requests under way are finished and recorded. Once more to stop at once.\n");
            }
            listener.happened();
            signals.next().await;
            end_at_once();
        };
        std::thread::Builder::new().name("interrupt".to_owned()).spawn(move || runtime.block_on(listen))?;
        Ok(interrupt)
    }

    fn new() -> Self {
        Self { stop: Brake::default(), orderly: AtomicBool::new(false), first: Notify::new() }
    }

    /// Tells everybody who waits: the one who would drop the command, and the command itself.
    fn happened(&self) {
        self.stop.pull();
        self.first.notify_waiters();
    }

    /// From now on the command ends by itself. False: somebody has interrupted already.
    pub(super) fn begin_orderly(&self) -> bool {
        self.orderly.store(true, Ordering::SeqCst);
        !self.stop.is_pulled()
    }

    /// Waits until the command is to be dropped: at the first signal, unless it ends by itself.
    pub(super) async fn abandoned(&self) {
        loop {
            // Asked for before the look, so that no signal falls between the two.
            let signal = self.first.notified();
            if self.stop.is_pulled() && !self.orderly.load(Ordering::SeqCst) {
                return;
            }
            signal.await;
        }
    }

    /// Waits for the first signal.
    pub(super) async fn signalled(&self) {
        loop {
            let signal = self.first.notified();
            if self.stop.is_pulled() {
                return;
            }
            signal.await;
        }
    }
}

/// Ends the process, whatever is under way: the journal tells the rest.
#[expect(clippy::exit, reason = "somebody who interrupts twice does not want to wait for anything")]
fn end_at_once() {
    std::process::exit(i32::from(Exit::Interrupted.code()));
}

/// The signals that interrupt.
struct Signals {
    #[cfg(unix)]
    streams: Vec<tokio::signal::unix::Signal>,
}

impl Signals {
    /// A signal that cannot be listened for keeps its usual effect.
    #[cfg(unix)]
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
        Self { streams: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        use futures_util::future::{pending, select_all};
        if self.streams.is_empty() {
            pending::<()>().await;
        }
        select_all(self.streams.iter_mut().map(|stream| Box::pin(stream.recv()))).await;
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            futures_util::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_that_waits_for_the_signal_gets_it_though_another_waits_too() {
        let interrupt = Arc::new(Interrupt::new());
        assert!(interrupt.begin_orderly());
        let watcher = Arc::clone(&interrupt);
        let watcher = tokio::spawn(async move { watcher.abandoned().await });
        tokio::task::yield_now().await;
        let command = Arc::clone(&interrupt);
        let command = tokio::spawn(async move { command.signalled().await });
        tokio::task::yield_now().await;
        interrupt.happened();
        let waited = tokio::time::timeout(std::time::Duration::from_secs(5), command).await;
        assert!(waited.is_ok(), "the command never heard of it");
        assert!(!watcher.is_finished(), "a command that ends by itself is not dropped");
        watcher.abort();
    }
}
