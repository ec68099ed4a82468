//! `fmt` on a project.

use crate::support::Project;

#[test]
fn files_are_put_in_order_once_and_anchors_are_left_alone() {
    let untidy = "targets:\n  bland:\n    role: 'Support' # r\n    $release: draft\nprompt: Be kind.\n# n\nname: Ada\n";
    let anchored = "targets: { bland: &b { role: x } }\nprompt: Be kind.\nname: Bea\n";
    let project = Project::new(&[
        ("personaform.yaml", "accounts: { bland: {} }\n"),
        ("personas/ada.yaml", untidy),
        ("personas/emea/bea.yaml", anchored),
    ]);
    let check = project.run(&["fmt", "--check"]).ends(1);
    assert_eq!(check.stdout, "personas/ada.yaml\n");
    assert_eq!(project.read("personas/ada.yaml"), untidy);
    let run = project.run(&["fmt"]).ends(0);
    assert!(run.stderr.contains("left alone: personas/emea/bea.yaml: it uses anchors"), "{}", run.stderr);
    let tidy = "# n\nname: Ada\nprompt: Be kind.\ntargets:\n  bland:\n    $release: draft\n    role: Support # r\n";
    assert_eq!(project.read("personas/ada.yaml"), tidy);
    assert_eq!(project.read("personas/emea/bea.yaml"), anchored);
    project.run(&["fmt", "--check", "personas"]).ends(0);
    project.run(&["fmt", "personaform.yaml"]).ends(1);
}

#[test]
fn the_example_cast_keeps_its_meaning() {
    let project = Project::example();
    project.run(&["--sandbox", "apply", "-y"]).ends(0);
    project.run(&["--sandbox", "fmt"]).ends(0);
    crate::planned_empty(&project);
    project.run(&["--sandbox", "fmt", "--check"]).ends(0);
}
