//! On a terminal: what is told during an apply stands on lines of its own, however often the progress display is drawn.
#![cfg(unix)]

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use personaform::providers;
use personaform::sandbox::{Fault, Running, serve};

use tokio::runtime::Runtime;

use crate::support::Project;

/// What a terminal of this width shows in the end of all that was written to it: enough of one for carriage returns, line feeds and
/// the cursor and erase commands that a progress display uses.
fn screen(bytes: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut letters = bytes.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{1b}' => {
                if letters.next_if_eq(&'[').is_none() {
                    letters.next();
                    continue;
                }
                let mut parameter = String::new();
                while let Some(digit) = letters.next_if(|letter| !letter.is_ascii_alphabetic()) {
                    parameter.push(digit);
                }
                let count = parameter.parse().unwrap_or(1);
                match letters.next() {
                    Some('A') => row = row.saturating_sub(count),
                    Some('B') => row += count,
                    Some('K') if parameter == "2" => lines[row].clear(),
                    Some('K') => lines[row].truncate(column),
                    Some('J') => {
                        lines[row].truncate(column);
                        lines.truncate(row + 1);
                    }
                    _ => {}
                }
            }
            letter => {
                if column == width {
                    row += 1;
                    column = 0;
                }
                while lines.len() <= row {
                    lines.push(Vec::new());
                }
                let line = &mut lines[row];
                while line.len() <= column {
                    line.push(' ');
                }
                line[column] = letter;
                column += 1;
            }
        }
        while lines.len() <= row {
            lines.push(Vec::new());
        }
    }
    lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned()).collect()
}

/// Two personas that are not there yet, and the service where they will be, as long as the runtime is there.
fn scene() -> (Runtime, Running, Project) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let running = runtime.block_on(async {
        let miniature = providers::miniature("tavus", "key-for-tests").expect("one");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        serve(listener, [("tavus".to_owned(), miniature)].into(), None).await.expect("it serves")
    });
    let project = Project::new(&[]);
    let base_url = running.base_url("tavus");
    project.write("personaform.yaml", &format!("accounts: {{ tavus: {{ base_url: \"{base_url}\" }} }}\n"));
    for key in ["ada", "bob"] {
        project.write(&format!("personas/{key}.yaml"), &format!("name: {key}\nprompt: Hi.\ntargets: {{ tavus: {{}} }}\n"));
    }
    (runtime, running, project)
}

/// Runs a command line on a terminal of 200 columns. What it writes can be read in the file `typescript` while it runs. None where
/// there is no `script` to make a terminal with.
#[expect(clippy::print_stderr, reason = "a test that was not tried must say so")]
fn on_a_terminal(project: &Project, arguments: &str, typed: Stdio) -> Option<Child> {
    let binary = env!("CARGO_BIN_EXE_personaform");
    let mut command = Command::new("script");
    let inside = format!("stty cols 200; exec {binary} {arguments}");
    command.args(["-q", "-f", "-e", "-c", &inside]).arg(project.path("typescript"));
    command.current_dir(project.folder.path()).env("TAVUS_API_KEY", "key-for-tests").env("TERM", "xterm");
    let child = command.stdin(typed).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok();
    if child.is_none() {
        eprintln!("there is no `script` here to make a terminal with: not tried");
    }
    child
}

#[test]
fn nothing_is_drawn_over_a_question() {
    const QUESTION: &str = "Apply these changes?";
    let (_runtime, _running, project) = scene();
    let Some(mut child) = on_a_terminal(&project, "apply --parallelism 1", Stdio::piped()) else { return };
    let written = || std::fs::read_to_string(project.path("typescript")).unwrap_or_default();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !written().contains(QUESTION) {
        assert!(Instant::now() < deadline, "it never asked: {:?}", written());
        std::thread::sleep(Duration::from_millis(10));
    }
    let keyboard = child.stdin.as_mut().expect("a keyboard");
    keyboard.write_all(b"yes\n").expect("typed");
    assert!(child.wait().expect("it ends").success(), "{}", written());
    let written = written();
    let (_, after) = written.split_once(QUESTION).expect("it asked");
    let (line, later) = after.split_once('\n').expect("an answer");
    assert!(!line.contains("/2"), "beside the question stands what was typed, and nothing else: {line:?}");
    assert!(later.contains("/2 "), "a display follows: {later:?}");
}

#[test]
fn a_further_try_is_told_on_a_line_of_its_own() {
    let (_runtime, running, project) = scene();
    // The plan is one list; every create and every read back is refused once.
    let refuse = Some(Fault::Refuse { status: 503, retry_after: Some(0) });
    running.schedule("tavus", [None, refuse, None, refuse, None, refuse, None, refuse]);
    let Some(mut child) = on_a_terminal(&project, "apply -y -v --parallelism 1", Stdio::null()) else { return };
    let status = child.wait().expect("it ends");
    let written = project.read("typescript");
    assert!(status.success(), "{written}");
    assert!(written.contains("/2 "), "there was a progress display: {written:?}");
    let shown = screen(&written, 200);
    let told: Vec<&String> = shown.iter().filter(|line| line.contains("trying again in")).collect();
    assert_eq!(told.len(), 4, "{shown:#?}");
    for line in told {
        assert!(line.starts_with("tavus: ") && line.ends_with("(1 of 3)"), "{line:?} in {shown:#?}");
    }
    assert!(!shown.iter().any(|line| line.contains("/2 ")), "the display is gone in the end: {shown:#?}");
}
