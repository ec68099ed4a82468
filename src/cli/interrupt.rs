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
    /// Listens from now on, instead of the system's way of ending the process.
    pub(super) fn listen(aside: Aside) -> Arc<Self> {
        let interrupt = Arc::new(Self { stop: Brake::default(), orderly: AtomicBool::new(false), first: Notify::new() });
        let mut signals = Signals::new();
        let listener = Arc::clone(&interrupt);
        tokio::spawn(async move {
            signals.next().await;
            listener.stop.pull();
            if listener.orderly.load(Ordering::SeqCst) {
                aside.say("Interrupted: requests under way are finished and recorded. Once more to stop at once.\n");
            }
            listener.first.notify_one();
            signals.next().await;
            end_at_once();
        });
        interrupt
    }

    /// From now on the command ends by itself. False: somebody has interrupted already.
    pub(super) fn begin_orderly(&self) -> bool {
        self.orderly.store(true, Ordering::SeqCst);
        !self.stop.is_pulled()
    }

    /// Waits until the command is to be dropped: at the first signal, unless it ends by itself.
    pub(super) async fn abandoned(&self) {
        loop {
            self.first.notified().await;
            if !self.orderly.load(Ordering::SeqCst) {
                return;
            }
        }
    }

    /// Waits for the first signal.
    pub(super) async fn signalled(&self) {
        while !self.stop.is_pulled() {
            self.first.notified().await;
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
