//! When a request is sent once more, and after which pause. Pure: statuses, headers and a random number in, a decision out.

use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// How often and how patiently a client tries.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Further tries after the first.
    pub retries: u32,
    /// What the pause before the first further try is drawn from; it doubles with each.
    pub pause: Duration,
    /// The longest pause. A service that asks for a longer one is not asked again in this run.
    pub longest_pause: Duration,
    /// How long one try may take, from connecting to the last byte of the answer.
    pub timeout: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            retries: 3,
            pause: Duration::from_millis(300),
            longest_pause: Duration::from_secs(30),
            timeout: Duration::from_secs(60),
        }
    }
}

impl Patience {
    /// How long connecting may take: so much less than one try that the two are told apart.
    pub(super) fn connecting(&self) -> Duration {
        Duration::from_secs(10).min(self.timeout / 2)
    }
}

/// Whether a request may reach the service twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Twice has the same effect as once: reads, whole values, deletions.
    Freely,
    /// Twice would do it twice: it is sent again only when the service cannot have done it.
    OnlyIfRefused,
}

/// What came of one try.
#[derive(Clone, Copy, Debug)]
pub(super) enum Came {
    /// An answer.
    Answer {
        /// HTTP status.
        status: u16,
        /// Whether the body is nothing that a service of ours says: text, or nothing in answer to a read.
        odd: bool,
        /// The pause that the service asks for.
        asked: Option<Duration>,
    },
    /// None.
    Nothing {
        /// Whether the service may have done what was asked.
        maybe_done: bool,
    },
}

/// What follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether another try may help, and does no harm.
    pub(super) again: bool,
    /// Whether the request may have been done although the answer is no success.
    pub(super) doubtful: bool,
}

/// Judges one try of a request.
///
/// 429 and 425 refuse by their definition, and a 503 with a `Retry-After` does so plainly. 408, 500, 502, 504 and any other
/// 503 may come from a gateway behind which the request was done. A success that is no JSON was said by something in between.
pub(super) fn judge(repeat: Repeat, is_read: bool, came: Came) -> Verdict {
    let freely = repeat == Repeat::Freely;
    let (again, doubtful) = match came {
        Came::Nothing { maybe_done } => (freely || !maybe_done, maybe_done),
        Came::Answer { status: 425 | 429, .. } => (true, false),
        Came::Answer { status: 503, asked: Some(_), .. } => (true, false),
        Came::Answer { status: 408 | 500 | 502 | 503 | 504, .. } => (freely, true),
        Came::Answer { status: 200..=299, odd: true, .. } => (freely, true),
        Came::Answer { .. } => (false, false),
    };
    Verdict { again, doubtful: doubtful && !is_read }
}

/// The pause before try number `tries + 1`; none: the service asks for more patience than there is.
///
/// Full jitter: anything between nothing and the doubled pause, so that many who were refused together do not come back
/// together. What the service asks for is waited in full.
pub(super) fn pause(patience: &Patience, tries: u32, asked: Option<Duration>, random: f64) -> Option<Duration> {
    let doubled = patience.pause.saturating_mul(2u32.saturating_pow(tries)).min(patience.longest_pause);
    match asked {
        Some(asked) if asked > patience.longest_pause => None,
        Some(asked) => Some(asked + patience.pause.min(patience.longest_pause).mul_f64(random)),
        None => Some(doubled.mul_f64(random)),
    }
}

/// The pause that a refusal asks for: `Retry-After` in seconds or as a date, else when the used-up limit is reset.
pub(super) fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = |header| headers.get(header).and_then(|value| value.to_str().ok()).map(str::trim);
    let after = text(RETRY_AFTER).and_then(|after| {
        seconds(after).or_else(|| {
            // Measured by the service's own clock, which need not be ours.
            Some(moment(after)?.saturating_sub(date(headers)?))
        })
    });
    after.or_else(|| reset(headers).filter(|_| remaining(headers).is_none_or(|remaining| remaining == 0)))
}

/// Until when nothing more will be answered, told beside a success: the limit is used up.
pub(super) fn used_up(headers: &HeaderMap) -> Option<Duration> {
    reset(headers).filter(|_| remaining(headers) == Some(0))
}

/// When the service says that it is, since 1970.
fn date(headers: &HeaderMap) -> Option<Duration> {
    headers.get(DATE)?.to_str().ok().and_then(|date| moment(date.trim()))
}

/// An HTTP date, since 1970.
fn moment(text: &str) -> Option<Duration> {
    httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

fn named<'a>(headers: &'a HeaderMap, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| headers.get(*name)?.to_str().ok()).map(str::trim)
}

/// One parameter of a `RateLimit` header in either of its drafts: `limit=10, remaining=0, reset=7` or `"day";r=0;t=7`.
fn parameter<'a>(headers: &'a HeaderMap, names: [&str; 2]) -> Option<&'a str> {
    let text = named(headers, &["ratelimit"])?;
    text.split([',', ';']).filter_map(|part| part.trim().split_once('=')).find(|(name, _)| names.contains(name)).map(|it| it.1)
}

fn remaining(headers: &HeaderMap) -> Option<u64> {
    let text = named(headers, &["ratelimit-remaining", "x-ratelimit-remaining"]);
    text.or_else(|| parameter(headers, ["remaining", "r"]))?.trim().parse().ok()
}

fn reset(headers: &HeaderMap) -> Option<Duration> {
    let text = named(headers, &["ratelimit-reset", "x-ratelimit-reset-after", "x-ratelimit-reset"]);
    let wait = seconds(text.or_else(|| parameter(headers, ["reset", "t"]))?.trim())?;
    // Some services say when, in seconds since 1970, and not for how long.
    if wait < Duration::from_secs(1_000_000_000) {
        return Some(wait);
    }
    Some(wait.saturating_sub(date(headers)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn what_may_have_been_done_is_repeated_only_where_that_does_no_harm() {
        let answer = |status| Came::Answer { status, odd: false, asked: None };
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(
                judge(Repeat::OnlyIfRefused, false, answer(status)),
                Verdict { again: false, doubtful: true },
                "{status}"
            );
            assert_eq!(judge(Repeat::Freely, false, answer(status)), Verdict { again: true, doubtful: true }, "{status}");
            assert_eq!(judge(Repeat::Freely, true, answer(status)), Verdict { again: true, doubtful: false }, "{status}");
        }
        for maybe_done in [true, false] {
            let nothing = Came::Nothing { maybe_done };
            assert_eq!(judge(Repeat::OnlyIfRefused, false, nothing), Verdict { again: !maybe_done, doubtful: maybe_done });
            assert_eq!(judge(Repeat::Freely, true, nothing), Verdict { again: true, doubtful: false });
        }
    }

    #[test]
    fn a_plain_refusal_is_repeated_whatever_was_asked() {
        let refused = Verdict { again: true, doubtful: false };
        for (status, asked) in [(429, None), (425, None), (503, Some(SECOND))] {
            assert_eq!(judge(Repeat::OnlyIfRefused, false, Came::Answer { status, odd: false, asked }), refused, "{status}");
        }
        for status in [200, 204, 304, 400, 401, 404, 409, 422, 501] {
            let verdict = judge(Repeat::Freely, true, Came::Answer { status, odd: false, asked: None });
            assert_eq!(verdict, Verdict { again: false, doubtful: false }, "{status}");
        }
    }

    #[test]
    fn a_page_in_place_of_an_answer_is_no_answer() {
        let page = Came::Answer { status: 200, odd: true, asked: None };
        assert_eq!(judge(Repeat::Freely, true, page), Verdict { again: true, doubtful: false });
        assert_eq!(judge(Repeat::Freely, false, page), Verdict { again: true, doubtful: true });
        assert_eq!(judge(Repeat::OnlyIfRefused, false, page), Verdict { again: false, doubtful: true });
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_jitter_below() {
        let patience = Patience { pause: SECOND, longest_pause: 30 * SECOND, ..Patience::default() };
        let drawn = |tries| pause(&patience, tries, None, 0.5).expect("a pause");
        assert_eq!(
            [drawn(0), drawn(1), drawn(4), drawn(5), drawn(200)],
            [0.5, 1.0, 8.0, 15.0, 15.0].map(Duration::from_secs_f64)
        );
        assert_eq!(pause(&patience, 3, None, 0.0), Some(Duration::ZERO));
        assert_eq!(pause(&patience, 3, Some(7 * SECOND), 0.0), Some(7 * SECOND));
        assert_eq!(pause(&patience, 0, Some(31 * SECOND), 0.0), None);
    }

    #[test]
    fn a_service_may_ask_in_seconds_by_date_or_by_its_limits() {
        let now = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (pairs, expected) in [
            (vec![("retry-after", "7")], Some(7)),
            (vec![("retry-after", " 120 ")], Some(120)),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:49:50 GMT"), now], Some(13)),
            (vec![("retry-after", "Sunday, 06-Nov-94 08:49:50 GMT"), now], Some(13)),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), now], Some(0)),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:49:50 GMT")], None),
            (vec![("retry-after", "-3")], None),
            (vec![("retry-after", "soon")], None),
            (vec![("retry-after", "NaN")], None),
            (vec![("ratelimit-reset", "9")], Some(9)),
            (vec![("ratelimit-reset", "9"), ("ratelimit-remaining", "3")], None),
            (vec![("retry-after", "2"), ("ratelimit-reset", "9"), ("ratelimit-remaining", "0")], Some(2)),
            (vec![("ratelimit", "limit=10, remaining=0, reset=7")], Some(7)),
            (vec![("ratelimit", "\"day\";r=0;t=8")], Some(8)),
            (vec![("x-ratelimit-reset", "784111787"), now], Some(784_111_787)),
            (vec![("x-ratelimit-reset", "1784111787"), ("date", "Wed, 15 Jul 2026 10:36:22 GMT")], Some(5)),
            (vec![], None),
        ] {
            assert_eq!(asked(&headers(&pairs)), expected.map(Duration::from_secs), "{pairs:?}");
        }
    }

    #[test]
    fn a_limit_that_is_used_up_is_told_beside_a_success() {
        assert_eq!(used_up(&headers(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "4")])), Some(4 * SECOND));
        assert_eq!(used_up(&headers(&[("ratelimit-remaining", "1"), ("ratelimit-reset", "4")])), None);
        assert_eq!(used_up(&headers(&[("ratelimit-reset", "4")])), None);
    }
}
