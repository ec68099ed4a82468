//! What a write may say: fields, types, ranges. No state and no routes here.

use serde_json::{Map, Value, json};

use super::switches::Nulls;

/// The LLM id that stands for none.
pub(super) const NO_LLM: &str = "CUSTOMER_CLIENT_V1";

/// The public model names.
pub(super) const AVATAR_MODELS: [&str; 3] = ["cara-3", "cara-4", "cara-4-latest"];

const STRINGS: [&str; 8] =
    ["name", "description", "avatarId", "avatarModel", "voiceId", "llmId", "systemPrompt", "languageCode"];

/// `enableAudioPassthrough` is in no schema, but the service takes it.
const BOOLEANS: [&str; 4] = ["skipGreeting", "uninterruptibleGreeting", "zeroDataRetention", "enableAudioPassthrough"];

/// Kind and range of a number.
type Range = (&'static str, f64, f64);

const DETECTION: [Range; 5] = [
    ("endOfSpeechSensitivity", 0.0, 1.0),
    ("silenceBeforeSkipTurnSeconds", 0.0, 900.0),
    ("silenceBeforeSessionEndSeconds", 0.0, 7200.0),
    ("silenceBeforeAutoEndTurnSeconds", 0.5, 10.0),
    ("speechEnhancementLevel", 0.0, 1.0),
];

/// The widest of what the four variants allow: nothing in the object says which one it is.
const GENERATION: [Range; 5] =
    [("stability", 0.0, 1.0), ("similarityBoost", 0.0, 1.0), ("style", 0.0, 1.0), ("speed", 0.5, 2.0), ("volume", 0.5, 2.0)];

const EMOTIONS: [&str; 6] = ["neutral", "calm", "angry", "content", "sad", "scared"];

/// One thing that is wrong with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Issue {
    pub(super) path: String,
    pub(super) message: String,
    pub(super) code: &'static str,
}

fn issue(path: impl Into<String>, message: impl Into<String>, code: &'static str) -> Issue {
    Issue { path: path.into(), message: message.into(), code }
}

/// The keys of a body that the schema of an update does not know.
pub(super) fn unknown_keys(body: &Map<String, Value>) -> Vec<String> {
    let others = ["initialMessage", "voiceDetectionOptions", "voiceGenerationOptions", "toolIds", "widgetConfig"];
    let known = |key: &str| [&STRINGS[..], &BOOLEANS, &others].iter().any(|keys| keys.contains(&key));
    body.keys().filter(|key| !known(key)).cloned().collect()
}

/// Refuses unknown keys.
pub(super) fn refuse_unknown(body: &Map<String, Value>) -> Vec<Issue> {
    let unknown = unknown_keys(body).into_iter();
    unknown.map(|key| issue("", format!("Unrecognized key(s) in object: '{key}'"), "unrecognized_keys")).collect()
}

/// Everything that is wrong with the known keys of a body.
pub(super) fn check(body: &Map<String, Value>, nulls: Nulls, inherit_writable: bool) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (key, value) in body {
        let key = key.as_str();
        if value.is_null() && (key == "initialMessage" || nulls == Nulls::Cleared) {
            continue;
        }
        let wanted = match key {
            "initialMessage" if !value.is_string() => "string",
            _ if STRINGS.contains(&key) && !value.is_string() => "string",
            _ if BOOLEANS.contains(&key) && !value.is_boolean() => "boolean",
            "toolIds" if !is_strings(value) => "array of strings",
            "voiceDetectionOptions" | "voiceGenerationOptions" | "widgetConfig" if !value.is_object() => "object",
            _ => "",
        };
        if !wanted.is_empty() {
            issues.push(issue(key, format!("Expected {wanted}, received {}", kind(value)), "invalid_type"));
            continue;
        }
        match key {
            "avatarModel" if !AVATAR_MODELS.iter().any(|model| value == model) => {
                issues.push(issue(key, "Invalid enum value", "invalid_enum_value"));
            }
            "languageCode" if value == "" || (value == "inherit" && !inherit_writable) => {
                issues.push(issue(key, "Invalid language code", "custom"));
            }
            "voiceDetectionOptions" => check_ranges(key, value, &DETECTION, &mut issues),
            "voiceGenerationOptions" => check_generation(key, value, &mut issues),
            "widgetConfig" => check_widget(key, value, &mut issues),
            _ => {}
        }
    }
    issues
}

fn check_ranges(parent: &str, options: &Value, ranges: &[Range], issues: &mut Vec<Issue>) {
    for (key, least, most) in ranges {
        let path = format!("{parent}.{key}");
        match options.get(key).map(|value| (value, value.as_f64())) {
            None => {}
            Some((value, None)) => {
                issues.push(issue(path, format!("Expected number, received {}", kind(value)), "invalid_type"));
            }
            Some((_, Some(number))) if number < *least => {
                issues.push(issue(path, format!("Number must be greater than or equal to {least}"), "too_small"));
            }
            Some((_, Some(number))) if number > *most => {
                issues.push(issue(path, format!("Number must be less than or equal to {most}"), "too_big"));
            }
            Some(_) => {}
        }
    }
}

fn check_generation(parent: &str, options: &Value, issues: &mut Vec<Issue>) {
    check_ranges(parent, options, &GENERATION, issues);
    if options.get("emotion").is_some_and(|emotion| !EMOTIONS.iter().any(|known| emotion == known)) {
        issues.push(issue(format!("{parent}.emotion"), "Invalid enum value", "invalid_enum_value"));
    }
    if options.get("useSpeakerBoost").is_some_and(|boost| !boost.is_boolean()) {
        issues.push(issue(format!("{parent}.useSpeakerBoost"), "Expected boolean", "invalid_type"));
    }
    if options.get("model").is_some_and(|model| !model.is_string()) {
        issues.push(issue(format!("{parent}.model"), "Expected string", "invalid_type"));
    }
}

fn check_widget(parent: &str, widget: &Value, issues: &mut Vec<Issue>) {
    for (key, value) in widget.as_object().into_iter().flatten() {
        let valid = match key.as_str() {
            "callToAction" | "position" => value.is_string(),
            "allowedOrigins" => is_strings(value),
            "allowEverywhere" | "showTextInput" | "showMuteButton" | "showTranscript" => value.is_boolean(),
            "layout" => value == "inline" || value == "floating",
            "initialState" => value == "minimized" || value == "expanded",
            _ => true,
        };
        if !valid {
            issues.push(issue(format!("{parent}.{key}"), "Invalid value", "invalid_type"));
        }
    }
}

fn is_strings(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The body of a refusal, in the shape that other endpoints of the service document.
pub(super) fn refusal(issues: &[Issue]) -> Value {
    let details: Vec<Value> =
        issues.iter().map(|issue| json!({ "path": issue.path, "message": issue.message, "code": issue.code })).collect();
    let summary: Vec<String> = issues.iter().map(|issue| format!("{}: {}", issue.path, issue.message)).collect();
    json!({ "error": "Validation error", "details": details, "summary": summary.join("; ") })
}
