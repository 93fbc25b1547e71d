//! `publication.json`: what a box is.

use serde::{Deserialize, Serialize};
use sweeps::Digest;

use crate::chain::{GENESIS, Line};

/// The layout of boxes that this program writes, and the only one that it reads.
pub const FORMAT: u32 = 1;

/// What a box is, and what its derived half needs beyond the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// Its title.
    pub title: String,
    /// Its authors, as `Given Family`; none where they stay unnamed.
    pub authors: Vec<String>,
    /// The licence of the results, as an SPDX identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Whether names, hosts and paths were taken out.
    pub anonymous: bool,
    /// The moment of the last entry of the journal, in milliseconds since 1970: a box has no date of its own, so that the same
    /// results give the same bytes.
    pub last_entry_ms: u64,
    /// Its sweeps, each with the name of its files.
    pub sweeps: Vec<Named>,
    /// Its data sets, likewise.
    pub datasets: Vec<Named>,
    /// The program that published it.
    pub program: Program,
    /// The journal in it.
    pub journal: JournalFacts,
}

/// A name of people, and that of files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Named {
    /// As sweep files and people use it.
    pub name: String,
    /// As files do.
    pub files: String,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its version, with the commit where it is known and may be told.
    pub version: String,
    /// Where its source is, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// BLAKE3 of its lock file.
    pub lock: Digest,
}

/// What must be true of the journal in a box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalFacts {
    /// Hash of everything up to its last entry.
    pub head: Digest,
    /// How many entries there are.
    pub entries: u64,
    /// How many of them are of other sweeps: only their hashes are here.
    pub withheld: u64,
    /// In an anonymous box, whose entries were changed and hashed anew: the head of the journal as it was. Whoever shows the
    /// box with names later can prove by it that the results are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_head: Option<Digest>,
}

impl JournalFacts {
    /// Of a journal with these lines.
    pub fn of(lines: &[Line]) -> Self {
        Self {
            head: lines.last().map_or(GENESIS, |line| line.chain),
            entries: lines.len() as u64,
            withheld: lines.iter().filter(|line| line.entry.is_none()).count() as u64,
            original_head: None,
        }
    }
}

impl Manifest {
    /// Who stands where authors do, where none are named.
    pub(crate) fn unnamed_authors(&self) -> &'static str {
        if self.anonymous {
            "Anonymous authors"
        } else {
            "The authors of these results"
        }
    }
}

/// Names for files, all different, in the order of `names`.
pub fn named(names: impl IntoIterator<Item = String>) -> Vec<Named> {
    let mut all: Vec<Named> = Vec::new();
    for name in names {
        let plain = crate::layout::plain(&name);
        let mut files = plain.clone();
        let mut number = 1;
        while all
            .iter()
            .any(|other| other.files.eq_ignore_ascii_case(&files))
        {
            number += 1;
            files = format!("{plain}-{number}");
        }
        all.push(Named { name, files });
    }
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_of_files_are_all_different() {
        let names = ["a b", "a-b", "A-b"].map(str::to_owned);
        let files: Vec<String> = super::named(names)
            .into_iter()
            .map(|named| named.files)
            .collect();
        assert_eq!(files, ["a-b", "a-b-2", "A-b-3"]);
    }
}
