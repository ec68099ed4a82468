//! Secrets as keyed digests: what stands in documents, plans and state in their stead, and how they come back for sending.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::error::StateError;
use crate::plan::Document;
use crate::plan::value::{self, SECRET_MARK, hidden_in, holds, is_secret};

/// The shortest secret that is looked for within longer texts; a shorter one may be a word that belongs there.
const SHORTEST_WITHIN: usize = 8;

/// The shortest text that is taken for a mask, or out of another text: a shorter one would garble it.
const SHORTEST: usize = 4;

/// Seals documents under one state's key. Knows the secrets of this run, and never prints them.
///
/// What stands at a service where the files have a secret is hidden too, and remembered until the run ends: where an object is sent
/// whole and the field is left alone (`ignore_changes`), it goes back as it was.
#[derive(Debug)]
pub struct Sealer {
    key: hmac::Key,
    secrets: BTreeMap<String, SecretString>,
    by_digest: BTreeMap<String, SecretString>,
    /// What stands for a secret within a longer text, and the secret, the longest first: one may be a part of another.
    within: Vec<(String, SecretString)>,
    /// By digest, what was hidden by its place.
    hidden: Mutex<BTreeMap<String, SecretString>>,
}

/// A stand-in that no secret of this run can be put in for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// The variable has another value, or none.
    #[error("the secret from `${0}` is not the one that the plan was made with")]
    Changed(String),
    /// The service shows asterisks where the variable's secret stood.
    #[error("what stands at the service in place of the secret from `${0}` is shown masked, and cannot be sent back")]
    Masked(String),
}

impl Unsendable {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Changed(_) => "set the variable as it was, or make a new plan",
            Self::Masked(_) => "take the field out of `ignore_changes`: its object is sent as a whole",
        }
    }
}

impl Sealer {
    /// A sealer with a state's digest key and the values of all `$env` expressions by variable name.
    ///
    /// # Errors
    /// When the key is not hexadecimal.
    pub fn new(digest_key: &str, secrets: &BTreeMap<String, SecretString>) -> Result<Self, StateError> {
        let bytes = from_hex(digest_key).ok_or(StateError::BadDigestKey)?;
        Ok(Self::of(hmac::Key::new(hmac::HMAC_SHA256, &bytes), secrets.clone()))
    }

    /// The same with one more secret: the key of an account, which its service knows and may repeat.
    #[must_use]
    pub fn and(&self, name: &str, secret: &SecretString) -> Self {
        let mut secrets = self.secrets.clone();
        secrets.insert(name.to_owned(), secret.clone());
        Self::of(self.key.clone(), secrets)
    }

    fn of(key: hmac::Key, secrets: BTreeMap<String, SecretString>) -> Self {
        let by_digest = secrets.values().map(|secret| (digest(&key, secret.expose_secret()), secret.clone())).collect();
        let long = secrets.iter().filter(|(_, secret)| secret.expose_secret().len() >= SHORTEST_WITHIN);
        let stand_in = |(name, secret): (&String, &SecretString)| {
            (value::hidden(name, &digest(&key, secret.expose_secret())), secret.clone())
        };
        let mut within: Vec<(String, SecretString)> = long.map(stand_in).collect();
        within.sort_by_key(|(_, secret)| std::cmp::Reverse(secret.expose_secret().len()));
        Self { key, secrets, by_digest, within, hidden: Mutex::default() }
    }

    /// Gives every `{"$env": NAME}` of a document its digest.
    pub fn seal(&self, fields: &mut Document) {
        // What holds no secret is not touched, and stays one with those that it is shared with.
        if fields.values().any(|value| holds(value, &is_secret)) {
            fields.values_mut().for_each(|value| self.seal_value(value));
        }
    }

    fn seal_value(&self, value: &mut Value) {
        if is_secret(value) {
            let name = value.get(SECRET_MARK).and_then(Value::as_str).unwrap_or_default();
            if let Some(secret) = self.secrets.get(name) {
                *value = self.stand_in(name, secret.expose_secret());
            }
            return;
        }
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.seal_value(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.seal_value(member)),
            _ => {}
        }
    }

    /// Hides secrets in what a service answered: every text that equals a known secret, every occurrence of one within a longer
    /// text, and whatever stands where one of `ours` (desired and applied documents) has one. What `ours` says in clear at the
    /// same place is no secret there, or a word of a prompt that happens to be somebody's password would never look settled.
    /// What the service itself sent in the form of a stand-in is made harmless.
    pub fn conceal(&self, live: &mut Map<String, Value>, ours: &[&Map<String, Value>]) {
        ours.iter().for_each(|ours| self.conceal_members(live, ours));
        for (key, value) in live {
            let clear: Vec<&Value> = ours.iter().filter_map(|ours| ours.get(key)).collect();
            self.conceal_known(value, &clear);
        }
    }

    /// Takes secrets out of a text: each is replaced by what stands for it within a text.
    pub fn conceal_text(&self, text: &mut String) {
        for (stand_in, secret) in &self.within {
            let secret = secret.expose_secret();
            if text.contains(secret) {
                *text = text.replace(secret, stand_in);
            }
        }
    }

    fn conceal_members(&self, found: &mut Map<String, Value>, ours: &Map<String, Value>) {
        for (key, ours) in ours {
            if let Some(found) = found.get_mut(key) {
                self.conceal_beside(found, ours);
            }
        }
    }

    fn conceal_beside(&self, found: &mut Value, ours: &Value) {
        match (found, ours) {
            (found, ours) if is_secret(ours) => {
                if let Value::String(text) = found {
                    let name = ours.get(SECRET_MARK).and_then(Value::as_str).unwrap_or_default();
                    let hidden = self.stand_in(name, text);
                    if let Some(digest) = hidden["digest"].as_str().filter(|digest| !self.by_digest.contains_key(*digest)) {
                        self.hidden().insert(digest.to_owned(), SecretString::from(text.as_str()));
                    }
                    *found = hidden;
                }
            }
            (Value::Array(found), Value::Array(ours)) => {
                for (found, ours) in found.iter_mut().zip(ours) {
                    self.conceal_beside(found, ours);
                }
            }
            (Value::Object(found), Value::Object(ours)) => self.conceal_members(found, ours),
            _ => {}
        }
    }

    /// `clear` is what our documents have in the same place.
    fn conceal_known(&self, value: &mut Value, clear: &[&Value]) {
        match value {
            Value::String(text) if clear.iter().any(|clear| clear.as_str() == Some(text)) => {}
            Value::String(text) => {
                let known = self.secrets.iter().find(|(_, secret)| secret.expose_secret() == text);
                match known {
                    Some((name, secret)) => *value = self.stand_in(name, secret.expose_secret()),
                    None => self.conceal_text(text),
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let clear: Vec<&Value> = clear.iter().filter_map(|clear| clear.get(index)).collect();
                    self.conceal_known(item, &clear);
                }
            }
            Value::Object(_) if is_secret(value) => {}
            Value::Object(members) => {
                for (key, member) in members {
                    let clear: Vec<&Value> = clear.iter().filter_map(|clear| clear.get(key)).collect();
                    self.conceal_known(member, &clear);
                }
            }
            _ => {}
        }
    }

    /// Puts the secrets themselves into a request body that is about to be sent.
    ///
    /// # Errors
    /// The first stand-in for something that this run does not know.
    pub fn unseal(&self, body: &Value) -> Result<Value, Unsendable> {
        match body {
            Value::Object(members) if is_secret(body) => {
                let text = |member: &str| members.get(member).and_then(Value::as_str).unwrap_or_default();
                let (name, digest) = (text(SECRET_MARK), text("digest"));
                let hidden = self.hidden();
                let secret = self.by_digest.get(digest).or_else(|| hidden.get(digest)).map(ExposeSecret::expose_secret);
                match secret {
                    None => Err(Unsendable::Changed(name.to_owned())),
                    Some(secret) if hidden.contains_key(digest) && is_masked(secret) => {
                        Err(Unsendable::Masked(name.to_owned()))
                    }
                    Some(secret) => Ok(Value::String(secret.to_owned())),
                }
            }
            Value::Object(members) => members
                .iter()
                .map(|(key, member)| Ok((key.clone(), self.unseal(member)?)))
                .collect::<Result<Map<_, _>, _>>()
                .map(Value::Object),
            Value::Array(items) => items.iter().map(|item| self.unseal(item)).collect::<Result<Vec<_>, _>>().map(Value::Array),
            Value::String(text) => self.unseal_text(text).map(Value::String),
            other => Ok(other.clone()),
        }
    }

    /// A service's words without what it keeps in the place of our secrets.
    pub fn without_hidden(&self, text: &str) -> String {
        let hidden = self.hidden();
        let long = hidden.values().map(ExposeSecret::expose_secret).filter(|secret| secret.len() >= SHORTEST);
        long.fold(text.to_owned(), |text, secret| text.replace(secret, "(secret)"))
    }

    fn hidden(&self) -> MutexGuard<'_, BTreeMap<String, SecretString>> {
        self.hidden.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is sent is never masked: each stand-in within a text becomes the secret again.
    fn unseal_text(&self, text: &str) -> Result<String, Unsendable> {
        let (mut filled, mut end) = (String::new(), 0);
        for (range, name, _) in hidden_in(text) {
            let known = self.within.iter().find(|(stand_in, _)| *stand_in == text[range.clone()]);
            let (_, secret) = known.ok_or_else(|| Unsendable::Changed(name.to_owned()))?;
            filled += &text[end..range.start];
            filled += secret.expose_secret();
            end = range.end;
        }
        Ok(filled + &text[end..])
    }

    fn stand_in(&self, name: &str, text: &str) -> Value {
        json!({ SECRET_MARK: name, "digest": digest(&self.key, text) })
    }
}

/// A text of nothing but stars or dots, as services show what they hide.
fn is_masked(text: &str) -> bool {
    text.len() >= SHORTEST && text.chars().all(|letter| matches!(letter, '*' | '•' | '●'))
}

fn digest(key: &hmac::Key, text: &str) -> String {
    format!("hmac-sha256:{}", hex(hmac::sign(key, text.as_bytes()).as_ref()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// Random bytes in hexadecimal.
///
/// # Errors
/// When the system gives none.
pub fn random_hex(bytes: usize) -> Result<String, StateError> {
    let mut buffer = vec![0; bytes];
    SystemRandom::new().fill(&mut buffer).map_err(|_| StateError::NoRandomness)?;
    Ok(hex(&buffer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> Sealer {
        let secrets = BTreeMap::from([("KEY".to_owned(), SecretString::from("s3cr3t"))]);
        Sealer::new(&"ab".repeat(32), &secrets).expect("a good key")
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    fn document(value: Value) -> Document {
        object(value).into()
    }

    #[test]
    fn a_sealed_document_comes_back_for_sending_and_holds_no_secret() {
        let mut fields = document(json!({"layers": {"llm": {"api_key": {"$env": "KEY"}}}}));
        sealer().seal(&mut fields);
        let text = Value::Object(fields.clone().into()).to_string();
        assert!(!text.contains("s3cr3t"));
        assert_eq!(sealer().unseal(&Value::Object(fields.into())), Ok(json!({"layers": {"llm": {"api_key": "s3cr3t"}}})));
    }

    #[test]
    fn what_holds_no_secret_stays_one_with_its_copies_and_what_holds_one_leaves_them_as_they_are() {
        let plain = document(json!({"name": "Ada", "list": [{"a": 1}]}));
        let mut copy = plain.clone();
        sealer().seal(&mut copy);
        assert!(std::ptr::eq(&*plain, &*copy));
        let secret = document(json!({"list": [{"a": {"$env": "KEY"}}]}));
        let mut copy = secret.clone();
        sealer().seal(&mut copy);
        assert!(copy["list"][0]["a"]["digest"].is_string() && secret["list"][0]["a"]["digest"].is_null());
    }

    #[test]
    fn a_stand_in_with_another_digest_is_not_filled_in() {
        let forged = json!({"voice": {"$env": "KEY", "digest": "hmac-sha256:00"}});
        assert_eq!(sealer().unseal(&forged), Err(Unsendable::Changed("KEY".to_owned())));
    }

    #[test]
    fn what_was_hidden_by_its_place_can_be_sent_back_unless_it_is_a_mask() {
        let mut ours = document(json!({"a": {"$env": "KEY"}}));
        let sealer = sealer();
        sealer.seal(&mut ours);
        let hidden = |text: &str| {
            let mut live = object(json!({"a": text}));
            sealer.conceal(&mut live, &[&ours]);
            assert!(is_secret(&live["a"]), "{live:?}");
            live.remove("a").expect("it is there")
        };
        let (other, mask) = (hidden("set in the dashboard"), hidden("********"));
        assert_eq!(sealer.unseal(&other), Ok(json!("set in the dashboard")));
        assert_eq!(sealer.unseal(&mask), Err(Unsendable::Masked("KEY".to_owned())));
        assert_eq!(sealer.without_hidden("no `set in the dashboard` here"), "no `(secret)` here");
    }

    #[test]
    fn live_secrets_are_concealed_by_value_and_by_place() {
        let mut ours = document(json!({"a": {"$env": "KEY"}}));
        sealer().seal(&mut ours);
        let mut live = object(json!({"a": "changed elsewhere", "b": ["s3cr3t"]}));
        sealer().conceal(&mut live, &[&ours]);
        assert!(is_secret(&live["a"]) && live["a"]["digest"] != ours["a"]["digest"]);
        assert_eq!(live["b"][0], ours["a"]);
    }

    #[test]
    fn live_secrets_are_concealed_at_any_depth_and_what_stands_beside_them_is_kept() {
        let mut ours = document(json!({"deep": {"list": [{"$env": "KEY"}, 1], "plain": 1}}));
        sealer().seal(&mut ours);
        let mut live = object(json!({"deep": {"list": ["changed elsewhere", 1], "plain": 2, "theirs": null}}));
        sealer().conceal(&mut live, &[&ours]);
        assert!(is_secret(&live["deep"]["list"][0]), "{live:?}");
        live["deep"]["list"][0] = Value::Null;
        assert_eq!(Value::Object(live), json!({"deep": {"list": [null, 1], "plain": 2, "theirs": null}}));
    }
}
