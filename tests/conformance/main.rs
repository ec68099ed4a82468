//! One list of transitions for all providers, run through the library's own pipeline against the embedded miniatures, over HTTP,
//! under every switch of every miniature. After every step the service holds what the files want and a second plan is empty, or
//! the user was told what the row says. No provider is named outside its row.

mod pipeline;
mod rows;
mod run;
mod transitions;
mod values;
mod words;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rows::{ROWS, Row, Setting};
use transitions::Case;

/// Runs cases under several settings, two at a time, and fails with everything that went wrong.
#[expect(clippy::print_stdout, reason = "how much was run is worth knowing, and shown only where it is asked for")]
fn conforms(row: &'static Row, settings: &[Setting], cases: fn(&Row, &Setting) -> Vec<Case>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // For a closer look: `CONFORMANCE=defaults cargo test --test conformance tavus`.
    let only = std::env::var("CONFORMANCE").ok();
    let settings: Vec<&Setting> =
        settings.iter().filter(|setting| only.as_ref().is_none_or(|only| setting.name == *only)).collect();
    let next = AtomicUsize::new(0);
    let steps = AtomicUsize::new(0);
    let all_faults = Mutex::new(Vec::new());
    let work = || {
        while let Some(setting) = settings.get(next.fetch_add(1, Ordering::Relaxed)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let mut faults = Vec::new();
            steps.fetch_add(runtime.block_on(run::run(row, setting, cases(row, setting), &mut faults)), Ordering::Relaxed);
            all_faults.lock().expect("no worker panics with it").append(&mut faults);
        }
    };
    std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        for worker in workers {
            worker.join().expect("the worker's panic stands above");
        }
    });
    let faults = all_faults.into_inner().expect("no worker panics with it");
    println!("{}: {} steps under {} settings", row.id, steps.into_inner(), settings.len());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn row(id: &str) -> &'static Row {
    ROWS.into_iter().find(|row| row.id == id).expect("a row")
}

macro_rules! providers {
    ($($id:ident),*) => {
        const IDS: &[&str] = &[$(stringify!($id)),*];
        $(mod $id {
            #[test]
            fn conforms_under_every_switch() {
                let row = super::row(stringify!($id));
                super::conforms(row, &(row.settings)(), |row, setting| {
                    // Every field by itself where nothing is out of the ordinary; elsewhere one of every class.
                    if setting.is_plain() { super::transitions::all(row) } else { super::transitions::representative(row) }
                });
            }

            #[test]
            fn conforms_under_every_pair_of_switches() {
                let row = super::row(stringify!($id));
                super::conforms(row, &(row.pairs)(), |row, _| super::transitions::brief(row));
            }
        })*
    };
}

providers!(tavus, anam, bland, opengiant);

#[test]
fn every_provider_has_a_row_and_its_tests() {
    let all: Vec<&str> = personaform::providers::all().into_iter().map(|provider| provider.id()).collect();
    assert_eq!(ROWS.map(|row| row.id).to_vec(), all);
    assert_eq!(IDS, all);
}
