//! What GitLab reads: the counts for the widget of a merge request, and problems as a code quality report.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::problems::spot;
use crate::persona::problem::{Problem, Severity};
use crate::plan::Plan;

/// The counts of a plan as a `terraform` report: what is adopted or moved counts as updated, what is forgotten as deleted.
pub fn plan(plan: &Plan) -> Value {
    let counts = &plan.summary;
    json!({
        "create": counts.create,
        "update": counts.update + counts.adopt + counts.moved,
        "delete": counts.delete + counts.forget,
    })
}

/// Problems as a code quality report. `folder` leads from the repository's root to the project's, with `/` at the end, or is
/// empty. A problem without a place stands at the head of the project file.
pub fn quality(problems: &[Problem], folder: &str) -> Value {
    let mut before: BTreeMap<String, usize> = BTreeMap::new();
    let entry = |problem: &Problem| {
        let (path, line, _) = spot(problem).unwrap_or_else(|| ("personaform.yaml".to_owned(), 1, 1));
        let description = match &problem.help {
            Some(help) => format!("{}; {help}", problem.message),
            None => problem.message.clone(),
        };
        // The same mistake twice in a file is told apart by its order, so that moved lines keep their fingerprints.
        let identity = format!("{}\n{folder}{path}\n{}", problem.code, problem.message);
        let repeated = before.entry(identity.clone()).or_default();
        *repeated += 1;
        let digest = ring::digest::digest(&ring::digest::SHA256, format!("{identity}\n{repeated}").as_bytes());
        let fingerprint = digest.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        json!({
            "description": description,
            "check_name": problem.code,
            "fingerprint": fingerprint,
            "severity": match problem.severity {
                Severity::Error => "critical",
                Severity::Warning => "minor",
            },
            "location": { "path": format!("{folder}{path}"), "lines": { "begin": line } },
        })
    };
    problems.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persona::problem::{Place, SourceFile};
    use std::sync::Arc;

    #[test]
    fn the_same_mistake_twice_has_two_fingerprints_that_do_not_move_with_its_line() {
        let problem = |text: &str, at: usize| {
            let file = Arc::new(SourceFile { path: "personas/ada.yaml".into(), text: text.to_owned() });
            Problem::warning("odd", Place { file, span: at..at + 1 }, "no").with_help("yes")
        };
        let found = quality(&[problem("a\nb\n", 0), problem("a\nb\n", 2)], "bots/");
        assert_eq!(found[1]["location"], json!({"path": "bots/personas/ada.yaml", "lines": {"begin": 2}}));
        assert_eq!((&found[0]["description"], &found[0]["severity"]), (&json!("no; yes"), &json!("minor")));
        assert_ne!(found[0]["fingerprint"], found[1]["fingerprint"]);
        let moved = quality(&[problem("\n\na\nb\n", 2)], "bots/");
        assert_eq!(moved[0]["fingerprint"], found[0]["fingerprint"]);
        assert_eq!(quality(&[Problem::nowhere("x", "no")], "")[0]["location"]["path"], "personaform.yaml");
    }
}
