//! Writes a cast of any size: one persona per target, its prompt of 2 KB in a file of its own, the four providers in turn. The same
//! size gives the same bytes.

use std::fmt::Write;
use std::fs;
use std::path::Path;

/// The accounts of a cast; targets take turns with them.
pub(crate) const ACCOUNTS: [&str; 4] = ["tavus", "anam", "bland", "opengiant"];

/// The accounts that can be listed, and so imported.
pub(crate) const LISTED: &str = "tavus,anam,bland";

/// The length of a prompt in bytes.
const PROMPT: usize = 2048;

/// Personas in one folder.
const FOLDER: usize = 100;

const WORDS: [&str; 24] = [
    "answer", "billing", "calmly", "customer", "delivery", "explain", "first", "greet", "invoice", "listen", "never", "offer",
    "order", "patient", "promise", "question", "refund", "repair", "short", "summary", "tone", "transfer", "warm", "{{name}}",
];

/// Writes the project file: every account at its miniature, with as many requests under way as are measured. On this machine there
/// is no limit of requests per second.
pub(crate) fn project(root: &Path, origin: &str, concurrency: usize) -> std::io::Result<()> {
    let mut text = String::from("accounts:\n");
    for account in ACCOUNTS {
        let _ = writeln!(text, "  {account}:\n    base_url: {origin}/{account}");
        let _ = writeln!(text, "    limits: {{ concurrency: {concurrency} }}");
    }
    fs::create_dir_all(root.join("personas"))?;
    fs::write(root.join("personaform.yaml"), text)
}

/// Writes the personas, and gives the bytes of all files.
pub(crate) fn personas(root: &Path, targets: usize) -> std::io::Result<usize> {
    let mut bytes = 0;
    for number in 0..targets {
        let folder = root.join(format!("personas/team-{:04}", number / FOLDER));
        if number % FOLDER == 0 {
            fs::create_dir_all(folder.join("prompts"))?;
        }
        let persona = persona(number);
        bytes += persona.len() + PROMPT;
        fs::write(folder.join(format!("p-{number:06}.yaml")), persona)?;
        fs::write(folder.join(format!("prompts/p-{number:06}.md")), prompt(number, 0))?;
    }
    Ok(bytes)
}

/// Changes the prompt of every so many personas, beginning with the first. Where the step is odd, all providers have some.
pub(crate) fn change(root: &Path, targets: usize, step: usize) -> std::io::Result<()> {
    for number in (0..targets).step_by(step) {
        let path = root.join(format!("personas/team-{:04}/prompts/p-{number:06}.md", number / FOLDER));
        fs::write(path, prompt(number, 1))?;
    }
    Ok(())
}

fn persona(number: usize) -> String {
    let mut text = format!(
        "name: Persona {number:06}\ndescription: One of a cast that is measured\nprompt: {{ $file: prompts/p-{number:06}.md }}\n\
         targets:\n  {}:\n",
        ACCOUNTS[number % ACCOUNTS.len()]
    );
    text.push_str(match number % ACCOUNTS.len() {
        0 => {
            "    default_replica_id: r79e1c033f\n    pipeline_mode: full\n    greeting: \"Hi, what can I look up for you?\"\n    \
             layers:\n      llm: { model: tavus-gpt-oss }\n      tts: { tts_engine: cartesia, tts_emotion_control: true }\n      \
             perception: { perception_model: raven-1 }\n"
        }
        1 => {
            "    avatarId: 071b0286-4cce-4808-bee2-e642f1062de3\n    avatarModel: cara-3\n    \
             voiceId: de23e340-1416-4dd8-977d-065a7ca11697\n    llmId: a7cf662c-2ace-4de1-a21e-ef0fbf144bb7\n    languageCode: en\n"
        }
        2 => {
            "    $release: production\n    role: Customer Support\n    tags: [support, app]\n    \
             call_config: { voice: June, language: en-GB, record: true, max_duration: 20 }\n"
        }
        _ => "    attributes: { tone: warm, audience: { relation: customer } }\n",
    });
    text
}

/// A text of exactly [`PROMPT`] bytes: what models are told is prose, some lines of it.
fn prompt(number: usize, version: usize) -> String {
    let mut text = format!("# Persona {number:06}, version {version}\n\n");
    let mut state = number as u64 * 2 + version as u64 + 1;
    while text.len() < PROMPT {
        // A linear congruential generator is chance enough for prose.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS[(state >> 33) as usize % WORDS.len()]);
        text.push(if (state >> 40).is_multiple_of(12) { '\n' } else { ' ' });
    }
    text.truncate(PROMPT - 1);
    text.push('.');
    text
}
