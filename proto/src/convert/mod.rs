//! Nouns to the wire and back, one module a noun.

mod claims;
mod client;
mod extraction;
mod job;
mod record;
mod refusal;
mod result;
mod rows;
mod store;
mod synthetic;
#[cfg(test)]
mod tests;
mod view;
mod watch;
mod worker;

pub use refusal::status;
pub use rows::{RowReader, RowWriter};
pub use worker::hello;

use crate::limits::NAME_BYTES;
use crate::{WireError, text, wire};
use std::collections::BTreeMap;

use sweeps::Digest;

use crate::nouns::{Counts, LeaseKey};

fn name(what: &'static str, name: String) -> Result<String, WireError> {
    text(what, name, NAME_BYTES)
}

fn all<W, N: TryFrom<W, Error = WireError>>(
    what: &'static str,
    list: Vec<W>,
    limit: usize,
) -> Result<Vec<N>, WireError> {
    at_most(what, list.len(), limit)?;
    list.into_iter().map(TryInto::try_into).collect()
}

fn at_most(what: &'static str, entries: usize, limit: usize) -> Result<(), WireError> {
    if entries > limit {
        return Err(WireError::TooMany {
            what,
            entries,
            limit,
        });
    }
    Ok(())
}

fn named(datasets: &BTreeMap<String, Digest>) -> Vec<wire::NamedDigest> {
    datasets
        .iter()
        .map(|(name, digest)| wire::NamedDigest {
            name: name.clone(),
            digest: digest.0.to_vec(),
        })
        .collect()
}

impl From<LeaseKey> for wire::LeaseKey {
    fn from(key: LeaseKey) -> Self {
        (&(key.job, key.attempt)).into()
    }
}

impl TryFrom<wire::LeaseKey> for LeaseKey {
    type Error = WireError;
    fn try_from(key: wire::LeaseKey) -> Result<Self, WireError> {
        let (job, attempt) = key.try_into()?;
        Ok(Self { job, attempt })
    }
}

impl From<&Counts> for wire::Counts {
    fn from(Counts([pending, running, done, failed, quarantined, cancelled]): &Counts) -> Self {
        Self {
            pending: *pending,
            running: *running,
            done: *done,
            failed: *failed,
            quarantined: *quarantined,
            cancelled: *cancelled,
        }
    }
}

impl From<wire::Counts> for Counts {
    fn from(counts: wire::Counts) -> Self {
        Self([
            counts.pending,
            counts.running,
            counts.done,
            counts.failed,
            counts.quarantined,
            counts.cancelled,
        ])
    }
}
