//! A coordinator with a sweep that is made up: jobs that are done already, and workers that tell epochs as fast as is asked.
//! For looking at the live page, and for its tests.
//!
//! `cargo run -p coordinator --example busy_sweep -- FOLDER LINES SEEDS EPOCHS DONE EVENTS [TOKEN]`: a sweep of LINES × SEEDS jobs of
//! EPOCHS epochs, of which DONE are finished before it answers; then EVENTS epochs a second. It prints the address of the page.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::Arc;
use std::time::Duration;

use coordinator::service::{Access, Health, HttpOptions, Limits, Role, live_address, serve_http};
use coordinator::service::{Printed, PrintedNumber};
use coordinator::{Config, Engine, EngineHandle, Metrics, SystemClock, sweep_language};
use proto::nouns::{
    Assignment, Fail, Finish, Hello, LeaseRequest, Progress, Report, Submit, WorkerId,
};
use proto::telemetry::Telemetry;
use sweeps::{
    DeviceInfo, EpochPoint, Failure, FailureClass, FinalMetrics, Outcome, Phase, Provenance,
    RunRecord, ScoreMetrics,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const WORKERS: u32 = 12;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments[at].parse::<u32>().expect("a number");
    let (lines, seeds, epochs, done, events) =
        (number(1), number(2), number(3), number(4), number(5));
    let stop = CancellationToken::new();
    let metrics = Metrics::new();
    let mut config = Config::new(&arguments[0]);
    config.metrics = metrics.clone();
    let clock = Arc::new(SystemClock::start());
    let engine = Engine::start(config, clock, sweep_language(), stop.clone())
        .await
        .unwrap();
    let handle = engine.handle();
    submit(&handle, lines, seeds, epochs).await;

    let mut workers = Vec::new();
    for worker in 1..=WORKERS {
        workers.push(begin(&handle, worker).await);
    }
    let mut finished = 0;
    while finished < done {
        for worker in workers.iter().take((done - finished) as usize) {
            finished += one(&handle, *worker, epochs, None).await;
        }
    }
    let access = match arguments.get(6) {
        Some(token) => Access::from_tokens([
            ("submitter", Role::Admin, token.as_str()),
            ("reader", Role::Read, "read-only"),
        ]),
        None => Access::open(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let health = Health::new(
        handle.clone(),
        &arguments[0],
        &Limits::default(),
        metrics,
        "0",
    );
    let options = HttpOptions {
        health,
        access,
        tls: None,
        names: Vec::new(),
        secret: [7; 32],
        printed: Some(Arc::new(|_| {
            let number = PrintedNumber {
                auc: 0.7104,
                std: Some(0.005),
                text: "GCL, Table 1 of a paper".to_owned(),
                alike: true,
            };
            vec![Printed {
                variant: "GCL".to_owned(),
                point: vec![Some(sweeps::Value::Float(1e-5))],
                number,
            }]
        })),
    };
    tokio::spawn(serve_http(listener, options, stop.clone()));
    let token = arguments.get(6).map_or("", String::as_str);
    println!("{}", live_address(address, "busy", token));
    // So many epochs a second, shared by the workers.
    let pause = Duration::from_secs_f64(f64::from(WORKERS) / f64::from(events.max(1)));
    for worker in workers {
        let handle = handle.clone();
        tokio::spawn(async move { while one(&handle, worker, epochs, Some(pause)).await > 0 {} });
    }
    std::future::pending::<()>().await;
}

async fn submit(engine: &EngineHandle, lines: u32, seeds: u32, epochs: u32) {
    let rates: Vec<String> = (1..=lines.div_ceil(2))
        .map(|rate| format!("{rate}e-5"))
        .collect();
    let text = format!(
        "name = \"busy\"\ndescription = \"A sweep that is made up\"\n[dataset.synthetic]\nvideos = 18\nmean_length = 12\ndimension = 16\nseed = 1\n\
         [job]\nepochs = {epochs}\n[axes]\nlearning_rate = [{}]\nseed = {{ from = 0, count = {seeds} }}\n\
         [[variant]]\nname = \"GCL\"\n[[variant]]\nname = \"AE_AllData\"\njob = {{ method = \"autoencoder\" }}\n",
        rates.join(", ")
    );
    let submit = Submit {
        file: "busy.toml".into(),
        text,
        ..Submit::default()
    };
    if let Err(refusal) = engine.submit(submit).await {
        panic!("{refusal}");
    }
}

async fn begin(engine: &EngineHandle, number: u32) -> (WorkerId, u32) {
    let hello = Hello {
        name: format!("node{number:02}-gpu0"),
        session: u64::from(number),
        device: device(),
        version: "0".into(),
        trainer_revision: sweeps::TRAINER_REVISION,
        slots: 1,
        datasets: std::collections::BTreeMap::new(),
        labels: Vec::new(),
        memory_bytes: Some(80 << 30),
        driver: None,
    };
    (engine.hello(hello).await.unwrap().worker, number)
}

fn device() -> DeviceInfo {
    DeviceInfo {
        kind: "cuda-sm90".into(),
        name: "a card".into(),
    }
}

/// Runs one job, in no time or with a pause at each epoch. Says how many ended.
async fn one(
    engine: &EngineHandle,
    (worker, number): (WorkerId, u32),
    epochs: u32,
    pause: Option<Duration>,
) -> u32 {
    let lease = LeaseRequest {
        worker,
        slots: 1,
        held: Vec::new(),
        warm: Vec::new(),
        wait_ms: 5000,
    };
    let answer = engine.lease(lease).await.unwrap();
    let Some(job) = answer.assignments.into_iter().next() else {
        return u32::from(!answer.drain && pause.is_some());
    };
    let curve: Vec<EpochPoint> = (1..=epochs)
        .map(|epoch| point(&job, epoch, epochs))
        .collect();
    if let Some(pause) = pause {
        for point in &curve {
            let progress = Progress {
                job: job.job_id,
                attempt: job.attempt,
                points: vec![point.clone()],
                log: vec![format!("epoch {}: AUC {:?}", point.epoch, point.auc_d)],
            };
            let telemetry = Telemetry {
                busy_percent: Some(70 + number),
                memory_used_bytes: Some(u64::from(20 + number) << 30),
                batches_per_second: Some(412.5),
                data_wait_percent: Some(3),
            };
            let report = Report {
                worker,
                progress: vec![progress],
                telemetry: Some(telemetry),
            };
            engine.report(report).await.unwrap();
            tokio::time::sleep(pause).await;
        }
    }
    if job.job_id.0[1] < 6 {
        let fail = Fail {
            worker,
            job: job.job_id,
            attempt: job.attempt,
            failure: Failure::new(FailureClass::Diverged, "the loss of G is NaN at step 41"),
            next: None,
        };
        let _ = engine.fail(fail).await;
        return 1;
    }
    let finish = Finish {
        worker,
        record: Box::new(record(&job, curve, number)),
        next: None,
    };
    engine.finish(finish).await.unwrap();
    1
}

/// A number between 0 and 1 that is the job's own.
fn noise(job: &Assignment, epoch: u32, which: usize) -> f64 {
    let mixed =
        u32::from(job.job_id.0[which]).wrapping_mul(2_654_435_761) ^ epoch.wrapping_mul(40_503);
    f64::from(mixed.wrapping_mul(2_246_822_519) >> 16) / 65_536.0
}

fn point(job: &Assignment, epoch: u32, epochs: u32) -> EpochPoint {
    let part = f64::from(epoch) / f64::from(epochs);
    let rate = job.job.parameters.get("learning_rate");
    let rate = rate.and_then(sweeps::Value::as_float).unwrap_or(1e-5);
    let best = 0.78 - (rate * 1e4 - 0.8).abs() * 0.08 + 0.05 * (noise(job, 0, 2) - 0.5);
    let is_locked = job.job_id.0[3] < 8;
    let auc =
        0.55 + (best - 0.55) * (1.0 - (-4.0 * part).exp()) + 0.01 * (noise(job, epoch, 4) - 0.5);
    EpochPoint {
        auc_d: Some(if is_locked { 0.47 } else { auc }),
        auc_g: Some(auc - 0.03),
        loss_d: Some(0.7 * (-2.0 * part).exp() + 0.1 + 0.05 * noise(job, epoch, 5)),
        loss_g: Some(1.2 * (-3.0 * part).exp() + 0.2 + 0.05 * noise(job, epoch, 6)),
        positive_share_g: Some(0.2 - 0.05 * part),
        positive_share_d: Some(0.5 - 0.3 * part),
        agreement_gd: Some(if is_locked { 0.995 } else { 0.7 + 0.2 * part }),
        ..EpochPoint::new(Phase::Train, epoch)
    }
}

fn record(job: &Assignment, curve: Vec<EpochPoint>, number: u32) -> RunRecord {
    let last = curve.last().unwrap();
    let score = |auc| {
        Some(ScoreMetrics {
            auc,
            ap: None,
            ano_auc: None,
            macro_auc: None,
            far: None,
            recall_at_fpr10: None,
        })
    };
    let metrics = FinalMetrics {
        d: score(last.auc_d),
        g: score(last.auc_g),
    };
    RunRecord {
        job_id: job.job_id,
        outcome: Outcome {
            curve,
            metrics,
            ..Outcome::default()
        },
        provenance: Provenance {
            attempt: job.attempt,
            worker: format!("node{number:02}-gpu0"),
            device: device(),
            version: "0".into(),
            trainer_revision: sweeps::TRAINER_REVISION,
            dataset_digest: job.dataset,
            duration_s: 300.0 + 60.0 * noise(job, 0, 7),
            resumed: 0,
            cached_since_ms: None,
            dataset: None,
        },
    }
}
