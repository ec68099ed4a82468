//! Ends the sending of a run: whoever pulls it, no request goes out any more, and nobody waits for a turn or for another try.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Shared by those who send and those who may stop them. Once pulled, it stays so.
#[derive(Clone, Debug, Default)]
pub struct Brake(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    pulled: AtomicBool,
    waiting: Notify,
}

impl Brake {
    /// From now on nothing new is sent; what is under way goes on.
    pub fn pull(&self) {
        self.0.pulled.store(true, Ordering::SeqCst);
        self.0.waiting.notify_waiters();
    }

    /// Whether somebody has pulled it.
    pub fn is_pulled(&self) -> bool {
        self.0.pulled.load(Ordering::SeqCst)
    }

    /// The same for those who only look.
    pub fn flag(&self) -> &AtomicBool {
        &self.0.pulled
    }

    /// Waits until somebody pulls it.
    pub async fn pulled(&self) {
        let mut notified = std::pin::pin!(self.0.waiting.notified());
        // Listens before it looks: a pull in between would never be heard.
        notified.as_mut().enable();
        if !self.is_pulled() {
            notified.await;
        }
    }

    /// Does a piece of work unless it is pulled before that is done; then the work is dropped where it stands.
    pub(super) async fn unless_pulled<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.pulled() => None,
            done = work => Some(done).filter(|_| !self.is_pulled()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_hears_it_at_once_and_who_comes_later_does_not_begin() {
        let brake = Brake::default();
        let waiting = tokio::spawn({
            let brake = brake.clone();
            async move { brake.unless_pulled(tokio::time::sleep(Duration::from_secs(3600))).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(brake.unless_pulled(async { 1 }).await, Some(1));
        let begun = tokio::time::Instant::now();
        brake.pull();
        assert_eq!(waiting.await.expect("it ends"), None);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let mut began = false;
        assert_eq!(brake.unless_pulled(async { began = true }).await, None);
        assert!(!began);
    }
}
