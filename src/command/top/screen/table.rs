//! Workers, failures and sweeps: one line each.

use proto::nouns::WorkerView;
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::Style;
use ratatui::text::Text;
use ratatui::widgets::{Cell, Paragraph, Row, Table, Wrap};
use sweeps::JobStatus;

use super::{BOLD, FAINT, SELECTED, Seen};
use crate::command::age;
use crate::command::status::{measured_texts, sweep_state, worker_state};
use crate::command::top::model::{Cursor, Model};
use crate::output;

/// Lines below a list: what has no room in one of its lines.
const NOTE: u16 = 4;

/// A list and so many lines below it.
pub(super) fn with_note(area: Rect, lines: u16) -> (Rect, Rect) {
    let height = area.height.saturating_sub(lines);
    let note = Rect {
        y: area.y + height,
        height: area.height - height,
        ..area
    };
    (Rect { height, ..area }, note)
}

/// A table whose selected line is shown.
pub(super) fn table<const N: usize>(
    frame: &mut Frame<'_>,
    area: Rect,
    cursor: &mut Cursor,
    header: [&str; N],
    widths: [Constraint; N],
    row: impl Fn(usize) -> Option<[String; N]>,
) {
    let shown = cursor.window(usize::from(area.height.saturating_sub(1)));
    let rows = shown.filter_map(|at| {
        let cells = row(at)?.map(|text| Cell::from(output::line(&text).into_owned()));
        let style = if at == cursor.at {
            SELECTED
        } else {
            Style::new()
        };
        Some(Row::new(cells).style(style))
    });
    let table = Table::new(rows.collect::<Vec<_>>(), widths)
        .header(Row::new(header).style(FAINT))
        .column_spacing(1);
    frame.render_widget(table, area);
}

pub(super) fn nothing(frame: &mut Frame<'_>, area: Rect, text: &str) {
    let paragraph = Paragraph::new(text).style(FAINT).wrap(Wrap { trim: true });
    frame.render_widget(paragraph, area);
}

pub fn workers(frame: &mut Frame<'_>, model: &mut Model, area: Rect, seen: Seen) {
    if model.workers.is_empty() {
        nothing(
            frame,
            area,
            "no workers yet: `gcl-sweep worker --coordinator URL` brings one",
        );
        return;
    }
    let mut cursor = model.worker;
    let (list, note) = with_note(area, NOTE);
    table(
        frame,
        list,
        &mut cursor,
        [
            "worker", "state", "job", "busy", "memory", "done", "failed", "heard",
        ],
        [
            Constraint::Fill(2),
            Constraint::Length(8),
            Constraint::Fill(3),
            Constraint::Length(5),
            Constraint::Length(9),
            Constraint::Length(5),
            Constraint::Length(6),
            Constraint::Length(6),
        ],
        |at| {
            let worker = model.workers.get(at)?;
            let [busy, memory, ..] = measured_texts(worker);
            let memory = memory.split(" of ").next().unwrap_or_default().to_owned();
            Some([
                worker.name.clone(),
                worker_state(worker.state).to_owned(),
                jobs(model, worker),
                busy,
                memory,
                worker.finished.to_string(),
                worker.failed.to_string(),
                age(seen.unix_milliseconds.saturating_sub(worker.last_seen.0)),
            ])
        },
    );
    if let Some(worker) = model.workers.get(cursor.at) {
        let [busy, memory, rate, wait] = measured_texts(worker);
        let mut text = format!(
            "{}, {} ({}), version {}, {} slots, joined {} ago",
            worker.name,
            worker.device.kind,
            worker.device.name,
            worker.version,
            worker.slots,
            age(seen.unix_milliseconds.saturating_sub(worker.joined_at.0)),
        );
        for (what, value) in [
            ("busy", busy),
            ("memory", memory),
            ("batches/s", rate),
            ("waits for data", wait),
        ] {
            if !value.is_empty() {
                text += &format!(", {what} {value}");
            }
        }
        for warning in &worker.warnings {
            text += &format!("; {warning}");
        }
        let paragraph = Paragraph::new(output::line(&text).into_owned()).wrap(Wrap { trim: true });
        frame.render_widget(paragraph, note);
    }
    model.worker = cursor;
}

fn jobs(model: &Model, worker: &WorkerView) -> String {
    let mut labels = worker.leases.iter().map(|lease| model.label(&lease.job));
    let first = labels.next().unwrap_or_default();
    match labels.count() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

pub fn failures(frame: &mut Frame<'_>, model: &mut Model, area: Rect) {
    let Some(followed) = &model.followed else {
        return;
    };
    if followed.failures.len() == 0 {
        nothing(frame, area, "no attempt of this sweep failed");
        return;
    }
    let mut cursor = model.failure;
    let (list, note) = with_note(area, NOTE);
    table(
        frame,
        list,
        &mut cursor,
        ["job", "status", "why"],
        [
            Constraint::Fill(2),
            Constraint::Length(11),
            Constraint::Fill(3),
        ],
        |at| {
            let (job, failure) = followed.failures.iter().nth(at)?;
            Some([
                model.label(job),
                failure.status.name().to_owned(),
                failure.message.clone(),
            ])
        },
    );
    if let Some((job, failure)) = followed.failures.iter().nth(cursor.at) {
        let text = format!("{}: {}", job.short(), failure.message);
        let text = Text::styled(output::line(&text).into_owned(), BOLD);
        frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), note);
    }
    model.failure = cursor;
}

pub fn sweeps(frame: &mut Frame<'_>, model: &mut Model, area: Rect, seen: Seen) {
    if model.sweeps.is_empty() {
        nothing(
            frame,
            area,
            "no sweeps yet: `gcl-sweep submit FILE` brings one",
        );
        return;
    }
    let mut cursor = model.sweep;
    table(
        frame,
        area,
        &mut cursor,
        [
            "sweep", "state", "done", "running", "failed", "waiting", "age",
        ],
        [
            Constraint::Fill(1),
            Constraint::Length(9),
            Constraint::Length(15),
            Constraint::Length(7),
            Constraint::Length(6),
            Constraint::Length(8),
            Constraint::Length(6),
        ],
        |at| {
            let sweep = model.sweeps.get(at)?;
            let count = |status| sweep.counts.of(status);
            let failed = count(JobStatus::Failed) + count(JobStatus::Quarantined);
            Some([
                sweep.name.clone(),
                sweep_state(sweep).to_owned(),
                format!("{} of {}", count(JobStatus::Done), sweep.counts.total()),
                count(JobStatus::Running).to_string(),
                failed.to_string(),
                count(JobStatus::Pending).to_string(),
                age(seen.unix_milliseconds.saturating_sub(sweep.submitted_at.0)),
            ])
        },
    );
    model.sweep = cursor;
}
