//! How fast an account is asked: requests under way at once and requests per second, shared by all that is sent to it, lowered
//! when the service says that it is too much and raised again while all goes well.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::provider::Limits;

/// The fewest requests per second that a pace is lowered to.
const SLOWEST: f64 = 0.2;

/// Spaces the requests of one account. Additive increase, multiplicative decrease.
#[derive(Debug)]
pub(super) struct Pacer {
    limits: Limits,
    now: Mutex<Pace>,
    freed: Notify,
}

#[derive(Debug)]
struct Pace {
    under_way: usize,
    /// As many may be under way; the fraction is what successes have earned.
    concurrency: f64,
    per_second: Option<f64>,
    /// When the next request would be due, were all of them evenly spaced.
    due: Instant,
    /// Nothing is sent before.
    not_before: Instant,
    /// When the pace was last lowered.
    lowered: Option<Instant>,
}

/// The right to one request; gives it back when dropped.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    pacer: &'a Pacer,
    /// When it was given.
    begun: Instant,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.pacer.pace().under_way -= 1;
        self.pacer.freed.notify_one();
    }
}

impl Pacer {
    /// A pacer that begins with all that the limits allow.
    pub(super) fn new(limits: Limits) -> Self {
        let now = Instant::now();
        let concurrency = f64::from(limits.concurrency.max(1));
        let per_second = limits.per_second;
        let pace = Pace { under_way: 0, concurrency, per_second, due: now, not_before: now, lowered: None };
        Self { limits, now: Mutex::new(pace), freed: Notify::new() }
    }

    /// The most requests that are ever under way at once.
    pub(super) fn most(&self) -> usize {
        usize::from(self.limits.concurrency.max(1))
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // Nothing in here can panic half way.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a request may be sent.
    pub(super) async fn permit(&self) -> Permit<'_> {
        let (mut permit, mut start) = loop {
            if let Some(given) = self.try_permit() {
                break given;
            }
            self.freed.notified().await;
        };
        loop {
            sleep_until(start).await;
            // Somebody may have been told to wait in the meantime.
            let not_before = self.pace().not_before;
            if not_before <= Instant::now() {
                permit.begun = Instant::now();
                return permit;
            }
            start = not_before;
        }
    }

    fn try_permit(&self) -> Option<(Permit<'_>, Instant)> {
        let mut pace = self.pace();
        if pace.under_way as f64 >= pace.concurrency.floor() {
            return None;
        }
        let now = Instant::now();
        pace.under_way += 1;
        let mut start = now.max(pace.not_before);
        if let Some(per_second) = pace.per_second {
            let gap = Duration::from_secs_f64(1.0 / per_second);
            // A second's worth may go out at once, so that small runs are not held up.
            let ahead = gap.mul_f64((per_second.ceil() - 1.0).max(0.0));
            start = start.max(pace.due.checked_sub(ahead).unwrap_or(now));
            pace.due = pace.due.max(start) + gap;
        }
        if (pace.under_way as f64) < pace.concurrency.floor() {
            // One notice may have stood for several places.
            self.freed.notify_one();
        }
        drop(pace);
        Some((Permit { pacer: self, begun: now }, start))
    }

    /// The service said that it is too much: half the pace, once for all that were under way together, and a pause for all.
    pub(super) fn too_much(&self, permit: &Permit<'_>, wait: Duration) {
        let mut pace = self.pace();
        let now = Instant::now();
        if pace.lowered.is_none_or(|lowered| permit.begun > lowered) {
            pace.lowered = Some(now);
            pace.concurrency = (pace.concurrency / 2.0).floor().max(1.0);
            pace.per_second = pace.per_second.map(|per_second| (per_second / 2.0).max(SLOWEST));
        }
        pace.not_before = pace.not_before.max(now + wait);
    }

    /// The service answered that nothing more will be answered for a while.
    pub(super) fn hold(&self, wait: Duration) {
        let mut pace = self.pace();
        pace.not_before = pace.not_before.max(Instant::now() + wait);
    }

    /// All went well: a little faster, up to the limits.
    pub(super) fn fine(&self) {
        let mut pace = self.pace();
        let most = f64::from(self.limits.concurrency.max(1));
        pace.concurrency = (pace.concurrency + 1.0 / pace.concurrency).min(most);
        if let (Some(per_second), Some(most)) = (pace.per_second, self.limits.per_second) {
            pace.per_second = Some((per_second + most / 20.0).min(most));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pacer(concurrency: u16, per_second: Option<f64>) -> Arc<Pacer> {
        Arc::new(Pacer::new(Limits { concurrency, per_second }))
    }

    /// Concurrency and requests per second as they now are.
    fn now(pacer: &Pacer) -> (f64, Option<f64>) {
        let pace = pacer.pace();
        (pace.concurrency, pace.per_second)
    }

    /// Sends so many requests of one second each, and gives the most that were under way at once and the seconds it took.
    async fn rush(pacer: &Arc<Pacer>, requests: usize) -> (usize, f64) {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let begun = Instant::now();
        let all = (0..requests).map(|_| {
            let (pacer, now, most) = (Arc::clone(pacer), Arc::clone(&now), Arc::clone(&most));
            tokio::spawn(async move {
                let permit = pacer.permit().await;
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(SECOND).await;
                now.fetch_sub(1, Ordering::SeqCst);
                drop(permit);
            })
        });
        for one in all.collect::<Vec<_>>() {
            one.await.expect("it ends");
        }
        (most.load(Ordering::SeqCst), begun.elapsed().as_secs_f64())
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_under_way_than_allowed_and_no_place_stays_empty() {
        let (most, took) = rush(&pacer(3, None), 12).await;
        assert_eq!(most, 3);
        assert!((4.0..4.1).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_second_s_worth_requests_are_spaced() {
        let (_, took) = rush(&pacer(64, Some(5.0)), 20).await;
        // Five at once, fifteen more every fifth of a second, the last one takes a second.
        assert!((4.0..4.1).contains(&took), "{took}");
        let (_, slow) = rush(&pacer(64, Some(0.5)), 3).await;
        assert!((5.0..5.1).contains(&slow), "{slow}");
    }

    #[tokio::test(start_paused = true)]
    async fn too_much_halves_the_pace_once_for_all_under_way_and_stops_everybody_for_the_pause() {
        let pacer = pacer(8, Some(8.0));
        let (first, second) = (pacer.permit().await, pacer.permit().await);
        pacer.too_much(&first, 5 * SECOND);
        pacer.too_much(&second, 5 * SECOND);
        drop((first, second));
        assert_eq!(now(&pacer), (4.0, Some(4.0)));
        let begun = Instant::now();
        let third = pacer.permit().await;
        assert_eq!(begun.elapsed(), 5 * SECOND);
        pacer.too_much(&third, Duration::ZERO);
        assert_eq!(pacer.pace().concurrency, 2.0);
        for _ in 0..20 {
            tokio::time::advance(SECOND).await;
            pacer.pace().under_way += 1;
            pacer.too_much(&Permit { pacer: &pacer, begun: Instant::now() + SECOND }, Duration::ZERO);
        }
        assert_eq!(now(&pacer), (1.0, Some(SLOWEST)));
    }

    #[tokio::test(start_paused = true)]
    async fn successes_raise_the_pace_again_up_to_the_limits() {
        let pacer = pacer(4, Some(10.0));
        let permit = pacer.permit().await;
        pacer.too_much(&permit, Duration::ZERO);
        for _ in 0..3 {
            pacer.fine();
        }
        assert!(pacer.pace().concurrency > 2.9, "one more after as many successes as are under way");
        for _ in 0..100 {
            pacer.fine();
        }
        assert_eq!(now(&pacer), (4.0, Some(10.0)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_for_its_turn_is_held_too() {
        let pacer = pacer(8, Some(1.0));
        drop(pacer.permit().await);
        let waiting = {
            let pacer = Arc::clone(&pacer);
            tokio::spawn(async move {
                drop(pacer.permit().await);
                Instant::now()
            })
        };
        tokio::task::yield_now().await;
        let begun = Instant::now();
        pacer.hold(9 * SECOND);
        assert_eq!(waiting.await.expect("it ends") - begun, 9 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_given_up_while_it_waits_frees_its_place() {
        let pacer = pacer(1, None);
        pacer.hold(60 * SECOND);
        assert!(tokio::time::timeout(SECOND, pacer.permit()).await.is_err());
        assert_eq!(pacer.pace().under_way, 0);
    }
}
