//! How much time, memory and traffic the commands take at any size, beside the floor: a bare client that only sends the same
//! requests. One command: `cargo bench --bench scale`; `-- --help` tells the rest.
//!
//! Rate limits are not what is measured: on loopback there is no limit of requests per second, and the requests under way at once
//! are the same for both sides. In `cargo test` a small cast is run, and only what can be counted is held: requests, and the
//! round trips that wait for each other.

mod cast;
mod check;
mod floor;
mod measure;
mod page;
mod remembered;
mod server;
mod steps;

use std::path::PathBuf;

/// Casts of more targets are large.
const LARGE: usize = 10_000;

/// Casts of no more targets take so little time that one run says little.
const SMALL: usize = 1_000;

/// What is measured.
struct Orders {
    sizes: Vec<usize>,
    latencies: Vec<u64>,
    concurrency: usize,
    repeat: usize,
    page: Option<PathBuf>,
    /// Whether large casts are also measured with latency.
    full: bool,
}

const HELP: &str = "\
cargo bench --bench scale -- [OPTIONS]
  --sizes N,…         targets per cast          [10,100,1000,10000]
  --latencies MS,…    of every answer           [0,50]
  --concurrency N     requests under way per account, for both sides  [32]
  --repeat N          runs of what only reads, up to 10,000 targets, and three times as many up to 1,000; the median counts  [3]
  --full              as --sizes 10,100,1000,10000,100000, which otherwise is measured at the first latency alone
  --page FILE         write tables and plots into the page and beside it, as for docs/performance.md";

#[expect(clippy::print_stdout, reason = "a bench tells what it measures")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => return server::run(),
        ["floor", file] => return floor::run(file.as_ref()),
        _ => {}
    }
    if words.contains(&"--help") {
        println!("{HELP}");
        return Ok(());
    }
    // Cargo says `--bench` in a bench and nothing in a test.
    if !words.contains(&"--bench") {
        return check::run();
    }
    let orders = orders(&words)?;
    let measured = page::Measured {
        machine: page::machine(),
        concurrency: orders.concurrency,
        started: steps::start_up()?,
        rows: {
            let mut rows = Vec::new();
            for size in &orders.sizes {
                // The largest casts take their time: once, and without latency unless everything is wanted.
                let large = *size > LARGE;
                let latencies = if large && !orders.full { &orders.latencies[..1] } else { &orders.latencies };
                for latency in latencies {
                    let repeat = match *size {
                        _ if large => 1,
                        ..=SMALL => 3 * orders.repeat,
                        _ => orders.repeat,
                    };
                    rows.extend(steps::all(*size, *latency, orders.concurrency, repeat)?);
                }
            }
            rows
        },
        remembered: remembered::all(&orders.sizes)?,
    };
    match &orders.page {
        Some(page) => page::write(&measured, page)?,
        None => println!("\n{}", page::tables(&measured)),
    }
    Ok(())
}

fn orders(words: &[&str]) -> Result<Orders, Box<dyn std::error::Error>> {
    let mut orders = Orders {
        sizes: vec![10, 100, 1_000, 10_000],
        latencies: vec![0, 50],
        concurrency: 32,
        repeat: 3,
        page: None,
        full: false,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("`{word}` wants a value"));
        match *word {
            "--bench" => {}
            "--sizes" => orders.sizes = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--latencies" => orders.latencies = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--concurrency" => orders.concurrency = value()?.parse()?,
            "--repeat" => orders.repeat = value()?.parse()?,
            "--full" => {
                orders.sizes = vec![10, 100, 1_000, 10_000, 100_000];
                orders.full = true;
            }
            "--page" => orders.page = Some(PathBuf::from(value()?)),
            other => return Err(format!("`{other}` is no option\n{HELP}").into()),
        }
    }
    Ok(orders)
}
