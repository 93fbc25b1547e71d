//! Scores along videos, the truth shaded: one video at successive epochs (the paper's Fig. 7), several videos after the
//! last (Fig. 8).

use super::Figure;
use super::about::{ABOUT, About};
use super::axis::{Axis, range};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::color::{BLUE, MUTED, VERMILLION};
use super::panel::{MEDIUM, Panel, SMALL, number_ticks, whole_ticks};
use super::scores::label;
use super::text::{fit, width};
use crate::files::Table;
use crate::results::{SweepResults, VideoScores};

const WIDTH: f64 = 720.0;
/// Panels at most, of epochs or of videos.
const MOST_EPOCHS: usize = 5;
const MOST_VIDEOS: usize = 4;

struct Strip<'a> {
    title: String,
    note: String,
    video: &'a VideoScores,
    epoch: Option<u32>,
    scores: &'a [f32],
}

/// Several videos with anomalies after the last epoch, of the last variant that has a D (the paper's figure shows GCL_PT).
pub(super) fn videos(results: &SweepResults, name: &str) -> Option<Figure> {
    let kept = || {
        results
            .scores
            .iter()
            .rev()
            .filter(|scores| !scores.videos.is_empty())
    };
    let scores = kept()
        .find(|scores| scores.videos.iter().any(|video| !video.d.is_empty()))
        .or_else(|| kept().next())?;
    let result = results.cells.get(scores.cell)?;
    let mut chosen: Vec<&VideoScores> = scores
        .videos
        .iter()
        .filter(|video| !video.anomalous.is_empty())
        .collect();
    if chosen.len() > MOST_VIDEOS {
        let last = chosen.len() - 1;
        chosen = (0..MOST_VIDEOS)
            .map(|index| chosen[index * last / (MOST_VIDEOS - 1)])
            .collect();
    }
    let strips: Vec<Strip<'_>> = chosen
        .into_iter()
        .map(|video| Strip {
            title: video.name.clone(),
            note: String::new(),
            video,
            epoch: None,
            scores: reported(video),
        })
        .filter(|strip| !strip.scores.is_empty())
        .collect();
    let title = format!("Scores along videos: {}", label(results, scores.cell));
    draw(
        results,
        &strips,
        name,
        &title,
        result.cell.job.seed,
        scores.cell,
    )
}

/// The first video with an event whose scores were kept over epochs; the first of all where none has one. The list's order
/// decides, never the scores.
pub(super) fn evolution(results: &SweepResults, name: &str) -> Option<Figure> {
    let (scores, video) = results.scores.iter().find_map(|scores| {
        let kept = || {
            scores
                .videos
                .iter()
                .filter(|video| !video.epochs.is_empty())
        };
        let video = kept()
            .find(|video| !video.anomalous.is_empty())
            .or_else(|| kept().next())?;
        Some((scores, video))
    })?;
    let result = results.cells.get(scores.cell)?;
    let last = video.epochs.len() - 1;
    let count = video.epochs.len().min(MOST_EPOCHS);
    let strips: Vec<Strip<'_>> = (0..count)
        .map(|index| {
            &video.epochs[if count > 1 {
                index * last / (count - 1)
            } else {
                0
            }]
        })
        .map(|(epoch, scores)| Strip {
            title: format!("epoch {epoch}"),
            note: String::new(),
            video,
            epoch: Some(*epoch),
            scores,
        })
        .collect();
    let title = format!(
        "Scores of {} over the epochs: {}",
        video.name,
        label(results, scores.cell)
    );
    draw(
        results,
        &strips,
        name,
        &title,
        result.cell.job.seed,
        scores.cell,
    )
}

/// D's scores, or G's where there is no D.
fn reported(video: &VideoScores) -> &[f32] {
    if video.d.is_empty() {
        &video.g
    } else {
        &video.d
    }
}

/// The anomalous frames as ranges in order, those that touch joined.
pub(super) fn merged(video: &VideoScores) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = video
        .anomalous
        .iter()
        .map(|(from, to)| (*from, (*to).min(video.frames)))
        .filter(|(from, to)| from < to)
        .collect();
    ranges.sort_unstable();
    ranges.dedup_by(|next, before| {
        let touch = next.0 <= before.1;
        if touch {
            before.1 = before.1.max(next.1);
        }
        touch
    });
    ranges
}

/// The anomalous frames of a segment as `from-to`, the end not included; several with a space between them.
fn truth(video: &VideoScores, from: u64, to: u64) -> String {
    let ranges: Vec<String> = merged(video)
        .into_iter()
        .map(|(start, end)| (start.max(from), end.min(to)))
        .filter(|(start, end)| start < end)
        .map(|(start, end)| format!("{start}-{end}"))
        .collect();
    ranges.join(" ")
}

fn draw(
    results: &SweepResults,
    strips: &[Strip<'_>],
    name: &str,
    title: &str,
    seed: u64,
    cell: usize,
) -> Option<Figure> {
    let finite = strips
        .iter()
        .flat_map(|strip| strip.scores)
        .map(|score| f64::from(*score));
    let (low, high) = range(finite.filter(|score| score.is_finite()), 1e-6)?;
    let (left, right, top, bottom, heading, tall, gap) = (58.0, 14.0, 32.0, 40.0, 22.0, 78.0, 26.0);
    let height = top + strips.len() as f64 * (heading + tall + gap) + bottom - gap;
    let mut canvas = Canvas::titled(results, &format!("one run, seed {seed}"), WIDTH, height);
    canvas.layer("", |pen| {
        pen.rectangle((left, 9.0), (left + 22.0, 21.0), VERMILLION, 0.22);
    });
    canvas.text(
        left + 28.0,
        15.0,
        TextStyle::new(SMALL),
        "anomalous frames (truth)",
    );
    canvas.layer("", |pen| {
        pen.line(
            &[(left + 206.0, 15.0), (left + 236.0, 15.0)],
            BLUE,
            1.6,
            1.0,
        );
    });
    canvas.text(left + 242.0, 15.0, TextStyle::new(SMALL), "score");
    let header = [
        "figure", "sweep", "variant", "seed", "video", "epoch", "from", "to", "truth", "score",
    ];
    let columns = results.columns.iter().map(String::as_str);
    let mut table = Table::new(header.into_iter().chain(columns).chain([ABOUT]));
    let mut about = About::brief(results).to_json();
    let point = &results.cells[cell].cell.point;
    for (index, strip) in strips.iter().enumerate() {
        let y = top + index as f64 * (heading + tall + gap) + heading;
        let x_axis = Axis::linear(0.0, strip.video.frames.max(1) as f64, left, WIDTH - right);
        let y_axis = Axis::linear(low, high, y + tall, y);
        let panel = Panel {
            x_ticks: whole_ticks(&x_axis, 6),
            y_ticks: number_ticks(&y_axis, 4)
                .into_iter()
                .map(|(tick, _)| tick)
                .collect(),
            x: x_axis,
            y: y_axis,
            label_x: true,
            label_y: true,
        };
        canvas.layer("", |pen| {
            for (from, to) in &merged(strip.video) {
                let (from, to) = (panel.x.place(*from as f64), panel.x.place(*to as f64));
                pen.rectangle((from, y), (to.max(from), y + tall), VERMILLION, 0.22);
            }
        });
        panel.draw(&mut canvas);
        let mut line = Vec::new();
        for (score, (from, to)) in strip
            .scores
            .iter()
            .zip(strip.video.segments(strip.scores.len()))
            .map(|(score, (from, to, _))| (score, (from, to)))
        {
            line.push(panel.place(from as f64, f64::from(*score)));
            line.push(panel.place(to as f64, f64::from(*score)));
            table.text(name);
            table.text(&results.name);
            table.text(&results.cells[cell].cell.variant);
            table.text(&seed.to_string());
            table.text(&strip.video.name);
            let epoch = strip.epoch.map(|epoch| epoch.to_string());
            table.text(&epoch.unwrap_or_default());
            table.text(&from.to_string());
            table.text(&to.to_string());
            table.text(&truth(strip.video, from, to));
            table.number(Some(f64::from(*score)));
            table.point(point, results.columns.len());
            table.text(&std::mem::take(&mut about));
            table.end_line();
        }
        canvas.clipped(panel.rectangle(), name, "", |pen| {
            pen.line(&line, BLUE, 1.4, 1.0);
        });
        let room = WIDTH - left - right - width(&strip.note, SMALL, false) - 10.0;
        canvas.text(
            left,
            y - 11.0,
            TextStyle::new(MEDIUM).bold(),
            &fit(&strip.title, MEDIUM, true, room),
        );
        let style = TextStyle::new(SMALL).color(MUTED).anchor(Anchor::End);
        canvas.text(WIDTH - right, y - 11.0, style, &strip.note);
    }
    let axis_label = TextStyle::new(MEDIUM).anchor(Anchor::Middle);
    canvas.text(
        f64::midpoint(left, WIDTH - right),
        height - 10.0,
        axis_label,
        "frame",
    );
    canvas.text(13.0, height / 2.0, axis_label.upward(), "score");
    let description: Vec<String> = strips
        .iter()
        .map(|strip| {
            let mut inside = (0.0, 0_u64);
            let mut outside = (0.0, 0_u64);
            for (score, (.., anomalous)) in strip
                .scores
                .iter()
                .zip(strip.video.segments(strip.scores.len()))
            {
                let side = if anomalous > 0 {
                    &mut inside
                } else {
                    &mut outside
                };
                side.0 += f64::from(*score);
                side.1 += 1;
            }
            let mean = |(sum, count): (f64, u64)| {
                if count == 0 {
                    "none".to_owned()
                } else {
                    format!("{:.3}", sum / count as f64)
                }
            };
            format!(
                "{}: mean score {} in anomalous segments, {} in normal ones.",
                strip.title,
                mean(inside),
                mean(outside)
            )
        })
        .collect();
    Some(Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        caption: format!(
            "Frame scores of one run (seed {seed}); all panels share one scale. Shaded: frames that the test truth calls anomalous."
        ),
        svg: canvas.finish(name, title, &description.join(" ")),
        csv: table.into_text(),
    })
}
