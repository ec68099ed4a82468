//! Tests of `expression`: texts come out byte for byte, and nothing comes from outside of the project.

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::super::problem::SourceFile;
use super::*;

fn project(files: &[(&str, &[u8])]) -> TempDir {
    let root = TempDir::new().expect("a folder");
    for (path, bytes) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, bytes).expect("a file");
    }
    root
}

/// Resolves one YAML value that stands in `personas/x.yaml`.
fn resolved(root: &Path, yaml: &str) -> (Value, Vec<&'static str>) {
    let file = Arc::new(SourceFile { path: "personas/x.yaml".into(), text: yaml.to_owned() });
    let node = yaml::parse(yaml, &file).0.expect("a document");
    let environment = |name: &str| (name == "SET").then(|| "hidden".to_owned());
    let none = BTreeMap::new();
    let mut resolver = Resolver::new(root, &none, &environment);
    let value = resolver.value(&node);
    let mut problems = std::mem::take(&mut resolver.problems);
    check(&node, &mut problems);
    (value, problems.iter().map(|problem| problem.code).collect())
}

#[test]
fn a_file_gives_every_byte_but_one_newline_at_its_end() {
    let odd = "\u{feff}🙂 e\u{301}  \r\n{{mustache}} ${dollar} # : '\"\t\u{85}\u{2028}\n\n";
    let long = "x".repeat(100_000);
    let root =
        project(&[("a.md", odd.as_bytes()), ("b.md", b"b\r\n"), ("c.md", b""), ("long.md", long.as_bytes()), ("n.md", b"\n")]);
    let text = |path: &str| resolved(root.path(), &format!("$file: ../{path}\n"));
    assert_eq!(text("a.md"), (Value::from(&odd[..odd.len() - 1]), vec![]));
    assert_eq!(text("b.md"), (Value::from("b"), vec![]));
    assert_eq!(text("c.md"), (Value::from(""), vec![]));
    assert_eq!(text("n.md"), (Value::from(""), vec![]));
    assert_eq!(text("long.md"), (Value::from(long), vec![]));
}

#[test]
fn one_blank_line_stands_between_pieces() {
    let root = project(&[("a.md", b"a\n"), ("b.md", b"b\n\n")]);
    let yaml = "$join:\n  - $file: ../a.md\n  - $file: ../b.md\n  - |\n    c\n  - $join: [d, e]\n  - |\n    f\n";
    assert_eq!(resolved(root.path(), yaml), (Value::from("a\n\nb\n\nc\n\nd\n\ne\n\nf\n"), vec![]));
}

#[test]
fn secrets_are_collected_and_leave_their_name() {
    let yaml = "a: { $env: SET }\nb: [{ $env: SET }]\n";
    let file = Arc::new(SourceFile { path: "x.yaml".into(), text: yaml.to_owned() });
    let node = yaml::parse(yaml, &file).0.expect("a document");
    let environment = |_: &str| Some("hidden".to_owned());
    let none = BTreeMap::new();
    let mut resolver = Resolver::new(Path::new("."), &none, &environment);
    assert_eq!(resolver.value(&node), json!({"a": {"$env": "SET"}, "b": [{"$env": "SET"}]}));
    let secrets: Vec<_> = resolver.secrets.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    assert_eq!(secrets, [("SET", "hidden")]);
}

#[test]
fn what_cannot_be_read_is_a_problem() {
    let root = project(&[("a.md", b"a"), ("bad.md", b"ok\n\xff"), ("folder/x", b"")]);
    for (yaml, code) in [
        ("$file: ../b.md", "missing-file"),
        ("$file: ../a.md/b.md", "missing-file"),
        ("$file: ../bad.md", "invalid-utf8"),
        ("$file: ../folder", "not-a-file"),
        ("$file: ../../a.md", "outside-project"),
        ("$file: /dev/stdin", "outside-project"),
        ("$file: \"a\\0b\"", "unreadable"),
        ("$file: ''", "wrong-expression"),
        ("$env: NOT_SET", "unset-variable"),
        ("$env: not a name", "wrong-expression"),
        ("$join: []", "wrong-expression"),
        ("$join: [{ $env: SET }]", "secret-in-text"),
        ("$join: [{ $join: [{ $files: x }] }]", "unknown-expression"),
    ] {
        assert_eq!(resolved(root.path(), yaml).1, [code], "{yaml}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_within_the_project_and_never_out_of_it() {
    let elsewhere = project(&[("secret", b"s")]);
    let root = project(&[("a.md", b"a")]);
    let link = |to: &Path, from: &str| std::os::unix::fs::symlink(to, root.path().join(from)).expect("a link");
    link(&elsewhere.path().join("secret"), "out.md");
    link(elsewhere.path(), "folder");
    link(Path::new("a.md"), "in.md");
    link(Path::new("loop.md"), "loop.md");
    assert_eq!(resolved(root.path(), "$file: ../out.md").1, ["outside-project"]);
    assert_eq!(resolved(root.path(), "$file: ../folder/secret").1, ["outside-project"]);
    assert_eq!(resolved(root.path(), "$file: ../loop.md").1, ["unreadable"]);
    assert_eq!(resolved(root.path(), "$file: ../in.md"), (Value::from("a"), vec![]));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_instead_of_waited_for() {
    let root = project(&[]);
    let made = std::process::Command::new("mkfifo").arg(root.path().join("pipe")).status();
    if made.is_ok_and(|status| status.success()) {
        assert_eq!(resolved(root.path(), "$file: ../pipe").1, ["not-a-file"]);
    }
}

/// What the text of one YAML value is made of: `line of the text = file:line`, with a `+` where further lines follow one by one.
fn made_of(root: &Path, yaml: &str) -> Vec<String> {
    let file = Arc::new(SourceFile { path: "personas/x.yaml".into(), text: yaml.to_owned() });
    let node = yaml::parse(yaml, &file).0.expect("a document");
    let none = std::collections::BTreeMap::new();
    let mut resolver = Resolver::new(root, &none, &|_| None);
    resolver.value(&node);
    let made = resolver.made().into_iter().flat_map(|(at, pieces)| pieces.into_iter().map(move |piece| (at.clone(), piece)));
    made.map(|(at, Piece { line, path, at: there, by_line })| {
        format!("{at} {line} = {}:{there}{}", path.display(), if by_line { "+" } else { "" })
    })
    .collect()
}

#[test]
fn every_line_of_a_text_knows_its_file() {
    let root = project(&[("a.md", b"1\n2\n3\n"), ("b.md", b"5\n")]);
    let yaml = "prompt:\n  $join:\n    - $file: ../a.md\n    - |\n      one\n      two\n    - $join:\n        - $file: ../b.md\n        - short\n";
    assert_eq!(
        made_of(root.path(), yaml),
        ["/prompt 1 = a.md:1+", "/prompt 5 = personas/x.yaml:5+", "/prompt 8 = b.md:1+", "/prompt 10 = personas/x.yaml:9",]
    );
}

#[test]
fn a_block_scalar_stands_line_by_line_and_a_folded_one_does_not() {
    let root = project(&[]);
    assert_eq!(made_of(root.path(), "a:\n  b: |\n    one\n\n    two\n"), ["/a/b 1 = personas/x.yaml:3+"]);
    assert_eq!(made_of(root.path(), "b: >\n  one\n  two\n\n  three\n"), Vec::<String>::new());
    assert_eq!(made_of(root.path(), "b: short\n"), Vec::<String>::new());
    assert_eq!(made_of(root.path(), "b:\n  - |\n    one\n    two\n  - c\n"), Vec::<String>::new());
}

#[test]
fn what_a_merge_left_is_found_wherever_it_stands_and_tables_and_tags_are_none() {
    let before = "a line of a prompt\n".repeat(9);
    for (text, codes) in [
        (format!("{before}<<<<<<< ours\none\n=======\ntwo\n>>>>>>> theirs\n"), vec!["conflict-markers"]),
        (format!("{before}||||||| base"), vec!["conflict-markers"]),
        (">>>>>>>\r\nx\n".to_owned(), vec!["conflict-markers"]),
        (format!("{before}| a | b |\n<tag> <<<<<<<\n<<<<<<<<\n"), vec![]),
    ] {
        let root = project(&[("a.md", text.as_bytes())]);
        assert_eq!(resolved(root.path(), "$file: ../a.md").1, codes, "{text}");
    }
}
