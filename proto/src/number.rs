//! Checks of single fields: digests, texts, lists, numbers.

use std::collections::BTreeMap;

use sweeps::{AttemptNumber, Digest, JobId};

use crate::error::WireError;
use crate::limits::{DATASETS, NAME_BYTES};
use crate::wire;

/// The field, which must be there.
pub fn required<T>(what: &'static str, field: Option<T>) -> Result<T, WireError> {
    field.ok_or(WireError::Missing(what))
}

/// The text, if it is not too long.
pub fn text(what: &'static str, text: String, limit: usize) -> Result<String, WireError> {
    if text.len() > limit {
        return Err(WireError::TooLong {
            what,
            bytes: text.len(),
            limit,
        });
    }
    Ok(text)
}

/// The texts, if they are neither too many nor too long.
pub fn texts(
    what: &'static str,
    list: Vec<String>,
    entries: usize,
    limit: usize,
) -> Result<Vec<String>, WireError> {
    at_most(what, list.len(), entries)?;
    list.into_iter()
        .map(|entry| text(what, entry, limit))
        .collect()
}

/// A digest from its 32 bytes.
pub fn digest(what: &'static str, bytes: &[u8]) -> Result<Digest, WireError> {
    bytes
        .try_into()
        .map(Digest)
        .map_err(|_| WireError::NotADigest {
            what,
            bytes: bytes.len(),
        })
}

/// A job's id from its 32 bytes.
pub fn job_id(what: &'static str, bytes: &[u8]) -> Result<JobId, WireError> {
    digest(what, bytes).map(|digest| JobId(digest.0))
}

/// An attempt. They count from 1.
pub fn attempt(number: u64) -> Result<AttemptNumber, WireError> {
    if number == 0 {
        return Err(WireError::OutOfRange {
            what: "attempt",
            value: 0,
            expected: "attempts count from 1",
        });
    }
    Ok(AttemptNumber(number))
}

/// Data sets by name.
pub fn named_digests(
    what: &'static str,
    list: Vec<wire::NamedDigest>,
) -> Result<BTreeMap<String, Digest>, WireError> {
    named_digests_within(what, list, DATASETS)
}

/// The same, of another limit.
pub(crate) fn named_digests_within(
    what: &'static str,
    list: Vec<wire::NamedDigest>,
    limit: usize,
) -> Result<BTreeMap<String, Digest>, WireError> {
    at_most(what, list.len(), limit)?;
    let mut named = BTreeMap::new();
    for entry in list {
        let name = text(what, entry.name, NAME_BYTES)?;
        if named.insert(name, digest(what, &entry.digest)?).is_some() {
            return Err(WireError::Doubled(what));
        }
    }
    Ok(named)
}

pub(crate) fn at_most(what: &'static str, entries: usize, limit: usize) -> Result<(), WireError> {
    if entries > limit {
        return Err(WireError::TooMany {
            what,
            entries,
            limit,
        });
    }
    Ok(())
}

pub(crate) fn finite(what: &'static str, number: f64) -> Result<f64, WireError> {
    if number.is_finite() {
        Ok(number)
    } else {
        Err(WireError::NotFinite(what))
    }
}

pub(crate) fn optional(what: &'static str, number: Option<f64>) -> Result<Option<f64>, WireError> {
    number.map(|number| finite(what, number)).transpose()
}

/// `From` both ways between an enumeration of the nouns and one of the wire with the same words.
#[macro_export]
macro_rules! same_words {
    ($what:literal, $noun:ty, $wire:ty, [$($word:ident),+ $(,)?]) => {
        impl From<$noun> for $wire {
            fn from(word: $noun) -> Self {
                match word {
                    $(<$noun>::$word => Self::$word,)+
                }
            }
        }
        impl TryFrom<$wire> for $noun {
            type Error = $crate::WireError;
            fn try_from(word: $wire) -> Result<Self, $crate::WireError> {
                match word {
                    $(<$wire>::$word => Ok(Self::$word),)+
                    <$wire>::Unspecified => Err($crate::WireError::Missing($what)),
                }
            }
        }
    };
}

/// The noun of an enumeration's number on the wire.
pub fn word<W, N>(what: &'static str, value: i32) -> Result<N, WireError>
where
    W: TryFrom<i32>,
    N: TryFrom<W, Error = WireError>,
{
    W::try_from(value)
        .map_err(|_| WireError::UnknownWord { what, value })
        .and_then(N::try_from)
}
