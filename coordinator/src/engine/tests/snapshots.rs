//! A journal that is compacted while the engine runs; the index follows.

use super::*;

#[tokio::test]
async fn a_journal_that_grows_is_compacted_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let config = || {
        let mut config = Config::new(folder.path());
        config.journal.segment_bytes = 4_000;
        config.journal.snapshot_bytes = 20_000;
        config
    };
    let first = config();
    let metrics = first.metrics.clone();
    let lab = Lab::start(first).await.unwrap();
    for round in 1..=4 {
        lab.submit(&format!("grown {} 4", round * 6)).await.unwrap();
        assert_eq!(lab.run_all().await, 24);
        // A turn begins what is due before it answers queries. However slow the disk is, the folder is looked at when
        // nothing is under way.
        lab.handle().sweeps().await.unwrap();
        while metrics.is_compacting() {
            tokio::task::yield_now().await;
        }
    }
    let segments = || {
        std::fs::read_dir(folder.path().join("journal"))
            .unwrap()
            .count()
    };
    let verified = crate::store::entries::verify(&folder.path().join("journal")).unwrap();
    assert!(verified.entries < verified.sequence, "{verified:?}");
    assert!(segments() < 20, "{}", segments());
    // The index knows where the records went.
    let cells = lab.handle().cells("grown".into()).await.unwrap();
    assert!(cells.len() == 96 && cells.iter().all(|cell| cell.record.is_some()));
    lab.stop().await;
    let lab = Lab::start(config()).await.unwrap();
    let again = lab.handle().cells("grown".into()).await.unwrap();
    assert_eq!(again, cells);
    lab.stop().await;
    // So does one that lags behind the snapshot, and one that is made again.
    std::fs::remove_dir_all(folder.path().join("index")).unwrap();
    let lab = Lab::start(config()).await.unwrap();
    assert_eq!(lab.handle().cells("grown".into()).await.unwrap(), cells);
    lab.stop().await;
}

#[tokio::test]
async fn an_index_from_before_a_snapshot_catches_up_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    lab.submit("grown 5 4").await.unwrap();
    assert_eq!(lab.run_all().await, 20);
    lab.stop().await;
    let (index, old) = (folder.path().join("index"), folder.path().join("old"));
    std::fs::rename(&index, &old).unwrap();

    let mut config = Config::new(folder.path());
    config.journal.snapshot_bytes = 1;
    let lab = Lab::start(config).await.unwrap();
    lab.submit("grown 6 4").await.unwrap();
    assert_eq!(lab.run_all().await, 4);
    let cells = lab.handle().cells("grown".into()).await.unwrap();
    lab.stop().await;
    std::fs::remove_dir_all(&index).unwrap();
    std::fs::rename(&old, &index).unwrap();

    let lab = Lab::at(folder.path()).await;
    assert_eq!(lab.handle().cells("grown".into()).await.unwrap(), cells);
    assert!(cells.iter().all(|cell| cell.record.is_some()));
    lab.stop().await;
}

/// A door that what comes to it waits before.
#[derive(Default)]
struct Door {
    /// Whether somebody stands there, and whether it is open.
    state: std::sync::Mutex<(bool, bool)>,
    changed: std::sync::Condvar,
}

impl Door {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 = true;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |(_, open)| !*open).unwrap());
    }

    fn somebody_waits(&self) {
        let state = self.state.lock().unwrap();
        drop(
            self.changed
                .wait_while(state, |(there, _)| !*there)
                .unwrap(),
        );
    }

    fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

struct OpenAtLast(Arc<Door>);

impl Drop for OpenAtLast {
    fn drop(&mut self) {
        self.0.open();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_answered_while_a_snapshot_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let door = Arc::new(Door::default());
    // A test that fails must not wait for it.
    let _open = OpenAtLast(door.clone());
    let mut config = Config::new(folder.path());
    config.journal.snapshot_bytes = 5_000;
    config.journal.disk = Arc::new(FailingDisk(Arc::new({
        let door = door.clone();
        move |operation| {
            if operation == Operation::Rename {
                door.pass();
            }
            Ok(())
        }
    })));
    let lab = Lab::start(config).await.unwrap();
    lab.submit("a 10 2").await.unwrap();
    assert_eq!(lab.run_all().await, 20);
    door.somebody_waits();
    // It is not there, and what would be in it and what comes after it is acknowledged all the same.
    lab.submit("b 20 2").await.unwrap();
    assert_eq!(lab.run_all().await, 20);
    let snapshots = || {
        let entries = std::fs::read_dir(folder.path().join("journal")).unwrap();
        let names = entries.map(|entry| entry.unwrap().path());
        names
            .filter(|path| path.extension().is_some_and(|end| end == "snapshot"))
            .count()
    };
    assert_eq!(snapshots(), 0);
    door.open();
    let mut expected = Vec::new();
    for sweep in ["a", "b"] {
        expected.extend(lab.handle().cells(sweep.into()).await.unwrap());
    }
    lab.stop().await;
    assert!(snapshots() > 0);
    let lab = Lab::at(folder.path()).await;
    let mut found = Vec::new();
    for sweep in ["a", "b"] {
        found.extend(lab.handle().cells(sweep.into()).await.unwrap());
    }
    assert_eq!(found, expected);
    assert!(found.iter().all(|cell| cell.record.is_some()));
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_fails_is_put_off_and_nobody_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let tried = Arc::new(std::sync::Mutex::new(0));
    let mut config = Config::new(folder.path());
    config.journal.snapshot_bytes = 5_000;
    config.journal.disk = Arc::new(FailingDisk(Arc::new({
        let tried = tried.clone();
        move |operation| {
            if operation == Operation::Rename {
                *tried.lock().unwrap() += 1;
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        }
    })));
    let lab = Lab::start(config).await.unwrap();
    for round in 1..=3 {
        lab.submit(&format!("grown {} 4", round * 5)).await.unwrap();
        assert_eq!(lab.run_all().await, 20);
    }
    let expected = lab.handle().cells("grown".into()).await.unwrap();
    lab.stop().await;
    let tried = *tried.lock().unwrap();
    assert!((1..60).contains(&tried), "not at each turn: {tried}");
    let lab = Lab::at(folder.path()).await;
    assert_eq!(lab.handle().cells("grown".into()).await.unwrap(), expected);
    lab.stop().await;
}

#[tokio::test]
async fn a_submission_in_parts_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let config = || {
        let mut config = Config::new(folder.path());
        config.policy.submission_part = 5;
        config.journal.segment_bytes = 2_000;
        // A snapshot after every few parts.
        config.journal.snapshot_bytes = 4_000;
        config
    };
    let lab = Lab::start(config()).await.unwrap();
    let handle = lab.handle();
    let done = std::sync::atomic::AtomicBool::new(false);
    let look = async {
        let mut answers = 0;
        while !done.load(Ordering::Relaxed) {
            let sweeps = handle.sweeps().await.unwrap();
            assert!(sweeps.iter().all(|sweep| sweep.cells == 400), "{sweeps:?}");
            answers += 1;
        }
        answers
    };
    let submit = async {
        let submitted = lab.submit("grown 100 4").await;
        done.store(true, Ordering::Relaxed);
        submitted.unwrap()
    };
    let (submitted, answers) = tokio::join!(submit, look);
    assert_eq!((submitted.cells, submitted.new), (400, 400));
    assert!(answers > 20, "only {answers} answers between 80 parts");
    let ids = |cells: Vec<sweeps::CellResult>| -> Vec<_> {
        cells.into_iter().map(|cell| cell.job_id).collect()
    };
    let before = ids(handle.cells("grown".into()).await.unwrap());
    drop(handle);
    lab.stop().await;

    let lab = Lab::start(config()).await.unwrap();
    assert_eq!(
        ids(lab.handle().cells("grown".into()).await.unwrap()),
        before
    );
    assert_eq!(lab.run_all().await, 400);
    // One that is stopped between its parts.
    let handle = lab.handle();
    let submitting = tokio::spawn(async move {
        let submit = Submit {
            file: "test.toml".into(),
            text: "grown 200 4".into(),
            datasets: [("tracks".to_owned(), fixture::digest("tracks"))].into(),
            ..Submit::default()
        };
        handle.submit(submit).await
    });
    // Files may go while they are looked at.
    let mut entries = Vec::new();
    while entries.len() < 20 {
        tokio::task::yield_now().await;
        let seen = crate::store::entries::verify(&folder.path().join("journal"));
        entries.extend(seen.ok().map(|seen| seen.sequence));
        entries.dedup();
    }
    lab.stop().await;
    let answer = submitting.await.unwrap();
    let lab = Lab::start(config()).await.unwrap();
    let cells = if answer.is_ok() { 800 } else { 400 };
    assert_eq!(
        lab.handle().cells("grown".into()).await.unwrap().len(),
        cells
    );
    // Asked for again it is taken, and what was done before is done.
    let again = lab.submit("grown 200 4").await.unwrap();
    assert_eq!((again.cells, again.done), (800, 400));
    lab.stop().await;
}
