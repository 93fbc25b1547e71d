//! All variants on one pair of axes over the epochs, a panel per data set: every seed thin, means thick, bands of ± one
//! standard deviation (the paper's Fig. 10). Runs of other lengths have a panel of their own.

use super::Figure;
use super::axis::{Axis, percent_range};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::color::WHITE;
use super::convergence::{band_words, draw_seeds, left_out, seed_words};
use super::curves::{CurveGroup, Curves};
use super::heading::Heading;
use super::key::Key;
use super::legend::{self, Entry, Fill, Look};
use super::panel::{MEDIUM, Panel, whole_ticks};
use super::panels::{Split, split};

const WIDTH: f64 = 480.0;
const PLOT: f64 = 270.0;
const EDGE: f64 = 12.0;
/// Lines of a panel at most: as many as there are colours.
pub(super) const MOST_LINES: usize = 7;
/// Panels of one figure at most.
pub(super) const MOST_PANELS: usize = 8;

/// The groups of each panel, by index in `keys`: those of one data set whose runs are about as long.
pub(super) fn panels_of<'a>(
    source: &super::source::Source,
    keys: impl Iterator<Item = &'a Key>,
    length: impl Fn(usize) -> u32,
) -> Vec<Split> {
    let mut panels = Vec::new();
    for panel in split(source, keys, &[]) {
        let lengths = || panel.groups.iter().map(|index| length(*index));
        let start = panels.len();
        let (low, high) = (lengths().min().unwrap_or(1), lengths().max().unwrap_or(1));
        if high < 2 * low {
            panels.push(panel);
            continue;
        }
        // Half as long or shorter is another length.
        let mut rest = panel.groups.clone();
        while let Some(longest) = rest.iter().map(|index| length(*index)).max() {
            let (with, without): (Vec<usize>, Vec<usize>) =
                rest.iter().partition(|index| 2 * length(**index) > longest);
            rest = without;
            let epochs = format!("up to {longest} epochs");
            panels.push(Split {
                heading: if panel.heading.is_empty() {
                    epochs
                } else {
                    format!("{}, {epochs}", panel.heading)
                },
                groups: with,
            });
            // A length of nothing ends it.
            if longest == 0 {
                break;
            }
        }
        panels[start..].sort_by_key(|panel: &Split| panel.groups.first().copied());
    }
    panels
}

/// The figure; nothing where no group has a curve.
pub(super) fn overlay(curves: &Curves) -> Option<Figure> {
    let source = &curves.source;
    let groups: Vec<&CurveGroup> = curves.drawn().collect();
    let panels = panels_of(source, groups.iter().map(|group| &group.key), |index| {
        groups[index].last()
    });
    if panels.is_empty() {
        return None;
    }
    let title = "All variants over the epochs";
    let words = band_words(groups.iter().copied());
    let heading = Heading::new(
        source,
        title,
        &[
            "Frame-level AUC of the reported score, D's or G's, after each epoch.",
            &words,
        ],
        WIDTH,
    );
    let others = source.others();
    let entries = |panel: &Split| -> Vec<Entry> {
        let members = panel.groups.iter().map(|index| groups[*index]);
        let entry = |(index, group): (usize, &CurveGroup)| {
            let label = group.key.label(&others, source);
            let score = group
                .reported()
                .map(|network| format!(" ({})", network.name()));
            Entry {
                look: Look(index),
                variant: group.key.variant.clone(),
                label: format!("{label}{}", score.unwrap_or_default()),
                note: group.count(),
            }
        };
        members.take(MOST_LINES).enumerate().map(entry).collect()
    };
    let panel_height = |panel: &Split| {
        let head = if panel.heading.is_empty() { 4.0 } else { 24.0 };
        head + legend::height(&entries(panel)) + PLOT + 32.0
    };
    let height = heading.height() + panels.iter().map(panel_height).sum::<f64>() + 24.0;
    let mut canvas = Canvas::new(&source.about, WIDTH, height);
    canvas.share_marks(groups.len());
    heading.draw(&mut canvas);
    let mut top = heading.height();
    let mut description = Vec::new();
    for panel in &panels {
        let members: Vec<&CurveGroup> = panel
            .groups
            .iter()
            .take(MOST_LINES)
            .map(|index| groups[*index])
            .collect();
        canvas.panel_heading(EDGE, top, &panel.heading, WIDTH - 2.0 * EDGE);
        let mut y = top + if panel.heading.is_empty() { 4.0 } else { 24.0 };
        let entries = entries(panel);
        legend::draw(
            &mut canvas,
            &entries,
            (EDGE, y),
            WIDTH - 2.0 * EDGE,
            Some(Fill::Hollow),
        );
        y += legend::height(&entries);
        draw_panel(&mut canvas, &source.figure, &members, y);
        description.extend(entries.iter().zip(&members).filter_map(|(entry, group)| {
            let (epoch, mean, std) = group.means(None).next_back()?;
            let std = std.map_or_else(String::new, |std| format!(" ± {std:.2}"));
            let heading = if panel.heading.is_empty() {
                String::new()
            } else {
                format!("{}, ", panel.heading)
            };
            Some(format!(
                "{heading}{} ({}): {mean:.2}{std}% in epoch {epoch}.",
                entry.label, entry.note
            ))
        }));
        top += panel_height(panel);
    }
    canvas.text(
        WIDTH / 2.0,
        height - 12.0,
        TextStyle::new(MEDIUM).anchor(Anchor::Middle),
        "epoch",
    );
    let fewer = if panels.iter().any(|panel| panel.groups.len() > MOST_LINES) {
        format!(" The first {MOST_LINES} groups of a panel are drawn.")
    } else {
        String::new()
    };
    Some(Figure {
        name: source.figure.clone(),
        title: title.to_owned(),
        caption: format!(
            "Frame-level AUC of the reported score after each epoch. Thin lines: single seeds{}. Thick lines: means over the finished \
             seeds, thinner where a seed is missing; {words}.{fewer}{}",
            seed_words(groups.iter().copied()),
            left_out(curves)
        ),
        svg: canvas.finish(&source.figure, title, &description.join(" ")),
        csv: curves.to_csv(),
    })
}

fn draw_panel(canvas: &mut Canvas, figure: &str, groups: &[&CurveGroup], top: f64) {
    let (low, high) = percent_range(groups.iter().flat_map(|group| group.values(None)));
    let last = groups
        .iter()
        .map(|group| group.last())
        .max()
        .unwrap_or(1)
        .max(2);
    let y_axis = Axis::linear(low, high, top + PLOT, top + 10.0);
    let x_axis = Axis::linear(1.0, f64::from(last), 58.0, WIDTH - EDGE - 4.0);
    let panel = Panel {
        x_ticks: whole_ticks(&Axis::linear(1.0, f64::from(last), 0.0, 1.0), 8),
        y_ticks: y_axis.ticks(7),
        x: x_axis,
        y: y_axis,
        label_x: true,
        label_y: true,
    };
    panel.draw(canvas);
    panel.draw_chance(canvas);
    canvas.text(
        13.0,
        top + PLOT / 2.0,
        TextStyle::new(MEDIUM).anchor(Anchor::Middle).upward(),
        "frame-level AUC (%)",
    );
    for (index, group) in groups.iter().enumerate() {
        canvas.variant(&group.key.variant, |canvas| {
            draw_seeds(canvas, &panel, figure, group, None, Look(index).color(), "");
        });
    }
    for (index, group) in groups.iter().enumerate() {
        let look = Look(index);
        let mean: Vec<_> = group
            .means(None)
            .map(|(epoch, mean, _)| panel.place(f64::from(epoch), mean))
            .collect();
        canvas.variant(&group.key.variant, |canvas| {
            canvas.layer(look.dash(), |pen| {
                pen.line(&mean, look.color(), group.thickness(), 1.0);
            });
            canvas.layer("", |pen| {
                for point in mean.iter().rev().step_by(mean.len().div_ceil(8).max(1)) {
                    pen.marker(*point, 2.8, look.marker(), look.color(), WHITE);
                }
            });
        });
    }
}
