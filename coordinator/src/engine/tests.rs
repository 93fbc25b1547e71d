//! The engine on a real folder: what was acknowledged is there after a restart, the index follows or is made again, and a
//! full disk stops acknowledgements, not data.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sweeps::{EpochPoint, JobStatus, Phase, RunRecord};

use super::*;
use crate::clock::SystemClock;
use crate::message::{
    Assignment, Finish, LeaseKey, LeaseRequest, Next, Progress, Receipt, Report, Submit, WorkerId,
};
use crate::scheduler::fixture;

struct Lab {
    engine: Engine,
    shutdown: CancellationToken,
}

impl Lab {
    async fn start(config: Config) -> Result<Self, EngineError> {
        let shutdown = CancellationToken::new();
        let engine = Engine::start(
            config,
            Arc::new(SystemClock::start()),
            Arc::new(|_, text, _| fixture::expand(text)),
            shutdown.clone(),
        )
        .await?;
        Ok(Self { engine, shutdown })
    }

    async fn at(state: &Path) -> Self {
        Self::start(Config::new(state)).await.unwrap()
    }

    fn handle(&self) -> EngineHandle {
        self.engine.handle()
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.engine.stopped().await.unwrap();
    }

    async fn submit(&self, text: &str) -> Result<crate::message::Submitted, Refusal> {
        let submit = Submit {
            file: "test.toml".into(),
            text: text.into(),
            datasets: [("tracks".to_owned(), fixture::digest("tracks"))].into(),
            ..Submit::default()
        };
        self.handle().submit(submit).await
    }

    async fn hello(&self) -> WorkerId {
        let hello = fixture::hello("w", 1, 4);
        self.handle().hello(hello).await.unwrap().worker
    }

    async fn lease(
        &self,
        worker: WorkerId,
        slots: u32,
        wait_ms: u64,
    ) -> Result<Vec<Assignment>, Refusal> {
        let request = LeaseRequest {
            worker,
            slots,
            held: Vec::new(),
            warm: Vec::new(),
            wait_ms,
        };
        Ok(self.handle().lease(request).await?.assignments)
    }

    async fn finish(&self, worker: WorkerId, job: &Assignment) -> Result<Receipt, Refusal> {
        let finish = Finish {
            worker,
            record: Box::new(record(job)),
            next: None,
        };
        Ok(self.handle().finish(finish).await?.receipt)
    }

    /// Runs everything that waits; answers how many jobs there were.
    async fn run_all(&self) -> usize {
        let worker = self.hello().await;
        let mut ran = 0;
        let mut jobs = self.lease(worker, 1, 0).await.unwrap();
        while let Some(job) = jobs.pop() {
            ran += 1;
            let next = Some(Next {
                slots: 1,
                held: Vec::new(),
                warm: Vec::new(),
            });
            let finish = Finish {
                worker,
                record: Box::new(record(&job)),
                next,
            };
            let answer = self.handle().finish(finish).await.unwrap();
            assert_eq!(answer.receipt, Receipt::Recorded);
            jobs = answer.assignments;
        }
        ran
    }

    async fn statuses(&self, sweep: &str) -> Vec<JobStatus> {
        let cells = self.handle().cells(sweep.into()).await.unwrap();
        cells.iter().map(|cell| cell.status).collect()
    }
}

fn record(job: &Assignment) -> RunRecord {
    fixture::record(job.job_id, job.attempt, "w")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_from_submission_to_records_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    let mut changes = lab.handle().subscribe();
    let told = lab.submit("a 3 2").await.unwrap();
    assert_eq!((told.jobs, told.new), (6, 6));
    let worker = lab.hello().await;
    let jobs = lab.lease(worker, 2, 0).await.unwrap();
    let mut point = EpochPoint::new(Phase::Train, 1);
    point.loss_g = Some(0.1 + 0.2);
    let report = Report {
        worker,
        progress: vec![Progress {
            job: jobs[1].job_id,
            attempt: jobs[1].attempt,
            points: vec![point.clone()],
            log: vec!["hello".into()],
        }],
        telemetry: None,
    };
    lab.handle().report(report).await.unwrap();
    lab.finish(worker, &jobs[0]).await.unwrap();
    lab.stop().await;
    let mut heard = 0;
    while let Ok(change) = changes.try_recv() {
        heard += u32::from(change.concerns("a"));
    }
    assert!(heard >= 6, "{heard} changes");

    let lab = Lab::at(folder.path()).await;
    let cells = lab.handle().cells("a".into()).await.unwrap();
    assert_eq!(cells.len(), 6);
    assert_eq!(cells[0].record.as_deref(), Some(&record(&jobs[0])));
    assert_eq!(
        (cells[1].status, cells[1].live.as_slice()),
        (JobStatus::Running, &[point][..])
    );
    assert_eq!(cells[2].status, JobStatus::Pending);
    assert_eq!(
        lab.handle().logs(jobs[1].job_id, None).await.unwrap()[0].text,
        "hello"
    );
    // The same session says hello again, asks, and is told of the lease that it has.
    let again = lab.lease(lab.hello().await, 1, 0).await.unwrap();
    assert_eq!(again[0], jobs[1]);
    assert_eq!(
        lab.finish(worker, &again[0]).await.unwrap(),
        Receipt::Recorded
    );
    assert_eq!(lab.run_all().await, 4);
    assert!(
        lab.statuses("a")
            .await
            .iter()
            .all(|status| *status == JobStatus::Done)
    );
    assert_eq!(lab.submit("a 4 2").await.unwrap().new, 2);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_a_submission_are_refused_by_kind() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    assert!(matches!(
        lab.submit("nonsense").await,
        Err(Refusal::InvalidSweep { .. })
    ));
    assert!(
        matches!(lab.submit("a 1 1 video").await, Err(Refusal::UnknownDataset(name)) if name == "video")
    );
    for (name, copy) in [("one", "video"), ("two", "video"), ("three", "changed")] {
        let mut hello = fixture::hello(name, 1, 1);
        hello.datasets.insert("video".into(), fixture::digest(copy));
        lab.handle().hello(hello).await.unwrap();
        let told = lab.submit("a 1 1 video").await;
        match copy {
            "video" => assert_eq!(told.unwrap().jobs, 1),
            _ => assert!(
                matches!(told, Err(Refusal::DatasetConflict { digests, .. }) if digests.len() == 2)
            ),
        }
    }
    assert!(matches!(
        lab.handle().cells("b".into()).await,
        Err(Refusal::UnknownSweep(_))
    ));
    lab.stop().await;
    let handle = lab_handle_after_stop(folder.path()).await;
    assert!(matches!(
        handle.sweeps().await,
        Err(Refusal::Unavailable(_))
    ));
}

async fn lab_handle_after_stop(state: &Path) -> EngineHandle {
    let lab = Lab::at(state).await;
    let handle = lab.handle();
    lab.stop().await;
    handle
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_worker_is_served_and_one_that_left_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    let worker = lab.hello().await;
    let request = LeaseRequest {
        worker,
        slots: 1,
        held: Vec::new(),
        warm: Vec::new(),
        wait_ms: 60_000,
    };
    let waiting = tokio::spawn({
        let (handle, request) = (lab.handle(), request.clone());
        async move { handle.lease(request).await }
    });
    while !lab
        .handle()
        .look(|scheduler, _| scheduler.has_waiting())
        .await
        .unwrap()
    {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    while lab
        .handle()
        .look(|scheduler, _| scheduler.has_waiting())
        .await
        .unwrap()
    {
        tokio::task::yield_now().await;
    }
    lab.submit("a 1 1").await.unwrap();
    assert_eq!(lab.statuses("a").await, [JobStatus::Pending]);
    assert_eq!(lab.lease(worker, 1, 60_000).await.unwrap().len(), 1);
    lab.stop().await;
}

/// The worker died with the coordinator and never says a word again: nothing but the clock can end its lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_nobody_renews_after_a_restart_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path());
    config.policy.time_to_live_ms = 50;
    let lab = Lab::start(config.clone()).await.unwrap();
    lab.submit("a 1 1").await.unwrap();
    let dead = lab.hello().await;
    let first = lab.lease(dead, 1, 0).await.unwrap();
    assert_eq!(first.len(), 1);
    lab.stop().await;
    let lab = Lab::start(config).await.unwrap();
    let other = fixture::hello("other", 2, 1);
    let other = lab.handle().hello(other).await.unwrap().worker;
    let again = lab.lease(other, 1, 30_000).await.unwrap();
    assert_eq!(again.len(), 1, "the job of the dead worker comes back");
    assert!(again[0].attempt > first[0].attempt);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_cannot_be_trusted_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    lab.submit("a 5 1").await.unwrap();
    assert_eq!(lab.run_all().await, 5);
    let expected = lab.handle().cells("a".into()).await.unwrap();
    lab.stop().await;
    let index = folder.path().join("index");
    let break_it: [&dyn Fn(); 5] = [
        &|| std::fs::remove_dir_all(&index).unwrap(),
        &|| std::fs::write(index.join("conf"), b"nonsense").unwrap(),
        &|| {
            let store = crate::index::SledStore::open(&index).unwrap();
            let (key, _) = crate::index::Store::scan(&store, b"r").unwrap().remove(2);
            crate::index::Store::apply(&store, vec![(key, None)]).unwrap();
        },
        &|| {
            let store = crate::index::SledStore::open(&index).unwrap();
            crate::index::Store::apply(&store, vec![(b"rforeign".to_vec(), Some(vec![1]))])
                .unwrap();
        },
        &|| {
            let store = crate::index::SledStore::open(&index).unwrap();
            let mut ahead = 1_000_u64.to_le_bytes().to_vec();
            ahead.extend([0; 32]);
            crate::index::Store::apply(&store, vec![(b"meta/applied".to_vec(), Some(ahead))])
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
    assert!(matches!(
        lab.handle().record(job).await,
        Err(Refusal::Storage(_))
    ));
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
    config.journal.fault = Some(Arc::new({
        let full = full.clone();
        move |_| {
            if full.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        }
    }));
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
            matches!(&refused, Refusal::Storage(text) if text.contains("write")),
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_folder_has_one_coordinator() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    let second = Lab::start(Config::new(folder.path())).await.err().unwrap();
    assert!(
        matches!(second, EngineError::Journal(JournalError::Locked(_))),
        "{second}"
    );
    assert_eq!(lab.run_all().await, 0);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_workers_at_once_share_the_syncs() {
    let folder = tempfile::tempdir().unwrap();
    let syncs = Arc::new(std::sync::Mutex::new(0));
    let mut config = Config::new(folder.path());
    config.journal.fault = Some(Arc::new({
        let syncs = syncs.clone();
        move |operation| {
            if operation == journal::Operation::Sync {
                *syncs.lock().unwrap() += 1;
            }
            Ok(())
        }
    }));
    let lab = Lab::start(config).await.unwrap();
    lab.submit("a 400 1").await.unwrap();
    let mut workers = Vec::new();
    for number in 0..40 {
        let handle = lab.handle();
        workers.push(tokio::spawn(async move {
            let hello = fixture::hello(&format!("w{number}"), 1, 1);
            let worker = handle.hello(hello).await.unwrap().worker;
            let mut held: Vec<LeaseKey> = Vec::new();
            let mut done = 0;
            loop {
                let request = LeaseRequest {
                    worker,
                    slots: 1,
                    held: held.clone(),
                    warm: Vec::new(),
                    wait_ms: 0,
                };
                let Some(job) = handle.lease(request).await.unwrap().assignments.pop() else {
                    return done;
                };
                held = vec![];
                let finish = Finish {
                    worker,
                    record: Box::new(record(&job)),
                    next: None,
                };
                assert_eq!(
                    handle.finish(finish).await.unwrap().receipt,
                    Receipt::Recorded
                );
                done += 1;
            }
        }));
    }
    let mut done = 0;
    for worker in workers {
        done += worker.await.unwrap();
    }
    assert_eq!(done, 400);
    let syncs = *syncs.lock().unwrap();
    assert!(syncs < 500, "{syncs} syncs for 840 requests");
    lab.stop().await;
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

    crate::backup::backup(folder.path(), copy.path()).unwrap();
    assert!(
        crate::backup::backup(folder.path(), copy.path()).is_err(),
        "it is not empty"
    );
    let mut lines = Vec::new();
    let count = journal::export(&folder.path().join("journal"), &mut lines).unwrap();
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

#[tokio::test]
async fn a_journal_that_grows_is_compacted_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let config = || {
        let mut config = Config::new(folder.path());
        config.journal.segment_bytes = 4_000;
        config.journal.snapshot_bytes = 20_000;
        config
    };
    let lab = Lab::start(config()).await.unwrap();
    for round in 1..=4 {
        lab.submit(&format!("grown {} 4", round * 6)).await.unwrap();
        assert_eq!(lab.run_all().await, 24);
    }
    let segments = || {
        std::fs::read_dir(folder.path().join("journal"))
            .unwrap()
            .count()
    };
    let verified = crate::journal::verify(&folder.path().join("journal")).unwrap();
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
