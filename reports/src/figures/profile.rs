//! Performance profiles: which share of a group's runs reaches each AUC, a panel per data set. Lines that never cross are
//! ordered whatever the threshold; the height at the right shows the lucky seeds, the left end the unlucky ones.

use super::Figure;
use super::axis::{Axis, percent_range};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::cells::{Cells, Group};
use super::heading::Heading;
use super::legend::{self, Entry, Look};
use super::panel::{MEDIUM, Panel, number_ticks};
use super::panels::split;
use statistics::share_interval;

const WIDTH: f64 = 480.0;
const PLOT: f64 = 260.0;
const EDGE: f64 = 12.0;
/// Lines of a panel up to which they have bands.
const MOST_BANDS: usize = 3;
/// Runs below which a profile is a few steps that say less than the dots do.
const FEWEST: usize = 10;
/// Groups of a panel at most: as many as there are colours.
const MOST_LINES: usize = 7;
/// Data sets of one figure at most.
const MOST_PANELS: usize = 8;

/// A group with its AUCs in percent, ascending.
type Line<'a> = (&'a Group, Vec<f64>);

/// The figure; nothing where no data set has two groups with runs enough. `asked` draws the first groups where there are
/// more than colours.
pub(super) fn profile(cells: &Cells, asked: bool) -> Option<Figure> {
    let source = &cells.source;
    let mut panels: Vec<(String, Vec<Line<'_>>)> = Vec::new();
    for panel in split(source, cells.groups.iter().map(|group| &group.key), &[]) {
        let groups = panel.groups.iter().map(|index| &cells.groups[*index]);
        let lines: Vec<Line<'_>> = groups
            .filter(|group| !group.is_deterministic())
            .map(|group| {
                let mut aucs = group.values(None);
                aucs.sort_by(f64::total_cmp);
                (group, aucs)
            })
            .filter(|(_, aucs)| aucs.len() >= FEWEST)
            .collect();
        if lines.len() > 1 && (asked || lines.len() <= MOST_LINES) {
            panels.push((panel.heading, lines));
        }
    }
    panels.truncate(MOST_PANELS);
    if panels.is_empty() {
        return None;
    }
    let most = panels.iter().map(|(_, lines)| lines.len()).max()?;
    for (_, lines) in &mut panels {
        lines.truncate(MOST_LINES);
    }
    let title = "Performance profiles";
    let heading = Heading::new(
        source,
        title,
        &["The share of runs whose AUC after the last epoch is at least the value below."],
        WIDTH,
    );
    let panel_height =
        |name: &str, lines: &[Line<'_>]| head(name) + 17.0 * lines.len() as f64 + PLOT + 30.0;
    let plots: f64 = panels
        .iter()
        .map(|(name, lines)| panel_height(name, lines))
        .sum();
    let height = heading.height() + plots + 26.0;
    let mut canvas = Canvas::new(&source.about, WIDTH, height);
    heading.draw(&mut canvas);
    let mut y = heading.height();
    let mut description = Vec::new();
    for (name, lines) in &panels {
        draw_panel(&mut canvas, cells, name, lines, y);
        y += panel_height(name, lines);
        description.extend(lines.iter().map(|(group, aucs)| {
            format!(
                "{}{}: all {} runs reach {:.2}%, half of them {:.2}%, the best {:.2}%.",
                if name.is_empty() {
                    String::new()
                } else {
                    format!("{name}, ")
                },
                group.key.label(&source.others(), source),
                aucs.len(),
                aucs[0],
                aucs[aucs.len() / 2],
                aucs[aucs.len() - 1]
            )
        }));
    }
    let axis_label = TextStyle::new(MEDIUM).anchor(Anchor::Middle);
    canvas.text(
        WIDTH / 2.0,
        height - 12.0,
        axis_label,
        "frame-level AUC (%)",
    );
    let more = if most > MOST_LINES {
        format!(" The first {MOST_LINES} of {most} groups are drawn; the CSV has all.")
    } else {
        String::new()
    };
    Some(Figure {
        name: source.figure.clone(),
        title: title.to_owned(),
        caption: format!(
            "The share of finished runs whose AUC after the last epoch is at least the value below. A line that lies right of another everywhere \
             is ahead at every threshold; where lines cross, the order depends on the threshold. Bands, in panels of up to {MOST_BANDS} lines: 95% interval of the share over seeds, \
             at each threshold by itself. Groups of fewer than {FEWEST} finished runs are not drawn.{more}"
        ),
        svg: canvas.finish(&source.figure, title, &description.join(" ")),
        csv: cells.to_csv(),
    })
}

/// The height of a panel's name.
fn head(name: &str) -> f64 {
    if name.is_empty() { 4.0 } else { 24.0 }
}

fn draw_panel(canvas: &mut Canvas, cells: &Cells, name: &str, lines: &[Line<'_>], top: f64) {
    let head = head(name);
    canvas.panel_heading(EDGE, top, name, WIDTH - 2.0 * EDGE);
    let others = cells.source.others();
    let entries: Vec<Entry> = lines
        .iter()
        .enumerate()
        .map(|(index, (group, _))| Entry {
            look: Look(index),
            variant: group.key.variant.clone(),
            label: match group.reported() {
                Some(network) => {
                    let label = group.key.label(&others, &cells.source);
                    format!("{label} ({})", network.name())
                }
                None => group.key.label(&others, &cells.source),
            },
            note: group.count(None),
        })
        .collect();
    let room = WIDTH - 2.0 * EDGE;
    legend::draw(canvas, &entries, (EDGE, top + head), room, None);
    let top = top + head + legend::height(&entries);
    let (low, high) = percent_range(lines.iter().flat_map(|(_, aucs)| aucs).copied());
    let (y, x) = (
        Axis::linear(0.0, 100.0, top + PLOT, top + 10.0),
        Axis::linear(low, high, 52.0, WIDTH - EDGE),
    );
    let panel = Panel {
        x_ticks: number_ticks(&x, 7),
        y_ticks: y.ticks(5),
        x,
        y,
        label_x: true,
        label_y: true,
    };
    panel.draw(canvas);
    canvas.text(
        13.0,
        top + PLOT / 2.0,
        TextStyle::new(MEDIUM).anchor(Anchor::Middle).upward(),
        "runs that reach it (%)",
    );
    for (index, (group, aucs)) in lines.iter().enumerate() {
        let look = Look(index);
        // A share of the runs from the left end to the right, down a step at each run. Of very many runs, some steps are
        // enough: a pixel holds no more.
        let stride = aucs.len().div_ceil(800).max(1);
        let line = |of: &dyn Fn(usize) -> f64| {
            let share = |reached: usize| 100.0 * of(reached) / aucs.len() as f64;
            let mut steps = vec![panel.place(low, share(aucs.len()))];
            let mut before = aucs.len();
            for (rank, auc) in aucs.iter().enumerate() {
                if (rank + 1) % stride != 0 && rank + 1 != aucs.len() {
                    continue;
                }
                let reached = aucs.len() - rank - 1;
                steps.push(panel.place(*auc, share(before)));
                steps.push(panel.place(*auc, share(reached)));
                before = reached;
            }
            steps.push(panel.place(high, share(0)));
            steps
        };
        let interval = |reached: usize| share_interval(reached, aucs.len());
        let mut band = line(&|reached| interval(reached).1);
        band.extend(line(&|reached| interval(reached).0).into_iter().rev());
        let steps = line(&|reached| reached as f64);
        canvas.variant(&group.key.variant, |canvas| {
            // Of more lines the bands hide one another, and the lines.
            if lines.len() <= MOST_BANDS {
                canvas.layer("", |pen| pen.polygon(&band, look.color(), 0.13));
            }
            canvas.layer(look.dash(), |pen| {
                pen.line(&steps, look.color(), 2.0, 1.0);
            });
        });
    }
}
