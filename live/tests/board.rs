//! A board and those who look at it: what they are sent, put together, is what the board shows.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use live::{Board, CurvesAsked, Filter, Measure, Printed, PrintedNumber};
use proto::nouns::{Change, Row, RowGroup, Timestamp};
use serde_json::Value;
use sweeps::{AttemptNumber, EpochPoint, JobId, JobStatus, Phase, Reporting};

fn group(variant: &str, rate: f64) -> Arc<RowGroup> {
    Arc::new(RowGroup {
        variant: variant.into(),
        point: vec![Some(sweeps::Value::Float(rate))],
        reporting: Reporting::default(),
        epochs: 4,
    })
}

fn row(group: &Arc<RowGroup>, seed: u64, job: u8) -> Row {
    Row {
        group: group.clone(),
        seed,
        job_id: JobId([job; 32]),
        status: JobStatus::Pending,
        attempts: 0,
        epochs: 0,
        auc: None,
        error: None,
        warnings: Vec::new(),
    }
}

/// Two variants with three seeds; the last cell has the job of the first.
fn board() -> Board {
    let mut board = Board::new(vec!["learning_rate".into()], false);
    let (a, b) = (group("A", 0.1), group("B", 0.1));
    for (seed, job) in [(0, 1), (1, 2), (2, 3)] {
        board.push(&row(&a, seed, job));
    }
    for (seed, job) in [(0, 4), (1, 5), (2, 1)] {
        board.push(&row(&b, seed, job));
    }
    board
}

fn change(job: u8, status: JobStatus, auc: Option<f64>, error: Option<&str>) -> Change {
    Change::Job {
        job: JobId([job; 32]),
        sweeps: [].into(),
        status,
        attempt: AttemptNumber(1),
        worker: Some("w".into()),
        error: error.map(Into::into),
        scores: [auc, None],
    }
}

fn epoch(job: u8, epoch: u32, auc: f64, agreement: f64) -> Change {
    let point = EpochPoint {
        auc_d: Some(auc),
        agreement_gd: Some(agreement),
        ..EpochPoint::new(Phase::Train, epoch)
    };
    Change::Epochs {
        job: JobId([job; 32]),
        sweeps: [].into(),
        attempt: AttemptNumber(1),
        points: [point].into(),
        ended: epoch,
    }
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

/// What a page does with a delta.
fn take_over(picture: &mut Value, delta: &Value) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for news in list(&delta["cells"]) {
        let news = list(&news);
        let position = usize::try_from(news[0].as_u64().unwrap()).unwrap();
        for (at, value) in news[1..].iter().enumerate() {
            picture["cells"][position][3 + at] = value.clone();
        }
    }
    for news in list(&delta["summaries"]) {
        let position = usize::try_from(news[0].as_u64().unwrap()).unwrap();
        picture["groups"][position]["summary"] = news[1].clone();
    }
    for part in ["alarms", "failures", "hours"] {
        if !delta[part].is_null() {
            picture[part] = delta[part].clone();
        }
    }
}

#[test]
fn a_snapshot_and_what_followed_is_the_snapshot_of_the_end() {
    let mut board = board();
    let mut picture = json(&board.snapshot());
    assert!(
        board
            .delta()
            .is_none_or(|delta| json(&delta)["cells"].is_null())
    );
    let story = [
        change(1, JobStatus::Running, None, None),
        epoch(1, 1, 0.61, 0.5),
        epoch(1, 2, 0.62, 0.99),
        change(2, JobStatus::Running, None, None),
        change(
            2,
            JobStatus::Pending,
            None,
            Some("trainer: it fell (attempt 1 on w)"),
        ),
        change(1, JobStatus::Done, Some(0.625), None),
        change(2, JobStatus::Running, None, None),
        change(
            2,
            JobStatus::Failed,
            None,
            Some("diverged: NaN (attempt 2 on w)"),
        ),
        change(3, JobStatus::Done, Some(0.7), None),
        change(4, JobStatus::Done, Some(0.45), None),
        change(2, JobStatus::Pending, None, None),
        change(9, JobStatus::Done, Some(0.1), None),
    ];
    for (at, change) in story.iter().enumerate() {
        let to_read = board.hear(change, Timestamp(1000 + at as u64));
        assert_eq!(
            to_read.is_some(),
            matches!(change, Change::Job { status: JobStatus::Done, job, .. } if job.0[0] != 9)
        );
        if at % 2 == 0
            && let Some(delta) = board.delta()
        {
            take_over(&mut picture, &json(&delta));
        }
    }
    if let Some(delta) = board.delta() {
        take_over(&mut picture, &json(&delta));
    }
    assert_eq!(picture, json(&board.snapshot()));
    assert_eq!(board.delta(), None);
    // The job that two cells share counts in both groups, and once among the alarms.
    assert_eq!(picture["groups"][0]["summary"][0], 2);
    assert_eq!(picture["groups"][1]["summary"][0], 2);
    let cell = |at: usize| picture["cells"][at].clone();
    assert_eq!(
        (cell(0)[3].clone(), cell(0)[4].clone()),
        ("d".into(), 0.625.into())
    );
    assert_eq!(cell(5)[4], 0.625);
    let alarms: Vec<_> = picture["alarms"].as_array().unwrap().clone();
    let told: Vec<_> = alarms
        .iter()
        .map(|alarm| alarm["alarm"].as_str().unwrap())
        .collect();
    // Job 2 waits to be tried again: its last failure is still that it diverged.
    assert_eq!(told, ["not-a-number", "locked-in", "below-chance"]);
    assert_eq!(picture["failures"][0]["settled"], 0);
    let spans: Vec<_> = board
        .spans()
        .map(|span| json(span)["end"].clone())
        .collect();
    assert_eq!(spans, ["done", "back", "failed"]);
}

#[test]
fn curves_are_numbers_over_the_seeds_that_have_the_epoch() {
    let mut board = board();
    for (job, aucs) in [(1, &[0.5, 0.6][..]), (2, &[0.7]), (3, &[0.6, 0.8])] {
        for (at, auc) in aucs.iter().enumerate() {
            board.hear(&epoch(job, at as u32 + 1, *auc, 0.5), Timestamp(0));
        }
    }
    let asked = CurvesAsked {
        groups: vec![0, 1, 99],
        measure: Measure::Auc,
        phase: Phase::Train,
        seeds: true,
        until: None,
    };
    let curves = json(&board.curves(&asked));
    let first = &curves["groups"][0];
    assert_eq!(first["epochs"], serde_json::json!([1, 2]));
    assert_eq!(first["summaries"][0][0], 3);
    assert_eq!(first["summaries"][0][1], 0.6);
    assert_eq!(first["summaries"][1][0], 2);
    assert!(
        first["summaries"][1][3].is_null(),
        "two values have no interval"
    );
    assert_eq!(first["seeds"][1], serde_json::json!([1, [0.7, null]]));
    // The second group has the first one's job alone.
    assert_eq!(curves["groups"][1]["summaries"][0][0], 1);
    assert_eq!(curves["groups"].as_array().unwrap().len(), 2);
    let delta = json(&board.delta().unwrap());
    assert_eq!(delta["curves"], serde_json::json!([0, 1]));
    // A phase, or a number, that nobody told has no curve.
    let asked = CurvesAsked {
        measure: Measure::named("truth").unwrap(),
        ..asked
    };
    assert_eq!(
        json(&board.curves(&asked))["groups"][0]["epochs"],
        serde_json::json!([])
    );
}

#[test]
fn a_board_as_it_was_is_made_of_what_had_ended_by_then() {
    let mut board = board();
    for (at, job, status, auc) in [
        (10, 1, JobStatus::Running, None),
        (20, 1, JobStatus::Done, Some(0.6)),
        (20, 2, JobStatus::Running, None),
        (30, 2, JobStatus::Pending, None),
        (40, 2, JobStatus::Running, None),
        (50, 2, JobStatus::Failed, None),
        (60, 3, JobStatus::Running, None),
        (70, 3, JobStatus::Done, Some(0.8)),
    ] {
        board.hear(&change(job, status, auc, None), Timestamp(at));
    }
    board.hear(&epoch(3, 1, 0.7, 0.5), Timestamp(65));
    for (at, statuses, n) in [
        (5, "pppppp", None),
        (10, "rppppr", None),
        (25, "drpppd", Some(1)),
        (35, "dppppd", Some(1)),
        (55, "dfpppd", Some(1)),
        (99, "dfdppd", Some(2)),
    ] {
        let past = json(&board.past(Timestamp(at)));
        assert_eq!(past["statuses"], statuses, "{at}");
        assert_eq!(past["summaries"][0][0].as_u64(), n, "{at}");
        let counts = past["counts"].as_array().unwrap().iter();
        let jobs: u64 = counts.filter_map(Value::as_u64).sum();
        assert_eq!(jobs, 5, "each job once");
    }
    let curves = |until| {
        let asked = CurvesAsked {
            groups: vec![0],
            measure: Measure::Auc,
            phase: Phase::Train,
            seeds: false,
            until,
        };
        json(&board.curves(&asked))["groups"][0]["epochs"].clone()
    };
    assert_eq!(curves(None), serde_json::json!([1]));
    assert_eq!(curves(Some(Timestamp(65))), serde_json::json!([]));
    assert_eq!(curves(Some(Timestamp(70))), serde_json::json!([1]));
}

#[test]
fn alarms_failures_workers_and_hours_are_those_of_then() {
    let mut board = board();
    let fell = "trainer: it fell (attempt 1 on w)";
    let diverged = "diverged: NaN (attempt 2 on w)";
    for (at, change) in [
        (10, change(1, JobStatus::Running, None, None)),
        (12, epoch(1, 1, 0.6, 0.5)),
        (14, epoch(1, 2, 0.6, 0.99)),
        (20, change(1, JobStatus::Done, Some(0.6), None)),
        (20, change(2, JobStatus::Running, None, None)),
        (30, change(2, JobStatus::Pending, None, Some(fell))),
        (40, change(2, JobStatus::Running, None, None)),
        (50, change(2, JobStatus::Failed, None, Some(diverged))),
        (60, change(2, JobStatus::Pending, None, None)),
        (70, change(2, JobStatus::Running, None, None)),
        (80, change(2, JobStatus::Done, Some(0.7), None)),
    ] {
        board.hear(&change, Timestamp(at));
    }
    let names = |list: &Value, key: &str| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|one| one[key].as_str().unwrap().to_owned())
            .collect()
    };
    for (at, alarms, failures, jobs, finished, failed) in [
        (13, &[][..], &[][..], 1, 0, 0),
        (15, &["locked-in"], &[], 1, 0, 0),
        (25, &["locked-in"], &[], 1, 1, 0),
        (35, &["locked-in"], &["trainer"], 0, 1, 1),
        (45, &["locked-in"], &["trainer"], 1, 1, 1),
        (55, &["not-a-number", "locked-in"], &["diverged"], 0, 1, 2),
        (75, &["not-a-number", "locked-in"], &["diverged"], 1, 1, 2),
        (85, &["locked-in"], &[], 0, 2, 2),
    ] {
        let past = json(&board.past(Timestamp(at)));
        assert_eq!(names(&past["alarms"], "alarm"), alarms, "{at}");
        assert_eq!(names(&past["failures"], "class"), failures, "{at}");
        let worker = &past["workers"][0];
        let told = |key: &str| worker[key].as_u64().unwrap();
        assert_eq!(worker["jobs"].as_array().unwrap().len(), jobs, "{at}");
        assert_eq!(
            (told("finished"), told("failed")),
            (finished, failed),
            "{at}"
        );
    }
    let nobody = json(&board.past(Timestamp(5)));
    assert_eq!(nobody["workers"], serde_json::json!([]));
    // The end of the past is the present.
    let (now, past) = (json(&board.snapshot()), json(&board.past(Timestamp(99))));
    for part in ["alarms", "failures", "hours"] {
        assert_eq!(now[part], past[part], "{part}");
    }
}

#[test]
fn a_printed_number_stands_beside_its_group() {
    let mut board = board();
    let printed = |variant: &str, rate| Printed {
        variant: variant.into(),
        point: vec![Some(sweeps::Value::Float(rate))],
        number: PrintedNumber {
            auc: 0.7104,
            std: None,
            text: "GCL_B, Table 1".into(),
            alike: false,
        },
    };
    board.print(vec![
        printed("B", 0.1),
        printed("A", 0.2),
        printed("C", 0.1),
    ]);
    let groups = json(&board.snapshot())["groups"].clone();
    assert_eq!(groups[0]["printed"], Value::Null);
    assert_eq!(groups[1]["printed"]["auc"], 0.7104);
}

#[test]
fn of_a_rehearsal_no_auc_is_shown() {
    let mut board = Board::new(vec!["learning_rate".into()], true);
    board.push(&row(&group("A", 0.1), 0, 1));
    board.hear(&epoch(1, 2, 0.3, 0.99), Timestamp(0));
    board.hear(&change(1, JobStatus::Done, Some(0.3), None), Timestamp(1));
    let picture = json(&board.snapshot());
    assert!(!picture.to_string().contains("0.3"), "{picture}");
    assert_eq!(picture["alarms"], serde_json::json!([]));
    let asked = CurvesAsked {
        groups: vec![0],
        measure: Measure::Auc,
        phase: Phase::Train,
        seeds: true,
        until: None,
    };
    assert_eq!(json(&board.curves(&asked))["groups"], serde_json::json!([]));
}

#[test]
fn a_large_sweep_is_cut_and_says_so_and_filters_know_its_columns() {
    let mut large = Board::new(vec!["learning_rate".into()], false);
    // The seed is the outer axis: groups alternate.
    let groups: Vec<_> = (0..500).map(|at| group("A", f64::from(at))).collect();
    for seed in 0..101 {
        for group in &groups {
            large.push(&row(group, seed, 1));
        }
    }
    let picture = json(&large.snapshot());
    assert_eq!(large.len(), live::MOST_CELLS);
    assert_eq!(picture["hidden"], 500);
    assert_eq!(picture["groups"].as_array().unwrap().len(), 500);
    let board = board();
    let takes = |text: &str| -> Vec<usize> {
        let filter = Filter::parse(text);
        (0..board.len())
            .filter(|cell| filter.takes(&board.filtered(*cell)))
            .collect()
    };
    assert_eq!(takes("variant:b seed:1"), [4]);
    assert_eq!(takes("Learning_Rate:0.1 seed:2"), [2, 5]);
    assert_eq!(takes("job:0101*"), [0, 5]);
    assert_eq!(takes("status:done"), [] as [usize; 0]);
}
