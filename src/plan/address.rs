//! The address of a target: which persona, at which account.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::persona::name::{AccountName, Key};

/// `account.key`, as in `tavus.support-guide` or `bland-eu.emea/ada`. Ordered by account, then key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The account.
    pub account: AccountName,
    /// The persona's key.
    pub key: Key,
}

impl Address {
    /// The address of a persona at an account.
    pub fn new(account: AccountName, key: Key) -> Self {
        Self { account, key }
    }

    /// Reads `account.key`.
    ///
    /// # Errors
    /// Returns what is wrong when there is no dot, or nothing on one side of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('.') {
            Some((account, key)) if !account.is_empty() && !key.is_empty() => {
                Ok(Self::new(AccountName::new(account), Key::new(key)))
            }
            _ => Err(format!("`{text}` is no address: write `account.key`, as in `tavus.support-guide`")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.account, self.key)
    }
}

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
