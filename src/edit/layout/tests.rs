//! What a tidy file looks like, and that nothing is lost on the way, whatever the file looked like before.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn tidied(text: &str) -> String {
    match tidy(text, Page::Persona) {
        Tidied::Changed(text) => text,
        other => panic!("{other:?}: {text}"),
    }
}

#[track_caller]
fn becomes(before: &str, after: &str) {
    assert_eq!(tidied(before), after, "{}", tidied(before));
    assert_eq!(tidy(after, Page::Persona), Tidied::Already);
}

#[test]
fn keys_are_put_in_order_with_their_comments_and_nothing_else_moves() {
    becomes(
        "# about the file\n\n# the targets\ntargets: # t\n  tavus:\n    b: 1 # one\n    # bind\n    $id: p1\n    a: [2, 1]\n\nprompt: |\n  Be kind.\n\n  name: x\n# the name\nname: 'Ada' # n\n# the end",
        "# about the file\n\n# the name\nname: Ada # n\n\nprompt: |\n  Be kind.\n\n  name: x\n# the targets\ntargets: # t\n  tavus:\n    # bind\n    $id: p1\n    b: 1 # one\n    a: [2, 1]\n# the end\n",
    );
}

#[test]
fn the_project_file_keeps_its_order() {
    let text = "targets: 1\nname: 'a'\n";
    assert_eq!(tidy(text, Page::Project), Tidied::Changed("targets: 1\nname: a\n".to_owned()));
}

#[test]
fn quotes_that_matter_and_texts_stay() {
    let text = "name: \"012\"\ndescription: 'no'\nprompt: |\n  trailing  \n  \"quoted\"\ntargets: { bland: { $release: draft, role: \"a: b\" } }\n";
    assert_eq!(tidy(text, Page::Persona), Tidied::Already);
}

#[test]
fn line_ends_stay_and_blanks_go() {
    becomes("prompt: Hi  \r\nname: Ada\r\n\r\n\r\n", "name: Ada\r\nprompt: Hi\r\n");
    becomes("\u{feff}name:   'Ada'\nprompt: Hi", "\u{feff}name:   Ada\nprompt: Hi\n");
    // Line ends that belong to a text are no blank lines at the end.
    assert_eq!(tidy("name: Ada\nprompt: |+\n  Hi\n\n\n", Page::Persona), Tidied::Already);
    becomes("name: Ada\nprompt: |-\n  Hi", "name: Ada\nprompt: |-\n  Hi\n");
}

#[test]
fn anchors_and_tags_are_left_alone() {
    for text in ["targets: {}\nname: &n Ada\n", "targets: {}\nname: !!str Ada\n", "prompt: *x\nname: &x Ada\n"] {
        assert!(matches!(tidy(text, Page::Persona), Tidied::Left(_)), "{text}");
    }
}

#[test]
fn every_level_is_two_columns_and_dashes_are_indented() {
    becomes(
        "name: Ada\ntargets:\n    bland:\n        # the role\n        role: a\n         # odd\n        tags:\n        - a # first\n        -   b\n        steps:\n          -   name: x\n              deep:\n                  k: 1\n          # between\n          - - p\n            - q\n          -\n            z: 2\n        last: 1\n    # end of targets\n# end\n",
        "name: Ada\ntargets:\n  bland:\n    # the role\n    role: a\n    # odd\n    tags:\n      - a # first\n      - b\n    steps:\n      - name: x\n        deep:\n          k: 1\n      # between\n      - - p\n        - q\n      -\n        z: 2\n    last: 1\n  # end of targets\n# end\n",
    );
}

#[test]
fn texts_of_several_lines_move_as_a_whole() {
    becomes(
        "prompt: |4\n      two more\n    Be kind.\n\n     one more\ndescription: >-\n      folded\n      text\n\n# c\nname: Ada\ntargets:\n    bland:\n        role: plain\n            goes on\n        items:\n        - |-\n           in a list\n             deeper\n        - x\n",
        "name: Ada\ndescription: >-\n  folded\n  text\n\nprompt: |2\n    two more\n  Be kind.\n\n   one more\n# c\ntargets:\n  bland:\n    role: plain\n      goes on\n    items:\n      - |-\n        in a list\n          deeper\n      - x\n"
            .replace("# c\ntargets", "targets")
            .replace("name: Ada\n", "# c\nname: Ada\n")
            .as_str(),
    );
}

#[test]
fn quoted_texts_of_several_lines_become_blocks_where_nothing_is_lost() {
    becomes(
        "name: Ada\nprompt: \"Be kind.\\n\\n  - \\\"always\\\"\\n\" # p\ntargets:\n  bland:\n    role: \"over\n      two\n\n      lines\"\n    steps:\n      - 'one\n\n        two'\n",
        "name: Ada\nprompt: | # p\n  Be kind.\n\n    - \"always\"\ntargets:\n  bland:\n    role: |-\n      over two\n      lines\n    steps:\n      - |-\n        one\n        two\n",
    );
    // Blanks at line ends would be lost in many editors; control characters, next lines and the like cannot stand in a block.
    for value in
        ["\"a \\nb\"", "\" a\\nb\"", "\"a\\u0007\\nb\"", "\"a\\r\\nb\"", "\"\\n\"", "\"a\\n\\n\\n\"", "{ a: \"b\\nc\" }"]
    {
        let text = format!("name: Ada\nprompt: {value}\n");
        assert_eq!(tidy(&text, Page::Persona), Tidied::Already, "{text}");
    }
    let long = "words ".repeat(30);
    becomes(&format!("name: \"{}: x\" # n\n", long.trim()), &format!("name: |- # n\n  {}: x\n", long.trim()));
}

#[test]
fn braces_that_do_not_fit_become_blocks_and_short_ones_are_written_one_way() {
    let url = "https://example.test/a/very/long/path/that/does/not/end/soon";
    becomes(
        &format!(
            "name: Ada\ntargets:\n  bland:  {{role: \"x, y\",tags: [a,b  ,  c], first: {url}, second: {url}}} # why\n  tavus: {{ a: {{b: 1,}},\n    c: [] }}\n  anam:\n    steps:\n      - {{ one: {url}, two: {url} }}\n      - [{url}, {url}]\n    short: [ 1,2 ]\n    kept: [ # c\n      1 ]\n"
        ),
        &format!(
            "name: Ada\ntargets:\n  bland: # why\n    role: \"x, y\"\n    tags: [a, b, c]\n    first: {url}\n    second: {url}\n  tavus:\n    a: {{ b: 1 }}\n    c: []\n  anam:\n    steps:\n      - one: {url}\n        two: {url}\n      - - {url}\n        - {url}\n    short: [1, 2]\n    kept: [ # c\n      1 ]\n"
        ),
    );
}

/// A YAML text in a wild layout, put together from lines.
fn wild() -> impl Strategy<Value = String> {
    let scalar = prop::sample::select(vec![
        "a",
        "'b'",
        "\"c: d\"",
        "\"line\\nline\"",
        "[1,2]",
        "{ k: v }",
        "{k: [a,b],l: \"m\"}",
        "",
        "~",
        "1.0",
        "'it''s'",
        "- x",
        "\"over\n             two\"",
        "|\n              block\n                more\n\n              end",
        ">-\n              folded\n              text",
        "|2-\n                   indented",
        "|+\n              kept\n\n",
        "plain\n              goes on",
        "[a, # c\n              b]",
        "{\n              a: 1 }",
        "\"a long text that goes on, and on, until nobody knows how it began, and then some more words: to be sure that it is long\"",
    ]);
    let comment = prop::sample::select(vec!["", "", "", " # c", "   # d: e"]);
    let above = prop::sample::select(vec!["", "", "", "\n", "# alone\n", "      # in\n", "   # odd\n", "\n# two\n# lines\n\n"]);
    let key = prop::sample::select(vec!["name", "prompt", "targets", "b", "$id", "'q r'", "\"s\"", "on"]);
    let step = prop::sample::select(vec![1_usize, 2, 3, 4]);
    (prop::collection::vec((above, key, scalar, comment, 0..4_usize, 0..3_usize), 1..12), step, any::<bool>(), any::<bool>())
        .prop_map(|(lines, step, crlf, open)| {
            let mut text = String::new();
            let mut depth = 0;
            for (number, (above, key, scalar, comment, next, dashes)) in lines.into_iter().enumerate() {
                text.push_str(above);
                let pad = " ".repeat(depth * step);
                let key = if number % 3 == 0 { key.to_owned() } else { format!("k{number}") };
                match (next, dashes) {
                    (0, _) => {
                        text.push_str(&format!("{pad}{key}:{comment}\n"));
                        depth += 1;
                        text.push_str(&format!("{}x{number}: 1\n", " ".repeat(depth * step)));
                    }
                    (1, 1) => text.push_str(&format!("{pad}{key}:{comment}\n{pad}- a\n{pad}-   b: 1\n{pad}    c: 2\n")),
                    (1, 2) => text.push_str(&format!(
                        "{pad}{key}:\n{pad}   - {scalar}\n{pad}   # i\n{pad}   - - p{comment}\n{pad}     - q\n"
                    )),
                    _ => {
                        text.push_str(&format!("{pad}{key}: {scalar}{}\n", if scalar.contains('\n') { "" } else { comment }));
                        depth = depth.saturating_sub(next / 2);
                    }
                }
            }
            if open {
                text.pop();
            }
            if crlf { text.replace('\n', "\r\n") } else { text }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_layout_was_the_values_and_comments_stay_and_a_second_run_finds_nothing(text in wild()) {
        let Some(before) = raw::read(&text) else { return Ok(()) };
        match tidy(&text, Page::Persona) {
            Tidied::Already => {}
            Tidied::Left(why) => prop_assert!(false, "{why}:\n{text}"),
            Tidied::Changed(tidied) => {
                prop_assert_eq!(raw::read(&tidied), Some(before), "{}\n---\n{}", text, tidied);
                prop_assert_eq!(comments(&tidied), comments(&text));
                prop_assert_eq!(tidy(&tidied, Page::Persona), Tidied::Already, "{}\n---\n{}", text, tidied);
                prop_assert_eq!(tidied.contains('\r'), text.contains('\r'));
            }
        }
    }

    #[test]
    fn an_indented_text_is_understood_and_never_only_rejected(text in wild()) {
        let Some(before) = raw::read(&text) else { return Ok(()) };
        let indented = indent::indented(&text).expect("understood");
        prop_assert_eq!(raw::read(&indented), Some(before), "{}\n---\n{}", text, indented);
    }
}
