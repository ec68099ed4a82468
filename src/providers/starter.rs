//! What the first persona of a new project says at each provider: the fewest fields that the service takes, with ids that exist for
//! every customer where there are such ids.

/// The lines of a target section, without indentation; none where the provider is not known.
pub fn lines(provider: &str) -> Option<&'static [&'static str]> {
    Some(match provider {
        "tavus" => &[
            "default_replica_id: r79e1c033f           # the face: a stock replica, or one of your own",
            "# layers:                                # voice, language model, perception, turn taking",
            "#   llm: { model: tavus-gpt-oss }",
        ],
        "anam" => &[
            "avatarId: 071b0286-4cce-4808-bee2-e642f1062de3   # from Anam's catalogue, like the next two",
            "voiceId: de23e340-1416-4dd8-977d-065a7ca11697",
            "llmId: a7cf662c-2ace-4de1-a21e-ef0fbf144bb7",
        ],
        "bland" => &[
            "$release: production                     # or draft: write, but do not promote",
            "call_config: { voice: June, record: false }",
        ],
        "opengiant" => &["attributes: { tone: warm }               # any attributes; the prompt is one of them"],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_has_a_beginning() {
        for provider in super::super::all() {
            assert!(lines(provider.id()).is_some_and(|lines| !lines.is_empty()), "{}", provider.id());
        }
    }
}
