//! AUC over epochs, a panel per variant (or point of the grid), a column per data set: every seed thin, the mean thick, a band
//! of ± one standard deviation (the paper's Fig. 5).

use super::Figure;
use super::axis::{Axis, percent_range};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::color::{BLUE, Color, MUTED, VERMILLION, WHITE};
use super::curves::{CurveGroup, Curves, slot};
use super::heading::Heading;
use super::key::{Key, distinct};
use super::mark::Mark;
use super::network::Network;
use super::panel::{MEDIUM, Panel, SMALL, whole_ticks};
use super::panels::split;
use super::pen::Marker;
use super::text::{fit, width};

/// Panels of one figure at most; more would be too small to read.
pub(super) const MOST_PANELS: usize = 12;
const WIDTH: f64 = 480.0;
const PLOT: f64 = 150.0;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 12.0;
const GAP: (f64, f64) = (34.0, 22.0);

/// A panel's place in the sheet and its scale.
struct Cell {
    group: usize,
    column: usize,
    line: usize,
    title: String,
    range: (f64, f64),
    last: u32,
}

/// The figure, or nothing where no job has reported an epoch.
pub(super) fn convergence(curves: &Curves) -> Option<Figure> {
    let source = &curves.source;
    let groups: Vec<&CurveGroup> = curves.drawn().collect();
    if groups.is_empty() {
        return None;
    }
    let (cells, columns, headings, parts) = arrange(curves, &groups);
    let lines = cells.iter().map(|cell| cell.line + 1).max()?;
    let title = "Convergence";
    let words = band_words(groups.iter().copied());
    let panels = if parts.is_empty() {
        String::new()
    } else {
        format!("panels: {parts}")
    };
    let heading = Heading::new(
        source,
        title,
        &[
            "Frame-level AUC (%) after each epoch; lines: means, thin ones seeds.",
            &words,
            &panels,
        ],
        WIDTH,
    );
    let top = heading.height() + 22.0 + if headings.is_empty() { 0.0 } else { 20.0 };
    let panel_width = (WIDTH - LEFT - RIGHT - GAP.0 * (columns - 1) as f64) / columns as f64;
    // Runs of one length share the labels of their column's last panel.
    let one_length = cells.iter().all(|cell| cell.last == cells[0].last);
    let line_height = 36.0
        + if columns == 1 { 1.4 * PLOT } else { PLOT }
        + if one_length { 0.0 } else { 14.0 }
        + GAP.1;
    let height = top + lines as f64 * line_height + 34.0;
    let mut canvas = Canvas::new(&source.about, WIDTH, height);
    canvas.share_marks(groups.len());
    heading.draw(&mut canvas);
    legend(&mut canvas, &groups, heading.height() + 8.0);
    for (column, text) in headings.iter().enumerate() {
        let x = LEFT + column as f64 * (panel_width + GAP.0);
        let text = fit(text, MEDIUM, true, panel_width + 16.0);
        canvas.text(
            x,
            top - 8.0,
            TextStyle::new(MEDIUM).bold().color(MUTED),
            &text,
        );
    }
    for cell in &cells {
        let x = LEFT + cell.column as f64 * (panel_width + GAP.0);
        let y = top + cell.line as f64 * line_height + 36.0;
        let tall = if columns == 1 { 1.4 * PLOT } else { PLOT };
        let x_axis = Axis::linear(1.0, f64::from(cell.last), x + 6.0, x + panel_width - 6.0);
        let y_axis = Axis::linear(cell.range.0, cell.range.1, y + tall, y);
        // The panel below may not exist: then this one is the bottom of its column.
        let below = cells
            .iter()
            .any(|other| other.column == cell.column && other.line == cell.line + 1);
        let first = cell.column == 0
            || cells.iter().any(|other| {
                other.line == cell.line && other.column == 0 && other.range != cell.range
            });
        let panel = Panel {
            x_ticks: whole_ticks(
                &Axis::linear(0.0, f64::from(cell.last), 0.0, 1.0),
                if columns > 2 { 4 } else { 6 },
            )
            .into_iter()
            .filter(|(tick, _)| *tick >= 1.0)
            .collect(),
            y_ticks: y_axis.ticks(6),
            x: x_axis,
            y: y_axis,
            label_x: !one_length || !below,
            label_y: first,
        };
        let group = groups[cell.group];
        canvas.variant(&group.key.variant, |canvas| {
            draw_panel(canvas, &panel, group, &cell.title, &source.figure);
        });
    }
    let axis_label = TextStyle::new(MEDIUM).anchor(Anchor::Middle);
    canvas.text(WIDTH / 2.0, height - 12.0, axis_label, "epoch");
    let middle = top + lines as f64 * line_height / 2.0;
    canvas.text(12.0, middle, axis_label.upward(), "frame-level AUC (%)");
    let scales = if headings.is_empty() {
        "all panels share one scale of AUC"
    } else {
        "the panels of one data set share a scale of AUC"
    };
    let description: Vec<String> = cells
        .iter()
        .map(|cell| describe(&headings, cell, groups[cell.group]))
        .collect();
    Some(Figure {
        name: source.figure.clone(),
        title: title.to_owned(),
        svg: canvas.finish(&source.figure, title, &description.join(" ")),
        csv: curves.to_csv(),
        caption: format!(
            "Frame-level AUC on the test split after each epoch; {scales}. Thin lines: single seeds{}. Thick line: mean over the finished \
             seeds, thinner where a seed is missing; {words}. D: the discriminator's score, solid, circles; G: the reconstruction error, dashed, squares. Jobs that \
             have not finished are drawn as far as they came and are in no mean.{}",
            seed_words(groups.iter().copied()),
            left_out(curves)
        ),
    })
}

/// Where each group's panel stands, how many columns there are, their headings, and what the panels' titles are made of.
fn arrange(curves: &Curves, groups: &[&CurveGroup]) -> (Vec<Cell>, usize, Vec<String>, String) {
    let source = &curves.source;
    let keys: Vec<&Key> = groups.iter().map(|group| &group.key).collect();
    let (mut titles, mut parts) = distinct(&keys, &source.others(), source);
    let one_variant = keys.iter().all(|key| key.variant == keys[0].variant);
    if one_variant && !parts.is_empty() {
        // Values alone say nothing: their parameter stands before one, the variant above the panels.
        if !parts.contains(" · ") {
            for title in &mut titles {
                *title = format!("{parts} = {title}");
            }
        }
        parts = format!("{}: {parts}", keys[0].variant);
    }
    let range = |members: &[usize]| {
        let values = members.iter().flat_map(|index| {
            let group = groups[*index];
            let of = |network| group.values(Some(network));
            Network::BOTH.into_iter().flat_map(of)
        });
        percent_range(values)
    };
    let cell = |group: usize, column, line, range| Cell {
        group,
        column,
        line,
        title: titles[group].clone(),
        range,
        last: groups[group].last().max(2),
    };
    let datasets = split(source, keys.iter().copied(), &[]);
    if datasets.len() > 1 && datasets.len() <= 3 {
        // The same variant stands in the same line of every column.
        let mut order: Vec<&String> = Vec::new();
        for title in &titles {
            if !order.contains(&title) {
                order.push(title);
            }
        }
        let mut cells = Vec::new();
        for (column, panel) in datasets.iter().enumerate() {
            let range = range(&panel.groups);
            for group in &panel.groups {
                let line = order.iter().position(|title| **title == titles[*group]);
                cells.push(cell(*group, column, line.unwrap_or(0), range));
            }
        }
        let headings = datasets.iter().map(|panel| panel.heading.clone()).collect();
        return (cells, datasets.len(), headings, parts);
    }
    let columns = groups.len().min(2);
    let mut cells = Vec::new();
    for panel in &datasets {
        let range = range(&panel.groups);
        for group in &panel.groups {
            let at = cells.len();
            let mut cell = cell(*group, at % columns, at / columns, range);
            if datasets.len() > 1 {
                cell.title = format!("{} · {}", cell.title, panel.heading);
            }
            cells.push(cell);
        }
    }
    (cells, columns, Vec::new(), parts)
}

fn draw_panel(canvas: &mut Canvas, panel: &Panel, group: &CurveGroup, title: &str, name: &str) {
    panel.draw(canvas);
    panel.draw_chance(canvas);
    let (left, top, right, _) = panel.rectangle();
    let (left, right) = (left - 6.0, right + 6.0);
    let bold = TextStyle::new(MEDIUM).bold();
    canvas.text(
        left,
        top - 24.0,
        bold,
        &fit(title, MEDIUM, true, right - left),
    );
    let muted = TextStyle::new(SMALL).color(MUTED);
    canvas.text(left, top - 10.0, muted, &group.count());
    for network in Network::BOTH {
        let (color, dash, _) = look(network);
        draw_seeds(canvas, panel, name, group, Some(network), color, dash);
    }
    for network in Network::BOTH {
        let (color, dash, marker) = look(network);
        let mean: Vec<(f64, f64)> = group
            .means(Some(network))
            .map(|(epoch, mean, _)| panel.place(f64::from(epoch), mean))
            .collect();
        canvas.layer(dash, |pen| pen.line(&mean, color, group.thickness(), 1.0));
        canvas.layer("", |pen| {
            let every = mean.len().div_ceil(8).max(1);
            // From the end backwards, so that the last epoch, the result, has its mark.
            for point in mean.iter().rev().step_by(every) {
                pen.marker(*point, 2.6, marker, color, WHITE);
            }
        });
    }
}

/// The lines of single seeds and the bands around their mean.
pub(super) fn draw_seeds(
    canvas: &mut Canvas,
    panel: &Panel,
    figure: &str,
    group: &CurveGroup,
    network: Option<Network>,
    color: Color,
    dash: &str,
) {
    let slot = slot(network);
    let seeds = || {
        let seeds = group
            .seeds
            .iter()
            .take(if group.deterministic { 1 } else { usize::MAX });
        seeds.filter(|seed| seed.points.iter().any(|(_, triple)| triple[slot].is_some()))
    };
    // Many lines on top of each other need less ink each.
    let opacity = (8.0 / seeds().count() as f64).clamp(0.1, 0.45);
    canvas.clipped(panel.rectangle(), figure, dash, |pen| {
        for seed in seeds() {
            let points: Vec<(f64, f64)> = seed
                .points
                .iter()
                .filter_map(|(epoch, triple)| {
                    Some(panel.place(f64::from(*epoch), triple[slot]? * 100.0))
                })
                .collect();
            let last = seed
                .points
                .iter()
                .rev()
                .find_map(|(epoch, triple)| Some((*epoch, triple[slot]?)));
            let Some((epoch, auc)) = last else {
                continue;
            };
            let name = network.map_or(String::new(), |network| format!("{} ", network.name()));
            let value = format!("{name}{:.2}% in epoch {epoch}", auc * 100.0);
            let mark = Mark {
                seed: seed.seed,
                job: &seed.job,
                value: &value,
            };
            if let [point] = points.as_slice() {
                pen.seed_dot(*point, 1.5, color, opacity, &mark);
            } else {
                pen.seed_line(&points, color, 0.7, opacity, &mark);
            }
        }
    });
    if group.deterministic {
        return;
    }
    let outline = |ends: Vec<(u32, f64, f64)>| -> Vec<(f64, f64)> {
        let upper = ends
            .iter()
            .map(|(epoch, _, high)| panel.place(f64::from(*epoch), *high));
        let lower = ends
            .iter()
            .rev()
            .map(|(epoch, low, _)| panel.place(f64::from(*epoch), *low));
        upper.chain(lower).collect()
    };
    let std = group
        .means(network)
        .filter_map(|(epoch, mean, std)| Some((epoch, mean - std?, mean + std?)));
    let (band, range) = (outline(std.collect()), outline(group.range(network)));
    canvas.clipped(panel.rectangle(), figure, "", |pen| {
        for (outline, opacity) in [(range, 0.1), (band, 0.18)] {
            if outline.len() > 2 {
                pen.polygon(&outline, color, opacity);
            }
        }
    });
}

/// Colour, dashes and mark of a network, the same in every figure.
fn look(network: Network) -> (Color, &'static str, Marker) {
    match network {
        Network::Discriminator => (BLUE, "", Marker::Circle),
        Network::Generator => (VERMILLION, "stroke-dasharray=\"40 28\"", Marker::Square),
    }
}

fn legend(canvas: &mut Canvas, groups: &[&CurveGroup], y: f64) {
    let mut x = 12.0;
    let style = TextStyle::new(SMALL);
    for (network, words) in [
        (Network::Discriminator, "D (discriminator)"),
        (Network::Generator, "G (reconstruction error)"),
    ] {
        if !groups
            .iter()
            .any(|group| group.values(Some(network)).next().is_some())
        {
            continue;
        }
        let (color, dash, marker) = look(network);
        canvas.layer(dash, |pen| {
            pen.line(&[(x, y), (x + 32.0, y)], color, 2.0, 1.0);
        });
        canvas.layer("", |pen| {
            pen.marker((x + 16.0, y), 2.6, marker, color, WHITE);
        });
        canvas.text(x + 38.0, y, style, words);
        x += 38.0 + width(words, SMALL, false) + 20.0;
    }
}

/// What the bands are.
pub(super) fn band_words<'a>(mut groups: impl Iterator<Item = &'a CurveGroup> + Clone) -> String {
    let has_range = groups.clone().any(|group| !group.range(None).is_empty());
    if !groups.any(|group| group.n > 1 && !group.deterministic) {
        "one seed each".into()
    } else if has_range {
        "bands: ± one sample standard deviation, and pale 5% to 95% of the seeds".into()
    } else {
        "bands: ± one sample standard deviation".into()
    }
}

/// How many of the seeds are drawn, where not all are.
pub(super) fn seed_words<'a>(groups: impl Iterator<Item = &'a CurveGroup>) -> String {
    let most = groups
        .filter(|group| !group.range(None).is_empty() || group.asked > group.seeds.len())
        .filter(|group| group.seeds.len() == super::curves::MOST_SEEDS)
        .map(|group| group.asked)
        .max();
    most.map_or_else(String::new, |most| {
        format!(
            ", {} of up to {most}, evenly chosen (means and bands are of all)",
            super::curves::MOST_SEEDS
        )
    })
}

/// What the figure and its CSV leave out, in words.
pub(super) fn left_out(curves: &Curves) -> String {
    let about = &curves.source.about;
    let mut words = String::new();
    if let Some(all) = about.of_groups {
        words = format!(" {} of {all} groups are drawn; ", curves.groups.len());
    }
    if let Some(every) = about.every {
        words += &format!(" Every {every}th epoch is drawn, with the last; ");
    }
    let seeds = curves
        .groups
        .iter()
        .any(|group| !group.range(None).is_empty());
    if !words.is_empty() || seeds {
        let start = if words.is_empty() {
            " The data of all seeds and epochs: "
        } else {
            ""
        };
        words += start;
        words += "epochs.csv has all.";
    }
    if !about.without_curve.is_empty() {
        words += &format!(
            " Without a curve, since they have one epoch: {}.",
            about.without_curve.join(", ")
        );
    }
    words.replace(";  ", "; ")
}

fn describe(headings: &[String], cell: &Cell, group: &CurveGroup) -> String {
    let parts: Vec<String> = Network::BOTH
        .into_iter()
        .filter_map(|network| {
            let mut means = group.means(Some(network));
            let first = means.next()?;
            let last = means.next_back().unwrap_or(first);
            let std = last
                .2
                .map_or_else(String::new, |std| format!(" ± {std:.2}"));
            Some(format!(
                "AUC of {} goes from {:.2}% in epoch {} to {:.2}{std}% in epoch {}",
                network.name(),
                first.1,
                first.0,
                last.1,
                last.0
            ))
        })
        .collect();
    let parts = if parts.is_empty() {
        "no seed has finished".to_owned()
    } else {
        parts.join("; ")
    };
    let heading = headings
        .get(cell.column)
        .map(|heading| format!("{heading}, "));
    format!(
        "{}{} ({} of {} seeds): {parts}.",
        heading.unwrap_or_default(),
        cell.title,
        group.n,
        group.asked
    )
}
