//! What a service can do and how its fields behave, as data. The planner, the provider table and the docs read the same rows.

use serde_json::Value;

use crate::persona::name::Pointer;

/// One provider's abilities and its fields' behaviour.
#[derive(Debug)]
pub struct Rules {
    /// What a list call shows.
    pub list: Listing,
    /// Whether one object can be read. Where not, the last applied document stands for the live one, "not verified".
    pub read: bool,
    /// Whether an object can be deleted through the API. Where not, it is forgotten.
    pub delete: bool,
    /// Whether the service keeps a draft beside what customers hear (`$release`).
    pub releases: bool,
    /// Fields that differ from [`FieldRule::ANY`]. The rule with the longest matching path wins.
    pub fields: &'static [FieldRule],
}

/// What a list call shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// There is no list call.
    None,
    /// Names and ids; each object must be read for its fields.
    Summaries,
    /// Whole objects.
    Whole,
}

/// How one field, and everything below it, behaves.
#[derive(Clone, Copy, Debug)]
pub struct FieldRule {
    /// Pointer of the field; a segment `*` stands for any one segment. The empty path is every field.
    pub path: &'static str,
    /// Whether `null`, `""`, `[]`, `{}` and absent are one.
    pub empty_is_absent: bool,
    /// Whether a list's order means nothing.
    pub set: bool,
    /// Brings a value into the form in which it is compared, for both sides.
    pub normal: Option<fn(&Value) -> Value>,
    /// Whether reads show the field.
    pub reading: Reading,
    /// How the field is cleared.
    pub clear: Clear,
    /// Why it behaves so, as a fragment for the provider's page; none where the row says it all.
    pub why: Option<&'static str>,
}

impl FieldRule {
    /// The rule where no other matches.
    pub const ANY: Self = Self::at("");

    /// A rule that only names a path; the rest is as usual: compared exactly, always read, cleared by leaving out.
    pub const fn at(path: &'static str) -> Self {
        Self {
            path,
            empty_is_absent: false,
            set: false,
            normal: None,
            reading: Reading::Always,
            clear: Clear::Remove,
            why: None,
        }
    }

    /// `null`, `""`, `[]`, `{}` and absent are one.
    #[must_use]
    pub const fn empty_is_absent(mut self) -> Self {
        self.empty_is_absent = true;
        self
    }

    /// The list's order means nothing.
    #[must_use]
    pub const fn set(mut self) -> Self {
        self.set = true;
        self
    }

    /// Values are compared after this conversion.
    #[must_use]
    pub const fn normal(mut self, normal: fn(&Value) -> Value) -> Self {
        self.normal = Some(normal);
        self
    }

    /// Reads show the field in this way.
    #[must_use]
    pub const fn reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    /// The field is cleared in this way.
    #[must_use]
    pub const fn clear(mut self, clear: Clear) -> Self {
        self.clear = clear;
        self
    }

    /// It behaves so for this reason.
    #[must_use]
    pub const fn because(mut self, why: &'static str) -> Self {
        self.why = Some(why);
        self
    }

    /// The number of segments of its path, where the field or an ancestor of it matches. Asked for every field again and again,
    /// so that it neither allocates nor looks further than it must.
    fn depth(&self, pointer: &Pointer) -> Option<usize> {
        let mut rest = self.path;
        let mut depth = 0;
        while let Some(below) = rest.strip_prefix('/') {
            let segment = pointer.segments().get(depth)?;
            let (pattern, further) = below.split_at(below.find('/').unwrap_or(below.len()));
            if pattern != segment && pattern != "*" {
                return None;
            }
            rest = further;
            depth += 1;
        }
        Some(depth)
    }
}

/// Whether reads show a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Absent from a read means absent.
    Always,
    /// A read may leave it out although it is set (a value equal to a default, an undocumented field): what we last applied
    /// then stands for it.
    MayBeOmitted,
    /// Reads show it without some of its parts, which [`FieldRule::normal`] takes off; those are compared with what we applied.
    Partly,
    /// Write-only: what a read shows is never looked at.
    Never,
}

/// How a field is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clear {
    /// It can be removed: afterwards it is absent.
    Remove,
    /// By writing `null`.
    Null,
    /// By writing this text, possibly empty.
    Text(&'static str),
    /// By writing an empty list.
    EmptyList,
    /// By writing an empty object.
    EmptyObject,
    /// By writing `false`.
    False,
    /// Not through this API; the reason as a fragment (`a persona always has an avatar`).
    Impossible(&'static str),
}

impl Clear {
    /// What the field holds once it is cleared; `null` where it is then absent. None: it cannot be cleared.
    pub fn value(self) -> Option<Value> {
        match self {
            Self::Remove | Self::Null => Some(Value::Null),
            Self::Text(text) => Some(Value::from(text)),
            Self::EmptyList => Some(Value::Array(Vec::new())),
            Self::EmptyObject => Some(Value::Object(serde_json::Map::new())),
            Self::False => Some(Value::Bool(false)),
            Self::Impossible(_) => None,
        }
    }
}

impl Rules {
    /// The rule for a field: the one with the longest path that matches the field or an ancestor of it.
    pub fn field(&self, pointer: &Pointer) -> FieldRule {
        let matching = self.fields.iter().filter_map(|rule| Some((rule.depth(pointer)?, rule)));
        matching.max_by_key(|(depth, _)| *depth).map_or(FieldRule::ANY, |(_, rule)| *rule)
    }
}
