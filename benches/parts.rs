//! The pure parts on their own: load, compile, diff, patch, report. `cargo bench --bench parts`. What they come to together, with the
//! services and the disk, is measured by `scale`.

#[expect(dead_code, reason = "this bench needs only its files")]
#[path = "scale/cast.rs"]
mod cast;

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use personaform::persona::document::Project;
use personaform::persona::load;
use personaform::persona::name::AccountName;
use personaform::plan::diff::Comparison;
use personaform::plan::gate::Limits;
use personaform::plan::planner::{AccountSide, Namesakes, Situation, plan};
use personaform::plan::{Live, Plan, RemoteId, Resource};
use personaform::provider::Provider;
use personaform::report::{html, json, markdown, text};
use personaform::{plan::change::Basis, providers};
use serde_json::Value;

/// Personas that are loaded and compiled at once.
const CAST: usize = 1_000;

/// Creates in the plan that is reported.
const CHANGES: usize = 100;

struct Scene {
    folder: tempfile::TempDir,
    project: Project,
    desired: BTreeMap<personaform::plan::Address, Resource>,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        cast::project(folder.path(), "http://127.0.0.1:1", 8).expect("written");
        cast::personas(folder.path(), CAST).expect("written");
        let project = load(folder.path(), &providers::vocabulary(), &|_| None).project.expect("sound");
        let desired = providers::compile(&project).expect("sound").resources;
        Self { folder, project, desired }
    }

    /// A target at Tavus, what the service shows of it, and the same with another prompt wanted.
    fn edited(&self) -> (&'static dyn Provider, Live, Resource) {
        let provider = providers::find("tavus").expect("one");
        let resource = self.desired.values().find(|resource| resource.address.account.as_str() == "tavus").expect("one");
        let live = Live { fields: resource.fields.clone(), ..Live::empty(RemoteId::new("p1")) };
        let mut wanted = resource.clone();
        let prompt = wanted.fields["system_prompt"].as_str().expect("a prompt").replacen("first", "second", 1);
        wanted.fields.insert("system_prompt".to_owned(), Value::from(prompt));
        (provider, live, wanted)
    }

    /// A plan that creates some personas.
    fn plan(&self) -> Plan {
        let desired: BTreeMap<_, _> =
            self.desired.iter().take(CHANGES).map(|(address, resource)| (address.clone(), resource.clone())).collect();
        let accounts = cast::ACCOUNTS.into_iter().map(|account| {
            let dialect = providers::find(account).expect("one");
            let (provider, title) = (account.to_owned(), account.to_owned());
            (AccountName::new(account), AccountSide { provider, title, base_url: String::new(), dialect })
        });
        plan(&Situation {
            accounts: accounts.collect(),
            namesakes: &desired.keys().map(|address| (address.clone(), Namesakes::Found(Vec::new()))).collect(),
            desired: &desired,
            sources: &BTreeMap::<personaform::plan::Address, personaform::plan::Sources>::new(),
            moves: &BTreeMap::new(),
            recorded: &BTreeMap::new(),
            observed: &BTreeMap::new(),
            pending: &BTreeMap::new(),
            traces: &BTreeMap::new(),
            vanished: &BTreeMap::new(),
            scope: &|_| true,
            adopt: false,
            limits: Limits {
                max_deletes: 0,
                max_share: None,
                allow_deletes: false,
                allow_changes: false,
                allow_vanished: false,
            },
            basis: Basis::default(),
        })
        .expect("proven")
    }
}

fn parts(criterion: &mut Criterion) {
    let scene = Scene::new();
    let vocabulary = providers::vocabulary();
    criterion.bench_function("load 1,000 personas", |bencher| {
        bencher.iter(|| black_box(load(scene.folder.path(), &vocabulary, &|_| None)));
    });
    criterion.bench_function("compile 1,000 targets", |bencher| {
        bencher.iter(|| black_box(providers::compile(&scene.project)));
    });
    let (provider, live, wanted) = scene.edited();
    let comparison =
        Comparison { desired: &wanted.fields, applied: &live.fields, live: &live.fields, rules: provider.rules(), ignore: &[] };
    criterion.bench_function("diff one target", |bencher| bencher.iter(|| black_box(comparison.differences())));
    let edits = comparison.differences().edits;
    assert_eq!(edits.len(), 1, "one field differs");
    criterion.bench_function("patch one target", |bencher| {
        bencher.iter(|| black_box(provider.update(&live, &wanted, &edits)));
    });
    criterion.bench_function("plan 100 creates", |bencher| {
        bencher.iter_batched(|| (), |()| black_box(scene.plan()), BatchSize::SmallInput);
    });
    let plan = scene.plan();
    criterion.bench_function("report 100 creates as text", |bencher| {
        bencher.iter(|| black_box(text::plan(&plan, &text::Options::default())));
    });
    criterion.bench_function("report 100 creates as Markdown", |bencher| {
        bencher.iter(|| black_box(markdown::plan(&plan, &markdown::Options::default())));
    });
    criterion.bench_function("report 100 creates as HTML", |bencher| bencher.iter(|| black_box(html::plan(&plan, false))));
    criterion.bench_function("report 100 creates as JSON", |bencher| {
        bencher.iter(|| black_box(json::plan(&plan).to_string()));
    });
}

criterion_group!(benches, parts);
criterion_main!(benches);
