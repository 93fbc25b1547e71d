//! State folders that are read where they lie.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use sweeps::CellResult;

use super::*;
use crate::engine::expand::Expand;
use crate::engine::state_reader::{ReadError, StateReader};
use crate::store::journal::JournalError;

/// Every file and folder, with all that a write would change.
fn picture(folder: &Path) -> BTreeMap<PathBuf, (u64, i64, i64, u32)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let metadata = std::fs::metadata(&folder).unwrap();
        let told = (
            metadata.len(),
            metadata.mtime_nsec(),
            metadata.ctime_nsec(),
            metadata.mode(),
        );
        found.insert(folder.clone(), told);
        if metadata.is_dir() {
            let entries = std::fs::read_dir(&folder).unwrap();
            folders.extend(entries.map(|entry| entry.unwrap().path()));
        }
    }
    found
}

fn cells(reader: &StateReader, sweep: &str) -> Vec<CellResult> {
    let mut cells = Vec::new();
    reader
        .each_cell(sweep, &mut |cell| cells.push(cell))
        .unwrap();
    cells
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_read_as_its_coordinator_would_tell_it_and_nothing_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path());
    config.journal.snapshot_entries = 30;
    let lab = Lab::start(config).await.unwrap();
    lab.submit("a 9 2").await.unwrap();
    lab.run_all().await;
    lab.submit("b 3 1").await.unwrap();
    let digest = sweeps::Digest::of(b"scores");
    let mut upload = lab.handle().put_artifact(digest, 6).await.unwrap().unwrap();
    upload.write(b"scores").await.unwrap();
    upload.finish().await.unwrap();
    let handle = lab.handle();
    let expected = (
        handle.sweeps().await.unwrap(),
        handle.sweep_info("a".into()).await.unwrap(),
        handle.cells("a".into()).await.unwrap(),
    );
    let check = |reader: &StateReader| {
        assert_eq!(reader.sweeps(), expected.0);
        assert_eq!(reader.sweep_info("a").unwrap(), expected.1);
        assert_eq!(cells(reader, "a"), expected.2);
        assert_eq!(reader.artifact(digest, 6).unwrap(), b"scores");
        assert!(reader.artifact(digest, 5).is_err());
        assert!(matches!(
            reader.sweep_info("c"),
            Err(Refusal::UnknownSweep(_))
        ));
    };
    let before = picture(&folder.path().join("journal"));
    let beside = StateReader::open(folder.path()).unwrap();
    check(&beside);
    assert_eq!(picture(&folder.path().join("journal")), before);
    // What comes later, compactions too, takes nothing away from who has read.
    lab.submit("c 40 1").await.unwrap();
    lab.run_all().await;
    check(&beside);
    lab.stop().await;

    // A folder that may not be written, with a torn end.
    let segments = std::fs::read_dir(folder.path().join("journal")).unwrap();
    let last = segments
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "journal"))
        .max()
        .unwrap();
    let mut bytes = std::fs::read(&last).unwrap();
    bytes.extend([0; 700]);
    std::fs::write(&last, bytes).unwrap();
    let modes = |mode: u32| {
        for folder in [folder.path().to_owned(), folder.path().join("journal")] {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    modes(0o500);
    let before = picture(folder.path());
    let mut reader = StateReader::open(folder.path()).unwrap();
    assert_eq!(cells(&reader, "a"), expected.2);
    let submit = Submit {
        file: "test.toml".into(),
        text: "a 9 3".into(),
        datasets: [("tracks".to_owned(), fixture::digest("tracks"))].into(),
        ..Submit::default()
    };
    let expand: Expand = Arc::new(|_, text, _| fixture::expand(text));
    let told = reader.meaning(&submit, &expand).unwrap();
    assert_eq!((told.jobs, told.done, told.new), (27, 18, 9));
    assert_eq!(reader.sweeps().len(), 3, "a question adds nothing");
    drop(reader);
    let after = picture(folder.path());
    modes(0o700);
    assert_eq!(after, before);
}

#[test]
fn a_folder_that_is_no_state_folder_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let told = |path: &Path| StateReader::open(path).err().unwrap().to_string();
    assert!(matches!(
        StateReader::open(&out),
        Err(ReadError::NoFolder(_))
    ));
    std::fs::create_dir_all(&out).unwrap();
    assert!(told(&out).ends_with("it has no folder `journal`"));
    std::fs::create_dir_all(out.join("state/journal")).unwrap();
    assert!(told(&out).ends_with("out/state meant?"), "{}", told(&out));
    assert!(
        StateReader::open(&out.join("state"))
            .unwrap()
            .sweeps()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_told_to_readers_too() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    lab.submit("a 2 1").await.unwrap();
    lab.run_all().await;
    lab.stop().await;
    let digest = sweeps::Digest::of(b"scores");
    let name = digest.to_string();
    let within = folder.path().join("artifacts").join(&name[..2]);
    std::fs::create_dir_all(&within).unwrap();
    std::fs::write(within.join(&name), b"errors").unwrap();
    let reader = StateReader::open(folder.path()).unwrap();
    assert!(matches!(
        reader.artifact(digest, 100),
        Err(Refusal::Storage(text)) if text.contains("damaged")
    ));
    let segment = folder.path().join("journal/00000000000000000001.journal");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[300] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    assert!(matches!(
        StateReader::open(folder.path()),
        Err(ReadError::Journal(JournalError::Damaged { .. }))
    ));
}
