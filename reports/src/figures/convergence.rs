//! AUC over epochs, a panel per variant (or point of the grid) on one scale: every seed thin, the mean thick, a band of ±
//! one standard deviation.

use super::Figure;
use super::axis::{Axis, percent_range};
use super::canvas::{Anchor, Canvas, Marker, TextStyle};
use super::color::{BLUE, MUTED, VERMILLION, WHITE};
use super::data::epoch_table;
use super::panel::{MEDIUM, Panel, SMALL, whole_ticks};
use super::series::{Band, Network, SeedCurve, bands, seed_curves};
use super::text::{fit, width};
use crate::results::SweepResults;
use crate::summary::SummaryRow;

/// Panels of one figure at most; more would be too small to read.
const MOST_PANELS: usize = 12;
/// Width of a figure in CSS pixels: two columns of a journal at 96 dpi.
const WIDTH: f64 = 720.0;

struct Lines<'a> {
    row: &'a SummaryRow,
    title: String,
    networks: Vec<(Network, Vec<SeedCurve>, Vec<Band>)>,
}

/// The figure over `rows`, or nothing where no job has reported an epoch. `label` names a panel.
pub(super) fn convergence(
    results: &SweepResults,
    rows: &[SummaryRow],
    name: &str,
    title: &str,
    label: impl Fn(&SummaryRow) -> String,
) -> Option<Figure> {
    let all: Vec<Lines<'_>> = rows
        .iter()
        .map(|row| Lines {
            row,
            title: label(row),
            networks: Network::BOTH
                .into_iter()
                .map(|network| {
                    let curves = seed_curves(results, row, |_, point| network.auc(point));
                    let bands = bands(&curves);
                    (network, curves, bands)
                })
                .filter(|(_, curves, _)| !curves.is_empty())
                .collect(),
        })
        .filter(|lines| !lines.networks.is_empty())
        .collect();
    if all.is_empty() {
        return None;
    }
    let panels = chosen(&all);
    let curves = || {
        panels
            .iter()
            .flat_map(|lines| &lines.networks)
            .flat_map(|(_, curves, _)| curves)
    };
    let points = || curves().flat_map(|curve| curve.points.iter());
    let (low, high) = percent_range(points().map(|(_, auc)| *auc));
    let last = points().map(|(epoch, _)| *epoch).max().unwrap_or(1).max(2);

    let columns = match panels.len() {
        1 => 1,
        2 | 4 => 2,
        _ => 3,
    };
    let lines = panels.len().div_ceil(columns);
    let (left, right, top, bottom) = (54.0, 12.0, 34.0, 44.0);
    let (gap_x, gap_y) = (18.0, 24.0);
    let panel_width = (WIDTH - left - right - gap_x * (columns - 1) as f64) / columns as f64;
    // Where a title does not fit beside its count, counts stand below titles.
    let stacked = panels.iter().any(|lines| {
        let both = width(&lines.title, MEDIUM, true) + width(&lines.count(), SMALL, false);
        both + 16.0 > panel_width
    });
    let heading = if stacked { 36.0 } else { 22.0 };
    let panel_height = if columns == 1 {
        300.0
    } else if columns == 2 {
        220.0
    } else {
        170.0
    };
    let height =
        top + bottom + lines as f64 * (heading + panel_height) + gap_y * (lines - 1) as f64;
    let mut canvas = Canvas::new(WIDTH, height);

    legend(&mut canvas, &panels, &results.columns, left);
    for (index, lines_of_panel) in panels.iter().enumerate() {
        let (column, line) = (index % columns, index / columns);
        let x = left + column as f64 * (panel_width + gap_x);
        let y = top + line as f64 * (heading + panel_height + gap_y) + heading;
        let x_axis = Axis::linear(1.0, f64::from(last), x + 6.0, x + panel_width - 6.0);
        let y_axis = Axis::linear(low, high, y + panel_height, y);
        let panel = Panel {
            x_ticks: whole_ticks(
                &Axis::linear(0.0, f64::from(last), 0.0, 1.0),
                if columns > 2 { 4 } else { 8 },
            )
            .into_iter()
            .filter(|(tick, _)| *tick >= 1.0)
            .collect(),
            y_ticks: y_axis.ticks(7),
            x: x_axis,
            y: y_axis,
            // The panel below may not exist: then this one is the bottom of its column.
            label_x: index + columns >= panels.len(),
            label_y: column == 0,
        };
        draw_panel(&mut canvas, &panel, lines_of_panel, name, stacked);
    }
    let middle = left + (WIDTH - left - right) / 2.0;
    let axis_label = TextStyle::new(MEDIUM).anchor(Anchor::Middle);
    canvas.text(middle, height - 12.0, axis_label, "epoch");
    canvas.text(
        13.0,
        top + (height - top - bottom) / 2.0,
        axis_label.upward(),
        "frame-level AUC (%)",
    );

    let shown = if panels.len() < all.len() {
        format!(
            " {} of {} groups are shown, evenly chosen; the CSV has all.",
            panels.len(),
            all.len()
        )
    } else {
        String::new()
    };
    let caption = format!(
        "Frame-level AUC on the test split after each epoch. Thin lines: single seeds. Thick line: mean over the finished \
         seeds; band: ± one sample standard deviation (from two seeds on). D: the discriminator's score, solid, circles; \
         G: the reconstruction error, dashed, squares. Jobs that have not finished are drawn as far as they came and are in \
         no mean.{shown}"
    );
    let description = panels
        .iter()
        .map(|lines| lines.describe())
        .collect::<Vec<_>>()
        .join(" ");
    Some(Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        svg: canvas.finish(name, title, &description),
        csv: epoch_table(results, rows, name),
        caption,
    })
}

fn draw_panel(canvas: &mut Canvas, panel: &Panel, lines: &Lines<'_>, name: &str, stacked: bool) {
    panel.draw(canvas);
    panel.draw_chance(canvas);
    let (left, top, right, _) = panel.rectangle();
    let (left, right) = (left - 6.0, right + 6.0);
    let count = lines.count();
    let bold = TextStyle::new(MEDIUM).bold();
    let muted = TextStyle::new(SMALL).color(MUTED);
    if stacked {
        let shown = fit(&lines.title, MEDIUM, true, right - left);
        canvas.text(left, top - 26.0, bold, &shown);
        canvas.text(left, top - 11.0, muted, &count);
    } else {
        canvas.text(left, top - 12.0, bold, &lines.title);
        canvas.text(right, top - 12.0, muted.anchor(Anchor::End), &count);
    }

    for (network, curves, _) in &lines.networks {
        let (color, dash, _) = look(*network);
        // Many lines on top of each other need less ink each.
        let opacity = (8.0 / curves.len() as f64).clamp(0.025, 0.45);
        // Dashes of many lines would make a pattern of their own.
        let dash = if curves.len() > 30 { "" } else { dash };
        canvas.clipped(panel.rectangle(), name, dash, |pen| {
            for curve in curves {
                let points: Vec<(f64, f64)> = curve
                    .points
                    .iter()
                    .map(|(epoch, auc)| panel.place(f64::from(*epoch), *auc))
                    .collect();
                pen.line(&points, color, 0.7, opacity);
                if let [point] = points.as_slice() {
                    pen.dot(*point, 1.5, color, opacity);
                }
            }
        });
    }
    for (network, _, bands) in &lines.networks {
        let (color, dash, marker) = look(*network);
        let ends = |sign: f64| {
            bands.iter().filter_map(move |band| {
                Some(panel.place(f64::from(band.epoch), band.mean + sign * band.std?))
            })
        };
        let mut outline: Vec<(f64, f64)> = ends(1.0).collect();
        outline.extend(ends(-1.0).collect::<Vec<_>>().into_iter().rev());
        let mean: Vec<(f64, f64)> = bands
            .iter()
            .map(|band| panel.place(f64::from(band.epoch), band.mean))
            .collect();
        canvas.clipped(panel.rectangle(), name, "", |pen| {
            if outline.len() > 2 {
                pen.polygon(&outline, color, 0.18);
            }
        });
        canvas.layer(dash, |pen| pen.line(&mean, color, 2.0, 1.0));
        canvas.layer("", |pen| {
            let every = mean.len().div_ceil(8).max(1);
            // From the end backwards, so that the last epoch, the result, has its mark.
            for point in mean.iter().rev().step_by(every) {
                pen.marker(*point, 2.6, marker, color, WHITE);
            }
        });
    }
}

/// Colour, dashes and mark of a network, the same in every figure.
fn look(network: Network) -> (plotters::style::RGBColor, &'static str, Marker) {
    match network {
        Network::Discriminator => (BLUE, "", Marker::Circle),
        Network::Generator => (VERMILLION, "stroke-dasharray=\"40 28\"", Marker::Square),
    }
}

fn legend(canvas: &mut Canvas, panels: &[&Lines<'_>], columns: &[String], left: f64) {
    let mut x = left;
    let y = 16.0;
    let style = TextStyle::new(SMALL);
    for (network, words) in [
        (Network::Discriminator, "D (discriminator)"),
        (Network::Generator, "G (reconstruction error)"),
    ] {
        if !panels
            .iter()
            .any(|lines| lines.networks.iter().any(|(other, ..)| *other == network))
        {
            continue;
        }
        let (color, dash, marker) = look(network);
        canvas.layer(dash, |pen| {
            pen.line(&[(x, y), (x + 34.0, y)], color, 2.0, 1.0);
        });
        canvas.layer("", |pen| {
            pen.marker((x + 17.0, y), 2.6, marker, color, WHITE);
        });
        canvas.text(x + 40.0, y, style, words);
        x += 40.0 + width(words, SMALL, false) + 20.0;
    }
    let several = |lines: &&Lines<'_>| lines.networks.iter().any(|(_, curves, _)| curves.len() > 1);
    let words = if !columns.is_empty() {
        format!("panels: {}", columns.join(" · "))
    } else if panels.iter().any(several) {
        "thick: mean, band: ± 1 std, thin: one seed".to_owned()
    } else {
        "one seed".to_owned()
    };
    canvas.text(
        x,
        y,
        style.color(MUTED),
        &fit(&words, SMALL, false, WIDTH - x - 12.0),
    );
}

/// All panels, or evenly chosen ones with the first and the last among them.
fn chosen<'a, 'b>(all: &'a [Lines<'b>]) -> Vec<&'a Lines<'b>> {
    let count = all.len().min(MOST_PANELS);
    (0..count)
        .map(|index| {
            &all[if count > 1 {
                index * (all.len() - 1) / (count - 1)
            } else {
                0
            }]
        })
        .collect()
}

impl Lines<'_> {
    fn count(&self) -> String {
        format!("n = {} of {}", self.row.n, self.row.expected)
    }

    fn describe(&self) -> String {
        let parts: Vec<String> = self
            .networks
            .iter()
            .filter_map(|(network, _, bands)| {
                let (first, last) = (bands.first()?, bands.last()?);
                let std = last
                    .std
                    .map_or_else(String::new, |std| format!(" ± {std:.2}"));
                Some(format!(
                    "AUC of {} goes from {:.2}% in epoch {} to {:.2}{std}% in epoch {}",
                    network.name(),
                    first.mean,
                    first.epoch,
                    last.mean,
                    last.epoch
                ))
            })
            .collect();
        let parts = if parts.is_empty() {
            "no seed has finished".to_owned()
        } else {
            parts.join("; ")
        };
        format!(
            "{} ({} of {} seeds): {parts}.",
            self.title, self.row.n, self.row.expected
        )
    }
}
