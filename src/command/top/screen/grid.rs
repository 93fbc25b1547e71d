//! Variants by seeds: a cell says its job's state, then its AUC.

use std::time::Duration;

use proto::nouns::Counts;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use sweeps::{JobId, JobStatus};

use super::{BOLD, FAINT, SELECTED, shown};
use crate::command::top::model::Model;
use crate::output;
use crate::output::terminal::columns;
use crate::progress::clock;
use crate::standing::{Group, Standing, Times};

/// `AUC 73.29 ± 0.36` and the time left.
const NUMBERS: usize = 24;
const WIDE: usize = 3;
/// How far a running job is, in eighths.
const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub fn draw(frame: &mut Frame<'_>, model: &mut Model, area: Rect, times: Option<&Times>) {
    let Some(followed) = &model.followed else {
        return;
    };
    let standing = &followed.standing;
    let groups = standing.groups();
    let width = usize::from(area.width);
    let most = (width.saturating_sub(NUMBERS) / 2).max(8);
    let label = groups
        .iter()
        .map(|group| columns(&output::line(&group.label)))
        .max();
    let label = label.unwrap_or(0).min(most);
    let room = width.saturating_sub(label + 3 + NUMBERS);
    let seeds = groups
        .iter()
        .map(|group| group.seeds.len())
        .max()
        .unwrap_or(0);
    let cell = if seeds * WIDE <= room { WIDE } else { 1 };
    // The numbers stand beside the last seed, however wide the terminal is.
    let room = room.min((seeds * cell).max(16));
    let shown_seeds = model.seed.window(room / cell);
    let shown_groups = model
        .variant
        .window(usize::from(area.height.saturating_sub(1)));
    let variants = if shown_groups.len() < groups.len() {
        let (first, last) = (shown_groups.start + 1, shown_groups.end);
        format!("{first} to {last} of {}", groups.len())
    } else {
        "variant".to_owned()
    };
    let mut lines = vec![head(
        &variants,
        groups.get(model.variant.at),
        label,
        cell,
        &shown_seeds,
        room,
    )];
    for at in shown_groups {
        let Some(group) = groups.get(at) else { break };
        let selected = at == model.variant.at;
        let name = shown(&group.label, label as u16);
        let padding = " ".repeat(label - columns(&name));
        let style = if selected { BOLD } else { Style::new() };
        let mark = if selected { "> " } else { "  " };
        let mut spans = vec![Span::styled(format!("{mark}{name}{padding} "), style)];
        let mut taken = 0;
        for seed in shown_seeds.clone() {
            let Some((_, job)) = group.seeds.get(seed) else {
                break;
            };
            let (text, style) = cell_of(standing, job, cell);
            let under_cursor = selected && seed == model.seed.at;
            spans.push(Span::styled(
                text,
                if under_cursor { SELECTED } else { style },
            ));
            taken += cell;
        }
        spans.push(Span::raw(" ".repeat(room.saturating_sub(taken))));
        spans.push(Span::styled(
            numbers(standing, group, times.and_then(|times| times.left_of(at))),
            style,
        ));
        lines.push(Line::from(spans));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// Which seeds are shown, and what stands right of them.
fn head(
    variants: &str,
    group: Option<&Group>,
    label: usize,
    cell: usize,
    seeds: &std::ops::Range<usize>,
    room: usize,
) -> Line<'static> {
    let seed = |at: usize| {
        group
            .and_then(|group| group.seeds.get(at))
            .map(|(seed, _)| *seed)
    };
    let mut text = if cell == WIDE {
        let seeds = seeds.clone().filter_map(seed);
        seeds.fold(String::new(), |text, seed| {
            text + &format!("{:>2} ", seed % 100)
        })
    } else {
        match (seed(seeds.start), seed(seeds.end.saturating_sub(1))) {
            (Some(first), Some(last)) => format!("seeds {first} to {last}"),
            (Some(first), None) => format!("seeds from {first}"),
            _ => String::new(),
        }
    };
    text = shown(&text, room as u16);
    let padding = " ".repeat(room.saturating_sub(columns(&text)));
    let name = shown(variants, label as u16);
    let space = " ".repeat((label + 3).saturating_sub(columns(&name)));
    Line::styled(
        format!("{name}{space}{text}{padding}  AUC, mean ± std"),
        FAINT,
    )
}

fn cell_of(standing: &Standing, job: &JobId, width: usize) -> (String, Style) {
    let color = |color| Style::new().fg(color);
    let (mark, style) = match standing.status(job) {
        Some(JobStatus::Done) => match standing.auc(job) {
            Some(auc) if width == WIDE => {
                return (format!("{:>2.0} ", auc * 100.0), color(Color::Green));
            }
            _ => ('■', color(Color::Green)),
        },
        Some(JobStatus::Running) => {
            let eighth = (standing.share_of(job) * 8.0) as usize;
            (EIGHTHS[eighth.min(7)], color(Color::Yellow))
        }
        Some(JobStatus::Failed) => ('x', color(Color::Red)),
        Some(JobStatus::Quarantined) => ('!', color(Color::Red)),
        Some(JobStatus::Cancelled) => ('-', FAINT),
        Some(JobStatus::Pending) | None => ('·', FAINT),
    };
    (
        format!("{mark:>width$}", width = width.min(2)) + if width == WIDE { " " } else { "" },
        style,
    )
}

/// The mean so far; what is left where nothing is known.
fn numbers(standing: &Standing, group: &Group, left: Option<Duration>) -> String {
    let mean = standing.mean(group).map(|mean| mean.to_string());
    let text = match (mean, left) {
        (Some(mean), Some(left)) => format!("{mean}, {}", clock(left)),
        (Some(mean), None) => mean,
        (None, Some(left)) => format!("{} left", clock(left)),
        (None, None) => word(group.counts),
    };
    format!("  {text}")
}

fn word(counts: Counts) -> String {
    let mut words = JobStatus::ALL
        .iter()
        .filter(|status| counts.of(**status) > 0);
    words
        .next_back()
        .map_or_else(String::new, |status| status.name().to_owned())
}
