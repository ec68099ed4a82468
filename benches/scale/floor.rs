//! The floor: a bare client that only sends the requests that a run has sent, and throws the answers away. Same HTTP library, same
//! number of requests under way, and the same order where one needs the answer to another.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

use crate::server::{Asked, KEY};

/// Requests that need nothing from each other.
type Wave = Vec<Asked>;

/// What is sent: phases, in each of them the accounts side by side, at each of these one wave after another.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Score {
    /// Where all accounts are.
    pub(crate) origin: String,
    /// Requests under way at once, per account.
    pub(crate) concurrency: usize,
    /// Reading, then writing.
    pub(crate) phases: Vec<BTreeMap<String, Vec<Wave>>>,
}

/// Where the id of a persona stands in a path: `/v1/personas/ID/…`.
fn object(path: &str) -> Option<&str> {
    path.split(['?']).next().unwrap_or_default().split('/').nth(3)
}

fn page(path: &str) -> usize {
    let query = path.split_once('?').map(|(_, query)| query).unwrap_or_default();
    query.split('&').find_map(|pair| pair.strip_prefix("page=")?.parse().ok()).unwrap_or(1)
}

/// Finds out which requests had to wait for which.
///
/// Everything up to the first write is reading: single objects and the first page of a list wait for nothing, further pages for the
/// first. After it, the requests of one object wait for each other, and the first read of a new object for its create.
pub(crate) fn score(origin: &str, concurrency: usize, log: &[Asked]) -> Score {
    let is_write = |asked: &&Asked| asked.method != "GET";
    let reading = log.iter().position(|asked| is_write(&asked)).unwrap_or(log.len());
    let (reading, writing) = log.split_at(reading);
    let mut phases = vec![BTreeMap::<String, Vec<Wave>>::new(), BTreeMap::new()];
    for asked in reading {
        let wave = usize::from(object(&asked.path).is_none() && page(&asked.path) > 1);
        put(&mut phases[0], asked, wave);
    }
    let changed: BTreeSet<(&str, &str)> =
        writing.iter().filter(is_write).filter_map(|asked| Some((asked.account.as_str(), object(&asked.path)?))).collect();
    let mut waits: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for asked in writing {
        let wave = match object(&asked.path) {
            None => 0,
            Some(id) => {
                let object = (asked.account.as_str(), id);
                let next = waits.entry(object).or_insert(usize::from(!changed.contains(&object)));
                *next += 1;
                *next - 1
            }
        };
        put(&mut phases[1], asked, wave);
    }
    Score { origin: origin.to_owned(), concurrency, phases }
}

fn put(phase: &mut BTreeMap<String, Vec<Wave>>, asked: &Asked, wave: usize) {
    let waves = phase.entry(asked.account.clone()).or_default();
    waves.resize_with(waves.len().max(wave + 1), Vec::new);
    waves[wave].push(asked.clone());
}

/// Sends everything that a file says. Run in a process of its own, so that its time and memory can be told.
pub(crate) fn run(file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let score: Score = serde_json::from_slice(&std::fs::read(file)?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    // The library wants one, though nothing here is encrypted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let tls = rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let client = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build()?;
    runtime.block_on(async {
        for phase in score.phases {
            let accounts = phase.into_values().map(|waves| async {
                for wave in waves {
                    let sent = wave.into_iter().map(|asked| send(&client, &score.origin, asked));
                    let sent: Vec<_> = stream::iter(sent).buffer_unordered(score.concurrency).collect().await;
                    sent.into_iter().collect::<Result<Vec<()>, _>>()?;
                }
                Ok::<(), reqwest::Error>(())
            });
            join_all(accounts).await.into_iter().collect::<Result<Vec<()>, _>>()?;
        }
        Ok(())
    })
}

async fn send(client: &reqwest::Client, origin: &str, asked: Asked) -> Result<(), reqwest::Error> {
    let method = asked.method.parse().unwrap_or(reqwest::Method::GET);
    let mut request = client.request(method, format!("{origin}/{}{}", asked.account, asked.path));
    request = match asked.account.as_str() {
        "tavus" => request.header("x-api-key", KEY),
        "bland" => request.header("authorization", KEY),
        _ => request.header("authorization", format!("Bearer {KEY}")),
    };
    if !asked.body.is_empty() {
        request = request.header("content-type", "application/json").body(asked.body);
    }
    let mut response = request.send().await?;
    while response.chunk().await?.is_some() {}
    Ok(())
}
