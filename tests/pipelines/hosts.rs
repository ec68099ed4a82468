//! What is the same on both code hosts: a merge applies what was reviewed, and drift has one issue.

use serde_json::{Value, json};

use crate::stage::{Host, Stage};

const HOSTS: [Host; 2] = [Host::GitHub, Host::GitLab];

#[test]
fn a_merge_applies_what_was_reviewed() {
    for (host, reviewed) in HOSTS.into_iter().zip(["Reviewed in pull request #7", "Reviewed in merge request !7"]) {
        let stage = Stage::with_merge(host);
        let run = stage.run("apply.sh").ends(0);
        assert_eq!(stage.recorded(), ["bland.ada", "tavus.ada", "tavus.bea"]);
        assert!(run.stderr.contains(reviewed), "{}", run.stderr);
        let calls = stage.calls();
        for word in ["POST", "PATCH", "PUT"] {
            assert!(!calls.contains(word), "the merge job only reads: {calls}");
        }
        assert!(host == Host::GitLab || stage.read("summary").contains("**Applied:** 3 done"));
    }
}

#[test]
fn a_merge_whose_plan_no_longer_holds_applies_nothing_and_says_what_to_do() {
    for host in HOSTS {
        let stage = Stage::with_merge(host);
        stage.project.edit("personas/bea.yaml", "Be brief.", "Be brief and kind.");
        let run = stage.run("apply.sh").ends(4);
        for words in ["not the one that was reviewed", "apply it with its digest"] {
            assert!(run.stderr.contains(words), "{}", run.stderr);
        }
        assert_eq!(stage.recorded(), Vec::<String>::new());
    }
}

fn issues(stage: &Stage) -> Vec<Value> {
    stage.json("issues.json").as_array().expect("a list").clone()
}

/// The text of an issue, by the name that its host gives it.
fn text(issue: &Value) -> &str {
    issue["body"].as_str().or(issue["description"].as_str()).expect("a text")
}

fn watching(host: Host) -> Stage {
    let mut stage = Stage::on(host);
    stage.project.run(&["--sandbox", "apply", "-y"]).ends(0);
    stage.on_main("schedule");
    stage
}

#[test]
fn drift_opens_one_issue_updates_it_and_closes_it() {
    for host in HOSTS {
        let mut stage = watching(host);
        stage.run("drift.sh").ends(0);
        assert!(!stage.calls().contains("POST"), "no drift, no issue");

        stage.reworded_elsewhere("tavus.ada", "Be rude.");
        stage.run("drift.sh").ends(0);
        let found = issues(&stage);
        assert_eq!((found.len(), &found[0]["title"]), (1, &json!("Personas have drifted")));
        assert!(text(&found[0]).contains("tavus.ada") && text(&found[0]).contains("rude"), "{}", text(&found[0]));
        assert!(host == Host::GitLab || stage.read("output").contains("drifted=1\n"));

        stage.reworded_elsewhere("tavus.ada", "Be ruder. ```` @octo/everybody <b>");
        stage.set("PERSONAFORM_FAIL_ON_DRIFT", "true");
        stage.run("drift.sh").ends(2);
        let found = issues(&stage);
        assert_eq!(found.len(), 1);
        // What somebody wrote in a dashboard stands in a fence that it cannot close.
        let (_, fenced) = text(&found[0]).split_once("\n`````diff\n").expect("a longer fence");
        let (inside, after) = fenced.split_once("\n`````\n").expect("its end");
        assert!(inside.contains("@octo/everybody <b>") && !after.contains("octo"), "{}", text(&found[0]));

        stage.project.run(&["--sandbox", "apply", "-y"]).ends(0);
        stage.run("drift.sh").ends(0);
        let found = issues(&stage);
        assert_eq!((found.len(), &found[0]["state"]), (1, &json!("closed")));
        assert!(found[0]["remarks"][0].as_str().expect("a remark").contains("Nothing differs any more"));

        stage.reworded_elsewhere("tavus.ada", "Be rude again.");
        stage.run("drift.sh").ends(2);
        assert_eq!(issues(&stage).len(), 2, "a closed issue stays closed");
    }
}

#[test]
fn without_a_whole_answer_no_issue_is_closed() {
    let mut stage = watching(Host::GitHub);
    stage.reworded_elsewhere("tavus.ada", "Be rude.");
    stage.run("drift.sh").ends(0);
    let open = issues(&stage);
    stage.calls();
    // A run that read nothing of one object and no drift elsewhere.
    let drift = json!({"summary": {"changed": 0, "gone": 0, "unreadable": 1}});
    stage.executable("bin/half", &format!("#!/usr/bin/env bash\necho '{drift}' >\"${{!#}}\"\nexit 1\n"));
    stage.executable("bin/none", "#!/usr/bin/env bash\necho 'error: no network' >&2\nexit 1\n");
    stage.executable("bin/wrong", "#!/usr/bin/env bash\necho 'a problem' >&2\nexit 5\n");
    for (binary, code) in [("half", 1), ("none", 1), ("wrong", 5)] {
        stage.set("PERSONAFORM_BINARY", &stage.at(&format!("bin/{binary}")).display().to_string());
        stage.run("drift.sh").ends(code);
        assert_eq!(issues(&stage), open);
        let calls = stage.calls();
        assert!(!calls.contains("PATCH") && !calls.contains("POST"), "{calls}");
    }
}

#[test]
fn an_issue_of_somebody_else_is_left_alone() {
    let stage = watching(Host::GitHub);
    let forged = json!({"number": 3, "state": "open", "user": {"login": "mallory"}, "title": "t", "body": "<!-- personaform:drift personas -->"});
    stage.write("issues.json", &json!([forged]).to_string());
    stage.run("drift.sh").ends(0);
    assert_eq!(issues(&stage), std::slice::from_ref(&forged));
    stage.reworded_elsewhere("tavus.ada", "Be rude.");
    stage.run("drift.sh").ends(0);
    assert_eq!(issues(&stage).len(), 2);
    assert_eq!(issues(&stage)[0], forged);
}
