//! The journal in a box: a line of JSON an entry, with the hashes of the journal that it was taken from.
//!
//! ```text
//! {"sequence":7,"before":"…","chain":"…","entry":{…}}
//! {"sequence":8,"before":"…","chain":"…"}                       an entry of another sweep: its hashes alone
//! {"sequence":1,"snapshot":9,"before":"…","chain":"…","entry":{…}}    in a snapshot of everything before entry 9
//! ```
//! `chain` is BLAKE3 of `before`, the entry's length (u32), its sequence (u64), both little-endian, and its bytes, which stand in the line
//! as the coordinator wrote them. So no entry can be changed, left out, doubled or moved without every later hash showing it. What a
//! chain cannot show is that all of it was made anew: that is what running jobs again is for.

use serde::{Deserialize, Serialize};
use sweeps::Digest;

/// The hash before the first entry.
pub const GENESIS: Digest = Digest([0; 32]);

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number; in a snapshot, the number there.
    pub sequence: u64,
    /// In a snapshot: the number of the first entry that the snapshot does not replace.
    pub snapshot: Option<u64>,
    /// Hash of everything before it.
    pub before: Digest,
    /// Hash of everything up to it.
    pub chain: Digest,
    /// Its bytes; `None`: they are withheld.
    pub entry: Option<String>,
}

/// A line without its entry, which stands behind it as the coordinator wrote it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    sequence: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    snapshot: Option<u64>,
    before: Digest,
    chain: Digest,
}

/// Between a head and its entry. No head has it: its fields are numbers and hashes.
const ENTRY: &str = ",\"entry\":";

/// What is wrong with a journal, and in which line, from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ChainFault {
    /// The line.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// The hash of everything up to an entry.
pub fn link(before: Digest, sequence: u64, entry: &[u8]) -> Digest {
    let mut bytes = Vec::with_capacity(44 + entry.len());
    bytes.extend(before.0);
    bytes.extend((entry.len() as u32).to_le_bytes());
    bytes.extend(sequence.to_le_bytes());
    bytes.extend(entry);
    Digest::of(&bytes)
}

/// The text of a journal.
pub fn write(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let head = Head {
            sequence: line.sequence,
            snapshot: line.snapshot,
            before: line.before,
            chain: line.chain,
        };
        // Numbers and hashes: there is nothing that JSON could not say.
        let head = serde_json::to_string(&head).unwrap_or_default();
        text += head.trim_end_matches('}');
        if let Some(entry) = &line.entry {
            text += ENTRY;
            text += entry;
        }
        text += "}\n";
    }
    text
}

/// Reads a journal: the lines that can be read, and the first that cannot.
pub fn read(text: &str) -> (Vec<Line>, Option<ChainFault>) {
    let mut lines = Vec::new();
    for (position, text) in text.lines().enumerate() {
        match read_line(text) {
            Ok(line) => lines.push(line),
            Err(error) => {
                let fault = ChainFault {
                    line: position + 1,
                    what: format!("it is no entry of a journal: {error}"),
                };
                return (lines, Some(fault));
            }
        }
    }
    (lines, None)
}

fn read_line(text: &str) -> Result<Line, serde_json::Error> {
    let (head, entry) = match text.split_once(ENTRY) {
        Some((head, entry)) => (format!("{head}}}"), entry.strip_suffix('}')),
        None => (text.to_owned(), None),
    };
    let head: Head = serde_json::from_str(&head)?;
    if let Some(entry) = entry {
        serde_json::from_str::<serde::de::IgnoredAny>(entry)?;
    }
    Ok(Line {
        sequence: head.sequence,
        snapshot: head.snapshot,
        before: head.before,
        chain: head.chain,
        entry: entry.map(str::to_owned),
    })
}

/// Every place where the chain is broken.
pub fn faults(lines: &[Line]) -> Vec<ChainFault> {
    let mut faults = Vec::new();
    let mut last: Option<&Line> = None;
    // Where the entries of a snapshot begin: those behind it go on from there.
    let mut branch = GENESIS;
    for (position, line) in lines.iter().enumerate() {
        let mut fault = |what: String| {
            faults.push(ChainFault {
                line: position + 1,
                what,
            });
        };
        if let Some(entry) = &line.entry
            && link(line.before, line.sequence, entry.as_bytes()) != line.chain
        {
            fault(format!(
                "the hash of entry {} is not that of what stands there",
                line.sequence
            ));
        }
        match last {
            None => {
                if line.sequence != 1 {
                    fault("the entries before it are missing".to_owned());
                } else if line.snapshot.is_none() && line.before != GENESIS {
                    fault("its chain does not begin with the first entry".to_owned());
                }
                branch = line.before;
            }
            Some(before) if before.snapshot == line.snapshot => {
                if line.sequence != before.sequence + 1 || line.before != before.chain {
                    fault(format!(
                        "entry {} does not go on from the line above",
                        line.sequence
                    ));
                }
            }
            Some(before) => {
                if line.snapshot.is_some()
                    || before.snapshot != Some(line.sequence)
                    || line.before != branch
                {
                    fault(format!(
                        "entry {} does not go on from the snapshot above",
                        line.sequence
                    ));
                }
            }
        }
        last = Some(line);
    }
    faults
}

/// The same entries as a journal of their own, from the first hash on: for entries that were changed.
#[must_use]
pub fn hashed_anew(lines: &[Line]) -> Vec<Line> {
    let mut before = GENESIS;
    lines
        .iter()
        .filter_map(|line| line.entry.as_deref())
        .enumerate()
        .map(|(position, entry)| {
            let sequence = position as u64 + 1;
            let chain = link(before, sequence, entry.as_bytes());
            let line = Line {
                sequence,
                snapshot: None,
                before,
                chain,
                entry: Some(entry.to_owned()),
            };
            before = chain;
            line
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Vec<Line> {
        let entry = |text: &str| Line {
            sequence: 0,
            snapshot: None,
            before: GENESIS,
            chain: GENESIS,
            entry: Some(text.to_owned()),
        };
        hashed_anew(&[
            entry(r#"{"entry":"a","x":0.1}"#),
            entry(r#"{"entry":"b"}"#),
            entry(r#"{"entry":"c"}"#),
        ])
    }

    #[test]
    fn a_journal_reads_back_as_it_was_written() {
        let lines = journal();
        let text = write(&lines);
        assert_eq!(read(&text), (lines.clone(), None));
        assert_eq!(faults(&lines), []);
        let broken = text.replacen("sequence\":2", "sequence\":x", 1);
        assert_eq!(read(&broken).1.unwrap().line, 2);
    }

    #[test]
    fn what_was_done_to_an_entry_is_found_in_its_line() {
        type Attack = fn(&mut Vec<Line>);
        let attacks: [(Attack, usize); 5] = [
            (|lines| lines[1].entry = Some(r#"{"entry":"d"}"#.into()), 2),
            (|lines| drop(lines.remove(1)), 2),
            (|lines| lines.swap(0, 1), 1),
            (|lines| drop(lines.remove(0)), 1),
            (|lines| lines.insert(1, lines[1].clone()), 3),
        ];
        for (attack, line) in attacks {
            let mut lines = journal();
            attack(&mut lines);
            assert_eq!(faults(&lines)[0].line, line);
        }
    }

    #[test]
    fn withheld_entries_keep_their_hashes_in_the_chain() {
        let mut lines = journal();
        lines[1].entry = None;
        assert_eq!(faults(&lines), []);
        lines[1].chain = GENESIS;
        assert_eq!(faults(&lines)[0].line, 3);
    }

    #[test]
    fn entries_behind_a_snapshot_go_on_from_where_it_began() {
        let plain = journal();
        let at = plain[1].chain;
        let part = r#"{"entry":"image"}"#;
        let image = Line {
            sequence: 1,
            snapshot: Some(3),
            before: at,
            chain: link(at, 1, part.as_bytes()),
            entry: Some(part.to_owned()),
        };
        let mut lines = vec![image, plain[2].clone()];
        assert_eq!(faults(&lines), []);
        lines[1].before = GENESIS;
        assert!(!faults(&lines).is_empty());
    }
}
