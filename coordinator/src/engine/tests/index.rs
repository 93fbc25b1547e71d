//! An index that fails while the engine runs is made again beside it; nobody is told meanwhile that there is no record.

use super::*;
use crate::store::index::{Batch, IndexError, MemoryStore, OpenIndex, Pairs, Store};
use crate::store::lock::StateLock;

/// What is wrong with the disk of the index.
#[derive(Default)]
struct Trouble {
    writes: AtomicBool,
    reads: AtomicBool,
}

impl Trouble {
    fn check(trouble: &AtomicBool) -> Result<(), IndexError> {
        if trouble.load(Ordering::Relaxed) {
            return Err(IndexError("no space left on device".into()));
        }
        Ok(())
    }
}

/// An index on a disk that may be full.
struct Troubled {
    store: MemoryStore,
    trouble: Arc<Trouble>,
}

impl Store for Troubled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        Trouble::check(&self.trouble.reads)?;
        self.store.get(key)
    }

    fn scan(&self, prefix: &[u8]) -> Result<Pairs, IndexError> {
        Trouble::check(&self.trouble.reads)?;
        self.store.scan(prefix)
    }

    fn count(&self, prefix: &[u8]) -> Result<u64, IndexError> {
        self.store.count(prefix)
    }

    fn apply(&self, batch: Batch) -> Result<(), IndexError> {
        Trouble::check(&self.trouble.writes)?;
        self.store.apply(batch)
    }

    fn flush(&self) -> Result<(), IndexError> {
        Trouble::check(&self.trouble.writes)
    }
}

fn troubled(trouble: &Arc<Trouble>) -> OpenIndex {
    let trouble = trouble.clone();
    Arc::new(move |_| {
        Ok(Arc::new(Troubled {
            store: MemoryStore::default(),
            trouble: trouble.clone(),
        }))
    })
}

/// Waits until results can be read; time is virtual.
async fn readable(lab: &Lab) {
    while lab.handle().reading_trouble().is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

fn is_refused<T>(answer: Result<T, Refusal>) -> bool {
    matches!(answer, Err(Refusal::Unavailable(why)) if why.contains("index"))
}

#[tokio::test(start_paused = true)]
async fn an_index_whose_disk_was_full_is_made_again_and_hides_nothing_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let trouble = Arc::new(Trouble::default());
    let mut config = Config::new(folder.path());
    config.open_index = troubled(&trouble);
    let metrics = config.metrics.clone();
    let lab = Lab::start(config).await.unwrap();
    lab.submit("a 6 2").await.unwrap();
    let worker = lab.hello().await;
    let jobs = lab.lease(worker, 4, 0).await.unwrap();
    lab.finish(worker, &jobs[0]).await.unwrap();
    let known = jobs[0].job_id;
    assert!(lab.handle().record(known).await.unwrap().is_some());

    trouble.writes.store(true, Ordering::Relaxed);
    // What comes is taken all the same, and what is there is not denied.
    assert_eq!(lab.finish(worker, &jobs[1]).await, Ok(Receipt::Recorded));
    assert!(is_refused(lab.handle().record(known).await));
    assert!(is_refused(lab.handle().cells("a".into()).await));
    assert!(is_refused(lab.handle().logs(known, None).await));
    assert!(lab.handle().reading_trouble().is_some());
    let page = |metrics: &crate::Metrics| {
        metrics.render(&crate::engine::metrics::MetricsSnapshot::default())
    };
    assert!(page(&metrics).contains("gcl_index_ready 0"));
    assert!(page(&metrics).contains("gcl_index_failures_total 1"));
    // However long it is full: nothing is shown, everything is taken.
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    assert_eq!(lab.finish(worker, &jobs[2]).await, Ok(Receipt::Recorded));
    assert!(is_refused(lab.handle().cells("a".into()).await));

    trouble.writes.store(false, Ordering::Relaxed);
    readable(&lab).await;
    assert!(page(&metrics).contains("gcl_index_ready 1"));
    for job in &jobs[..3] {
        assert!(lab.handle().record(job.job_id).await.unwrap().is_some());
    }
    // It goes on following.
    assert_eq!(lab.finish(worker, &jobs[3]).await, Ok(Receipt::Recorded));
    assert_eq!(lab.run_all().await, 8);
    let cells = lab.handle().cells("a".into()).await.unwrap();
    assert!(cells.iter().all(|cell| cell.record.is_some()));
    lab.stop().await;
    let lab = Lab::at(folder.path()).await;
    assert_eq!(lab.handle().cells("a".into()).await.unwrap(), cells);
    lab.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_index_that_cannot_be_read_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let trouble = Arc::new(Trouble::default());
    let mut config = Config::new(folder.path());
    config.open_index = troubled(&trouble);
    let lab = Lab::start(config).await.unwrap();
    lab.submit("a 3 1").await.unwrap();
    assert_eq!(lab.run_all().await, 3);
    let expected = lab.handle().cells("a".into()).await.unwrap();
    trouble.reads.store(true, Ordering::Relaxed);
    // A reader finds out, while nothing is written.
    assert!(is_refused(lab.handle().cells("a".into()).await));
    trouble.reads.store(false, Ordering::Relaxed);
    readable(&lab).await;
    assert_eq!(lab.handle().cells("a".into()).await.unwrap(), expected);
    lab.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_index_cannot_be_made_takes_results_and_shows_them_later() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    lab.submit("a 4 1").await.unwrap();
    let worker = lab.hello().await;
    let jobs = lab.lease(worker, 2, 0).await.unwrap();
    lab.finish(worker, &jobs[0]).await.unwrap();
    lab.stop().await;

    let trouble = Arc::new(Trouble::default());
    trouble.writes.store(true, Ordering::Relaxed);
    let mut config = Config::new(folder.path());
    config.open_index = troubled(&trouble);
    let lab = Lab::start(config.clone()).await.unwrap();
    assert!(is_refused(lab.handle().cells("a".into()).await));
    assert_eq!(lab.finish(worker, &jobs[1]).await, Ok(Receipt::Recorded));
    trouble.writes.store(false, Ordering::Relaxed);
    readable(&lab).await;
    let cells = lab.handle().cells("a".into()).await.unwrap();
    assert_eq!(cells.iter().filter(|cell| cell.record.is_some()).count(), 2);
    lab.stop().await;
    // A repair that could not make it says so.
    trouble.writes.store(true, Ordering::Relaxed);
    config.rebuild_index = true;
    assert!(matches!(
        crate::engine::upkeep::open_and_close(&config, &StateLock::take(&config.state).unwrap()),
        Err(EngineError::Index(_))
    ));
}

/// What is noted while a thread reads the journal is added at the end, whatever is compacted before and after.
#[tokio::test(start_paused = true)]
async fn snapshots_and_an_index_that_fails_again_and_again_get_along() {
    let folder = tempfile::tempdir().unwrap();
    let trouble = Arc::new(Trouble::default());
    let mut config = Config::new(folder.path());
    config.open_index = troubled(&trouble);
    config.journal.segment_bytes = 4_000;
    config.journal.snapshot_bytes = 10_000;
    let lab = Lab::start(config).await.unwrap();
    for round in 1..=6 {
        lab.submit(&format!("grown {} 4", round * 6)).await.unwrap();
        let worker = lab.hello().await;
        for turn in 0..24 {
            trouble.writes.store(turn % 5 == 3, Ordering::Relaxed);
            let jobs = lab.lease(worker, 1, 0).await.unwrap();
            lab.finish(worker, &jobs[0]).await.unwrap();
            if turn % 4 == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(400)).await;
            }
        }
    }
    trouble.writes.store(false, Ordering::Relaxed);
    readable(&lab).await;
    let cells = lab.handle().cells("grown".into()).await.unwrap();
    assert!(cells.len() == 144 && cells.iter().all(|cell| cell.record.is_some()));
    lab.stop().await;
}
