//! Reconstructions in two dimensions, normal against anomalous, a panel per variant (the paper's Fig. 6).

use super::Figure;
use super::about::{ABOUT, About};
use super::axis::{Axis, range};
use super::canvas::{Canvas, TextStyle};
use super::color::{BLUE, GRID, VERMILLION};
use super::panel::{MEDIUM, SMALL};
use super::scores::label;
use super::text::fit;
use crate::files::Table;
use crate::results::{CellScores, EmbeddedSegment, SweepResults};

const WIDTH: f64 = 720.0;
const MOST_PANELS: usize = 6;
/// Points of one panel at most, evenly chosen.
const MOST_POINTS: usize = 3000;

/// The panels; nothing without embeddings.
pub(super) fn embeddings(results: &SweepResults, name: &str) -> Option<Figure> {
    let mut labels: Vec<String> = Vec::new();
    let mut panels: Vec<(&CellScores, String)> = Vec::new();
    for scores in &results.scores {
        if scores.embedding.is_empty() || scores.cell >= results.cells.len() {
            continue;
        }
        let label = label(results, scores.cell);
        if !labels.contains(&label) && panels.len() < MOST_PANELS {
            labels.push(label.clone());
            panels.push((scores, label));
        }
    }
    if panels.is_empty() {
        return None;
    }
    let mut seeds: Vec<u64> = panels
        .iter()
        .map(|(scores, _)| results.cells[scores.cell].cell.job.seed)
        .collect();
    seeds.sort_unstable();
    seeds.dedup();
    let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
    let note = format!(
        "Reconstructions of test segments, one run each: seed {}",
        seeds.join(", ")
    );
    let across = panels.len().min(3);
    let lines = panels.len().div_ceil(across);
    let (left, top, gap, heading) = (12.0, 34.0, 18.0, 24.0);
    let side = ((WIDTH - 2.0 * left - gap * (across - 1) as f64) / across as f64).min(340.0);
    let mut canvas = Canvas::titled(
        results,
        &note,
        WIDTH,
        top + lines as f64 * (heading + side + gap),
    );
    canvas.layer("", |pen| pen.dot((left + 6.0, 15.0), 3.0, BLUE, 0.6));
    canvas.text(left + 16.0, 15.0, TextStyle::new(SMALL), "normal segment");
    canvas.layer("", |pen| cross(pen, (left + 136.0, 15.0)));
    canvas.text(
        left + 146.0,
        15.0,
        TextStyle::new(SMALL),
        "anomalous segment",
    );
    let header = ["figure", "sweep", "variant", "seed", "x", "y", "anomalous"];
    let columns = results.columns.iter().map(String::as_str);
    let mut table = Table::new(header.into_iter().chain(columns).chain([ABOUT]));
    let mut about = About::brief(results).to_json();
    let mut description = Vec::new();
    for (index, (scores, label)) in panels.iter().enumerate() {
        let x = left + (index % across) as f64 * (side + gap);
        let y = top + (index / across) as f64 * (heading + side + gap) + heading;
        let points = &scores.embedding;
        let span = |pick: fn(&EmbeddedSegment) -> f32| {
            range(points.iter().map(|point| f64::from(pick(point))), 1e-6)
        };
        let (Some(xs), Some(ys)) = (span(|point| point.x), span(|point| point.y)) else {
            continue;
        };
        let x_axis = Axis::linear(xs.0, xs.1, x, x + side);
        let y_axis = Axis::linear(ys.0, ys.1, y + side, y);
        let every = points.len().div_ceil(MOST_POINTS);
        let place = |point: &EmbeddedSegment| {
            (
                x_axis.place(f64::from(point.x)),
                y_axis.place(f64::from(point.y)),
            )
        };
        canvas.layer("", |pen| {
            pen.line(
                &[
                    (x, y),
                    (x + side, y),
                    (x + side, y + side),
                    (x, y + side),
                    (x, y),
                ],
                GRID,
                1.0,
                1.0,
            );
            for point in points
                .iter()
                .step_by(every)
                .filter(|point| !point.anomalous)
            {
                pen.dot(place(point), 1.6, BLUE, 0.35);
            }
            // The rare ones on top, and none left out.
            for point in points
                .iter()
                .filter(|point| point.anomalous)
                .take(MOST_POINTS)
            {
                cross(pen, place(point));
            }
        });
        canvas.text(
            x,
            y - 11.0,
            TextStyle::new(MEDIUM).bold(),
            &fit(label, MEDIUM, true, side),
        );
        let cell = &results.cells[scores.cell].cell;
        let anomalous = points.iter().filter(|point| point.anomalous).count();
        description.push(format!(
            "{label}: {} normal and {anomalous} anomalous segments.",
            points.len() - anomalous
        ));
        for point in points {
            table.text(name);
            table.text(&results.name);
            table.text(&cell.variant);
            table.text(&cell.job.seed.to_string());
            table.number(Some(f64::from(point.x)));
            table.number(Some(f64::from(point.y)));
            table.text(if point.anomalous { "true" } else { "false" });
            table.point(&cell.point, results.columns.len());
            table.text(&std::mem::take(&mut about));
            table.end_line();
        }
    }
    let title = "Reconstructions in two dimensions (t-SNE)";
    Some(Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        caption: "t-SNE of the reconstructions of test segments, one seed of each variant. Distances between clusters and their sizes mean \
                  nothing in t-SNE; only which points are near each other does."
            .to_owned(),
        svg: canvas.finish(name, title, &description.join(" ")),
        csv: table.into_text(),
    })
}

fn cross(pen: &super::pen::Pen<'_>, (x, y): (f64, f64)) {
    const ARM: f64 = 2.2;
    pen.line(
        &[(x - ARM, y - ARM), (x + ARM, y + ARM)],
        VERMILLION,
        1.1,
        0.85,
    );
    pen.line(
        &[(x - ARM, y + ARM), (x + ARM, y - ARM)],
        VERMILLION,
        1.1,
        0.85,
    );
}
