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
    let verified = crate::store::journal::verify(&folder.path().join("journal")).unwrap();
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
