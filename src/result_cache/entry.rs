//! A file of the cache: the record of one job with the bytes of its artifacts, whole or nothing.
//!
//! ```text
//! gcl-sweep result 1
//! <BLAKE3 of everything below, hexadecimal>
//! <length of the head, 8 bytes, little-endian><head: JSON><artifacts, one after the other, in the order of the record>
//! ```
//! A file that was cut, changed or is something else does not have the hash that it names. Pure: no folder, no clock.

use serde::{Deserialize, Serialize};
use sweeps::{Digest, RunRecord, TRAINER_REVISION};

use super::key::Key;

/// Begins every file. The number changes with the form.
const MAGIC: &[u8] = b"gcl-sweep result 1\n";
/// Digits of a hash, and a line break.
const HASH: usize = 65;

/// A result that is kept for other folders.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The record, as the folder has it that trained it.
    pub record: RunRecord,
    /// The bytes of its artifacts, in their order there.
    pub artifacts: Vec<Vec<u8>>,
    /// Since when it is kept, in milliseconds since 1970.
    pub since_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    record: RunRecord,
    since_ms: u64,
}

impl Entry {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let head = Head {
            record: self.record.clone(),
            since_ms: self.since_ms,
        };
        // Texts and numbers that are finite: there is nothing that JSON could not say.
        let head = serde_json::to_vec(&head).unwrap_or_default();
        let artifacts: usize = self.artifacts.iter().map(Vec::len).sum();
        let mut body = Vec::with_capacity(8 + head.len() + artifacts);
        body.extend((head.len() as u64).to_le_bytes());
        body.extend(head);
        for artifact in &self.artifacts {
            body.extend(artifact);
        }
        let mut bytes = Vec::with_capacity(MAGIC.len() + HASH + body.len());
        bytes.extend(MAGIC);
        bytes.extend(format!("{}\n", Digest::of(&body)).as_bytes());
        bytes.extend(body);
        bytes
    }

    /// The entry that `bytes` are, which lie under that key.
    ///
    /// # Errors
    /// Why they are none that can be relied on.
    pub fn decode(bytes: &[u8], key: &Key) -> Result<Self, &'static str> {
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or("it is no result of this version's cache")?;
        let (hash, body) = rest.split_at_checked(HASH).ok_or("it was cut")?;
        if hash.strip_suffix(b"\n") != Some(Digest::of(body).to_string().as_bytes()) {
            return Err("it is damaged: its bytes are not those of its hash");
        }
        let (length, body) = body.split_first_chunk::<8>().ok_or("it was cut")?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| "it was cut")?;
        let (head, mut body) = body.split_at_checked(length).ok_or("it was cut")?;
        let Head { record, since_ms } =
            serde_json::from_slice(head).map_err(|_| "its record cannot be read")?;
        if !key.is_of(&record) {
            return Err("it is the result of another job or of another kind of device");
        }
        if record.provenance.trainer_revision != TRAINER_REVISION {
            return Err("it was made by another trainer");
        }
        if record.provenance.cached_since_ms.is_some() || !record.outcome.is_finite() {
            return Err("its record is none that a run keeps");
        }
        let mut artifacts = Vec::with_capacity(record.outcome.artifacts.len());
        for artifact in &record.outcome.artifacts {
            let bytes = usize::try_from(artifact.bytes)
                .ok()
                .and_then(|bytes| body.split_at_checked(bytes));
            let (bytes, after) = bytes.ok_or("an artifact of it is not whole")?;
            if Digest::of(bytes) != artifact.digest {
                return Err("an artifact of it is damaged");
            }
            artifacts.push(bytes.to_vec());
            body = after;
        }
        if !body.is_empty() {
            return Err("there is more in it than its record names");
        }
        Ok(Self {
            record,
            artifacts,
            since_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result_cache::fixture::{entry, key};

    #[test]
    fn a_result_reads_back_as_it_was_kept() {
        let entry = entry(7);
        let back = Entry::decode(&entry.encode(), &key(7)).unwrap();
        assert_eq!(back, entry);
        assert_eq!(
            back.record.outcome.digest(),
            entry.record.outcome.digest(),
            "to the bit"
        );
    }

    #[test]
    fn nothing_that_was_changed_or_cut_is_taken_for_a_result() {
        let bytes = entry(7).encode();
        for at in (0..bytes.len()).step_by(7) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(Entry::decode(&changed, &key(7)).is_err(), "byte {at}");
            assert!(Entry::decode(&bytes[..at], &key(7)).is_err(), "cut at {at}");
        }
        let longer = [&bytes[..], b"x"].concat();
        for wrong in [&longer[..], b"", b"a text", MAGIC] {
            assert!(Entry::decode(wrong, &key(7)).is_err());
        }
    }

    type Change = fn(&mut Entry);

    #[test]
    fn a_whole_file_in_the_wrong_place_or_of_another_trainer_is_refused() {
        let mut other = key(7);
        other.kind = "cpu-avx512f".into();
        for wrong in [key(8), other] {
            assert!(Entry::decode(&entry(7).encode(), &wrong).is_err());
        }
        let changes: [Change; 4] = [
            |entry| entry.record.provenance.trainer_revision += 1,
            |entry| entry.record.provenance.cached_since_ms = Some(1),
            |entry| entry.artifacts[0][0] ^= 1,
            |entry| entry.artifacts.push(vec![1]),
        ];
        for change in changes {
            let mut entry = entry(7);
            change(&mut entry);
            assert!(Entry::decode(&entry.encode(), &key(7)).is_err());
        }
    }
}
