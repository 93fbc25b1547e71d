//! Differences per seed against the reference variant: their mean with its 95% interval, every seed a dot, a panel per data
//! set (a forest plot). Runs of one seed share what the seed draws, so a difference says more than two means.

use std::collections::BTreeMap;

use super::Figure;
use super::axis::{Axis, range};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::cells::{Cells, Group, score_words};
use super::color::{BLUE, GRID, INK, MUTED, WHITE};
use super::heading::Heading;
use super::mark::Mark;
use super::panel::{MEDIUM, SMALL, number_ticks};
use super::panels::split;
use super::pen::{Marker, Pen};
use super::text::{fit, width};
use statistics::{mean, mean_interval};

const WIDTH: f64 = 460.0;
const EDGE: f64 = 12.0;
const WORDS: f64 = 18.0;
const ROW: f64 = 42.0;
/// Panels and rows of one figure at most.
const MOST_PANELS: usize = 12;
const MOST_ROWS: usize = 20;

/// One row: a group, and its differences from the reference in percentage points, by seed.
struct Row<'a> {
    label: String,
    group: &'a Group,
    differences: Vec<(u64, f64)>,
}

/// The rows of one data set (at one value of the other parameters).
struct Panel<'a> {
    heading: String,
    reference: String,
    rows: Vec<Row<'a>>,
}

/// The figure; nothing where no two groups share a finished seed.
pub(super) fn intervals(cells: &Cells) -> Option<Figure> {
    let source = &cells.source;
    let mut panels = panels(cells);
    panels.retain(|panel| panel.rows.iter().any(|row| !row.differences.is_empty()));
    if panels.is_empty() {
        return None;
    }
    let hidden = panels.len().saturating_sub(MOST_PANELS);
    panels.truncate(MOST_PANELS);
    let longest = panels.iter().map(|panel| panel.rows.len()).max()?;
    for panel in &mut panels {
        panel.rows.truncate(MOST_ROWS);
    }
    let reference = panels[0].reference.clone();
    let one = panels.iter().all(|panel| panel.reference == reference);
    let title = if one {
        format!("Differences from {reference}")
    } else {
        "Differences from the first group".to_owned()
    };
    let note = format!(
        "Frame-level AUC after the last epoch ({}), minus the reference's of the same seed. Right of zero: ahead of it.",
        score_words(&cells.groups)
    );
    let heading = Heading::new(source, &title, &[&note], WIDTH);
    let panel_height = |panel: &Panel<'_>| {
        let head = if panel.heading.is_empty() { 4.0 } else { 24.0 };
        head + panel.rows.len() as f64 * ROW + 30.0
    };
    let top = heading.height() + 22.0;
    let height = top + panels.iter().map(panel_height).sum::<f64>() + 20.0;
    let mut canvas = Canvas::new(&source.about, WIDTH, height);
    canvas.share_marks(panels.iter().map(|panel| panel.rows.len()).sum());
    heading.draw(&mut canvas);
    legend(&mut canvas, heading.height() + 6.0);
    let mut y = top;
    let mut description = Vec::new();
    for panel in &panels {
        draw_panel(&mut canvas, panel, y);
        y += panel_height(panel);
        description.extend(panel.rows.iter().map(|row| {
            let heading = if panel.heading.is_empty() {
                String::new()
            } else {
                format!("{}, ", panel.heading)
            };
            format!("{heading}{}: {}.", row.label, numbers(row))
        }));
    }
    canvas.text(
        WIDTH / 2.0,
        height - 10.0,
        TextStyle::new(MEDIUM).anchor(Anchor::Middle),
        "difference of AUC (percentage points)",
    );
    let mut left_out = String::new();
    if longest > MOST_ROWS {
        left_out = format!(" The first {MOST_ROWS} of {longest} rows are drawn; the CSV has all.");
    }
    if hidden > 0 {
        left_out += &format!(" {hidden} more panels are in the CSV.");
    }
    Some(Figure {
        name: source.figure.clone(),
        svg: canvas.finish(&source.figure, &title, &description.join(" ")),
        caption: format!(
            "Differences of the frame-level AUC after the last epoch from the reference, paired by seed. Circle: mean difference; bar: its 95% \
             interval (Student's t, from three pairs on), each by itself and not adjusted for how many are looked at; dots: single seeds. Only seeds \
             that finished on both sides are pairs.{left_out}"
        ),
        title,
        csv: cells.to_csv(),
    })
}

fn panels(cells: &Cells) -> Vec<Panel<'_>> {
    let source = &cells.source;
    let groups = &cells.groups;
    let first = groups
        .first()
        .map_or("", |group| group.key.variant.as_str());
    let reference = source.about.reference.as_deref();
    let known = reference.filter(|name| groups.iter().any(|group| group.key.variant == *name));
    let reference = known.unwrap_or(first);
    let one_variant = groups.iter().all(|group| group.key.variant == first);
    // Of one variant, the points of a data set are compared with its first.
    let others = if one_variant {
        Vec::new()
    } else {
        source.others()
    };
    let splits = split(source, groups.iter().map(|group| &group.key), &others);
    let panel = |split: super::panels::Split| {
        let members: Vec<&Group> = split.groups.iter().map(|index| &groups[*index]).collect();
        let base = members
            .iter()
            .position(|group| group.key.variant == reference)?;
        let columns = source.others();
        let label = |group: &Group| {
            if one_variant {
                group.key.label(&columns, source)
            } else {
                group.key.variant.clone()
            }
        };
        let of_base: BTreeMap<u64, f64> = members[base]
            .finished(None)
            .map(|(run, auc)| (run.seed, auc))
            .collect();
        let rows = members
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != base)
            .map(|(_, group)| Row {
                label: label(group),
                group,
                differences: group
                    .finished(None)
                    .filter_map(|(run, auc)| Some((run.seed, auc - of_base.get(&run.seed)?)))
                    .collect(),
            });
        Some(Panel {
            heading: split.heading,
            reference: label(members[base]),
            rows: rows.collect(),
        })
    };
    splits.into_iter().filter_map(panel).collect()
}

fn values(row: &Row<'_>) -> Vec<f64> {
    row.differences.iter().map(|(_, value)| *value).collect()
}

fn draw_panel(canvas: &mut Canvas, panel: &Panel<'_>, top: f64) {
    canvas.panel_heading(EDGE, top, &panel.heading, WIDTH - 2.0 * EDGE);
    let y = top + if panel.heading.is_empty() { 4.0 } else { 24.0 };
    let all = panel.rows.iter().flat_map(|row| {
        let values = values(row);
        let ends = student(&values).map(|(low, high)| [low, high]);
        values.into_iter().chain(ends.into_iter().flatten())
    });
    // Zero is always in sight.
    let (low, high) = range(all.chain([0.0]), 1.0).unwrap_or((-1.0, 1.0));
    let axis = Axis::linear(low, high, EDGE, WIDTH - EDGE);
    let ticks = number_ticks(&axis, 7);
    let base = y + panel.rows.len() as f64 * ROW + 2.0;
    canvas.layer("", |pen| {
        for (tick, _) in &ticks {
            let x = axis.place(*tick);
            pen.line(&[(x, y), (x, base)], GRID, 0.8, 1.0);
            pen.line(&[(x, base), (x, base + 4.0)], INK, 1.0, 1.0);
        }
        pen.line(&[(axis.start, base), (axis.end, base)], INK, 1.0, 1.0);
        let zero = axis.place(0.0);
        pen.line(&[(zero, y), (zero, base)], INK, 1.2, 1.0);
    });
    for (tick, label) in &ticks {
        let style = TextStyle::new(SMALL).anchor(Anchor::Middle);
        canvas.text(axis.place(*tick), base + 12.0, style, label);
    }
    for (index, row) in panel.rows.iter().enumerate() {
        let y = y + index as f64 * ROW;
        let numbers = numbers(row);
        canvas.variant(&row.group.key.variant, |canvas| {
            canvas.layer("", |pen| {
                pen.rectangle((0.0, y + 1.0), (WIDTH, y + WORDS - 1.0), WHITE, 1.0);
            });
            let style = TextStyle::new(SMALL);
            canvas.text(WIDTH - EDGE, y + 10.0, style.anchor(Anchor::End), &numbers);
            let room = WIDTH - 2.0 * EDGE - width(&numbers, SMALL, false) - 12.0;
            let name = fit(&row.label, SMALL, true, room);
            canvas.text(EDGE, y + 10.0, style.bold(), &name);
            let middle = y + WORDS + (ROW - WORDS) / 2.0;
            canvas.layer("", |pen| draw_row(pen, row, &axis, middle));
        });
    }
}

fn draw_row(pen: &Pen<'_>, row: &Row<'_>, axis: &Axis, y: f64) {
    let opacity = (12.0 / row.differences.len() as f64).clamp(0.06, 0.5);
    for (index, (seed, difference)) in row.differences.iter().enumerate() {
        let at = (
            axis.place(*difference),
            y + 8.0 + [-2.5, 0.0, 2.5][index % 3],
        );
        let value = format!("{difference:+.2} points");
        let run = row.group.runs.iter().find(|run| run.seed == *seed);
        let mark = Mark {
            seed: *seed,
            job: run.map_or("", |run| &run.job),
            value: &value,
        };
        pen.seed_dot(at, 2.2, BLUE, opacity, &mark);
    }
    let values = values(row);
    if let Some((low, high)) = student(&values) {
        pen.line(
            &[(axis.place(low), y), (axis.place(high), y)],
            INK,
            2.4,
            1.0,
        );
    }
    if let Some(mean) = mean(&values) {
        pen.marker((axis.place(mean), y), 3.6, Marker::Circle, INK, WHITE);
    }
}

fn legend(canvas: &mut Canvas, y: f64) {
    let style = TextStyle::new(SMALL).color(MUTED);
    canvas.layer("", |pen| {
        pen.line(&[(EDGE, y), (EDGE + 22.0, y)], INK, 2.4, 1.0);
        pen.marker((EDGE + 11.0, y), 3.6, Marker::Circle, INK, WHITE);
        for (step, offset) in [-2.5, 0.0, 2.5].into_iter().enumerate() {
            pen.dot(
                (EDGE + 235.0 + 6.0 * step as f64, y + offset),
                2.2,
                BLUE,
                0.5,
            );
        }
    });
    canvas.text(EDGE + 28.0, y, style, "mean difference, 95% interval");
    canvas.text(EDGE + 256.0, y, style, "seeds");
}

/// `+2.13 [+1.20, +3.06], 5 pairs`.
fn numbers(row: &Row<'_>) -> String {
    let values = values(row);
    let pairs = match values.len() {
        1 => "1 pair".to_owned(),
        n => format!("{n} pairs"),
    };
    let text = match (mean(&values), student(&values)) {
        (Some(mean), Some((low, high))) => format!("{mean:+.2} [{low:+.2}, {high:+.2}], {pairs}"),
        (Some(mean), None) => format!("{mean:+.2}, {pairs}"),
        _ => "no pair".to_owned(),
    };
    text.replace('-', "−")
}

/// Ends of Student's 95% interval of the mean; `None` below three values.
fn student(values: &[f64]) -> Option<(f64, f64)> {
    mean_interval(values).map(|interval| (interval.low, interval.high))
}
