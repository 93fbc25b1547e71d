//! A backup that arrives is whole or nothing, and stays in its folder.

use super::*;
use crate::scheduler::tests::world::World;
use crate::store::journal::{Journal, Options};

fn state(folder: &Path) {
    let mut world = World::new();
    world.sweep("s", 3);
    let worker = world.worker("w");
    let job = world.one(worker);
    world.finish(worker, &job).unwrap();
    let mut journal =
        Journal::open_in(&folder.join("journal"), Options::default(), &mut |_| Ok(())).unwrap();
    journal.append(&world.entries).unwrap();
    let blob = folder.join(blob());
    std::fs::create_dir_all(blob.parent().unwrap()).unwrap();
    std::fs::create_dir_all(folder.join("artifacts/incoming")).unwrap();
    std::fs::write(blob, vec![7; 600_000]).unwrap();
    std::fs::write(folder.join("artifacts/incoming/half"), b"x").unwrap();
}

/// Where the artifact of [`state`] is.
fn blob() -> String {
    let name = Digest::of(&vec![7; 600_000]).to_string();
    format!("artifacts/{}/{name}", &name[..2])
}

fn pieces(state: &Path) -> Vec<Piece> {
    let mut pieces = Vec::new();
    send(state, &mut |piece| {
        pieces.push(piece);
        true
    })
    .unwrap();
    pieces
}

#[test]
fn what_is_sent_arrives_and_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to, back) = ["from", "to", "back"]
        .map(|name| folder.path().join(name))
        .into();
    state(&from);
    let mut receiver = Receiver::new(&to).unwrap();
    for piece in pieces(&from) {
        receiver.take(piece).unwrap();
    }
    let copied = receiver.finish().unwrap();
    let bytes = copied.bytes;
    assert!(copied.journal.entries > 3 && bytes > 600_000);
    assert!(copied.damaged.is_empty());
    let restored = restore(&to, &back).unwrap();
    assert_eq!((restored.records, restored.bytes), (1, bytes));
    assert!(restored.missing.is_empty());
    let blob = blob();
    assert_eq!(
        std::fs::read(back.join(&blob)).unwrap(),
        std::fs::read(from.join(&blob)).unwrap()
    );
    // Neither into a folder that holds something, nor from one that is damaged.
    assert!(restore(&to, &back).is_err());
    let segment = to.join("journal/00000000000000000001.journal");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[300] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let other = folder.path().join("other");
    assert!(matches!(
        restore(&to, &other),
        Err(JournalError::Damaged { .. })
    ));
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 0);
}

#[test]
fn a_backup_that_is_not_whole_gets_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("from");
    state(&from);
    let pieces = pieces(&from);
    for missing in 0..pieces.len() {
        let to = folder.path().join(format!("to{missing}"));
        let mut receiver = Receiver::new(&to).unwrap();
        let taken = pieces
            .iter()
            .enumerate()
            .filter(|(position, _)| *position != missing)
            .try_for_each(|(_, piece)| receiver.take(piece.clone()));
        assert!(taken.is_err() || receiver.finish().is_err(), "{missing}");
        assert_eq!(std::fs::read_dir(&to).unwrap().count(), 0);
    }
}

#[test]
fn files_outside_a_state_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let name = "ab".repeat(32);
    for path in [
        "../journal/00000000000000000001.journal".to_owned(),
        "/etc/passwd".to_owned(),
        "journal/../x.journal".to_owned(),
        "journal/lock".to_owned(),
        "journal/1.journal".to_owned(),
        format!("artifacts/cd/{name}"),
        format!("artifacts/ab/../{name}"),
        "index/db".to_owned(),
        String::new(),
    ] {
        let mut receiver = Receiver::new(&folder.path().join("to")).unwrap();
        let file = Piece::File {
            path: path.clone(),
            bytes: 1,
        };
        assert!(receiver.take(file).is_err(), "{path}");
    }
}

#[test]
fn a_damaged_artifact_is_left_out_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let (from, copy, sent, back) = ["from", "copy", "sent", "back"]
        .map(|name| folder.path().join(name))
        .into();
    state(&from);
    let digest = Digest::of(&vec![7; 600_000]);
    std::fs::write(from.join(blob()), vec![8; 600_000]).unwrap();
    std::fs::write(from.join(blob() + ".damaged"), b"older").unwrap();

    assert_eq!(backup(&from, &copy).unwrap().damaged, [digest].into());
    assert!(!copy.join(blob()).exists());
    let mut receiver = Receiver::new(&sent).unwrap();
    for piece in pieces(&from) {
        receiver.take(piece).unwrap();
    }
    assert_eq!(receiver.finish().unwrap().damaged, [digest].into());
    assert!(!sent.join(blob()).exists());
    // Damaged in the backup itself.
    std::fs::write(sent.join(blob()), vec![9; 600_000]).unwrap();
    assert_eq!(restore(&sent, &back).unwrap().damaged, [digest].into());
    assert!(!back.join(blob()).exists());
}

#[test]
fn what_was_interrupted_does_not_count_and_stands_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to, back) = ["from", "to", "back"]
        .map(|name| folder.path().join(name))
        .into();
    state(&from);
    let pieces = pieces(&from);
    // A process that is killed drops nothing: what it had taken lies there.
    for taken in 0..pieces.len() {
        let mut receiver = Receiver::new(&to).unwrap();
        for piece in &pieces[..taken] {
            receiver.take(piece.clone()).unwrap();
        }
        let torn = folder.path().join(format!("torn{taken}"));
        copy_all(&to, &torn);
        drop(receiver);
        assert!(matches!(
            restore(&torn, &back),
            Err(JournalError::Unfinished(_))
        ));
        // Again into the same folder: as if nothing had been.
        assert_eq!(backup(&from, &torn).unwrap().damaged, BTreeSet::new());
        let again = folder.path().join(format!("again{taken}"));
        let restored = restore(&torn, &again).unwrap();
        assert_eq!(restored.records, 1);
        assert!(again.join(blob()).exists() && !restored.is_guarded);
    }
    // So does a restore.
    std::fs::create_dir_all(back.join("journal")).unwrap();
    Mark::Unfinished.put(&back).unwrap();
    assert!(restore(&from, &back).is_ok());
    assert!(mark::be_whole(&back).is_ok() && Mark::Copied.is_on(&back));
}

#[test]
fn a_guarded_folder_stays_guarded_in_its_copies() {
    let folder = tempfile::tempdir().unwrap();
    let (from, copy, sent, back) = ["from", "copy", "sent", "back"]
        .map(|name| folder.path().join(name))
        .into();
    state(&from);
    std::fs::write(from.join(TOKENS), b"{}").unwrap();
    backup(&from, &copy).unwrap();
    let mut receiver = Receiver::new(&sent).unwrap();
    for piece in pieces(&from) {
        receiver.take(piece).unwrap();
    }
    receiver.finish().unwrap();
    for backup in [&copy, &sent] {
        assert!(restore(backup, &back).unwrap().is_guarded);
        assert!(!back.join(TOKENS).exists());
        std::fs::remove_dir_all(&back).unwrap();
    }
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
