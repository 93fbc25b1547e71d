//! Disks that are full, damaged, shared or copied.

use std::time::Duration;

use super::*;
use crate::model::entry::Entry;
use crate::store::journal::failing::{FailingDisk, Operation};
use crate::store::lock::LockError;
use crate::store::mark::Mark;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_cannot_be_trusted_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    lab.submit("a 5 1").await.unwrap();
    assert_eq!(lab.run_all().await, 5);
    let expected = lab.handle().cells("a".into()).await.unwrap();
    lab.stop().await;
    let index = folder.path().join("index");
    let break_it: [&dyn Fn(); 4] = [
        &|| std::fs::remove_dir_all(&index).unwrap(),
        &|| std::fs::write(index.join("conf"), b"nonsense").unwrap(),
        &|| {
            let store = crate::store::index::SledStore::open(&index).unwrap();
            let (key, _) = crate::store::index::Store::scan(&store, b"r")
                .unwrap()
                .remove(2);
            crate::store::index::Store::apply(&store, vec![(key, None)]).unwrap();
        },
        &|| {
            let store = crate::store::index::SledStore::open(&index).unwrap();
            crate::store::index::Store::apply(&store, vec![(b"rforeign".to_vec(), Some(vec![1]))])
                .unwrap();
        },
    ];
    for (way, break_it) in break_it.iter().enumerate() {
        break_it();
        let lab = Lab::at(folder.path()).await;
        assert_eq!(
            lab.handle().cells("a".into()).await.unwrap(),
            expected,
            "way {way}"
        );
        lab.stop().await;
    }
    let rebuild = Config {
        rebuild_index: true,
        ..Config::new(folder.path())
    };
    let lab = Lab::start(rebuild).await.unwrap();
    assert_eq!(lab.handle().cells("a".into()).await.unwrap(), expected);
    lab.stop().await;
}

/// The last append, cut off at its beginning or zeroed, looks like one that was never acknowledged. The index knows better.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_entries_that_are_gone_without_a_trace_refuse_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    lab.submit("a 1 1").await.unwrap();
    let segment = folder.path().join("journal/00000000000000000001.journal");
    let before = std::fs::metadata(&segment).unwrap().len();
    lab.submit("b 1 1").await.unwrap();
    lab.stop().await;
    let whole = std::fs::read(&segment).unwrap();
    let zeroed = [
        &whole[..before as usize],
        &vec![0; whole.len() - before as usize],
    ]
    .concat();
    for bytes in [&whole[..before as usize], &zeroed[..]] {
        std::fs::write(&segment, bytes).unwrap();
        let refused = Lab::start(Config::new(folder.path())).await.err().unwrap();
        let told = refused.to_string();
        assert!(
            matches!(&refused, EngineError::Journal(JournalError::Lost { .. })),
            "{told}"
        );
        assert!(told.contains(": 1 acknowledged entries are lost"), "{told}");
        assert_eq!(std::fs::read(&segment).unwrap(), *bytes, "nothing was cut");
        // Not by the way either, when an index is to be made again.
        let refused = super::super::upkeep::repair(folder.path(), false).unwrap_err();
        assert!(
            matches!(&refused, EngineError::Journal(JournalError::Lost { .. })),
            "{refused}"
        );
    }
    std::fs::write(&segment, &whole).unwrap();
    let lab = Lab::at(folder.path()).await;
    assert_eq!(lab.handle().sweeps().await.unwrap().len(), 2);
    lab.stop().await;
    // Who goes on without them has said so.
    std::fs::write(&segment, &whole[..before as usize]).unwrap();
    super::super::upkeep::repair(folder.path(), true).unwrap();
    let lab = Lab::at(folder.path()).await;
    assert_eq!(lab.handle().sweeps().await.unwrap().len(), 1);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_to_the_journal_is_said_at_start_and_when_read() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    lab.submit("a 1 1").await.unwrap();
    lab.run_all().await;
    let segment = folder.path().join("journal/00000000000000000001.journal");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.len() - 200;
    bytes[at] ^= 4;
    std::fs::write(&segment, &bytes).unwrap();
    let job = lab.handle().find_jobs(String::new(), 1).await.unwrap()[0];
    assert_eq!(lab.handle().damage(), None);
    assert!(matches!(
        lab.handle().record(job).await,
        Err(Refusal::Storage(_))
    ));
    let known = lab.handle().damage().unwrap();
    assert!(known.contains("damaged"), "{known}");
    lab.stop().await;
    let refused = Lab::start(Config::new(folder.path())).await.err().unwrap();
    assert!(
        matches!(refused, EngineError::Journal(JournalError::Damaged { .. })),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_acknowledgements_not_data() {
    let folder = tempfile::tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let mut config = Config::new(folder.path());
    config.journal.disk = Arc::new(FailingDisk(Arc::new({
        let full = full.clone();
        move |operation| {
            // What makes room is done on a full disk, too.
            let takes_room = operation != Operation::Cut;
            if takes_room && full.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        }
    })));
    let lab = Lab::start(config).await.unwrap();
    lab.submit("a 2 1").await.unwrap();
    let worker = lab.hello().await;
    let jobs = lab.lease(worker, 2, 0).await.unwrap();
    lab.finish(worker, &jobs[0]).await.unwrap();

    full.store(true, Ordering::Relaxed);
    // This one is decided, but not told; those after it are not even looked at.
    for _ in 0..3 {
        let refused = lab.finish(worker, &jobs[1]).await.unwrap_err();
        assert!(
            matches!(&refused, Refusal::Storage(text) if text.contains("journal")),
            "{refused}"
        );
        assert!(refused.is_transient());
    }
    assert!(matches!(
        lab.submit("b 1 1").await,
        Err(Refusal::Storage(_))
    ));
    assert!(matches!(
        lab.handle().sweeps().await,
        Err(Refusal::Storage(_))
    ));
    assert!(matches!(
        lab.lease(worker, 1, 60_000).await,
        Err(Refusal::Storage(_))
    ));

    full.store(false, Ordering::Relaxed);
    // The next request finds that it can be written again; what was decided is not decided twice.
    assert_eq!(lab.finish(worker, &jobs[1]).await.unwrap(), Receipt::Equal);
    assert_eq!(lab.statuses("a").await, [JobStatus::Done; 2]);
    lab.submit("b 1 1").await.unwrap();
    lab.stop().await;
    let lab = Lab::at(folder.path()).await;
    assert_eq!(lab.statuses("a").await, [JobStatus::Done; 2]);
    assert_eq!(lab.handle().sweeps().await.unwrap().len(), 2);
    lab.stop().await;
}

/// What the journal needs may be more than a disk of the artifacts alone has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn artifacts_on_a_disk_of_their_own_need_not_leave_what_the_journal_needs() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let device = |path: &Path| std::fs::metadata(path).map(|found| found.dev()).ok();
    let elsewhere = ["/dev/shm", "/tmp", "/var/tmp"].into_iter().find_map(|at| {
        let made = tempfile::tempdir_in(at).ok()?;
        (device(made.path()) != device(folder.path())).then_some(made)
    });
    let digest = sweeps::Digest::of(b"x");
    let config = || Config {
        reserve: Some(u64::MAX),
        ..Config::new(folder.path())
    };
    let lab = Lab::start(config()).await.unwrap();
    assert!(lab.handle().put_artifact(digest, 1).await.is_err());
    assert!(lab.handle().upload_trouble().is_some());
    lab.stop().await;
    // A machine with a single disk shows no more.
    let Some(elsewhere) = elsewhere else { return };
    let artifacts = folder.path().join("artifacts");
    std::fs::remove_dir_all(&artifacts).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), &artifacts).unwrap();
    let lab = Lab::start(config()).await.unwrap();
    assert_eq!(lab.handle().upload_trouble(), None);
    let upload = lab.handle().put_artifact(digest, 1).await.unwrap();
    drop(upload.unwrap());
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_folder_has_one_coordinator_whatever_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    lab.submit("a 1 1").await.unwrap();
    for part in ["journal", "index", "artifacts"] {
        let metadata = std::fs::metadata(folder.path().join(part)).unwrap();
        let mode = std::os::unix::fs::MetadataExt::mode(&metadata);
        assert_eq!(mode & 0o777, 0o700, "{part} is its owner's alone");
    }
    let incoming = folder.path().join("artifacts/incoming/half");
    std::fs::write(&incoming, b"on its way").unwrap();
    for _ in 0..2 {
        let second = Lab::start(Config::new(folder.path())).await.err().unwrap();
        assert!(
            matches!(second, EngineError::Lock(LockError::InUse(_))),
            "{second}"
        );
        let repaired = super::super::upkeep::repair(folder.path(), true).unwrap_err();
        assert!(
            matches!(repaired, EngineError::Lock(LockError::InUse(_))),
            "{repaired}"
        );
        assert!(incoming.exists(), "a refused opener touches nothing");
        // What looks like a stale lock to somebody.
        let _ = std::fs::remove_file(folder.path().join("journal/lock"));
    }
    lab.submit("b 1 1").await.unwrap();
    lab.stop().await;
    let lab = Lab::at(folder.path()).await;
    assert_eq!(lab.handle().sweeps().await.unwrap().len(), 2);
    assert!(
        !incoming.exists(),
        "an upload that was cut off is sent again"
    );
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_into_a_folder_that_is_gone() {
    let ways: [&dyn Fn(&Path); 7] = [
        &|state| std::fs::remove_dir_all(state).unwrap(),
        &|state| std::fs::remove_file(state.join("journal/00000000000000000001.journal")).unwrap(),
        &|state| std::fs::rename(state.join("journal"), state.join("elsewhere")).unwrap(),
        &|state| std::fs::remove_dir_all(state.join("artifacts")).unwrap(),
        &|state| std::fs::remove_dir_all(state.join("index")).unwrap(),
        // A copy of the same bytes under the same names is another folder.
        &|state| {
            let segment = state.join("journal/00000000000000000001.journal");
            let bytes = std::fs::read(&segment).unwrap();
            std::fs::rename(&segment, state.join("old")).unwrap();
            std::fs::write(&segment, bytes).unwrap();
        },
        // A shorter copy over it is the same file.
        &|state| {
            let segment = state.join("journal/00000000000000000001.journal");
            let bytes = std::fs::read(&segment).unwrap();
            std::fs::write(&segment, &bytes[..bytes.len() / 2]).unwrap();
        },
    ];
    for (way, remove) in ways.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let lab = Lab::at(&state).await;
        lab.submit("a 1 1").await.unwrap();
        remove(&state);
        let refused = lab.submit("b 1 1").await.unwrap_err();
        assert!(
            matches!(&refused, Refusal::Storage(text) if text.contains("removed or replaced")),
            "{way}: {refused}"
        );
        let ended = lab.engine.stopped().await.unwrap_err();
        assert!(
            matches!(ended, EngineError::Lock(LockError::Gone(_))),
            "{way}: {ended}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_coordinator_notices_too_that_its_folder_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let lab = Lab::at(&state).await;
    lab.submit("a 1 1").await.unwrap();
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(lab.handle().sweeps().await.unwrap().len(), 1);
    std::fs::rename(&state, folder.path().join("away")).unwrap();
    tokio::time::advance(Duration::from_secs(2)).await;
    // Health asks like this every other second.
    lab.handle().sweeps().await.unwrap_err();
    let ended = lab.engine.stopped().await.unwrap_err();
    assert!(
        matches!(ended, EngineError::Lock(LockError::Gone(_))),
        "{ended}"
    );
}

/// Cleaners take the oldest files first.
#[tokio::test(start_paused = true)]
async fn an_idle_coordinator_misses_an_older_segment_before_it_acknowledges() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path());
    config.journal.segment_bytes = 100;
    let lab = Lab::start(config).await.unwrap();
    for name in ["a", "b", "c"] {
        lab.submit(&format!("{name} 1 1")).await.unwrap();
    }
    std::fs::remove_file(folder.path().join("journal/00000000000000000001.journal")).unwrap();
    tokio::time::advance(Duration::from_secs(2)).await;
    // Told why, or that it has ended already.
    lab.submit("d 1 1").await.unwrap_err();
    let ended = lab.engine.stopped().await.unwrap_err();
    assert!(
        matches!(ended, EngineError::Lock(LockError::Gone(_))),
        "{ended}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coordinator_on_a_copy_takes_what_the_life_that_went_on_has_begun() {
    let folder = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    lab.submit("a 2 1").await.unwrap();
    crate::store::backup::backup(folder.path(), copy.path()).unwrap();
    assert!(Mark::Copied.is_on(copy.path()));
    let old = lab.hello().await;
    let jobs = lab.lease(old, 2, 0).await.unwrap();
    lab.stop().await;

    let lab = Lab::at(copy.path()).await;
    assert!(!Mark::Copied.is_on(copy.path()));
    assert_eq!(lab.finish(old, &jobs[0]).await, Ok(Receipt::Recorded));
    let new = lab.hello().await;
    assert_ne!(new, old);
    let again = lab.lease(new, 2, 0).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_ne!(again[0].attempt, jobs[1].attempt);
    assert_eq!(lab.finish(old, &jobs[1]).await, Ok(Receipt::Recorded));
    assert_eq!(lab.finish(new, &again[0]).await, Ok(Receipt::Equal));
    lab.stop().await;
    // The life goes on over a restart, and is not drawn again.
    let lab = Lab::at(copy.path()).await;
    assert_eq!(lab.statuses("a").await, [JobStatus::Done; 2]);
    assert_eq!(lab.hello().await, new);
    let cells = lab.handle().cells("a".into()).await.unwrap();
    assert!(cells.iter().all(|cell| cell.attempts <= 2));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_not_whole_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    Mark::Unfinished.put(folder.path()).unwrap();
    let refused = Lab::start(Config::new(folder.path())).await.err().unwrap();
    assert!(
        matches!(refused, EngineError::Journal(JournalError::Unfinished(_))),
        "{refused}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_taken_while_running_is_a_state_folder() {
    let folder = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    lab.submit("a 3 1").await.unwrap();
    lab.run_all().await;
    let bytes = b"scores";
    let artifact = sweeps::Digest::of(bytes);
    let mut upload = lab
        .handle()
        .put_artifact(artifact, 6)
        .await
        .unwrap()
        .unwrap();
    upload.write(bytes).await.unwrap();
    upload.finish().await.unwrap();
    let expected = lab.handle().cells("a".into()).await.unwrap();

    crate::store::backup::backup(folder.path(), copy.path()).unwrap();
    assert!(
        crate::store::backup::backup(folder.path(), copy.path()).is_err(),
        "it is not empty"
    );
    let mut lines = Vec::new();
    let count = crate::store::entries::export(&folder.path().join("journal"), &mut lines).unwrap();
    let text = String::from_utf8(lines).unwrap();
    assert_eq!(text.lines().count() as u64, count);
    for line in text.lines() {
        serde_json::from_str::<Entry>(line).unwrap();
    }
    assert_eq!(text.matches("\"entry\":\"finished\"").count(), 3);
    lab.stop().await;

    let restored = Lab::at(copy.path()).await;
    assert_eq!(restored.handle().cells("a".into()).await.unwrap(), expected);
    assert!(
        restored
            .handle()
            .get_artifact(artifact)
            .await
            .unwrap()
            .is_some()
    );
    restored.stop().await;
}
