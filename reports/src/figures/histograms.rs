//! How scores separate normal from anomalous frames: histograms (the paper's Fig. 4).

use super::Figure;
use super::about::{ABOUT, About};
use super::axis::Axis;
use super::canvas::{Anchor, Canvas, TextStyle};
use super::color::{BLUE, MUTED, VERMILLION};
use super::panel::{DASHES, MEDIUM, Panel, SMALL, number_ticks};
use super::scores::{Origin, Scored};
use super::text::{fit, width};
use crate::files::Table;
use crate::results::SweepResults;

const WIDTH: f64 = 720.0;
const BINS: usize = 40;
const MOST_PANELS: usize = 9;

/// A histogram of one score: what the figure is drawn from, and what its CSV holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Histogram {
    pub(super) origin: Origin,
    /// Area under the ROC curve of the unbinned scores; `None` with one class.
    pub(super) auc: Option<f64>,
    /// Each bin's ends, and its normal and anomalous frames. Bins are as wide as the first; the last may reach further.
    pub(super) bins: Vec<(f64, f64, u64, u64)>,
}

impl Histogram {
    pub(super) fn of(scored: &Scored) -> Self {
        let ((low, high), bulk) = (scored.range(), scored.bulk());
        let span = if bulk > low { bulk - low } else { 1.0 };
        let edge = |bin: usize| low + span * bin as f64 / BINS as f64;
        let mut bins: Vec<_> = (0..BINS)
            .map(|bin| (edge(bin), edge(bin + 1), 0, 0))
            .collect();
        if bulk < high {
            bins[BINS - 1].1 = high;
        }
        for (score, normal, anomalous) in scored.frames() {
            let bin = (((score - low) / span * BINS as f64) as usize).min(BINS - 1);
            bins[bin].2 += normal;
            bins[bin].3 += anomalous;
        }
        Self {
            origin: scored.origin.clone(),
            auc: scored.roc().auc(),
            bins,
        }
    }

    /// What the axis shows: to the end of the last bin, were it as wide as the first.
    fn shown(&self) -> (f64, f64) {
        let (Some(first), Some(last)) = (self.bins.first(), self.bins.last()) else {
            return (0.0, 1.0);
        };
        let regular = first.0 + (first.1 - first.0) * self.bins.len() as f64;
        // Half a bin more than rounding could make.
        if last.1 - regular > 0.5 * (first.1 - first.0) {
            (first.0, regular)
        } else {
            (first.0, last.1)
        }
    }

    fn total(&self) -> (u64, u64) {
        self.bins.iter().fold((0, 0), |(normal, anomalous), bin| {
            (normal + bin.2, anomalous + bin.3)
        })
    }
}

/// Histograms, a panel per variant and network; nothing without scores.
pub(super) fn histograms(
    results: &SweepResults,
    histograms: &[Histogram],
    name: &str,
) -> Option<Figure> {
    let shown = &histograms[..histograms.len().min(MOST_PANELS)];
    if shown.is_empty() {
        return None;
    }
    // Two to a line where three would cut their names.
    let widest = shown
        .iter()
        .map(|histogram| width(&histogram.origin.label(), MEDIUM, true))
        .fold(0.0, f64::max);
    let across = shown.len().min(if widest > 140.0 { 2 } else { 3 });
    let lines = shown.len().div_ceil(across);
    let (left, right, top, bottom, gap, heading) = (16.0, 16.0, 36.0, 20.0, 22.0, 24.0);
    let panel_width = (WIDTH - left - right - gap * (across - 1) as f64) / across as f64;
    let panel_height = if across == 1 { 220.0 } else { 130.0 };
    let line_height = heading + panel_height + 34.0;
    let mut canvas = Canvas::titled(
        results,
        &seeds(shown),
        WIDTH,
        top + lines as f64 * line_height + bottom,
    );
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
    let note = TextStyle::new(SMALL).color(MUTED).anchor(Anchor::End);
    canvas.text(WIDTH - right, 16.0, note, "height: share of the class");
    let header = [
        "figure",
        "sweep",
        "variant",
        "seed",
        "network",
        "auc",
        "from",
        "to",
        "normal_frames",
        "anomalous_frames",
    ];
    let columns = results.columns.iter().map(String::as_str);
    let mut table = Table::new(header.into_iter().chain(columns).chain([ABOUT]));
    let mut about = About::brief(results).to_json();
    let mut description = Vec::new();
    for (index, histogram) in shown.iter().enumerate() {
        let x = left + (index % across) as f64 * (panel_width + gap);
        let y = top + (index / across) as f64 * line_height + heading;
        let Some(last) = histogram.bins.last() else {
            continue;
        };
        let (low, high) = histogram.shown();
        let farthest = last.1;
        let label = histogram.origin.label();
        let (normal, anomalous) = histogram.total();
        let share = |count: u64, all: u64| {
            if all == 0 {
                0.0
            } else {
                count as f64 / all as f64
            }
        };
        let tallest = histogram
            .bins
            .iter()
            .flat_map(|bin| [share(bin.2, normal), share(bin.3, anomalous)])
            .fold(1e-9, f64::max);
        let x_axis = Axis::linear(low, high, x, x + panel_width);
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
        for (class, (color, dash)) in [(BLUE, ""), (VERMILLION, DASHES[1])]
            .into_iter()
            .enumerate()
        {
            let mut outline = vec![panel.place(low, 0.0)];
            for (from, to, of_normal, of_anomalous) in &histogram.bins {
                let height = if class == 0 {
                    share(*of_normal, normal)
                } else {
                    share(*of_anomalous, anomalous)
                };
                outline.push(panel.place(*from, height));
                outline.push(panel.place(to.min(high), height));
            }
            outline.push(panel.place(high, 0.0));
            canvas.layer(dash, |pen| {
                pen.polygon(&outline, color, 0.3);
                pen.line(&outline, color, 1.3, 1.0);
            });
        }
        if farthest > high {
            let style = TextStyle::new(9.5).color(MUTED).anchor(Anchor::End);
            // At the top: the right end of such a panel is low.
            let (x, top) = panel.place(high, tallest);
            let text = format!("last bar: to {}", short(farthest));
            canvas.text(x, top + 6.0, style, &text);
        }
        for (from, to, of_normal, of_anomalous) in &histogram.bins {
            table.text(name);
            table.text(&results.name);
            table.text(&histogram.origin.variant);
            table.text(&histogram.origin.seed.to_string());
            table.text(histogram.origin.network.name());
            table.number(histogram.auc);
            table.number(Some(*from));
            table.number(Some(*to));
            table.text(&of_normal.to_string());
            table.text(&of_anomalous.to_string());
            table.point(&histogram.origin.point, results.columns.len());
            table.text(&std::mem::take(&mut about));
            table.end_line();
        }
        let auc = histogram
            .auc
            .map_or_else(String::new, |auc| format!("AUC {:.2}", auc * 100.0));
        let room = panel_width - width(&auc, SMALL, false) - 10.0;
        canvas.text(
            x,
            y - 11.0,
            TextStyle::new(MEDIUM).bold(),
            &fit(&label, MEDIUM, true, room),
        );
        let style = TextStyle::new(SMALL).color(MUTED).anchor(Anchor::End);
        canvas.text(x + panel_width, y - 11.0, style, &auc);
        description.push(format!(
            "{label}, seed {}: {normal} normal and {anomalous} anomalous frames, scores from {low:.3} to {farthest:.3}, {auc}.",
            histogram.origin.seed
        ));
    }
    let title = "Scores of normal and anomalous frames";
    let last_bar = if shown.iter().any(|histogram| {
        let last = histogram.bins.last();
        last.is_some_and(|last| last.1 > histogram.shown().1)
    }) {
        " Where the highest hundredth of both classes lies far out, the last bar counts all of it."
    } else {
        ""
    };
    Some(Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        caption: format!(
            "Histograms of frame scores on the test split after the last epoch, one seed of each variant ({}); each class is scaled to its own \
             number of frames, so that the rare anomalous ones show.{last_bar} D: the discriminator's score; G: the reconstruction error.",
            seeds(shown)
        ),
        svg: canvas.finish(name, title, &description.join(" ")),
        csv: table.into_text(),
    })
}

/// Three digits.
fn short(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn seeds(histograms: &[Histogram]) -> String {
    let mut seeds: Vec<u64> = histograms
        .iter()
        .map(|histogram| histogram.origin.seed)
        .collect();
    seeds.sort_unstable();
    seeds.dedup();
    let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
    format!("seed {}", seeds.join(", "))
}
