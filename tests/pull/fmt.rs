//! `fmt` on a project.

use crate::support::Project;

#[test]
fn files_are_laid_out_once_and_anchors_are_left_alone() {
    let untidy = "targets:\n    bland:\n        role: 'Support' # r\n        $release: draft\n        tags:\n        - a\nprompt: \"Be kind.\\nBe brief.\"\n# n\nname: Ada\n";
    let anchored = "targets: { bland: &b { role: x } }\nprompt: Be kind.\nname: Bea\n";
    let project = Project::new(&[
        ("personaform.yaml", "accounts: {bland: {}}\n"),
        ("personas/ada.yaml", untidy),
        ("personas/emea/bea.yaml", anchored),
    ]);
    let check = project.run(&["fmt", "--check"]).ends(1);
    assert_eq!(check.stdout, "personaform.yaml\npersonas/ada.yaml\n");
    assert_eq!(project.read("personas/ada.yaml"), untidy);
    let shown = project.run(&["fmt", "--check", "--diff", "personaform.yaml"]).ends(1);
    assert!(shown.stdout.contains("-accounts: {bland: {}}\n+accounts: { bland: {} }\n"), "{}", shown.stdout);
    let json = project.run(&["fmt", "--check", "--format", "json"]).ends(1).json();
    assert_eq!(json["changed"], serde_json::json!(["personaform.yaml", "personas/ada.yaml"]));
    let run = project.run(&["fmt"]).ends(0);
    assert!(run.stderr.contains("left alone: personas/emea/bea.yaml: it uses anchors"), "{}", run.stderr);
    let tidy = "# n\nname: Ada\nprompt: |-\n  Be kind.\n  Be brief.\ntargets:\n  bland:\n    $release: draft\n    role: Support # r\n    tags:\n      - a\n";
    assert_eq!(project.read("personas/ada.yaml"), tidy);
    assert_eq!(project.read("personas/emea/bea.yaml"), anchored);
    assert_eq!(project.read("personaform.yaml"), "accounts: { bland: {} }\n");
    project.run(&["fmt", "--check", "personas"]).ends(0);
    project.run(&["fmt", "--check"]).ends(0);
    project.run(&["fmt", "personas/prompts"]).ends(1);
}

#[test]
fn the_example_cast_keeps_its_meaning() {
    let project = Project::example();
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    project.run(&["--sandbox", "fmt"]).ends(0);
    crate::planned_empty(&project);
    project.run(&["--sandbox", "fmt", "--check"]).ends(0);
}
