//! The engine on a real folder: what was acknowledged is there after a restart, the index follows or is made again, and a
//! full disk stops acknowledgements, not data.

mod disk;
mod index;
mod reading;
mod snapshots;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sweeps::{EpochPoint, JobStatus, Phase, RunRecord};

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::clock::{Clock, SystemClock};
use super::handle::EngineHandle;
use super::{Config, Engine, EngineError, StateKind};
use crate::scheduler::fixture;
use crate::store::journal::JournalError;
use crate::store::journal::failing::{FailingDisk, Operation};
use proto::nouns::{
    Assignment, Finish, LeaseKey, LeaseRequest, Next, Progress, Receipt, Refusal, Report, Submit,
    WatchEvent, WorkerId,
};

struct Lab {
    engine: Engine,
    shutdown: CancellationToken,
}

impl Lab {
    async fn start(config: Config) -> Result<Self, EngineError> {
        Self::with_clock(config, Arc::new(SystemClock::start())).await
    }

    async fn with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<Self, EngineError> {
        let shutdown = CancellationToken::new();
        let engine = Engine::start(
            config,
            clock,
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

    async fn submit(&self, text: &str) -> Result<proto::nouns::Submitted, Refusal> {
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
    let mut changes = lab.handle().subscribe(None);
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
    while let Some((_, WatchEvent::Change(change))) = changes.try_next() {
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
        .query(|scheduler, _| scheduler.has_waiting())
        .await
        .unwrap()
    {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    while lab
        .handle()
        .query(|scheduler, _| scheduler.has_waiting())
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
async fn many_workers_at_once_share_the_syncs() {
    let folder = tempfile::tempdir().unwrap();
    let syncs = Arc::new(std::sync::Mutex::new(0));
    let mut config = Config::new(folder.path());
    config.journal.disk = Arc::new(FailingDisk(Arc::new({
        let syncs = syncs.clone();
        move |operation| {
            if operation == Operation::Sync {
                *syncs.lock().unwrap() += 1;
            }
            Ok(())
        }
    })));
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

/// Each kind of jobs refuses the folder of every other, and a repair takes any.
#[tokio::test]
async fn a_state_folder_has_jobs_of_one_kind() {
    let kinds = [StateKind::Training, StateKind::Rehearsal, StateKind::Noop];
    for held in kinds {
        let folder = tempfile::tempdir().unwrap();
        let config = |kind: StateKind| Config {
            trainer_revision: kind.trainer_revision(),
            ..Config::new(folder.path())
        };
        let lab = Lab::start(config(held)).await.unwrap();
        lab.submit("a 1 1").await.unwrap();
        lab.stop().await;
        for wanted in kinds {
            match Lab::start(config(wanted)).await {
                Ok(lab) => {
                    assert_eq!(held, wanted);
                    lab.stop().await;
                }
                Err(error) => {
                    assert_ne!(held, wanted);
                    let text = error.to_string();
                    let parts = [held, wanted].map(|kind| text.find(kind.jobs()).unwrap());
                    assert!(parts[0] < parts[1], "{text}");
                }
            }
        }
        let repaired = crate::engine::upkeep::repair(folder.path(), false).unwrap();
        assert_eq!(repaired.sweeps.len(), 1);
    }
}

/// A clock that somebody sets.
struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn now(&self) -> proto::nouns::Timestamp {
        proto::nouns::Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// However many calls wait before it: a report that was sent before a lease's end renews it.
#[tokio::test]
async fn leases_expire_after_everything_that_waits_was_heard() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SetClock(AtomicU64::new(1_000_000)));
    let config = Config::new(folder.path());
    let time_to_live = config.policy.time_to_live_ms;
    let lab = Lab::with_clock(config, clock.clone()).await.unwrap();
    lab.submit("a 1 1").await.unwrap();
    let worker = lab.hello().await;
    let job = lab.lease(worker, 1, 0).await.unwrap().remove(0);
    // Time passes, and no turn is late.
    for _ in 0..7 {
        clock.0.fetch_add(time_to_live / 8, Ordering::Relaxed);
        lab.handle().query(|_, _| ()).await.unwrap();
    }
    // The lease is over, and more than a turn can take in is in front of its report.
    clock.0.fetch_add(time_to_live / 8 + 1, Ordering::Relaxed);
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..600 {
        let handle = lab.handle();
        waiting.spawn(async move { handle.query(|_, _| ()).await.unwrap() });
    }
    let report = Report {
        worker,
        progress: vec![Progress {
            job: job.job_id,
            attempt: job.attempt,
            points: Vec::new(),
            log: Vec::new(),
        }],
        telemetry: None,
    };
    let handle = lab.handle();
    let answer = tokio::spawn(async move { handle.report(report).await });
    let answer = answer.await.unwrap().unwrap();
    assert!(
        matches!(answer.orders[0], proto::nouns::Order::Continue { .. }),
        "{answer:?}"
    );
    assert_eq!(lab.statuses("a").await, [JobStatus::Running]);
    lab.stop().await;
}

/// A bug in a query ends the loop. Nobody takes that for an engine that answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_is_gone_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path()).await;
    let handle = lab.handle();
    assert!(handle.turns().await);
    let answer = handle.query(|_, _| -> () { panic!("on purpose") }).await;
    assert!(matches!(answer, Err(Refusal::Unavailable(_))));
    assert!(!handle.turns().await);
    let health = crate::service::Health::new(
        handle,
        folder.path(),
        &crate::service::Limits::default(),
        crate::Metrics::new(),
        "0",
    );
    assert!(!health.alive().await);
    assert!(health.ready().await.is_err());
    let ended = lab.engine.stopped().await;
    assert!(matches!(ended, Err(EngineError::Task(_))), "{ended:?}");
}
