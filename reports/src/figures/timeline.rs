//! Scores along videos, the truth shaded: an anomalous and a normal video at successive epochs (the paper's Fig. 7), several
//! videos after the last (Fig. 8). Which ones, [`representative`](super::representative) decides.

use super::Figure;
use super::about::{ABOUT, About};
use super::axis::{Axis, range};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::color::{BLUE, MUTED, VERMILLION};
use super::panel::{MEDIUM, Panel, SMALL, number_ticks, whole_ticks};
use super::representative::{Place, RULE, peak, representatives, shown_run};
use super::scores::label;
use super::text::{fit, width};
use crate::files::Table;
use crate::results::{SweepResults, VideoScores};

const WIDTH: f64 = 720.0;
/// Panels at most of a video over the epochs: of an anomalous one, and of a normal one.
const MOST_EPOCHS: usize = 5;
const MOST_NORMAL_EPOCHS: usize = 3;

struct Strip<'a> {
    title: String,
    note: String,
    video: &'a VideoScores,
    epoch: Option<u32>,
    scores: &'a [f32],
}

/// Several videos after the last epoch.
pub(super) fn videos(results: &SweepResults, name: &str) -> Option<Figure> {
    let scores = shown_run(results, |scores| !scores.videos.is_empty())?;
    let result = results.cells.get(scores.cell)?;
    let strips: Vec<Strip<'_>> = representatives(&scores.videos, reported)
        .into_iter()
        .map(|(place, video)| Strip {
            title: video.name.clone(),
            note: format!("{}, {}", place.words(), measure(video, reported(video))),
            video,
            epoch: None,
            scores: reported(video),
        })
        .collect();
    let title = format!("Scores along videos: {}", label(results, scores.cell));
    draw(
        results,
        &strips,
        name,
        &title,
        RULE,
        result.cell.job.seed,
        scores.cell,
    )
}

/// Of the videos whose scores were kept over epochs, the anomalous one with the median AUC after the last and the normal one
/// with the median peak.
pub(super) fn evolution(results: &SweepResults, name: &str) -> Option<Figure> {
    let kept = |video: &&VideoScores| !video.epochs.is_empty();
    let scores = shown_run(results, |scores| {
        scores.videos.iter().any(|video| kept(&video))
    })?;
    let result = results.cells.get(scores.cell)?;
    let all = representatives(scores.videos.iter().filter(kept), last);
    let of = |places: &[Place]| {
        let mut places = places.iter();
        places.find_map(|wanted| all.iter().find(|(place, _)| place == wanted))
    };
    // Two anomalous videos have no median; one is the best.
    let anomalous = of(&[Place::Median, Place::Best, Place::Throughout]);
    let normal = of(&[Place::MedianNormal]);
    let mut strips: Vec<Strip<'_>> = Vec::new();
    for ((_, video), most) in [(anomalous, MOST_EPOCHS), (normal, MOST_NORMAL_EPOCHS)]
        .into_iter()
        .filter_map(|(chosen, most)| Some((chosen?, most)))
    {
        let end = video.epochs.len() - 1;
        let count = video.epochs.len().min(most);
        strips.extend((0..count).map(|index| {
            let place = if count > 1 {
                index * end / (count - 1)
            } else {
                0
            };
            let (epoch, scores) = &video.epochs[place];
            Strip {
                title: format!("{}, epoch {epoch}", video.name),
                note: measure(video, scores),
                video,
                epoch: Some(*epoch),
                scores,
            }
        }));
    }
    let names: Vec<&str> = [anomalous, normal]
        .into_iter()
        .flatten()
        .map(|(_, video)| video.name.as_str())
        .collect();
    let title = format!(
        "Scores of {} over the epochs: {}",
        names.join(" and "),
        label(results, scores.cell)
    );
    let rule = "How the videos were chosen: of those whose scores were kept over the epochs, the anomalous one with the median AUC within the video \
         after the last epoch and the normal one with the median highest score; ties are in the order of names.";
    draw(
        results,
        &strips,
        name,
        &title,
        rule,
        result.cell.job.seed,
        scores.cell,
    )
}

/// The last scores that were kept of a video over the epochs.
fn last(video: &VideoScores) -> &[f32] {
    video.epochs.last().map_or(&[], |(_, scores)| scores)
}

/// What a panel says of its video: the AUC within it, or its highest score where that has none.
fn measure(video: &VideoScores, scores: &[f32]) -> String {
    match video.auc_within(scores) {
        Some(auc) => format!("AUC in this video {:.2}", auc * 100.0),
        None => format!("highest score {:.3}", peak(scores)),
    }
}

/// D's scores, or G's where there is no D.
fn reported(video: &VideoScores) -> &[f32] {
    if video.d.is_empty() {
        &video.g
    } else {
        &video.d
    }
}

/// The anomalous frames of a segment as `from-to`, the end not included; several with a space between them.
fn truth(anomalous: &[(u64, u64)], from: u64, to: u64) -> String {
    let ranges: Vec<String> = anomalous
        .iter()
        .map(|(start, end)| (*start.max(&from), *end.min(&to)))
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
    rule: &str,
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
        let anomalous = strip.video.anomalous_ranges();
        let x_axis = Axis::linear(0.0, strip.video.frames().max(1) as f64, left, WIDTH - right);
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
            for (from, to) in &anomalous {
                let (from, to) = (panel.x.place(*from as f64), panel.x.place(*to as f64));
                pen.rectangle((from, y), (to.max(from), y + tall), VERMILLION, 0.22);
            }
        });
        panel.draw(&mut canvas);
        let mut line = Vec::new();
        for (score, (from, to, _)) in strip.scores.iter().zip(strip.video.spans()) {
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
            table.text(&truth(&anomalous, from, to));
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
            for (score, (.., anomalous)) in strip.scores.iter().zip(strip.video.spans()) {
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
            "Frame scores of one run (seed {seed} of the last variant with a D, or of the last where none has one); all panels share one scale of the score. Shaded: frames that the test truth calls anomalous, their edges to a \
             segment. {rule}"
        ),
        svg: canvas.finish(name, title, &description.join(" ")),
        csv: table.into_text(),
    })
}
