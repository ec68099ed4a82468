//! The committed schemas are those of the code, accept the example cast, and refuse what `validate` refuses.

use std::fs;
use std::path::Path;

use crate::support::Project;
use jsonschema::validator_for;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Generates all with `BLESS=1 cargo test --test cli committed`.
#[test]
fn committed_schemas_are_up_to_date() {
    let generated = [
        ("project", personaform::schemas::project()),
        // The repository is a project of its own, so its persona schema knows its accounts.
        ("persona", persona_schema()),
        ("state", personaform::schemas::state()),
        ("plan", personaform::schemas::plan()),
        ("outcome", personaform::schemas::outcome()),
        ("drift", personaform::schemas::drift()),
        ("problems", personaform::schemas::problems()),
    ];
    for (name, schema) in generated {
        let path = root().join(format!("schemas/{name}.schema.json"));
        let text = format!("{schema:#}\n");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &text).expect("written");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "schemas/{name}.schema.json is stale: run `BLESS=1 cargo test --test cli committed`");
    }
}

/// A YAML file as JSON, read by another parser than ours.
fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("readable");
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The schema of the example project, with its own account names.
fn persona_schema() -> Value {
    let project = Project::example();
    serde_json::from_str(&project.run(&["schema", "persona"]).ends(0).stdout).expect("JSON")
}

#[test]
fn the_example_cast_is_accepted() {
    let project = validator_for(&personaform::schemas::project()).expect("a schema");
    let errors: Vec<String> =
        project.iter_errors(&yaml(&root().join("personaform.yaml"))).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let persona = validator_for(&persona_schema()).expect("a schema");
    let mut files = Vec::new();
    for folder in ["personas", "personas/emea"] {
        for entry in fs::read_dir(root().join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                files.push(path);
            }
        }
    }
    assert!(files.len() >= 9);
    for path in files {
        let errors: Vec<String> =
            persona.iter_errors(&yaml(&path)).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", path.display());
    }
}

#[test]
fn the_schema_refuses_what_validate_refuses() {
    let mistakes = [
        ("    voiceId: de23e340", "    voiceid: de23e340"),
        ("      record: true\n", "      record: \"true\"\n"),
        ("    document_tags: [plans, repairs]", "    document_tags: plans"),
        ("    $release: production  ", "    $release: prod  "),
        ("$file: prompts/house-rules.md", "$flie: prompts/house-rules.md"),
        ("  opengiant:\n", "  opengaint:\n"),
        ("    $release: production  ", "    $relaese: production  "),
    ];
    let validator = validator_for(&persona_schema()).expect("a schema");
    for (old, new) in mistakes {
        let project = Project::example();
        project.edit("personas/support-guide.yaml", old, new);
        project.run(&["--sandbox", "validate"]).ends(5);
        assert!(!validator.is_valid(&yaml(&project.path("personas/support-guide.yaml"))), "the schema accepts {new}");
    }
}

#[test]
fn a_plan_and_a_state_follow_their_schemas() {
    let project = Project::example();
    project.run(&["--sandbox", "plan", "-o", "plan.json"]).ends(0);
    project.run(&["--sandbox", "apply", "-y", "plan.json"]).ends(0);
    for (path, schema) in
        [("plan.json", personaform::schemas::plan()), (".personaform/sandbox/state.json", personaform::schemas::state())]
    {
        let document: Value = serde_json::from_str(&project.read(path)).expect("JSON");
        let validator = validator_for(&schema).expect("a schema");
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{path}");
    }
}

#[test]
fn every_field_is_explained() {
    fn walk(at: &str, schema: &Value, silent: &mut Vec<String>) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                let path = format!("{at}/{name}");
                if property.get("description").is_none() && property.get("$ref").is_none() {
                    silent.push(path.clone());
                }
                walk(&path, property, silent);
            }
        }
        for list in ["anyOf", "oneOf", "allOf"] {
            for part in schema.get(list).and_then(Value::as_array).into_iter().flatten() {
                walk(at, part, silent);
            }
        }
        if let Some(items) = schema.get("items") {
            walk(&format!("{at}/*"), items, silent);
        }
    }
    let mut silent = Vec::new();
    for schema in [
        personaform::schemas::project(),
        personaform::schemas::persona(),
        personaform::schemas::plan(),
        personaform::schemas::state(),
        personaform::schemas::outcome(),
        personaform::schemas::drift(),
        personaform::schemas::problems(),
    ] {
        walk("", &schema, &mut silent);
    }
    assert_eq!(silent, Vec::<String>::new());
}
