//! Ids and timestamps without a clock or randomness, so that two runs of the same requests answer byte for byte the same.

use serde::{Deserialize, Serialize};

/// A counter that stands in for the clock and for randomness.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticks(u64);

impl Ticks {
    /// The next number, beginning with 1.
    pub fn tick(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }

    /// The next moment: one second after the last, in June 2026.
    pub fn timestamp(&mut self) -> String {
        let second = self.tick();
        let (day, hour, minute) = (second / 86_400 % 30 + 1, second / 3_600 % 24, second / 60 % 60);
        format!("2026-06-{day:02}T{hour:02}:{minute:02}:{:02}.000Z", second % 60)
    }

    /// The next id in the form of a UUID of version 4.
    pub fn uuid(&mut self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.tick())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_grow_by_a_second_across_midnight() {
        let mut ticks = Ticks(86_398);
        assert_eq!(ticks.timestamp(), "2026-06-01T23:59:59.000Z");
        assert_eq!(ticks.timestamp(), "2026-06-02T00:00:00.000Z");
    }
}
