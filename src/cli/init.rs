//! `init`: the files of a new project. Writes all of them or none, and never over one that is there.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{Common, Format, InitArgs};
use super::exit::{Exit, Stop};
use super::files::write_new;
use super::screen::Screen;
use crate::capture::{key, yaml};
use crate::persona::name::AccountName;
use crate::persona::schema::persona_schema;
use crate::providers::{self, starter};
use crate::schemas;

/// What git need not keep.
const IGNORED: [&str; 3] = [".personaform/sandbox/", ".personaform/*.lock", ".personaform/*.backups/"];

/// Tells editors which extension checks and completes the files; the files themselves name their schemas.
const EXTENSIONS: &str = "{\n  \"recommendations\": [\"redhat.vscode-yaml\"]\n}\n";

/// Begins a project.
///
/// # Errors
/// When nobody says which providers, or a file stands in the way.
pub(super) async fn init(common: &Common, screen: &Screen, args: &InitArgs) -> Result<Exit, Stop> {
    let root =
        std::path::absolute(&common.dir).map_err(|error| Stop::failed(format!("`{}`: {error}", common.dir.display())))?;
    let providers = chosen(screen, &args.providers).await?;
    let name = match &args.name {
        Some(name) if name.trim().is_empty() => return Err(Stop::failed("`--name` is empty").with_help("as in `--name Ada`")),
        Some(name) => name.clone(),
        None => "Ada".to_owned(),
    };
    let files = files(&providers, &name);
    let standing: Vec<String> = files
        .iter()
        .filter(|(path, text)| {
            let path = root.join(path);
            path.symlink_metadata().is_ok() && fs::read(&path).ok().as_deref() != Some(text.as_bytes())
        })
        .map(|(path, _)| format!("`{path}`"))
        .collect();
    if !standing.is_empty() {
        let verb = if standing.len() == 1 { "stands" } else { "stand" };
        return Err(Stop::refused(format!("nothing was written: {} {verb} in the way", standing.join(", ")))
            .with_help("go to an empty folder, or move these files away"));
    }
    let mut files: Vec<(String, String)> =
        files.into_iter().filter(|(path, _)| root.join(path).symlink_metadata().is_err()).collect();
    if root.join(".vscode/extensions.json").symlink_metadata().is_err() {
        files.push((".vscode/extensions.json".to_owned(), EXTENSIONS.to_owned()));
    }
    let ignored = missing_lines(&root)?;
    if !args.dry_run {
        for (index, (path, text)) in files.iter().enumerate() {
            if let Err(error) = write_new(&root.join(path), text) {
                for (written, _) in &files[..index] {
                    // What cannot be taken back either is no worse than what is there already.
                    let _ = fs::remove_file(root.join(written));
                }
                return Err(Stop::failed(format!("nothing was written: `{path}` cannot be: {error}")));
            }
        }
        append(&root.join(".gitignore"), &ignored)
            .map_err(|error| Stop::failed(format!("`.gitignore` cannot be written: {error}")))?;
    }
    tell(screen, args, &files, &ignored, &providers);
    Ok(Exit::Done)
}

/// The providers that the flags or the answer to a question name.
async fn chosen(screen: &Screen, flags: &[String]) -> Result<Vec<&'static str>, Stop> {
    let all: Vec<&'static str> = providers::all().iter().map(|provider| provider.id()).collect();
    let words: Vec<String> = if flags.is_empty() {
        let question = format!("Which providers? {} (several with spaces; nothing means all): ", all.join(", "));
        let Some(answer) = screen.ask(&question).await? else {
            let help = format!("name one or several: `--provider {}`; known are {}", all[0], all.join(", "));
            return Err(Stop::refused("there is nobody to ask which providers the project is for").with_help(help));
        };
        let words: Vec<String> =
            answer.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
        if words.is_empty() { all.iter().map(|&id| id.to_owned()).collect() } else { words }
    } else {
        flags.to_vec()
    };
    for word in &words {
        if !all.contains(&word.as_str()) {
            return Err(Stop::failed(format!("`{word}` is no provider")).with_help(format!("known are {}", all.join(", "))));
        }
    }
    Ok(all.into_iter().filter(|id| words.iter().any(|word| word == id)).collect())
}

/// Every file that must not exist yet, with its text.
fn files(providers: &[&str], name: &str) -> Vec<(String, String)> {
    let accounts = providers.iter().map(|provider| (AccountName::new(*provider), (*provider).to_owned())).collect();
    let persona_schema = persona_schema(&providers::vocabulary(), &accounts);
    vec![
        ("personaform.yaml".to_owned(), project(providers)),
        (format!("personas/{}.yaml", key::slug(name, "first")), persona(providers, name)),
        ("schemas/project.schema.json".to_owned(), format!("{:#}\n", schemas::project())),
        ("schemas/persona.schema.json".to_owned(), format!("{persona_schema:#}\n")),
    ]
}

fn project(ids: &[&str]) -> String {
    let mut text = String::from(
        "# yaml-language-server: $schema=./schemas/project.schema.json\n\
         #\n\
         # Try it without any account:   personaform --sandbox apply -y\n\
         \n\
         personas: personas                       # the folder of the persona files; this is the default\n\
         \n\
         # One entry for each set of credentials. The name is yours; where no `provider` stands, the name is the provider's.\n\
         accounts:\n",
    );
    for provider in ids.iter().filter_map(|id| providers::find(id)) {
        let entry = format!("  {}: {{}}", provider.id());
        text.push_str(&format!("{entry:<40} # the key comes from ${}\n", provider.service().key_variable));
    }
    text.push_str(
        "\n\
         state:\n\
         \x20 path: .personaform/state.json          # which remote object belongs to which target: keep it with the repository\n\
         \n\
         safety:\n\
         \x20 max_deletes: 0                         # a plan that deletes more needs --allow-deletes\n",
    );
    text
}

fn persona(providers: &[&str], name: &str) -> String {
    let mut text = format!(
        "# yaml-language-server: $schema=../schemas/persona.schema.json\n\
         name: {}\n\
         description: Answers questions about our product\n\
         # Longer prompts go into files of their own: `prompt: {{ $file: prompts/{}.md }}`\n\
         prompt: |\n\
         \x20 You answer questions about our product, in short and friendly sentences.\n\
         \x20 When you do not know an answer, say so, and offer to pass the question on.\n\
         targets:\n",
        yaml::scalar_text(name),
        key::slug(name, "first"),
    );
    for provider in providers {
        text.push_str(&format!("  {provider}:\n"));
        for line in starter::lines(provider).unwrap_or_default() {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}

/// The lines that `.gitignore` lacks.
fn missing_lines(root: &Path) -> Result<Vec<&'static str>, Stop> {
    let text = match fs::read_to_string(root.join(".gitignore")) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Stop::failed(format!("`.gitignore` cannot be read: {error}"))),
    };
    let has = |line: &str| text.lines().any(|known| known.trim().trim_start_matches('/') == line);
    Ok(IGNORED.into_iter().filter(|line| !has(line)).collect())
}

fn append(path: &Path, lines: &[&str]) -> std::io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let ends_open = fs::read(path).is_ok_and(|bytes| !bytes.is_empty() && !bytes.ends_with(b"\n"));
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path)?;
    let text: String = lines.iter().map(|line| format!("/{line}\n")).collect();
    file.write_all(format!("{}{text}", if ends_open { "\n" } else { "" }).as_bytes())
}

fn tell(screen: &Screen, args: &InitArgs, files: &[(String, String)], ignored: &[&str], providers: &[&str]) {
    let mut paths: Vec<PathBuf> = files.iter().map(|(path, _)| PathBuf::from(path)).collect();
    if !ignored.is_empty() {
        paths.push(PathBuf::from(".gitignore"));
    }
    match screen.format {
        Format::Json => screen.json(&json!({ "files": paths, "dry_run": args.dry_run, "providers": providers })),
        _ => {
            let verb = if args.dry_run { "would write" } else { "wrote" };
            if paths.is_empty() {
                screen.result("Everything is there already.\n");
            }
            for path in &paths {
                screen.result(&format!("{verb} {}\n", path.display()));
            }
            if !args.dry_run {
                screen.hint(
                    "\nTry it without any account: personaform --sandbox apply -y\n\
                     With your own: export the keys that personaform.yaml names, then `personaform doctor`.",
                );
            }
        }
    }
}
