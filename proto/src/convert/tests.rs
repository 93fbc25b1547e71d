//! Messages survive the wire unchanged, and nothing that arrives can panic.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::telemetry::Telemetry;
use crate::wire;
use looks::{
    ClaimState, ClaimText, ClaimView, ClaimsView, Look, PlanningInterval, Settings, Verdict,
};
use proptest::prelude::*;
use prost::Message;
use sweeps::{
    AttemptNumber, DatasetSource, DeviceInfo, Digest, EpochPoint, Failure, FailureClass, JobId,
    JobSpec, JobStatus, Parameters, Phase,
};

use crate::nouns::WatchEvent;
use crate::nouns::{
    AttemptFailure, Change, Control, ControlAction, Counts, DatasetKnown, Explanation, Fail,
    Finish, Goodbye, JobView, LeaseKey, LeaseRequest, LeaseView, LogLine, Measured, Release,
    Report, Requirements, Submit, Submitted, SweepInfo, SweepSummary, Target, Timestamp, WorkerId,
    WorkerState, WorkerView,
};

fn name() -> impl Strategy<Value = String> {
    "\\PC{1,30}"
}
fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}
fn job() -> impl Strategy<Value = JobId> {
    any::<[u8; 32]>().prop_map(JobId)
}
fn attempt() -> impl Strategy<Value = AttemptNumber> {
    (1..=u64::MAX).prop_map(AttemptNumber)
}
fn datasets() -> impl Strategy<Value = BTreeMap<String, Digest>> {
    prop::collection::btree_map(name(), digest(), 0..4)
}
fn counts() -> impl Strategy<Value = Counts> {
    any::<[u64; 6]>().prop_map(Counts)
}
fn status() -> impl Strategy<Value = JobStatus> {
    prop::sample::select(JobStatus::ALL.to_vec())
}
fn names() -> impl Strategy<Value = Arc<[Arc<str>]>> {
    prop::collection::vec(name(), 0..3).prop_map(|names| names.into_iter().map(Arc::from).collect())
}
fn line() -> impl Strategy<Value = Option<Arc<str>>> {
    prop::option::of(name().prop_map(Arc::from))
}

prop_compose! {
    fn submit()(
        file in name(), text in "\\PC{0,200}", datasets in datasets(), priority in any::<i32>(),
        device in prop::option::of(name()), labels in prop::collection::vec(name(), 0..3),
        memory_bytes in any::<Option<u64>>(), max_jobs in any::<Option<usize>>(), dry_run in any::<bool>(), fixed_seeds in any::<bool>(),
    ) -> Submit {
        let requirements = Requirements { device, labels, memory_bytes };
        Submit { file, text, datasets, priority, requirements, max_jobs, dry_run, fixed_seeds }
    }
}
prop_compose! {
    fn submitted()(sweep in name(), numbers in any::<[u64; 6]>()) -> Submitted {
        let [cells, jobs, new, done, shared, hidden] = numbers;
        Submitted { sweep, cells, jobs, new, done, shared, hidden }
    }
}
prop_compose! {
    fn control()(sweep in name(), job in job(), by_job in any::<bool>(), action in 0..4_usize) -> Control {
        use ControlAction::{Cancel, Pause, Resume, Retry};
        Control {
            target: if by_job { Target::Job(job) } else { Target::Sweep(sweep) },
            action: [Cancel, Pause, Resume, Retry][action],
        }
    }
}
prop_compose! {
    fn summary()(
        name in name(), description in name(), priority in any::<i32>(), paused in any::<bool>(),
        cancelled in any::<bool>(), at in any::<u64>(), cells in any::<u64>(), counts in counts(),
    ) -> SweepSummary {
        SweepSummary { name, description, priority, paused, cancelled, submitted_at: Timestamp(at), cells, counts }
    }
}
prop_compose! {
    fn claim()(
        words in [name(), name(), name(), name()], seeds in any::<[u32; 4]>(), numbers in any::<[bool; 3]>(),
        values in prop::array::uniform6(-1e3..1e3_f64), verdict in 0..4_usize, state in 0..5_usize,
    ) -> ClaimView {
        use ClaimState::{AtMax, Decided, Lost, Open, Stopped};
        let [left, right, column, value] = words;
        let [difference, low, high, log_e, p, log_bound] = values;
        ClaimView {
            claim: ClaimText { left, right, place: vec![(column, value)] },
            seeds: seeds[0],
            difference: numbers[0].then_some(difference),
            interval: numbers[1].then_some(PlanningInterval { low, high }),
            log_e,
            best_log_e: log_e,
            log_bound,
            p,
            p_adjusted: p,
            verdict: Verdict::ALL[verdict],
            decided_after: numbers[2].then_some(seeds[1]),
            needed: numbers[0].then_some(seeds[2]),
            state: [Open, Decided, AtMax, Lost, Stopped][state],
            lost_seed: numbers[1].then_some(seeds[3]),
        }
    }
}
prop_compose! {
    fn claims()(
        claims in prop::collection::vec(claim(), 0..3), numbers in any::<[u32; 3]>(), alpha in 0.0..1.0_f64, grows in any::<bool>(),
        identity in name(), looks in prop::collection::vec((any::<u32>(), any::<u32>(), -9.0..9.0_f64, 0..4_usize), 0..3),
    ) -> ClaimsView {
        let [min, max, at_once] = numbers;
        let looks = looks.into_iter().map(|(claim, seeds, log_e, verdict)| Look { step: seeds, claim, seeds, log_e, verdict: Verdict::ALL[verdict] });
        ClaimsView {
            settings: Settings { alpha, min, max, margin: alpha, at_once },
            identity,
            grows,
            claims,
            looks: looks.collect(),
        }
    }
}
prop_compose! {
    fn info()(
        summary in summary(), file in name(), text in name(), columns in prop::collection::vec(name(), 0..3),
        datasets in datasets(), trainer_revision in any::<u32>(), discrepancies in any::<u64>(), lost_ms in any::<u64>(),
        audit in any::<[u64; 5]>(), more_datasets in any::<u64>(), tolerance in 0.0..1.0_f64,
        claims in prop::option::of(claims().prop_map(Box::new)),
    ) -> SweepInfo {
        let [waiting, equal, within, different, failed] = audit;
        let audit = crate::nouns::AuditStamp { waiting, equal, within, different, failed, tolerance };
        SweepInfo { summary, file, text, columns, datasets, more_datasets, trainer_revision, discrepancies, lost_ms, audit, claims }
    }
}
prop_compose! {
    fn measured()(
        busy_percent in prop::option::of(0..=100_u32), memory_used_bytes in any::<Option<u64>>(),
        batches_per_second in prop::option::of(0.0..1e9_f64), data_wait_percent in prop::option::of(0..=100_u32),
        at in any::<u64>(),
    ) -> Measured {
        let telemetry = Telemetry { busy_percent, memory_used_bytes, batches_per_second, data_wait_percent };
        Measured { telemetry, at: Timestamp(at) }
    }
}
prop_compose! {
    fn worker()(
        words in [name(), name(), name(), name()], numbers in any::<[u64; 5]>(), small in any::<[u32; 2]>(),
        datasets in datasets(), state in 0..4_usize,
        leases in prop::collection::vec((job(), attempt()), 0..3), warnings in prop::collection::vec(name(), 0..3),
        memory_bytes in any::<Option<u64>>(), driver in prop::option::of(name()), measured in prop::option::of(measured()),
    ) -> WorkerView {
        use WorkerState::{Active, Draining, Gone, Silent};
        let [name, kind, device, version] = words;
        let [worker, joined, seen, finished, failed] = numbers;
        WorkerView {
            worker: WorkerId(worker),
            name,
            device: DeviceInfo { kind, name: device },
            version,
            trainer_revision: small[0],
            slots: small[1],
            datasets,
            state: [Active, Draining, Silent, Gone][state],
            leases: leases.into_iter().map(|(job, attempt)| LeaseKey { job, attempt }).collect(),
            joined_at: Timestamp(joined),
            last_seen: Timestamp(seen),
            finished,
            failed,
            warnings,
            memory_bytes,
            driver,
            measured,
        }
    }
}
prop_compose! {
    fn explanation()(
        job_id in job(), dataset in digest(), status in status(), numbers in any::<[u64; 4]>(), seed in any::<u64>(),
        cells in prop::collection::vec((name(), any::<u64>()), 0..3), leased in any::<bool>(), paused in any::<bool>(),
        failures in prop::collection::vec((attempt(), name(), 0..FailureClass::ALL.len(), any::<u64>()), 0..3),
        attempt in attempt(), reasons in prop::collection::vec(name(), 0..3), worker_name in name(),
    ) -> Explanation {
        let [attempts, worker, since, expires] = numbers;
        let lease = LeaseView {
            attempt,
            worker: WorkerId(worker),
            worker_name,
            since: Timestamp(since),
            expires: Timestamp(expires),
        };
        let failures = failures
            .into_iter()
            .map(|(attempt, worker, class, at)| AttemptFailure {
                attempt,
                failure: Failure::new(FailureClass::ALL[class], worker.clone()),
                worker,
                at: Timestamp(at),
            })
            .collect();
        let job = JobSpec::resolve(DatasetSource::Named("d".into()), seed, &Parameters::default());
        let lease = leased.then_some(lease);
        Explanation {
            view: JobView { job_id, job, dataset, status, attempts, cells, lease, failures, paused, more_cells: 0 },
            reasons,
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let point = (1..1000_u32, prop::option::of(0.0..1.0)).prop_map(|(epoch, auc_d)| EpochPoint {
        auc_d,
        ..EpochPoint::new(Phase::Train, epoch)
    });
    prop_oneof![
        (
            job(),
            names(),
            status(),
            any::<u64>(),
            line(),
            line(),
            prop::option::of(0.0..1.0)
        )
            .prop_map(
                |(job, sweeps, status, attempt, worker, error, auc)| Change::Job {
                    job,
                    sweeps,
                    status,
                    attempt: AttemptNumber(attempt),
                    worker,
                    error,
                    scores: [auc, None],
                }
            ),
        (
            job(),
            names(),
            attempt(),
            prop::collection::vec(point, 0..3)
        )
            .prop_map(|(job, sweeps, attempt, points)| Change::Epochs {
                job,
                sweeps,
                attempt,
                ended: points.len() as u32,
                points: points.into(),
            }),
        (
            job(),
            names(),
            attempt(),
            prop::collection::vec(name(), 0..3)
        )
            .prop_map(|(job, sweeps, attempt, lines)| Change::Log {
                job,
                sweeps,
                attempt,
                lines: lines.into(),
            }),
        (name(), counts()).prop_map(|(name, counts)| Change::Sweep {
            name: name.into(),
            counts,
        }),
        (name(), line()).prop_map(|(name, reason)| Change::Worker {
            name: name.into(),
            state: WorkerState::Draining,
            reason,
        }),
    ]
}

/// Through real bytes, not only through the generated structs.
fn travel<M: Message + Default>(message: &M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

macro_rules! survive {
    ($($test:ident: $strategy:ident, $wire:ty, $noun:ty;)+) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(48))]
            $(#[test]
            fn $test(noun in $strategy()) {
                let back = <$noun>::try_from(travel(&<$wire>::from(&noun))).unwrap();
                prop_assert_eq!(back, noun);
            })+
        }
    };
}
survive! {
    a_submission_survives: submit, wire::SubmitRequest, Submit;
    an_order_survives: control, wire::ControlRequest, Control;
    a_summary_survives: summary, wire::SweepSummary, SweepSummary;
    a_sweep_survives: info, wire::StatusResponse, SweepInfo;
    a_worker_survives: worker, wire::WorkerView, WorkerView;
    an_explanation_survives: explanation, wire::ExplainResponse, Explanation;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_a_submission_means_survives(submitted in submitted()) {
        let back = Submitted::try_from(travel(&wire::Submitted::from(submitted.clone()))).unwrap();
        prop_assert_eq!(back, submitted);
    }

    #[test]
    fn a_change_survives(change in change()) {
        let back = WatchEvent::try_from(travel(&wire::WatchEvent::from(&change))).unwrap();
        prop_assert_eq!(back, WatchEvent::Change(change));
    }

    #[test]
    fn known_copies_and_log_lines_survive(
        name in name(),
        copies in prop::collection::btree_map(digest(), prop::collection::vec(name(), 0..3), 0..3),
        attempt in any::<u64>(),
    ) {
        let known = DatasetKnown { name: name.clone(), copies };
        prop_assert_eq!(DatasetKnown::try_from(travel(&wire::DatasetKnown::from(&known))).unwrap(), known);
        let line = LogLine { attempt: AttemptNumber(attempt), at: Timestamp(attempt), text: name };
        prop_assert_eq!(LogLine::try_from(travel(&wire::LogLine::from(&line))).unwrap(), line);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        convert_anything(&bytes);
    }

    #[test]
    fn damaged_messages_never_panic(
        submit in submit(),
        explanation in explanation(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        for mut bytes in [
            wire::SubmitRequest::from(&submit).encode_to_vec(),
            wire::ExplainResponse::from(&explanation).encode_to_vec(),
        ] {
            for (at, byte) in &damage {
                let length = bytes.len();
                bytes[at.index(length)] = *byte;
            }
            convert_anything(&bytes);
        }
    }
}

/// Decodes as everything that may arrive, and converts what decodes.
fn convert_anything(bytes: &[u8]) {
    macro_rules! each {
        ($($wire:ty => $noun:ty),+ $(,)?) => {$(
            if let Ok(message) = <$wire>::decode(bytes) {
                let _ = <$noun>::try_from(message);
            }
        )+};
    }
    each!(
        wire::LeaseRequest => LeaseRequest,
        wire::ReportRequest => Report,
        wire::FinishRequest => Finish,
        wire::FailRequest => Fail,
        wire::ReleaseRequest => Release,
        wire::GoodbyeRequest => Goodbye,
        wire::SubmitRequest => Submit,
        wire::Submitted => Submitted,
        wire::ControlRequest => Control,
        wire::StatusResponse => SweepInfo,
        wire::WorkerView => WorkerView,
        wire::ExplainResponse => Explanation,
        wire::DatasetKnown => DatasetKnown,
        wire::WatchEvent => WatchEvent,
    );
    if let Ok(message) = wire::HelloRequest::decode(bytes) {
        let _ = super::hello(message);
    }
}

#[test]
fn a_hello_without_a_name_or_with_silly_slots_is_refused() {
    let good = wire::HelloRequest {
        versions: Some((&crate::version::Versions::ours("1")).into()),
        name: "w".into(),
        session: 1,
        device: Some(wire::DeviceInfo::default()),
        slots: 1,
        ..wire::HelloRequest::default()
    };
    assert!(super::hello(good.clone()).is_ok());
    for bad in [
        wire::HelloRequest {
            name: String::new(),
            ..good.clone()
        },
        wire::HelloRequest {
            slots: 0,
            ..good.clone()
        },
        wire::HelloRequest {
            slots: u32::MAX,
            ..good.clone()
        },
        wire::HelloRequest {
            versions: None,
            ..good.clone()
        },
        wire::HelloRequest {
            device: None,
            ..good
        },
    ] {
        assert!(super::hello(bad).is_err());
    }
}
