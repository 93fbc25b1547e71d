//! The end of a journal: what a power cut leaves of the last append is cut off, and nothing else is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::files::{cut_of, path_of};
use super::frame::FRAME;
use super::power_loss::PowerLossDisk;
use super::tests::{Bytes, bytes, read};
use super::*;

/// Entries of some bytes to three pages.
fn entry(number: u64) -> Bytes {
    bytes(number, 45 + number * 977 % 12_000)
}

fn entries(numbers: std::ops::Range<u64>) -> Vec<Bytes> {
    numbers.map(entry).collect()
}

/// A journal of appends of so many entries each; where each append begins in its one segment.
fn written(folder: &Path, appends: &[u64]) -> Vec<u64> {
    let mut journal = Journal::open_in(folder, Options::default(), &mut |_| Ok(())).unwrap();
    let mut first = 0;
    let mut begins = Vec::new();
    for count in appends {
        begins.push(journal.end);
        journal.append(&entries(first..first + count)).unwrap();
        first += count;
    }
    begins
}

fn segment(folder: &Path) -> PathBuf {
    path_of(folder, 1)
}

fn change(folder: &Path, work: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(segment(folder)).unwrap();
    work(&mut bytes);
    std::fs::write(segment(folder), bytes).unwrap();
}

fn is_damaged(folder: &Path) -> bool {
    let before = std::fs::read(segment(folder)).unwrap();
    let damaged = matches!(read(folder), Err(JournalError::Damaged { .. }));
    assert!(
        !damaged || std::fs::read(segment(folder)).unwrap() == before,
        "damage is not touched"
    );
    damaged
}

#[test]
fn a_lost_page_in_the_middle_of_the_last_append_is_torn_and_kept_beside() {
    let folder = tempfile::tempdir().unwrap();
    let begins = written(folder.path(), &[2, 1, 40]);
    let last = begins[2] as usize;
    let page = (last / 4096 + 2) * 4096;
    change(folder.path(), |bytes| {
        assert!(bytes.len() > page + 8192);
        bytes[page..page + 4096].fill(0);
    });
    let torn = std::fs::read(segment(folder.path())).unwrap();
    let found = read(folder.path()).unwrap();
    assert!((3..43).contains(&found.len()), "{}", found.len());
    assert_eq!(found, entries(0..found.len() as u64));
    let cut = std::fs::metadata(segment(folder.path())).unwrap().len() as usize;
    let kept = std::fs::read(cut_of(folder.path(), 1, cut as u64)).unwrap();
    assert_eq!(kept, torn[cut..]);
    assert_eq!(read(folder.path()).unwrap(), found, "once is enough");
}

#[test]
fn zeros_at_the_end_excuse_no_damage() {
    for zeros in [0, 1, 15, 16, 100, 511, 512, 4096, 10_000] {
        let folder = tempfile::tempdir().unwrap();
        let begins = written(folder.path(), &[3, 2, 2]);
        // Behind a whole append they are nothing.
        change(folder.path(), |bytes| bytes.resize(bytes.len() + zeros, 0));
        assert_eq!(read(folder.path()).unwrap(), entries(0..7), "{zeros}");
        for begin in begins {
            let at = begin as usize + 90;
            change(folder.path(), |bytes| {
                bytes[at] ^= 1;
                bytes.resize(bytes.len() + zeros, 0);
            });
            assert!(is_damaged(folder.path()), "{zeros} zeros, byte {at}");
            change(folder.path(), |bytes| {
                bytes[at] ^= 1;
                bytes.truncate(bytes.len() - zeros);
            });
        }
        // In the place of the end of an entry.
        if (1..500).contains(&zeros) {
            change(folder.path(), |bytes| {
                let end = bytes.len();
                bytes[end - zeros..].fill(0);
            });
            assert!(is_damaged(folder.path()), "the last {zeros} bytes");
        }
    }
}

#[test]
fn an_append_that_others_follow_is_never_taken_for_torn() {
    for lost in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let begins = written(folder.path(), &[4, 30, 3, 2]);
        // Wholly, or one page of it.
        for length in [u64::MAX, 4096, 512] {
            let begin = begins[lost].next_multiple_of(512);
            let end = begins[lost + 1].min(begin.saturating_add(length));
            if begin >= end {
                continue;
            }
            let whole = std::fs::read(segment(folder.path())).unwrap();
            change(folder.path(), |bytes| {
                bytes[begin as usize..end as usize].fill(0);
            });
            assert!(is_damaged(folder.path()), "append {lost}, {length} bytes");
            std::fs::write(segment(folder.path()), whole).unwrap();
        }
    }
    // Nor is one behind which a segment begins.
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &[4, 30]);
    let options = Options {
        segment_bytes: 100,
        ..Options::default()
    };
    let mut journal = Journal::open_in(folder.path(), options, &mut |_| Ok(())).unwrap();
    journal.append(&[entry(34)]).unwrap();
    drop(journal);
    change(folder.path(), |bytes| {
        let end = bytes.len();
        bytes[end - 4096..].fill(0);
    });
    assert!(is_damaged(folder.path()));
}

/// Nothing is written behind an append before it is on disk: what follows it says so also where no frame there can be read.
#[test]
fn a_page_that_was_lost_over_the_end_of_an_append_is_damage() {
    for counts in [[2, 1, 1], [1, 3, 1], [1, 1, 1]] {
        let folder = tempfile::tempdir().unwrap();
        let begins = written(folder.path(), &counts[..2]);
        let mut journal =
            Journal::open_in(folder.path(), Options::default(), &mut |_| Ok(())).unwrap();
        let border = journal.end as usize;
        // A single frame, and pages of it.
        journal.append(&[entry(11)]).unwrap();
        assert!(journal.end as usize > border + 9_000);
        drop(journal);
        // The first frame of the append before it stays.
        let from = (begins[1] as usize + FRAME as usize).max((border - 1) / 512 * 512);
        change(folder.path(), |bytes| bytes[from..border + 4096].fill(0));
        assert!(is_damaged(folder.path()), "{counts:?}");
        let what = read(folder.path()).unwrap_err().to_string();
        assert!(what.contains("it had been acknowledged"), "{what}");
        // Where only zeros are behind it, it was the last append.
        change(folder.path(), |bytes| bytes[border..].fill(0));
        let found = read(folder.path()).unwrap();
        assert!(found.len() as u64 >= counts[0], "{counts:?}");
        assert_eq!(found, entries(0..found.len() as u64));
    }
}

#[test]
fn bytes_that_no_append_leaves_are_damage() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &[3]);
    change(folder.path(), |bytes| bytes.extend([b'?'; 600]));
    assert!(is_damaged(folder.path()));
}

#[test]
fn a_segment_that_is_zeros_alone_was_never_begun() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &[3]);
    for length in [0, 10, 60, 4096] {
        std::fs::write(path_of(folder.path(), 4), vec![0; length]).unwrap();
        assert_eq!(read(folder.path()).unwrap(), entries(0..3), "{length}");
        // A number that would not have come next was whole once.
        std::fs::write(path_of(folder.path(), 9), vec![0; length]).unwrap();
        assert!(read(folder.path()).is_err(), "{length}");
        std::fs::remove_file(path_of(folder.path(), 9)).unwrap();
    }
}

/// What follows an append that was cut must not be excused by what that one lacks.
#[test]
fn damage_behind_a_torn_append_is_not_taken_for_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let begins = written(folder.path(), &[2, 6]);
    // Half of the last append is there.
    change(folder.path(), |bytes| bytes.truncate(bytes.len() - 9_000));
    let kept = read(folder.path()).unwrap().len() as u64;
    assert!((3..8).contains(&kept), "{kept} behind {begins:?}");
    let mut journal = Journal::open_in(folder.path(), Options::default(), &mut |_| Ok(())).unwrap();
    journal.append(&[entry(kept)]).unwrap();
    let (path, at) = (journal.path.clone(), journal.end as usize - 100);
    drop(journal);
    assert_eq!(read(folder.path()).unwrap(), entries(0..kept + 1));
    for at in [frame::HEADER as usize, at] {
        let whole = std::fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(
            read(folder.path()),
            Err(JournalError::Damaged { .. })
        ));
        std::fs::write(&path, whole).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_power_cut_during_an_append_costs_nothing_else(
        appends in proptest::collection::vec(1..6_u64, 0..6),
        last in 1..30_u64,
        seeds in proptest::collection::vec(any::<u64>(), 6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let disk = PowerLossDisk::default();
        let options = Options { disk: Arc::new(disk.clone()), ..Options::default() };
        let mut journal = Journal::open_in(folder.path(), options, &mut |_| Ok(())).unwrap();
        let mut first = 0;
        for count in appends {
            journal.append(&entries(first..first + count)).unwrap();
            first += count;
        }
        // It is written, and not synced.
        disk.fail_after(1);
        prop_assert!(journal.append(&entries(first..first + last)).is_err());
        for seed in seeds {
            let after = tempfile::tempdir().unwrap();
            disk.pull_the_plug(seed, after.path());
            let found = read(after.path()).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let count = found.len() as u64;
            prop_assert!((first..=first + last).contains(&count), "{count} of {first}");
            prop_assert_eq!(found, entries(0..count));
            let mut journal = Journal::open_in(after.path(), Options::default(), &mut |_| Ok(())).unwrap();
            journal.append(&[entry(count)]).unwrap();
            drop(journal);
            prop_assert_eq!(read(after.path()).unwrap(), entries(0..count + 1));
        }
    }

    /// A changed byte is damage also where a power cut has left its traces behind it.
    #[test]
    fn any_flipped_byte_is_damage_whatever_is_behind(
        share in 0.0..1.0_f64,
        flip in 1..=255_u8,
        zeros in 0..5_000_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path(), &[2, 5, 1]);
        change(folder.path(), |bytes| {
            let at = (share * bytes.len() as f64) as usize;
            bytes[at] ^= flip;
            bytes.resize(bytes.len() + zeros, 0);
        });
        prop_assert!(is_damaged(folder.path()));
    }
}
