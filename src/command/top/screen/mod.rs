//! What `top` draws: a header, one view, and a line of what was said or of keys. At 80 by 24 everything has room.

mod chart;
mod claims;
mod grid;
mod job;
mod table;

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};
use sweeps::JobStatus;

use super::keys;
use super::model::{Model, View};
use crate::output;
use crate::output::terminal::cut;
use crate::progress::clock;
use crate::standing::Times;

/// When it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Since the beginning.
    pub now: Duration,
    /// Milliseconds since 1970.
    pub unix_milliseconds: u64,
}

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const FAINT: Style = Style::new().fg(Color::DarkGray);
const WARNING: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const SELECTED: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Draws all of it.
pub fn draw(frame: &mut Frame<'_>, model: &mut Model, seen: Seen) {
    let [header, tabs, body, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let followed = model.followed.as_ref();
    let times = followed.map(|followed| followed.standing.times(seen.now));
    frame.render_widget(head(model, times.as_ref(), header.width), header);
    frame.render_widget(views(model), tabs);
    match model.view {
        View::Grid => sweep(frame, model, body, times.as_ref()),
        View::Workers => table::workers(frame, model, body, seen),
        View::Failures => table::failures(frame, model, body),
        View::Job => job::draw(frame, model, body, seen),
        View::Sweeps => table::sweeps(frame, model, body, seen),
        View::Claims => claims::draw(frame, model, body),
    }
    frame.render_widget(foot(model, footer.width), footer);
    if model.help {
        help(frame, body);
    }
}

/// The sweep and how far it is.
fn head(model: &Model, times: Option<&Times>, width: u16) -> Line<'static> {
    let Some(followed) = &model.followed else {
        let text = match &model.name {
            Some(name) => format!("{name}: asking {}", model.whom),
            None => format!("{} has no sweep yet", model.whom),
        };
        return Line::styled(shown(&text, width), BOLD);
    };
    let standing = &followed.standing;
    let summary = &followed.info.summary;
    let mut text = format!(
        "{}  {}/{} jobs",
        summary.name,
        standing.settled(),
        standing.len()
    );
    if standing.running() > 0 {
        text += &format!(", {} running", standing.running());
    }
    for (status, word) in [
        (JobStatus::Failed, "failed"),
        (JobStatus::Quarantined, "quarantined"),
    ] {
        let count = summary.counts.of(status);
        if count > 0 {
            text += &format!(", {count} {word}");
        }
    }
    if standing.is_settled() {
        text += ", settled";
    } else if summary.paused {
        text += ", paused";
    } else if let Some(left) = times.and_then(Times::left) {
        text += &format!(", about {} left", clock(left));
    }
    Line::styled(shown(&text, width), BOLD)
}

fn views(model: &Model) -> Line<'static> {
    let mut spans = Vec::new();
    for (number, view) in (1..).zip(View::ALL) {
        let mut text = format!(" {number} {}", view.name());
        if view == View::Failures
            && let Some(count) = model
                .followed
                .as_ref()
                .map(|followed| followed.failures.len())
            && count > 0
        {
            text += &format!(" ({count})");
        }
        text.push(' ');
        let style = if view == model.view { SELECTED } else { FAINT };
        spans.push(Span::styled(text, style));
    }
    Line::from(spans)
}

fn foot(model: &Model, width: u16) -> Line<'static> {
    let (text, style) = if let Some(question) = &model.question {
        (question.text.clone(), WARNING)
    } else if let Some(away) = &model.away {
        (away.clone(), WARNING)
    } else if let Some(said) = &model.said {
        (said.clone(), BOLD)
    } else {
        let text = match model.view {
            View::Grid => "arrows move   Enter opens the job   m metric   ? keys   q leaves",
            View::Workers => "arrows move   Enter opens its job   d drains   ? keys   q leaves",
            View::Failures => "arrows move   Enter opens   r queues again   ? keys   q leaves",
            View::Job => "arrows scroll the log   r queues again   Esc back   ? keys   q leaves",
            View::Sweeps => "arrows move   Enter follows the sweep   ? keys   q leaves",
            View::Claims => "arrows move   ? keys   q leaves",
        };
        (text.to_owned(), FAINT)
    };
    let first = text.lines().next().unwrap_or_default().to_owned();
    Line::styled(shown(&first, width), style)
}

/// The variants by seeds, and below them the curve of the selected one where both have room.
fn sweep(frame: &mut Frame<'_>, model: &mut Model, area: Rect, times: Option<&Times>) {
    let variants = model
        .followed
        .as_ref()
        .map_or(0, |followed| followed.standing.groups().len());
    let wanted = u16::try_from(variants)
        .unwrap_or(u16::MAX)
        .saturating_add(1);
    let chart = if area.height >= 12 {
        (area.height / 2).max(8)
    } else {
        0
    };
    let height = wanted.min(area.height - chart);
    let [upper, lower] = Layout::vertical([
        Constraint::Length(height),
        Constraint::Length(if chart > 0 { area.height - height } else { 0 }),
    ])
    .areas(area);
    grid::draw(frame, model, upper, times);
    if chart > 0 {
        chart::draw(frame, model, lower);
    }
}

fn help(frame: &mut Frame<'_>, area: Rect) {
    let width = area.width.min(72);
    let height = area.height.min(keys::HELP.len() as u16 + 2);
    let [across] = Layout::horizontal([Constraint::Length(width)])
        .flex(ratatui::layout::Flex::Center)
        .areas(area);
    let [place] = Layout::vertical([Constraint::Length(height)])
        .flex(ratatui::layout::Flex::Center)
        .areas(across);
    let lines: Vec<Line<'_>> = keys::HELP
        .iter()
        .map(|(key, text)| {
            Line::from(vec![
                Span::styled(format!("{key:<18}"), BOLD),
                Span::raw(*text),
            ])
        })
        .collect();
    frame.render_widget(Clear, place);
    frame.render_widget(Block::bordered().title(" keys "), place);
    frame.render_widget(Paragraph::new(lines), place.inner(Margin::new(2, 1)));
}

/// What comes from outside, on one line of that width.
fn shown(text: &str, width: u16) -> String {
    cut(&output::line(text), usize::from(width))
}

#[cfg(test)]
mod tests;
