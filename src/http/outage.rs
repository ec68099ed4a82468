//! Ends the sending to a service that cannot be reached: after some requests in a row that used up their tries without a connection,
//! no further one is sent, and nobody waits for another try. Whatever does reach the service begins the row anew. Knows nothing of
//! failures after a request was sent: these tell that somebody is there.

use tokio::sync::watch;

use super::Fault;

/// So many requests in a row without a connection are an outage.
const MOST: u32 = 3;

/// How far a try came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contact {
    /// To the service: it answered, or the request was on its way when it failed.
    Made,
    /// To no connection: refused, unreachable, no such host, too slow, or a certificate that is not accepted.
    Missed,
    /// Not even to an attempt.
    Untried,
}

/// Shared by all requests of one account.
#[derive(Debug)]
pub(super) struct Outage {
    /// Host and port, for messages.
    host: String,
    row: watch::Sender<Row>,
}

#[derive(Debug, Default)]
struct Row {
    missed: u32,
    /// What is said of requests that are not sent; none: they are.
    declared: Option<Fault>,
}

impl Outage {
    /// A row of none, for the service at a host.
    pub(super) fn of(host: String) -> Self {
        Self { host, row: watch::Sender::default() }
    }

    /// Something came to the service.
    pub(super) fn reached(&self) {
        // Nearly always there is nothing to change, and nobody is woken for it.
        self.row.send_if_modified(|row| std::mem::take(row).missed > 0);
    }

    /// A request has used up its tries, the last one without a connection.
    pub(super) fn missed(&self, fault: &Fault) {
        self.row.send_modify(|row| {
            row.missed += 1;
            if row.missed >= MOST && row.declared.is_none() {
                let (host, cause) = (&self.host, &fault.message);
                row.declared = Some(Fault {
                    message: format!("not sent: `{host}` could not be reached by {MOST} requests in a row: {cause}"),
                    help: fault.help.clone(),
                    maybe_done: false,
                    unsent: true,
                });
            }
        });
    }

    /// Does a piece of work unless the service cannot be reached, now or before that is done; then the work is dropped where it
    /// stands.
    ///
    /// # Errors
    /// What is said of a request that is not sent.
    pub(super) async fn unless_declared<T>(&self, work: impl Future<Output = T>) -> Result<T, Fault> {
        let mut row = self.row.subscribe();
        let declared = async {
            match row.wait_for(|row| row.declared.is_some()).await {
                Ok(row) => row.declared.clone(),
                Err(_) => None,
            }
        };
        tokio::select! {
            biased;
            Some(fault) = declared => Err(fault),
            done = work => Ok(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use secrecy::SecretString;
    use serde_json::json;
    use tokio::time::Instant;

    use super::super::{Answer, Client, Home, Patience, Repeat, Tried};
    use super::*;
    use crate::plan::{Method, Request};
    use crate::provider::{Body, Limits, Response, Service};

    const HOUR: Duration = Duration::from_secs(3600);

    static SERVICE: Service = Service {
        title: "Test",
        update: "",
        base_url: "",
        key_variable: "KEY",
        key_header: "x-api-key",
        key_prefix: "",
        documentation: "",
        limits: Limits { concurrency: 8, per_second: None },
    };

    /// An account whose tries are made by the test, and how many there were. Pauses are drawn from an hour.
    struct Account {
        client: Client,
        tries: AtomicUsize,
    }

    /// What a try comes to.
    #[derive(Clone, Copy)]
    enum Wire {
        Refused,
        Lost,
        Unmade,
        Answers(u16, Option<Duration>),
    }

    fn tried(wire: Wire) -> Tried {
        let nothing = |message: &str, maybe_done, contact| {
            let help = Some("is it right?".to_owned());
            let fault = Fault { message: message.to_owned(), help, maybe_done, unsent: false };
            Tried::Nothing { fault, contact, hopeless: false }
        };
        match wire {
            Wire::Refused => nothing("connection refused", false, Contact::Missed),
            Wire::Lost => nothing("connection reset", true, Contact::Made),
            Wire::Unmade => nothing("no such path", false, Contact::Untried),
            Wire::Answers(status, asked) => {
                let response = Response { status, body: Body::Json(json!({})) };
                Tried::Answer { response, asked, used_up: None }
            }
        }
    }

    impl Account {
        fn new(retries: u32) -> Arc<Self> {
            let home = Home { service: &SERVICE, base_url: "http://127.0.0.1:9/v1", insecure: false, limits: SERVICE.limits };
            let patience = Patience { retries, pause: HOUR, longest_pause: HOUR, timeout: HOUR };
            let client = Client::new(&home, &SecretString::from("a-key"), &[], patience).expect("a client");
            Arc::new(Self { client, tries: AtomicUsize::new(0) })
        }

        /// Sends a request whose n-th try comes to the n-th of these, or to the last one.
        async fn send(&self, method: Method, wires: &[Wire]) -> Result<Answer, Fault> {
            let repeat = if method == Method::Post { Repeat::OnlyIfRefused } else { Repeat::Freely };
            let request = Request::new(method, "/p1");
            let own = AtomicUsize::new(0);
            let try_once = || async {
                self.tries.fetch_add(1, Ordering::SeqCst);
                tried(wires[own.fetch_add(1, Ordering::SeqCst).min(wires.len() - 1)])
            };
            self.client.send_by(try_once, &request, &request, repeat).await
        }

        async fn get(&self, wire: Wire) -> Result<Answer, Fault> {
            self.send(Method::Get, &[wire]).await
        }

        /// Others have not reached it.
        fn is_out(&self) {
            let fault = Fault { message: "connection refused".to_owned(), help: None, maybe_done: false, unsent: false };
            (0..3).for_each(|_| self.client.outage.missed(&fault));
        }

        fn tries(&self) -> usize {
            self.tries.load(Ordering::SeqCst)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_three_requests_in_a_row_without_a_connection_nothing_is_sent() {
        let account = Account::new(1);
        for _ in 0..3 {
            let fault = account.get(Wire::Refused).await.expect_err("no answer");
            assert_eq!((fault.message.as_str(), fault.unsent), ("connection refused", false));
        }
        let begun = Instant::now();
        for _ in 0..10_000 {
            let fault = account.send(Method::Post, &[Wire::Answers(200, None)]).await.expect_err("no answer");
            let message = "not sent: `127.0.0.1:9` could not be reached by 3 requests in a row: connection refused";
            let help = Some("is it right?".to_owned());
            assert_eq!(fault, Fault { message: message.to_owned(), help, maybe_done: false, unsent: true });
        }
        assert_eq!((begun.elapsed(), account.tries(), account.client.effort().0), (Duration::ZERO, 6, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_another_try_ends_with_the_third() {
        let account = Account::new(1);
        let begun = Instant::now();
        let sent = |wires: &'static [Wire]| {
            let account = Arc::clone(&account);
            tokio::spawn(async move { (account.send(Method::Post, wires).await, begun.elapsed()) })
        };
        // This one was answered, and waits longer than anybody: that is what there is to say of it.
        let answered = sent(&[Wire::Answers(503, Some(HOUR)), Wire::Answers(200, None)]);
        tokio::task::yield_now().await;
        let missed: Vec<_> = (0..4).map(|_| sent(&[Wire::Refused])).collect();
        let mut missed_ends = Vec::new();
        for one in missed {
            let (result, at) = one.await.expect("it ends");
            missed_ends.push((at, result.expect_err("no answer").unsent));
        }
        missed_ends.sort();
        assert_eq!(missed_ends.iter().map(|end| end.1).collect::<Vec<_>>(), [false, false, false, true]);
        let third = missed_ends[2].0;
        assert_eq!(missed_ends[3].0, third);
        let (result, at) = answered.await.expect("it ends");
        assert_eq!((result.expect("an answer").response.status, at), (503, third));
        assert_eq!(account.tries(), 1 + 4 + 3);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_turn_ends_too() {
        let account = Account::new(0);
        account.client.pacer.hold(HOUR);
        let begun = Instant::now();
        let outage = async {
            tokio::task::yield_now().await;
            account.is_out();
        };
        let (waiting, ()) = tokio::join!(account.get(Wire::Answers(200, None)), outage);
        assert!(waiting.expect_err("no answer").unsent);
        assert_eq!((begun.elapsed(), account.tries()), (Duration::ZERO, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_reaches_the_service_begins_the_row_anew() {
        for wire in [Wire::Answers(200, None), Wire::Answers(500, None), Wire::Answers(404, None), Wire::Lost] {
            let account = Account::new(0);
            for request in [Wire::Refused, Wire::Refused, wire, Wire::Refused, Wire::Refused, wire, Wire::Refused] {
                // Neither sent nor any sign of the service: it counts for nothing.
                let _ = account.get(Wire::Unmade).await;
                assert!(!account.get(request).await.is_err_and(|fault| fault.unsent));
            }
            assert_eq!(account.tries(), 14);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_was_under_way_ends_the_outage() {
        let account = Account::new(0);
        let request = Request::new(Method::Get, "/slow");
        let slow = || async {
            tokio::time::sleep(HOUR).await;
            tried(Wire::Answers(200, None))
        };
        let slow = account.client.send_by(slow, &request, &request, Repeat::Freely);
        let others = async {
            tokio::time::sleep(HOUR / 2).await;
            for _ in 0..3 {
                assert!(!account.get(Wire::Refused).await.expect_err("no answer").unsent);
            }
            account.get(Wire::Answers(200, None)).await.expect_err("nothing is sent").unsent
        };
        let (answer, unsent) = tokio::join!(slow, others);
        assert!(answer.is_ok() && unsent, "it was not dropped half way");
        assert!(account.get(Wire::Answers(200, None)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_have_been_done_stays_so() {
        let account = Account::new(9);
        let waiting = account.send(Method::Patch, &[Wire::Lost, Wire::Refused]);
        let outage = async {
            // After its first try.
            tokio::task::yield_now().await;
            account.is_out();
        };
        let (result, ()) = tokio::join!(waiting, outage);
        let fault = result.expect_err("no answer");
        assert_eq!((fault.message.as_str(), fault.maybe_done, fault.unsent), ("connection reset", true, false));
        assert_eq!(account.tries(), 1);
    }
}
