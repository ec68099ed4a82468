//! The names that people choose: persona keys, account names, and pointers into documents. Nothing here reads a file.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A persona's key: its path below the persona folder, without extension, with `/` between folders (`emea/ada`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// Wraps a key; the loader has checked its characters.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The key as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An account's name in `personaform.yaml`: letters, digits, `-` and `_`, so never a dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountName(String);

impl AccountName {
    /// Wraps an account name; the loader has checked its characters.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What may be done to an object (`$manage`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Manage {
    /// Everything that the files say.
    #[default]
    Full,
    /// It is written, but never deleted: an object that has left the files is forgotten.
    NoDelete,
    /// It is compared and shown, and never written.
    Observe,
}

impl Manage {
    /// Whether it is [`Manage::Full`], which is what a file without `$manage` means.
    pub fn is_full(&self) -> bool {
        *self == Self::Full
    }

    /// The word of `$manage`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::NoDelete => "no-delete",
            Self::Observe => "observe",
        }
    }
}

/// A JSON Pointer (RFC 6901) as a list of unescaped segments; the root has none.
///
/// Serialised in its text form, `/layers/llm/model`, with `~0` for `~` and `~1` for `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// The pointer to the whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// Makes a pointer from unescaped segments.
    pub fn new<I, S>(segments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Self(segments.into_iter().map(Into::into).collect())
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// Returns what is wrong when the text is neither empty nor begins with `/`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("a JSON Pointer begins with `/`: write `/{text}`"));
        };
        Ok(Self(rest.split('/').map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()))
    }

    /// The unescaped segments, outermost first.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// This pointer with one more segment.
    #[must_use]
    pub fn child(&self, segment: impl Into<String>) -> Self {
        let mut segments = Vec::with_capacity(self.0.len() + 1);
        segments.extend_from_slice(&self.0);
        segments.push(segment.into());
        Self(segments)
    }

    /// This pointer without its last segment; none for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }

    /// The last segment; none for the root.
    pub fn last(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// Whether `self` is `other` or one of its ancestors.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// Whether this pointer has no segment.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| formatter.write_str("/").and_then(|()| formatter.write_str(&escaped(segment))))
    }
}

/// A segment as it stands in the text form of a pointer.
pub(super) fn escaped(segment: &str) -> Cow<'_, str> {
    match segment.contains(['~', '/']) {
        true => segment.replace('~', "~0").replace('/', "~1").into(),
        false => segment.into(),
    }
}

impl Serialize for Pointer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Whether a text can be the name of an environment variable.
pub(super) fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_escape_slashes_and_tildes() {
        let pointer = Pointer::new(["extra_body", "a/b~c"]);
        assert_eq!(pointer.to_string(), "/extra_body/a~1b~0c");
        assert_eq!(Pointer::parse("/extra_body/a~1b~0c"), Ok(pointer));
    }

    #[test]
    fn a_pointer_covers_itself_and_what_is_below() {
        let layers = Pointer::new(["layers"]);
        assert!(layers.covers(&Pointer::new(["layers", "tts"])));
        assert!(layers.covers(&layers));
        assert!(!layers.covers(&Pointer::new(["layers2"])));
    }
}
