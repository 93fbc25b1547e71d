use std::collections::BTreeMap;
use std::sync::Arc;

use proto::nouns::{AuditStamp, Change, Counts, Row, RowGroup, SweepInfo, SweepSummary, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sweeps::{AttemptNumber, EpochPoint, JobId, Phase, Reporting};

use super::*;
use crate::command::top::keys::Pressed;
use crate::command::top::model::Wish;
use crate::command::top::news::News;

fn id(variant: u8, seed: u8) -> JobId {
    let mut bytes = [seed; 32];
    bytes[0] = variant;
    JobId(bytes)
}

fn summary(counts: [u64; 6]) -> SweepSummary {
    SweepSummary {
        name: "fig5".into(),
        description: String::new(),
        priority: 0,
        paused: false,
        cancelled: false,
        submitted_at: Timestamp(0),
        cells: 60,
        counts: Counts(counts),
    }
}

/// Three variants of 20 seeds: some done, one runs, one failed.
fn model() -> Model {
    let mut rows = Vec::new();
    for (variant, name) in (0..).zip(["AE_AllData", "GCL_B", "GCL_B gaussian\u{1b}[2J 1.5"]) {
        let group = Arc::new(RowGroup {
            variant: name.into(),
            point: Vec::new(),
            reporting: Reporting::default(),
            epochs: 4,
        });
        for seed in 0..20 {
            let status = match (variant, seed) {
                (0, 0..18) => JobStatus::Done,
                (0, 18) => JobStatus::Failed,
                (0, 19) => JobStatus::Running,
                _ => JobStatus::Pending,
            };
            rows.push(Row {
                group: group.clone(),
                seed: seed.into(),
                job_id: id(variant, seed),
                status,
                attempts: 1,
                epochs: 0,
                auc: (status == JobStatus::Done).then_some(0.7 + f64::from(seed) / 1000.0),
                error: (status == JobStatus::Failed).then(|| "no such data set".into()),
                warnings: Vec::new(),
            });
        }
    }
    let info = SweepInfo {
        summary: summary([40, 1, 18, 1, 0, 0]),
        file: "fig5.toml".into(),
        text: String::new(),
        columns: Vec::new(),
        datasets: BTreeMap::new(),
        more_datasets: 0,
        trainer_revision: 2,
        discrepancies: 0,
        lost_ms: 0,
        audit: AuditStamp::default(),
        claims: None,
    };
    let mut model = Model::new("the coordinator at http://127.0.0.1:7070".into());
    model.hear(News::Sweeps(vec![info.summary.clone()]), Duration::ZERO);
    model.hear(News::Picture(Box::new(info), rows), Duration::ZERO);
    model
}

fn press(model: &mut Model, key: KeyCode) -> Pressed {
    model.press(&KeyEvent::new(key, KeyModifiers::NONE))
}

fn drawn(model: &mut Model, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let seen = Seen {
        now: Duration::from_secs(5),
        unix_milliseconds: 60_000,
    };
    terminal.draw(|frame| draw(frame, model, seen)).unwrap();
    let buffer = terminal.backend().buffer();
    (0..height)
        .map(|y| {
            let cells = (0..width).map(|x| buffer[(x, y)].symbol());
            cells.collect::<String>().trim_end().to_owned()
        })
        .collect()
}

fn epoch(number: u32, auc: f64) -> EpochPoint {
    EpochPoint {
        auc_d: Some(auc),
        ..EpochPoint::new(Phase::Train, number)
    }
}

#[test]
fn a_sweep_fits_into_80_by_24() {
    let mut model = model();
    let points = (1..5).map(|number| epoch(number, 0.6 + f64::from(number) / 50.0));
    model.hear(News::Curve(id(0, 0), points.collect()), Duration::ZERO);
    let lines = drawn(&mut model, 80, 24);
    assert_eq!(lines[0], "fig5  19/60 jobs, 1 running, 1 failed");
    assert!(
        lines[1].contains("1 grid") && lines[1].contains("3 failures (1)"),
        "{lines:#?}"
    );
    assert!(lines[3].starts_with("> AE_AllData"), "{lines:#?}");
    assert!(
        lines[3].contains("■■■■") && lines[3].contains('x'),
        "{lines:#?}"
    );
    assert!(lines[3].ends_with("70.85 ± 0.53"), "{lines:#?}");
    assert!(
        lines[5].contains("gaussian\\u{1b}[2J"),
        "escaped: {lines:#?}"
    );
    assert!(
        lines[6].contains("AE_AllData: AUC (%) by epoch, 1 seed "),
        "{lines:#?}"
    );
    let braille = |line: &String| {
        line.chars()
            .any(|letter| ('\u{2801}'..='\u{28ff}').contains(&letter))
    };
    assert!(lines.iter().any(braille), "{lines:#?}");
    assert!(lines[23].contains("q leaves"), "{lines:#?}");
}

#[test]
fn no_size_is_too_small_and_a_wide_one_has_numbers() {
    let mut model = model();
    for (width, height) in [(1, 1), (2, 4), (20, 5), (40, 12), (80, 24), (200, 60)] {
        for view in View::ALL {
            model.view = view;
            model.help = true;
            assert_eq!(drawn(&mut model, width, height).len(), usize::from(height));
        }
    }
    model.help = false;
    model.view = View::Grid;
    let lines = drawn(&mut model, 160, 40);
    assert!(lines[3].contains("70 70 70"), "{lines:#?}");
    assert!(lines[2].contains(" 0  1  2"), "{lines:#?}");
}

#[test]
fn keys_select_and_open_a_job() {
    let mut model = model();
    model.wishes();
    press(&mut model, KeyCode::Right);
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.wishes(), [Wish::Look(Some(id(0, 1)))]);
    assert!(drawn(&mut model, 80, 24)[2].starts_with("AE_AllData seed 1: asking"));
    press(&mut model, KeyCode::Char('3'));
    assert!(drawn(&mut model, 80, 24)[3].contains("no such data set"));
    press(&mut model, KeyCode::Char('r'));
    let Wish::Control(control) = model.wishes().remove(0) else {
        panic!("retries")
    };
    assert_eq!(control.target, proto::nouns::Target::Job(id(0, 18)));
    assert_eq!(press(&mut model, KeyCode::Char('q')), Pressed::Leave);
}

#[test]
fn what_destroys_asks_first() {
    let mut model = model();
    model.wishes();
    press(&mut model, KeyCode::Char('c'));
    assert!(drawn(&mut model, 80, 24)[23].starts_with("cancel 41 unfinished jobs of fig5? y / n"));
    press(&mut model, KeyCode::Char('n'));
    assert_eq!(model.wishes(), []);
    press(&mut model, KeyCode::Char('c'));
    press(&mut model, KeyCode::Char('y'));
    assert!(matches!(model.wishes()[..], [Wish::Control(_)]));
}

#[test]
fn changes_are_followed_and_a_lost_coordinator_is_said() {
    let mut model = model();
    let change = |status| Change::Job {
        job: id(0, 19),
        sweeps: Arc::new([]),
        status,
        attempt: AttemptNumber(1),
        worker: Some("w".into()),
        error: None,
        scores: [Some(0.9), None],
    };
    model.wishes();
    model.hear(
        News::Change(Box::new(change(JobStatus::Done))),
        Duration::from_secs(10),
    );
    let lines = drawn(&mut model, 80, 24);
    assert!(
        lines[0].starts_with("fig5  20/60 jobs, 1 failed"),
        "{lines:#?}"
    );
    let wishes = model.wishes();
    assert!(
        matches!(&wishes[..], [Wish::Curves(_, jobs)] if jobs.contains(&id(0, 19))),
        "{wishes:?}"
    );
    model.hear(News::Away("nobody answers".into()), Duration::ZERO);
    assert!(drawn(&mut model, 80, 24)[23].starts_with("nobody answers"));
    model.hear(News::Here, Duration::ZERO);
    assert!(drawn(&mut model, 80, 24)[23].contains("q leaves"));
    // The question that found nobody was given up since: any other answer says as much.
    model.hear(News::Away("nobody answers".into()), Duration::ZERO);
    model.hear(
        News::Change(Box::new(change(JobStatus::Done))),
        Duration::from_secs(11),
    );
    assert!(drawn(&mut model, 80, 24)[23].contains("q leaves"));
}

#[test]
fn claims_are_shown_on_their_way() {
    let mut model = model();
    press(&mut model, KeyCode::Char('6'));
    let lines = drawn(&mut model, 80, 24);
    assert!(
        lines[2].starts_with("this sweep claims nothing"),
        "{lines:#?}"
    );
    let claim = looks::ClaimView {
        claim: looks::ClaimText {
            left: "GCL_B".into(),
            right: "AE_AllData".into(),
            place: Vec::new(),
        },
        seeds: 6,
        difference: Some(0.05),
        interval: None,
        log_e: 2.0,
        best_log_e: 2.0,
        log_bound: 4.0,
        p: 0.135,
        p_adjusted: 0.135,
        verdict: looks::Verdict::Undecided,
        decided_after: None,
        needed: Some(4),
        state: looks::ClaimState::Open,
        lost_seed: None,
    };
    let view = looks::ClaimsView {
        settings: looks::Settings::up_to(60),
        identity: "0".into(),
        grows: true,
        claims: vec![claim],
        looks: Vec::new(),
    };
    model.hear(News::Claims(Some(Box::new(view))), Duration::ZERO);
    let lines = drawn(&mut model, 80, 24);
    assert!(lines[3].starts_with("GCL_B > AE_AllData"), "{lines:#?}");
    assert!(lines[3].contains("+5.00"), "{lines:#?}");
    assert!(
        lines
            .iter()
            .any(|line| line.contains(" of ") && line.contains("E ")),
        "{lines:#?}"
    );
}
