//! Objects that change between the plan and its writes, and plans that are no longer the reviewed ones.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::service::{Services, Watch, id_of, persona};
use crate::support::{Project, Served};
use personaform::sandbox::Incoming;
use serde_json::json;

/// Does something once, just after the plan has read and before anything is read again.
struct Colleague {
    acts: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    reads: Mutex<usize>,
    wrote: AtomicBool,
}

impl Colleague {
    fn new(acts: impl FnOnce() + Send + 'static) -> Arc<Self> {
        Arc::new(Self { acts: Mutex::new(Some(Box::new(acts))), reads: Mutex::new(0), wrote: AtomicBool::new(false) })
    }
}

impl Watch for Colleague {
    fn before(&self, account: &str, request: &Incoming) -> bool {
        // The second read of the same object is the one before the write.
        if account == "opengiant" || request.method != "GET" {
            self.wrote.fetch_or(request.method != "GET", Ordering::SeqCst);
            return true;
        }
        let mut reads = self.reads.lock().expect("whole");
        *reads += 1;
        if *reads == 2
            && let Some(acts) = self.acts.lock().expect("whole").take()
        {
            // The service is held while it answers, so the colleague comes by another door.
            std::thread::spawn(acts).join().expect("acted");
        }
        true
    }
    fn after(&self, _: &str, _: &Incoming) {}
}

/// One persona at one account, applied, and then changed in the files.
fn scene(account: &str, section: &str, change: (&str, &str)) -> (Arc<Services>, Project) {
    let services = Arc::new(Services::start());
    let text = format!("name: Ada\nprompt: Be kind.\ntargets: {{ {account}: {section} }}\n");
    let mut project = Project::new(&[("personas/ada.yaml", &text)]);
    services.connect(&mut project);
    project.run(&["apply", "-y"]).ends(0);
    project.edit("personas/ada.yaml", change.0, change.1);
    (services, project)
}

/// Applies while a colleague changes a field of the object, just before it is read again.
fn meanwhile(
    services: &Arc<Services>,
    project: &Project,
    account: &'static str,
    field: &'static str,
    value: &str,
) -> (crate::support::Run, bool) {
    let id = id_of(project, &format!("{account}.ada"));
    let (inside, value) = (Arc::clone(services), json!(value));
    let colleague = Colleague::new(move || match account {
        "bland" => inside.alter_bland(&id, field, value),
        _ => inside.alter_tavus(&id, field, value),
    });
    services.watched_by(Arc::clone(&colleague) as Arc<dyn Watch>);
    let run = project.run(&["apply", "-y", "--format", "json"]);
    services.watched_by(Arc::new(crate::service::Nobody));
    assert!(colleague.acts.lock().expect("whole").is_none(), "the colleague never came: {run:?}");
    (run, colleague.wrote.load(Ordering::SeqCst))
}

const TAVUS: &str = "{ default_replica_id: r1 }";

#[test]
fn a_managed_field_that_changed_under_our_feet_is_left_alone() {
    let (services, project) = scene("tavus", TAVUS, ("Be kind.", "Be brief."));
    let (run, wrote) = meanwhile(&services, &project, "tavus", "system_prompt", "Somebody's fix.");
    let run = run.ends(4);
    assert!(!wrote, "nothing was sent");
    let entry = &run.json()["entries"][0];
    assert_eq!((&entry["ending"], &entry["address"]), (&json!("stale"), &json!("tavus.ada")));
    assert!(entry["message"].as_str().expect("words").contains("/system_prompt"), "{entry}");
    assert!(entry["next"].as_str().expect("a next step").contains("plan"), "{entry}");
}

#[test]
fn a_field_that_nobody_manages_is_no_reason_to_stop() {
    let (services, project) = scene("tavus", TAVUS, ("Be kind.", "Be brief."));
    let (run, wrote) = meanwhile(&services, &project, "tavus", "context", "Somebody's note.");
    run.ends(0);
    assert!(wrote);
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}

#[test]
fn what_is_as_planned_already_is_done_without_a_write() {
    let (services, project) = scene("tavus", TAVUS, ("Be kind.", "Be brief."));
    let (run, wrote) = meanwhile(&services, &project, "tavus", "system_prompt", "Be brief.");
    let entry = &run.ends(0).json()["entries"][0];
    assert_eq!((&entry["ending"], &entry["requests_sent"]), (&json!("done"), &json!(0)));
    assert!(!wrote, "there was nothing to write");
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}

#[test]
fn what_a_request_echoes_counts_as_touched() {
    // Bland's `call_config` is sent whole, so a member that somebody else set in between would be lost.
    let (services, project) = scene("bland", "{ call_config: { voice: June } }", ("voice: June", "voice: Nat"));
    let id = id_of(&project, "bland.ada");
    let inside = Arc::clone(&services);
    let colleague =
        Colleague::new(move || inside.alter_bland(&id, "call_config", json!({"voice": "June", "language": "en-GB"})));
    services.watched_by(Arc::clone(&colleague) as Arc<dyn Watch>);
    let run = project.run(&["apply", "-y", "--format", "json"]).ends(4);
    assert!(!colleague.wrote.load(Ordering::SeqCst));
    let entry = &run.json()["entries"][0];
    assert!(entry["message"].as_str().expect("words").contains("/call_config/language"), "{entry}");
}

#[test]
fn when_a_part_was_applied_the_exit_code_says_so() {
    let (services, project) = scene("tavus", TAVUS, ("Be kind.", "Be brief."));
    project.write("personas/bob.yaml", "name: Bob\nprompt: Hi.\ntargets: { opengiant: {} }\n");
    let (run, _) = meanwhile(&services, &project, "tavus", "system_prompt", "Somebody's fix.");
    let outcome = run.ends(3).json();
    assert_eq!((&outcome["summary"]["stale"], &outcome["summary"]["done"]), (&json!(1), &json!(1)));
}

#[test]
fn a_plan_is_applied_by_its_digest_or_refused() {
    let services = Services::start();
    let mut project = Project::new(&[("personas/ada.yaml", &persona("Ada", "Be kind."))]);
    services.connect(&mut project);
    let digest = |project: &Project| {
        let plan = project.run(&["plan", "--format", "json"]).ends(0).json();
        let digest = plan["digest"].as_str().expect("a digest").to_owned();
        assert!(project.run(&["plan"]).ends(0).stdout.contains(&format!("Digest: {digest}")));
        digest
    };
    let reviewed = digest(&project);
    assert_eq!(reviewed, digest(&project), "the same plan has the same digest, also where no state was written yet");
    project.edit("personas/ada.yaml", "Be kind.", "Be brief.");
    let run = project.run(&["apply", "--expect", &reviewed]).ends(4);
    assert!(run.stderr.contains(&reviewed), "{}", run.stderr);
    assert!(services.ids("tavus").is_empty(), "nothing was applied");
    let reviewed = digest(&project);
    project.run(&["apply", "--expect", &reviewed]).ends(0);
    project.run(&["plan", "--detailed-exitcode"]).ends(0);
}

#[test]
fn a_plan_of_another_serial_or_lineage_is_refused() {
    let services = Services::start();
    let mut project = Project::new(&[("personas/ada.yaml", &persona("Ada", "Be kind."))]);
    services.connect(&mut project);
    project.run(&["plan", "-o", "plan.json"]).ends(0);
    project.run(&["apply", "-y"]).ends(0);
    let run = project.run(&["apply", "-y", "plan.json"]).ends(4);
    assert!(run.stderr.contains("another state file") || run.stderr.contains("serial"), "{}", run.stderr);
    project.edit("personas/ada.yaml", "Be kind.", "Be brief.");
    project.run(&["plan", "-o", "plan.json"]).ends(0);
    project.run(&["apply", "-y"]).ends(0);
    let run = project.run(&["apply", "-y", "plan.json"]).ends(4);
    assert!(run.stderr.contains("serial"), "{}", run.stderr);
    assert_eq!(services.ids("tavus").len(), 1);
}

#[test]
fn every_entry_tells_what_was_sent_and_what_came_back() {
    let (_services, project) = scene("bland", "{ call_config: { voice: June } }", ("voice: June", "voice: Nat"));
    let outcome = project.run(&["apply", "-y", "--format", "json"]).ends(0).json();
    let exchanges = outcome["entries"][0]["exchanges"].as_array().expect("exchanges").clone();
    assert_eq!(exchanges.len(), 2, "a write and a promotion");
    assert_eq!((&exchanges[0]["request"]["method"], &exchanges[0]["status"]), (&json!("PATCH"), &json!(200)));
    assert_eq!(exchanges[0]["request"]["body"]["call_config"], json!({"voice": "Nat"}));
}

#[test]
fn a_saved_plan_is_refused_whole_when_a_colleague_was_faster() {
    let server = Project::example();
    let served = Served::start(&server);
    let mut project =
        Project::new(&[("personas/ada.yaml", "name: Ada\nprompt: Be kind.\ntargets: { tavus: { default_replica_id: r1 } }\n")]);
    project.write("personaform.yaml", &format!("accounts: {{ tavus: {{ base_url: \"{}\" }} }}\n", served.base_url("tavus")));
    project.set("TAVUS_API_KEY", &served.key("tavus"));
    project.run(&["apply", "-y"]).ends(0);
    project.edit("personas/ada.yaml", "Be kind.", "Be brief.");
    project.run(&["plan", "-o", "plan.json"]).ends(0);
    let path = format!("/v2/personas/{}", id_of(&project, "tavus.ada"));
    let patch = |value: &str| json!([{"op": "replace", "path": "/system_prompt", "value": value}]);
    assert_eq!(served.request("tavus", "PATCH", &path, Some(patch("Somebody's fix."))).0, 200);
    let run = project.run(&["apply", "-y", "plan.json"]).ends(4);
    assert!(run.stderr.contains("tavus.ada") && run.stderr.contains("/system_prompt"), "{}", run.stderr);
    assert_eq!(served.request("tavus", "GET", &path, None).1["system_prompt"], "Somebody's fix.");
}
