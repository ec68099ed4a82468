//! What the README shows is real: its commands are run in a copy of the example, and its provider table comes from the rules.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::Project;
use personaform::plan::Listing;
use personaform::providers;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("readable")
}

/// The provider table as the rules say it.
fn table() -> String {
    let yes = |it: bool| if it { "yes" } else { "no" };
    let mut text =
        String::from("| provider | update | list | read | delete | drafts | key from |\n|---|---|---|---|---|---|---|\n");
    for provider in providers::all() {
        let (service, rules) = (provider.service(), provider.rules());
        let list = match rules.list {
            Listing::None => "no",
            Listing::Summaries => "summaries",
            Listing::Whole => "whole",
        };
        text += &format!(
            "| [{}](docs/providers/{}.md) `{}` | {} | {list} | {} | {} | {} | `${}` |\n",
            service.title,
            provider.id(),
            provider.id(),
            service.update,
            yes(rules.read),
            yes(rules.delete),
            yes(rules.releases),
            service.key_variable,
        );
    }
    text
}

#[test]
fn the_provider_table_comes_from_the_rules() {
    let text = readme();
    assert!(text.contains("[docs/providers](docs/providers)"), "README.md links the providers' pages");
    assert!(text.contains(&table()), "the provider table of README.md is stale; it should be:\n{}", table());
}

/// Writes them with `BLESS=1 cargo test --test cli provider_pages`.
#[test]
fn provider_pages_come_from_schema_and_rules() {
    for provider in providers::all() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/providers/{}.md", provider.id()));
        let page = providers::docs::page(provider);
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(&path, &page).expect("written");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == page, "{} is stale: run `BLESS=1 cargo test --test cli provider_pages`", path.display());
    }
}

/// Runs each `$` line of each `console` block in order; `…` on a line of its own stands for any lines.
#[test]
fn the_commands_print_what_the_readme_shows() {
    let project = Project::example();
    let binary = Path::new(env!("CARGO_BIN_EXE_personaform")).parent().expect("a folder");
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
    let text = readme();
    let mut commands = 0;
    for block in text.split("```console\n").skip(1) {
        let block = block.split("```").next().expect("a block");
        for step in block.split("$ ").skip(1) {
            let (command, shown) = step.split_once('\n').expect("a command line");
            let command = command.replace("cargo run -q --", "personaform");
            let output = Command::new("sh")
                .args(["-c", &format!("{command} 2>&1")])
                .current_dir(project.folder.path())
                .env("PATH", &path)
                .output()
                .expect("a shell");
            let printed = String::from_utf8(output.stdout).expect("UTF-8");
            assert!(
                matches(shown.trim_end(), printed.trim_end()),
                "`{command}` prints:\n{printed}\nthe README shows:\n{shown}"
            );
            commands += 1;
        }
    }
    assert!(commands >= 4, "{commands} commands");
}

/// Whether a text is what was shown, where a line `…` stands for any lines.
fn matches(shown: &str, printed: &str) -> bool {
    // Ids come in the order in which concurrent creates arrive.
    let same_ids = |text: &str| {
        text.split("p0000")
            .map(|part| part.trim_start_matches(|letter: char| letter.is_ascii_hexdigit()))
            .collect::<Vec<_>>()
            .join("p0000")
    };
    let (shown, printed) = (same_ids(shown), same_ids(printed));
    fn walk(shown: &[&str], printed: &[&str]) -> bool {
        match shown.split_first() {
            None => printed.is_empty(),
            Some((&"…", rest)) => (0..=printed.len()).any(|skipped| walk(rest, &printed[skipped..])),
            Some((line, rest)) => printed.split_first().is_some_and(|(first, after)| first == line && walk(rest, after)),
        }
    }
    walk(&shown.lines().collect::<Vec<_>>(), &printed.lines().collect::<Vec<_>>())
}
