//! How scores separate normal from anomalous frames: histograms (the paper's Fig. 4) and ROC curves.

use super::Figure;
use super::axis::{Axis, tick_label};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::color::{BLUE, MUTED, SERIES, VERMILLION, text_of};
use super::panel::{DASHES, MEDIUM, Panel, SMALL, number_ticks};
use super::series::Network;
use super::text::{fit, width};
use crate::files::Table;
use crate::results::{CellScores, SweepResults};

const WIDTH: f64 = 720.0;
const BINS: usize = 40;
const MOST_PANELS: usize = 9;

/// Frames of one score: its value, and how many normal and anomalous frames have it.
pub(super) struct Scored {
    pub(super) label: String,
    seed: u64,
    network: Network,
    /// Ascending by score.
    frames: Vec<(f64, u64, u64)>,
}

/// The scores of the first cell of each variant and point that has any, D's before G's.
pub(super) fn scored(results: &SweepResults) -> Vec<Scored> {
    let mut labels: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for scores in &results.scores {
        let Some(result) = results.cells.get(scores.cell) else {
            continue;
        };
        let label = label(results, scores.cell);
        if labels.contains(&label) {
            continue;
        }
        labels.push(label.clone());
        for network in Network::BOTH {
            let frames = frames(scores, network);
            if !frames.is_empty() {
                let label = format!("{label}: {}", network.name());
                all.push(Scored {
                    label,
                    seed: result.cell.job.seed,
                    network,
                    frames,
                });
            }
        }
    }
    all
}

/// Variant and swept values of a cell.
pub(super) fn label(results: &SweepResults, cell: usize) -> String {
    let cell = &results.cells[cell].cell;
    let values: Vec<String> = cell
        .point
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    if values.is_empty() {
        cell.variant.clone()
    } else {
        format!("{} · {}", cell.variant, values.join(" · "))
    }
}

fn frames(scores: &CellScores, network: Network) -> Vec<(f64, u64, u64)> {
    let mut frames = Vec::new();
    for video in &scores.videos {
        let values = match network {
            Network::Discriminator => &video.d,
            Network::Generator => &video.g,
        };
        for (score, (from, to, anomalous)) in values.iter().zip(video.segments(values.len())) {
            if score.is_finite() {
                frames.push((
                    f64::from(*score),
                    (to - from).saturating_sub(anomalous),
                    anomalous,
                ));
            }
        }
    }
    frames.sort_by(|left, right| left.0.total_cmp(&right.0));
    frames
}

impl Scored {
    fn total(&self) -> (u64, u64) {
        self.frames
            .iter()
            .fold((0, 0), |(normal, anomalous), frame| {
                (normal + frame.1, anomalous + frame.2)
            })
    }

    /// What the histogram spans: probabilities their whole range, errors what there is.
    fn range(&self) -> (f64, f64) {
        let (low, high) = (self.frames[0].0, self.frames[self.frames.len() - 1].0);
        if self.network == Network::Discriminator && low >= 0.0 && high <= 1.0 {
            (0.0, 1.0)
        } else {
            (low, high)
        }
    }

    /// Points of the ROC curve from (0, 0) to (1, 1), one per distinct score, and the area under it; `None` with one class.
    fn roc(&self) -> Option<(Vec<(f64, f64)>, f64)> {
        let (normal, anomalous) = self.total();
        if normal == 0 || anomalous == 0 {
            return None;
        }
        let (mut false_alarms, mut hits, mut area) = (0_u64, 0_u64, 0.0);
        let mut points = vec![(0.0, 0.0)];
        for group in self.frames.chunk_by(|left, right| left.0 == right.0).rev() {
            let before = (false_alarms, hits);
            false_alarms += group.iter().map(|frame| frame.1).sum::<u64>();
            hits += group.iter().map(|frame| frame.2).sum::<u64>();
            area += (false_alarms - before.0) as f64 * (before.1 + hits) as f64 / 2.0;
            points.push((
                false_alarms as f64 / normal as f64,
                hits as f64 / anomalous as f64,
            ));
        }
        Some((points, area / (normal as f64 * anomalous as f64)))
    }
}

/// Histograms, a panel per variant and network; nothing without scores.
pub(super) fn histograms(results: &SweepResults, scored: &[Scored], name: &str) -> Option<Figure> {
    let shown = &scored[..scored.len().min(MOST_PANELS)];
    if shown.is_empty() {
        return None;
    }
    let columns = shown.len().min(3);
    let lines = shown.len().div_ceil(columns);
    let (left, right, top, bottom, gap, heading) = (16.0, 16.0, 36.0, 20.0, 22.0, 24.0);
    let panel_width = (WIDTH - left - right - gap * (columns - 1) as f64) / columns as f64;
    let panel_height = if columns == 1 { 220.0 } else { 130.0 };
    let line_height = heading + panel_height + 34.0;
    let mut canvas = Canvas::new(WIDTH, top + lines as f64 * line_height + bottom);
    canvas.layer("", |pen| {
        pen.rectangle((left, 11.0), (left + 22.0, 21.0), BLUE, 0.45);
        pen.rectangle((left + 132.0, 11.0), (left + 154.0, 21.0), VERMILLION, 0.45);
        pen.line(&[(left, 11.0), (left + 22.0, 11.0)], BLUE, 1.6, 1.0);
    });
    canvas.layer(DASHES[1], |pen| {
        pen.line(
            &[(left + 132.0, 11.0), (left + 154.0, 11.0)],
            VERMILLION,
            1.6,
            1.0,
        );
    });
    canvas.text(left + 28.0, 16.0, TextStyle::new(SMALL), "normal frames");
    canvas.text(
        left + 160.0,
        16.0,
        TextStyle::new(SMALL),
        "anomalous frames",
    );
    let mut table = Table::new(
        [
            "sweep",
            "variant",
            "seed",
            "network",
            "from",
            "to",
            "normal_frames",
            "anomalous_frames",
        ]
        .into_iter(),
    );
    let mut description = Vec::new();
    for (index, scored) in shown.iter().enumerate() {
        let x = left + (index % columns) as f64 * (panel_width + gap);
        let y = top + (index / columns) as f64 * line_height + heading;
        let (low, high) = scored.range();
        let span = if high > low { high - low } else { 1.0 };
        let mut counts = vec![(0_u64, 0_u64); BINS];
        for (score, normal, anomalous) in &scored.frames {
            let bin = (((score - low) / span * BINS as f64) as usize).min(BINS - 1);
            counts[bin].0 += normal;
            counts[bin].1 += anomalous;
        }
        let (normal, anomalous) = scored.total();
        let share = |count: u64, all: u64| {
            if all == 0 {
                0.0
            } else {
                count as f64 / all as f64
            }
        };
        let tallest = counts
            .iter()
            .flat_map(|count| [share(count.0, normal), share(count.1, anomalous)])
            .fold(1e-9, f64::max);
        let x_axis = Axis::linear(low, low + span, x, x + panel_width);
        let y_axis = Axis::linear(0.0, tallest, y + panel_height, y + 4.0);
        let panel = Panel {
            x_ticks: number_ticks(&x_axis, 4),
            y_ticks: Vec::new(),
            x: x_axis,
            y: y_axis,
            label_x: true,
            label_y: false,
        };
        panel.draw(&mut canvas);
        let edge = |bin: usize| low + span * bin as f64 / BINS as f64;
        for (class, (color, dash)) in [(BLUE, ""), (VERMILLION, DASHES[1])]
            .into_iter()
            .enumerate()
        {
            let mut outline = vec![panel.place(low, 0.0)];
            for (bin, count) in counts.iter().enumerate() {
                let height = if class == 0 {
                    share(count.0, normal)
                } else {
                    share(count.1, anomalous)
                };
                outline.push(panel.place(edge(bin), height));
                outline.push(panel.place(edge(bin + 1), height));
            }
            outline.push(panel.place(low + span, 0.0));
            canvas.layer(dash, |pen| {
                pen.polygon(&outline, color, 0.3);
                pen.line(&outline, color, 1.3, 1.0);
            });
        }
        for (bin, count) in counts.iter().enumerate() {
            let variant = scored
                .label
                .rsplit_once(": ")
                .map_or("", |(variant, _)| variant);
            table.text(&results.name);
            table.text(variant);
            table.text(&scored.seed.to_string());
            table.text(scored.network.name());
            table.number(Some(edge(bin)));
            table.number(Some(edge(bin + 1)));
            table.text(&count.0.to_string());
            table.text(&count.1.to_string());
            table.end_line();
        }
        let auc = scored
            .roc()
            .map_or_else(String::new, |(_, auc)| format!("AUC {:.2}", auc * 100.0));
        let room = panel_width - width(&auc, SMALL, false) - 10.0;
        canvas.text(
            x,
            y - 11.0,
            TextStyle::new(MEDIUM).bold(),
            &fit(&scored.label, MEDIUM, true, room),
        );
        let style = TextStyle::new(SMALL).color(MUTED).anchor(Anchor::End);
        canvas.text(x + panel_width, y - 11.0, style, &auc);
        description.push(format!(
            "{}, seed {}: {normal} normal and {anomalous} anomalous frames, scores from {low:.3} to {high:.3}, {auc}.",
            scored.label, scored.seed
        ));
    }
    let title = "Scores of normal and anomalous frames";
    Some(Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        caption: format!(
            "Histograms of frame scores on the test split after the last epoch, one seed of each variant ({}); each class is scaled to its own \
             number of frames, so that the rare anomalous ones show. D: the discriminator's score; G: the reconstruction error.",
            seeds(shown)
        ),
        svg: canvas.finish(name, title, &description.join(" ")),
        csv: table.into_text(),
    })
}

/// A score with the points of its ROC curve and the area under it.
type Curve<'a> = (&'a Scored, Vec<(f64, f64)>, f64);

/// ROC curves on one pair of axes; nothing without scores of both classes.
pub(super) fn roc(results: &SweepResults, scored: &[Scored], name: &str) -> Option<Figure> {
    let curves: Vec<Curve<'_>> = scored
        .iter()
        .filter_map(|scored| scored.roc().map(|(points, auc)| (scored, points, auc)))
        .take(SERIES.len())
        .collect();
    if curves.is_empty() {
        return None;
    }
    let (left, top, side) = (58.0, 16.0, 380.0);
    let height = top + side + 46.0;
    let mut canvas = Canvas::new(WIDTH, height);
    let (x, y) = (
        Axis::linear(0.0, 1.0, left, left + side),
        Axis::linear(0.0, 1.0, top + side, top),
    );
    let ticks: Vec<(f64, String)> = x
        .ticks(5)
        .into_iter()
        .map(|tick| (tick, tick_label(tick, 0.2)))
        .collect();
    let panel = Panel {
        x_ticks: ticks,
        y_ticks: y.ticks(5),
        x,
        y,
        label_x: true,
        label_y: true,
    };
    panel.draw(&mut canvas);
    canvas.layer("stroke-dasharray=\"16 24\"", |pen| {
        pen.line(
            &[panel.place(0.0, 0.0), panel.place(1.0, 1.0)],
            MUTED,
            1.0,
            1.0,
        );
    });
    let mut table = Table::new(
        [
            "sweep",
            "variant",
            "seed",
            "network",
            "false_positive_rate",
            "recall",
        ]
        .into_iter(),
    );
    let legend = left + side + 20.0;
    for (index, (scored, points, auc)) in curves.iter().enumerate() {
        let color = SERIES[index];
        let points = thinned(points);
        let line: Vec<_> = points.iter().map(|(x, y)| panel.place(*x, *y)).collect();
        let at = top + 14.0 + index as f64 * 34.0;
        canvas.layer(DASHES[index % DASHES.len()], |pen| {
            pen.line(&line, color, 1.8, 1.0);
            pen.line(&[(legend, at), (legend + 30.0, at)], color, 1.8, 1.0);
        });
        let style = TextStyle::new(SMALL);
        let label = fit(&scored.label, SMALL, true, WIDTH - legend - 44.0);
        canvas.text(
            legend + 36.0,
            at,
            style.bold().color(text_of(color)),
            &label,
        );
        let note = format!("AUC {:.2}, seed {}", auc * 100.0, scored.seed);
        canvas.text(legend + 36.0, at + 14.0, style.color(MUTED), &note);
        let variant = scored
            .label
            .rsplit_once(": ")
            .map_or("", |(variant, _)| variant);
        for (false_alarms, recall) in points {
            table.text(&results.name);
            table.text(variant);
            table.text(&scored.seed.to_string());
            table.text(scored.network.name());
            table.number(Some(false_alarms));
            table.number(Some(recall));
            table.end_line();
        }
    }
    let axis_label = TextStyle::new(MEDIUM).anchor(Anchor::Middle);
    canvas.text(
        left + side / 2.0,
        height - 10.0,
        axis_label,
        "false positive rate (frames)",
    );
    canvas.text(
        13.0,
        top + side / 2.0,
        axis_label.upward(),
        "recall (frames)",
    );
    let description: Vec<String> = curves
        .iter()
        .map(|(scored, _, auc)| {
            format!(
                "{}, seed {}: AUC {:.2}%.",
                scored.label,
                scored.seed,
                auc * 100.0
            )
        })
        .collect();
    let title = "ROC curves";
    let more = if scored.len() > curves.len() {
        " Not all variants are shown."
    } else {
        ""
    };
    Some(Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        caption: format!(
            "Over all frames of all test videos pooled, one seed of each variant. Dotted: a score without information.{more}"
        ),
        svg: canvas.finish(name, title, &description.join(" ")),
        csv: table.into_text(),
    })
}

/// At most about 400 points: those that move the curve by half a pixel.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (index, point) in points.iter().enumerate() {
        let far = kept
            .last()
            .is_none_or(|last| (point.0 - last.0).abs() + (point.1 - last.1).abs() >= 0.005);
        if far || index + 1 == points.len() {
            kept.push(*point);
        }
    }
    kept
}

fn seeds(scored: &[Scored]) -> String {
    let mut seeds: Vec<u64> = scored.iter().map(|scored| scored.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
    format!("seed {}", seeds.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ties at half: the area is the share of pairs in which the anomalous frame is ahead.
    #[test]
    fn the_area_counts_pairs() {
        let scored = Scored {
            label: String::new(),
            seed: 0,
            network: Network::Generator,
            frames: vec![(0.1, 2, 0), (0.5, 1, 1), (0.5, 0, 1), (0.9, 1, 3)],
        };
        let (points, area) = scored.roc().unwrap();
        // 5 anomalous × 4 normal frames; of the 0.9s three win against three and tie one; of the 0.5s two win against two, tie one.
        let pairs = (3.0 * (3.0 + 0.5) + 2.0 * (2.0 + 0.5)) / 20.0;
        assert!((area - pairs).abs() < 1e-15);
        assert_eq!(points.first(), Some(&(0.0, 0.0)));
        assert_eq!(points.last(), Some(&(1.0, 1.0)));
    }
}
