//! AUC against one numeric parameter: means with a band, every seed a dot (the paper's Fig. 9 when the parameter is the
//! share of supervision).

use super::Figure;
use super::axis::{Axis, percent_range, range};
use super::canvas::{Anchor, Canvas, MARKERS, TextStyle};
use super::color::{MUTED, SERIES, WHITE, text_of};
use super::data::cell_table;
use super::panel::{DASHES, MEDIUM, Panel, SMALL, end_labels, number_ticks};
use super::text::{fit, width};
use crate::results::SweepResults;
use crate::statistics::{mean, sample_std};
use crate::summary::{SummaryRow, finished_auc};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 380.0;

/// A value of the parameter, its row, and seed and AUC (percent) of each finished run.
type Place<'a> = (f64, &'a SummaryRow, Vec<(u64, f64)>);

struct Line<'a> {
    label: String,
    points: Vec<Place<'a>>,
}

/// The figure of `rows` against the parameter of index `column`, or nothing where it does not apply: fewer than two numeric
/// values, or more lines than colours.
pub(super) fn against(
    results: &SweepResults,
    rows: &[SummaryRow],
    column: usize,
    name: &str,
) -> Option<Figure> {
    let lines = lines(results, rows, column)?;
    let xs = || {
        lines
            .iter()
            .flat_map(|line| line.points.iter().map(|point| point.0))
    };
    let logarithmic = is_logarithmic(&mut xs().collect::<Vec<_>>());
    let (low, high) = percent_range(
        lines
            .iter()
            .flat_map(|line| &line.points)
            .flat_map(|(.., aucs)| aucs)
            .map(|(_, auc)| *auc),
    );
    let labels: Vec<String> = lines
        .iter()
        .map(|line| fit(&line.label, SMALL, true, 160.0))
        .collect();
    let room = labels
        .iter()
        .map(|label| width(label, SMALL, true))
        .fold(0.0, f64::max);
    let (left, right, top, bottom) = (62.0, WIDTH - room - 26.0, 30.0, HEIGHT - 48.0);
    let (x_low, x_high) = if logarithmic {
        let (low, high) = range(xs().map(libm::log10), 0.1)?;
        (libm::pow(10.0, low), libm::pow(10.0, high))
    } else {
        range(xs(), 1e-9)?
    };
    let x_axis = Axis {
        logarithmic,
        ..Axis::linear(x_low, x_high, left, right)
    };
    let y_axis = Axis::linear(low, high, bottom, top);
    let panel = Panel {
        // A few values are their own ticks: supervision has 0, 33, 66 and 100.
        x_ticks: ticks(&x_axis, xs().collect()),
        y_ticks: y_axis.ticks(7),
        x: x_axis,
        y: y_axis,
        label_x: true,
        label_y: true,
    };
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    panel.draw(&mut canvas);
    panel.draw_chance(&mut canvas);
    let mut ends = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let color = SERIES[index];
        let band: Vec<(f64, f64, Option<f64>)> = line
            .points
            .iter()
            .filter_map(|(x, _, aucs)| {
                let aucs: Vec<f64> = aucs.iter().map(|(_, auc)| *auc).collect();
                Some((*x, mean(&aucs)?, sample_std(&aucs)))
            })
            .collect();
        let end = |sign: f64| {
            band.iter()
                .filter_map(move |(x, mean, std)| Some((*x, mean + sign * (*std)?)))
        };
        let mut outline: Vec<_> = end(1.0).map(|(x, y)| panel.place(x, y)).collect();
        outline.extend(
            end(-1.0)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .map(|(x, y)| panel.place(x, y)),
        );
        let means: Vec<_> = band
            .iter()
            .map(|(x, mean, _)| panel.place(*x, *mean))
            .collect();
        canvas.clipped(panel.rectangle(), name, "", |pen| {
            if outline.len() > 2 {
                pen.polygon(&outline, color, 0.15);
            }
        });
        canvas.layer("", |pen| {
            for (x, _, aucs) in &line.points {
                for (_, auc) in aucs {
                    pen.dot(panel.place(*x, *auc), 1.7, color, 0.4);
                }
            }
        });
        canvas.layer(DASHES[index % DASHES.len()], |pen| {
            pen.line(&means, color, 2.0, 1.0);
        });
        canvas.layer("", |pen| {
            let every = means.len().div_ceil(16).max(1);
            for point in means.iter().rev().step_by(every) {
                pen.marker(*point, 3.0, MARKERS[index % MARKERS.len()], color, WHITE);
            }
        });
        ends.push(means.last().map_or(bottom, |(_, y)| *y));
    }
    for (index, y) in end_labels(&ends, 17.0, top + 6.0, bottom - 6.0)
        .into_iter()
        .enumerate()
    {
        let style = TextStyle::new(SMALL).bold().color(text_of(SERIES[index]));
        canvas.text(right + 14.0, y, style, &labels[index]);
    }
    let axis_label = TextStyle::new(MEDIUM).anchor(Anchor::Middle);
    let parameter = &results.columns[column];
    let unit = unit_of(parameter);
    canvas.text(
        f64::midpoint(left, right),
        HEIGHT - 12.0,
        axis_label,
        &fit(&format!("{parameter}{unit}"), MEDIUM, false, right - left),
    );
    canvas.text(
        13.0,
        f64::midpoint(top, bottom),
        axis_label.upward(),
        "frame-level AUC (%)",
    );
    let counts = counts(&lines);
    let note = TextStyle::new(SMALL).color(MUTED);
    canvas.text(left, 12.0, note, &counts);
    let others: Vec<&str> = results
        .columns
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != column)
        .map(|(_, name)| name.as_str())
        .collect();
    if !others.is_empty() {
        let text = fit(
            &format!("lines: {}", others.join(" · ")),
            SMALL,
            false,
            WIDTH / 2.0,
        );
        canvas.text(WIDTH - 12.0, 12.0, note.anchor(Anchor::End), &text);
    }
    let title = format!("AUC against {parameter}");
    let description: Vec<String> = lines
        .iter()
        .map(|line| {
            let points: Vec<String> = line
                .points
                .iter()
                .map(|(x, row, aucs)| {
                    let aucs: Vec<f64> = aucs.iter().map(|(_, auc)| *auc).collect();
                    let mean = mean(&aucs)
                        .map_or_else(|| "no result".into(), |mean| format!("{mean:.2}%"));
                    format!(
                        "{mean} at {} ({} of {} seeds)",
                        sweeps::Value::Float(*x),
                        aucs.len(),
                        row.expected
                    )
                })
                .collect();
            format!("{}: {}.", line.label, points.join(", "))
        })
        .collect();
    Some(Figure {
        name: name.to_owned(),
        svg: canvas.finish(name, &title, &description.join(" ")),
        caption: format!(
            "Frame-level AUC after the last epoch against {parameter}. Lines: means over the finished seeds; bands: ± one sample \
             standard deviation; dots: single seeds. {counts}; a value without a finished seed has no mark."
        ),
        title,
        csv: cell_table(results, rows, &[], name),
    })
}

fn lines<'a>(
    results: &'a SweepResults,
    rows: &'a [SummaryRow],
    column: usize,
) -> Option<Vec<Line<'a>>> {
    let mut groups: Vec<(String, Vec<(f64, &SummaryRow)>)> = Vec::new();
    let several_variants = rows.iter().any(|row| row.variant != rows[0].variant);
    for row in rows {
        let Some(x) = row
            .point
            .get(column)?
            .as_ref()
            .and_then(sweeps::Value::as_float)
        else {
            continue;
        };
        let rest: Vec<String> = results
            .columns
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != column)
            .filter_map(|(index, _)| Some(row.point.get(index)?.as_ref()?.to_string()))
            .collect();
        let mut parts = Vec::new();
        if several_variants || rest.is_empty() {
            parts.push(row.variant.clone());
        }
        parts.extend(rest);
        let label = parts.join(" · ");
        match groups.iter_mut().find(|(other, _)| *other == label) {
            Some((_, points)) => points.push((x, row)),
            None => groups.push((label, vec![(x, row)])),
        }
    }
    if groups.is_empty()
        || groups.len() > SERIES.len()
        || groups.iter().all(|(_, points)| points.len() < 2)
    {
        return None;
    }
    // One line alone has room for both scores.
    let both = groups.len() == 1
        && rows.iter().any(|row| row.d[0].n > 0)
        && rows.iter().any(|row| row.g[0].n > 0);
    let scores: &[&'static str] = if both { &["D", "G"] } else { &["reported"] };
    let mut lines = Vec::new();
    for (label, points) in groups {
        for score in scores {
            let mut points: Vec<_> = points
                .iter()
                .map(|(x, row)| {
                    let aucs = row.cells.iter().filter_map(|index| {
                        let result = &results.cells[*index];
                        let reported = finished_auc(result)?;
                        let metrics = &result.record.as_ref()?.outcome.metrics;
                        let auc = match *score {
                            "D" => metrics.d?.auc?,
                            "G" => metrics.g?.auc?,
                            _ => reported,
                        };
                        Some((result.cell.job.seed, auc * 100.0))
                    });
                    let aucs: Vec<(u64, f64)> = aucs.collect();
                    (*x, *row, aucs)
                })
                .collect();
            points.sort_by(|left, right| left.0.total_cmp(&right.0));
            let label = if both {
                format!("{label}: {score}")
            } else {
                label.clone()
            };
            lines.push(Line { label, points });
        }
    }
    lines
        .iter()
        .any(|line| line.points.iter().any(|(.., aucs)| !aucs.is_empty()))
        .then_some(lines)
}

/// Whether the values ask for a logarithmic axis: positive, over most of a decade, and more even in their ratios than in
/// their differences.
fn is_logarithmic(values: &mut Vec<f64>) -> bool {
    values.sort_by(f64::total_cmp);
    values.dedup();
    let (Some(first), Some(last)) = (values.first(), values.last()) else {
        return false;
    };
    if *first <= 0.0 || values.len() < 3 || last / first < 8.0 {
        return false;
    }
    let evenness = |place: fn(f64) -> f64| {
        let gaps = || {
            values
                .windows(2)
                .map(|pair| place(pair[1]) - place(pair[0]))
        };
        gaps().fold(f64::INFINITY, f64::min) / gaps().fold(0.0, f64::max)
    };
    evenness(libm::log10) > 2.0 * evenness(|value| value)
}

/// Ticks at the values themselves where they are few, without those whose labels would touch the one before.
fn ticks(axis: &Axis, mut values: Vec<f64>) -> Vec<(f64, String)> {
    values.sort_by(f64::total_cmp);
    values.dedup();
    if values.len() > 8 {
        return number_ticks(axis, 7);
    }
    let mut free = f64::NEG_INFINITY;
    let mut ticks = Vec::new();
    for value in values {
        let label = sweeps::Value::Float(value).to_string();
        let half = width(&label, SMALL, false) / 2.0;
        let at = axis.place(value);
        if at - half >= free {
            free = at + half + 6.0;
            ticks.push((value, label));
        }
    }
    ticks
}

fn unit_of(parameter: &str) -> String {
    let unit = sweeps::registry::find(parameter).map_or("", |parameter| parameter.unit);
    if unit.is_empty() {
        String::new()
    } else {
        format!(" ({unit})")
    }
}

/// `n = 5 at every point`, or the range of n.
fn counts(lines: &[Line<'_>]) -> String {
    let numbers = || {
        lines
            .iter()
            .flat_map(|line| line.points.iter().map(|(.., aucs)| aucs.len()))
    };
    let asked = lines
        .iter()
        .flat_map(|line| line.points.iter().map(|(_, row, _)| row.expected))
        .max()
        .unwrap_or(0);
    let (low, high) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0));
    if low == high {
        format!("n = {low} of {asked} at every point")
    } else {
        format!("n = {low} to {high} of {asked}")
    }
}
