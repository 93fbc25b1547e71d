//! Identities: what makes two pieces of work the same.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The trainer's revision, part of every [`JobId`]. Raise it when a change makes training give other bits, or when a
/// default of the parameter registry changes; never for anything else, since every finished job is then run again.
pub const TRAINER_REVISION: u32 = 2;

/// The revision of the trainer that trains nothing and measures everything else. It is part of every id like a real one,
/// so that no record of it is ever that of a real job; state folders hold jobs of the one kind or of the other.
pub const NOOP_REVISION: u32 = u32::MAX;

/// The revision of the trainer of rehearsals: small networks on stand-ins. Kept apart as [`NOOP_REVISION`] is, since no
/// number of a rehearsal is a result.
pub const REHEARSAL_REVISION: u32 = u32::MAX - 1;

/// A number that only grows, one per try of a job on a worker. It fences late messages.
///
/// Its upper half is the life of the coordinator's state that gave it: a state that was restored from a backup gives
/// numbers that the state before it cannot have given. Its lower half counts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct AttemptNumber(pub u64);

impl AttemptNumber {
    /// How many attempts there were with this one.
    pub fn count(self) -> u32 {
        self.0 as u32
    }

    /// The life of the state that gave it; 0 of one that was never restored.
    pub fn life(self) -> u64 {
        self.0 >> 32
    }

    /// The next one that a state in that life gives.
    #[must_use]
    pub fn next(self, life: u64) -> Self {
        if self.life() >= life {
            Self(self.0.saturating_add(1))
        } else {
            Self((life << 32) | (u64::from(self.count()) + 1))
        }
    }
}

/// A text that is no attempt's number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no attempt: a number such as 2 is expected, or 2~1f of a state that was restored"
)]
pub struct AttemptError(pub String);

impl FromStr for AttemptNumber {
    type Err = AttemptError;

    /// As it is shown: `2`, or `2~1f`.
    fn from_str(text: &str) -> Result<Self, AttemptError> {
        let read = || {
            let (count, life) = match text.split_once('~') {
                Some((count, life)) => (count, u32::from_str_radix(life, 16).ok()?),
                None => (text, 0),
            };
            let count: u32 = count.parse().ok()?;
            Some(Self((u64::from(life) << 32) | u64::from(count)))
        };
        read().ok_or_else(|| AttemptError(text.chars().take(80).collect()))
    }
}

impl fmt::Display for AttemptNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.life() {
            0 => self.0.fmt(formatter),
            life => write!(formatter, "{}~{life:x}", self.count()),
        }
    }
}

/// A BLAKE3 digest of bytes: a data set's, an artifact's. Shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// The identity of one training run: BLAKE3 of the canonical encoding of its [`crate::JobSpec`], the data set's digest
/// and the trainer's revision. The same work has the same id in every sweep.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub [u8; 32]);

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest: 64 hexadecimal digits are expected")]
pub struct DigestError(pub String);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

macro_rules! hexadecimal {
    ($name:ident) => {
        impl $name {
            /// The first 12 digits: enough for people, in a table or a log.
            pub fn short(&self) -> String {
                self.to_string()[..12].to_owned()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0
                    .iter()
                    .try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({})", stringify!($name), self.short())
            }
        }
        impl FromStr for $name {
            type Err = DigestError;
            fn from_str(text: &str) -> Result<Self, DigestError> {
                parse_hexadecimal(text)
                    .map(Self)
                    .ok_or_else(|| DigestError(text.chars().take(80).collect()))
            }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                std::borrow::Cow::<'de, str>::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}
hexadecimal!(Digest);
hexadecimal!(JobId);

fn parse_hexadecimal(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = (high * 16 + low) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_of_a_restored_state_are_new_and_go_on_counting() {
        let one = AttemptNumber::default().next(0);
        let two = one.next(0);
        assert_eq!((two.0, two.to_string()), (2, "2".to_owned()));
        let restored = two.next(0xab);
        assert!(restored > two);
        assert_eq!((restored.count(), restored.life()), (3, 0xab));
        assert_eq!(restored.to_string(), "3~ab");
        // What is shown can be typed.
        for attempt in [one, two, restored] {
            assert_eq!(attempt.to_string().parse(), Ok(attempt));
        }
        for wrong in ["", "x", "1~", "~1", "1~zz", "-1", "99999999999"] {
            assert!(wrong.parse::<AttemptNumber>().is_err(), "{wrong}");
        }
        // A number of a later life is never gone below.
        assert_eq!(restored.next(7), AttemptNumber(restored.0 + 1));
    }

    #[test]
    fn a_digest_reads_back_what_it_shows() {
        let digest = Digest::of(b"gcl");
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert_eq!(
            serde_json::from_str::<Digest>(&serde_json::to_string(&digest).unwrap()).unwrap(),
            digest
        );
    }

    #[test]
    fn a_text_that_is_no_digest_is_refused() {
        for text in ["", "abc", &"g".repeat(64), &"é".repeat(32), &"0".repeat(65)] {
            assert!(text.parse::<JobId>().is_err(), "{text}");
        }
    }
}
