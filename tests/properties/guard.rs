//! Guarded patches: carried out where nothing was changed in the meantime, and refused as a whole where something was that they
//! write over.

use std::sync::LazyLock;

use personaform::plan::{Action, Method};
use personaform::provider::RefusalKind;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::config;
use crate::documents::{Fields, Story, stories};
use crate::law::{Checked, compiled, created, planned};
use crate::world::World;

/// The bit of a setup that guards.
const GUARD: u64 = 2;

static FIELDS: LazyLock<[Fields; 2]> = LazyLock::new(|| [World::fields("tavus", 0), World::fields("tavus", 1)]);

fn check(story: &Story, victim: u8) -> Checked<()> {
    let setup = story.setup | GUARD;
    let fields = &FIELDS[usize::from(setup & 1 == 1)];
    let mut world = World::new("tavus", setup);
    let mut documents = [world.base(), world.base()];
    fields.lay(&mut documents[0], &story.first);
    fields.lay(&mut documents[1], &story.later());
    let [first, second] = documents.map(|document| compiled(&world, &document, true, Vec::new()));
    let (Some(first), Some(second)) = (first, second) else { return Ok(()) };
    let (plan, _) = planned(&mut world, &first, None)?;
    let known = created(&mut world, &plan.changes[0])?;
    let (plan, _) = planned(&mut world, &second, Some(&known))?;
    let Some(change) = plan.changes.first().filter(|change| change.action == Action::Update) else { return Ok(()) };
    let patch = change.requests.iter().find(|request| request.method == Method::Patch);
    let Some(operations) = patch.and_then(|patch| patch.body.as_ref()?.as_array()) else { return Ok(()) };
    let tests = operations.iter().take_while(|operation| operation["op"] == "test").count();
    prop_assert!(operations[tests..].iter().all(|operation| operation["op"] != "test"), "a test after a write: {operations:?}");
    prop_assert!(operations.len() > tests, "nothing but tests");
    // Whatever is removed, and shown as it is stored, is guarded.
    for operation in operations.iter().filter(|operation| operation["op"] == "remove") {
        let path = operation["path"].as_str().expect("a path");
        let shown_otherwise = ["tools", "api_key", "headers"].iter().any(|hidden| path.contains(hidden));
        let guarded = operations[..tests].iter().any(|test| {
            let tested = test["path"].as_str().expect("a path");
            tested.starts_with(path) || path.starts_with(tested)
        });
        prop_assert!(
            guarded || shown_otherwise || held_nothing(&mut world, &known.id, path),
            "`{path}` is not guarded: {operations:?}"
        );
    }
    if tests == 0 {
        return Ok(());
    }
    let victim = operations[usize::from(victim) % tests]["path"].as_str().expect("a path");
    world.change_elsewhere(&known.id, victim, json!("changed elsewhere in the meantime"));
    let before = world.stored(&known.id);
    let patch = patch.expect("a patch");
    let response = world.send(patch);
    let refusal = world.provider.accepted(patch, &response);
    prop_assert!(
        refusal.as_ref().is_err_and(|refusal| refusal.kind == RefusalKind::Conflict && refusal.help.is_some()),
        "{refusal:?}"
    );
    prop_assert_eq!(world.stored(&known.id), before);
    Ok(())
}

/// Whether an object holds only what cannot be guarded.
fn held_nothing(world: &mut World, id: &personaform::plan::RemoteId, path: &str) -> bool {
    let stored = Value::Object(world.stored(id));
    stored
        .pointer(path)
        .is_none_or(|value| crate::world::holds_secret(value) || value.to_string().contains("secret of") || value.is_object())
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn a_change_in_the_meantime_refuses_the_whole_patch(story in stories(), victim in any::<u8>()) {
        check(&story, victim)?;
    }
}
