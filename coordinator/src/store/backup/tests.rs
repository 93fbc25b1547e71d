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
    let blob = "ab".repeat(32);
    std::fs::create_dir_all(folder.join("artifacts/ab")).unwrap();
    std::fs::create_dir_all(folder.join("artifacts/incoming")).unwrap();
    std::fs::write(folder.join("artifacts/ab").join(blob), vec![7; 600_000]).unwrap();
    std::fs::write(folder.join("artifacts/incoming/half"), b"x").unwrap();
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
    let (verified, bytes) = receiver.finish().unwrap();
    assert!(verified.entries > 3 && bytes > 600_000);
    let restored = restore(&to, &back).unwrap();
    assert_eq!((restored.records, restored.bytes), (1, bytes));
    assert!(restored.missing.is_empty());
    let blob = format!("artifacts/ab/{}", "ab".repeat(32));
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
