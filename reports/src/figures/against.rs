//! AUC against one numeric parameter: means with a band, every seed a dot; a panel per data set (the paper's Fig. 9 when the
//! parameter is the share of supervision).
//!
//! A value at which a run is missing is no point of the line: its mean is hollow, stands alone and says its n. Draws of several parameters at once
//! are no curve over one of them: their points are not joined.

use std::collections::BTreeMap;

use super::Figure;
use super::along::Along;
use super::axis::{Axis, percent_range};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::cells::{Cells, Group};
use super::color::{MUTED, WHITE};
use super::heading::Heading;
use super::legend::{self, Entry, Fill, Look};
use super::mark::Mark;
use super::network::Network;
use super::panel::{MEDIUM, Panel};
use super::panels::{Split, split};
use super::parameter_axis::{label, over_parameter};
use super::text::{fit, width};

const WIDTH: f64 = 480.0;
const PLOT: f64 = 250.0;
const EDGE: f64 = 12.0;
/// Lines of one panel at most: as many as there are colours.
pub(super) const MOST_LINES: usize = 7;
/// Dots of one line at most; of more, the band says where they are.
const MOST_DOTS: usize = 400;
/// Panels of one figure at most.
const MOST_PANELS: usize = 8;

/// One line: a variant (at one value of the other parameters), by one score.
struct Line<'a> {
    label: String,
    variant: &'a str,
    network: Option<Network>,
    /// Values of the parameter in order, with the group there.
    points: Vec<(f64, &'a Group)>,
}

/// How many lines a panel would have at most, were all groups drawn.
pub(super) fn lines_of(cells: &Cells, column: usize) -> usize {
    let mut source = cells.source.clone();
    source.about.axes = vec![source.columns[column].clone()];
    let panels = split(&source, cells.groups.iter().map(|group| &group.key), &[]);
    panels
        .iter()
        .map(|panel| series(&source, cells, panel, column).len())
        .max()
        .unwrap_or(0)
}

/// The figure against the source's axis; nothing where no line has two values.
pub(super) fn against(cells: &Cells) -> Option<Figure> {
    let source = &cells.source;
    let column = *source.axes().first()?;
    let parameter = &source.columns[column];
    let mut panels: Vec<(Split, Vec<Line<'_>>)> =
        split(source, cells.groups.iter().map(|group| &group.key), &[])
            .into_iter()
            .map(|panel| {
                let lines = series(source, cells, &panel, column);
                (panel, by_network(lines))
            })
            .filter(|(_, lines)| {
                let finished = |line: &Line<'_>| {
                    let mut groups = line.points.iter().map(|(_, group)| group);
                    groups.any(|group| !group.values(line.network).is_empty())
                };
                lines.iter().any(finished) && lines.iter().any(|line| line.points.len() > 1)
            })
            .collect();
    if panels.is_empty() {
        return None;
    }
    let hidden_panels = panels.len().saturating_sub(MOST_PANELS);
    panels.truncate(MOST_PANELS);
    let most = panels.iter().map(|(_, lines)| lines.len()).max()?;
    for (_, lines) in &mut panels {
        lines.truncate(MOST_LINES);
    }
    let title = format!("AUC against {parameter}");
    let counts = counts(&panels);
    let lines = panels.iter().flat_map(|(_, lines)| lines);
    let along = Along::of(
        source,
        column,
        lines.map(|line| line.points.iter().map(|(_, group)| *group).collect()),
    );
    let (joined, others) = (along.joins(), along.words());
    let marks = if joined {
        "Lines: means; bands: ± 1 std"
    } else {
        "Points: means"
    };
    let heading = Heading::new(
        source,
        &title,
        &[
            &counts,
            &format!("{marks}; dots: seeds. D: discriminator, G: reconstruction error."),
            &others,
        ],
        WIDTH,
    );
    let mut height = heading.height() + 30.0;
    for (panel, lines) in &panels {
        height += panel_height(panel, lines);
    }
    let mut canvas = Canvas::new(&source.about, WIDTH, height);
    canvas.share_marks(panels.iter().map(|(_, lines)| lines.len()).sum());
    heading.draw(&mut canvas);
    let mut y = heading.height();
    let mut description = Vec::new();
    for (panel, lines) in &panels {
        draw_panel(&mut canvas, source.figure.as_str(), panel, lines, joined, y)?;
        description.extend(lines.iter().map(|line| describe(panel, line)));
        y += panel_height(panel, lines);
    }
    let label = label(parameter);
    canvas.text(
        WIDTH / 2.0,
        height - 12.0,
        TextStyle::new(MEDIUM).anchor(Anchor::Middle),
        &fit(&label, MEDIUM, false, WIDTH - 24.0),
    );
    let mut left_out = String::new();
    if most > MOST_LINES {
        left_out = format!(" The first {MOST_LINES} of {most} lines are drawn; the CSV has all.");
    }
    if hidden_panels > 0 {
        left_out += &format!(" {hidden_panels} more data sets are in the CSV.");
    }
    let (means, short) = if joined {
        (
            "Lines: means over the seeds; bands: ± one sample standard deviation",
            "is hollow, is not joined to its neighbours and says its n",
        )
    } else {
        (
            "Points: means over the seeds, which no line joins",
            "is hollow and says its n",
        )
    };
    let others = if others.is_empty() {
        others
    } else {
        format!(": {others}")
    };
    Some(Figure {
        name: source.figure.clone(),
        svg: canvas.finish(&source.figure, &title, &description.join(" ")),
        caption: format!(
            "Frame-level AUC after the last epoch against {parameter}{others}. {means}; \
             dots: single seeds. D: the discriminator's score, G: the reconstruction error. {counts}. A mean over fewer seeds than were asked \
             for {short}; a value without a finished seed has no mark. A line of more than \
             {MOST_DOTS} seeds has no dots.{left_out}"
        ),
        title,
        csv: cells.to_csv(),
    })
}

fn panel_height(panel: &Split, lines: &[Line<'_>]) -> f64 {
    let head = if panel.heading.is_empty() { 4.0 } else { 24.0 };
    head + lines.len() as f64 * 17.0 + PLOT + 30.0
}

/// The lines of a panel: a variant at each value of the other parameters.
fn series<'a>(
    source: &super::source::Source,
    cells: &'a Cells,
    panel: &Split,
    column: usize,
) -> Vec<Line<'a>> {
    let others = source.others();
    let mut lines: Vec<Line<'a>> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for group in panel.groups.iter().map(|index| &cells.groups[*index]) {
        let Some(x) = group.key.value(column).and_then(sweeps::Value::as_float) else {
            continue;
        };
        let label = group.key.label(&others, source);
        if let Some(line) = known.get(&label) {
            lines[*line].points.push((x, group));
        } else {
            known.insert(label.clone(), lines.len());
            lines.push(Line {
                label,
                variant: &group.key.variant,
                network: None,
                points: vec![(x, group)],
            });
        }
    }
    for line in &mut lines {
        line.points
            .sort_by(|left, right| left.0.total_cmp(&right.0));
    }
    lines
}

/// Both scores of each line where there is room for them; else the reported one, named where it is the same everywhere.
fn by_network(lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    let both = |line: &Line<'_>| {
        Network::BOTH.map(|network| {
            let mut groups = line.points.iter().map(|(_, group)| group);
            groups.any(|group| !group.values(Some(network)).is_empty())
        })
    };
    let wanted: usize = lines
        .iter()
        .map(|line| both(line).into_iter().filter(|has| *has).count().max(1))
        .sum();
    let split = wanted <= MOST_LINES;
    let mut all = Vec::new();
    for mut line in lines {
        let has = both(&line);
        if split && has.contains(&true) {
            for (network, _) in Network::BOTH.into_iter().zip(has).filter(|(_, has)| *has) {
                all.push(Line {
                    label: format!("{}: {}", line.label, network.name()),
                    variant: line.variant,
                    network: Some(network),
                    points: line.points.clone(),
                });
            }
        } else {
            let mut scores = line.points.iter().filter_map(|(_, group)| group.reported());
            if let Some(first) = scores.next()
                && scores.all(|other| other == first)
            {
                line.label = format!("{}: {}", line.label, first.name());
            }
            all.push(line);
        }
    }
    all
}

fn draw_panel(
    canvas: &mut Canvas,
    figure: &str,
    panel: &Split,
    lines: &[Line<'_>],
    joined: bool,
    top: f64,
) -> Option<()> {
    canvas.panel_heading(EDGE, top, &panel.heading, WIDTH - 2.0 * EDGE);
    let mut y = top + if panel.heading.is_empty() { 4.0 } else { 24.0 };
    let entries: Vec<Entry> = lines
        .iter()
        .enumerate()
        .map(|(index, line)| Entry {
            look: Look(index),
            variant: line.variant.to_owned(),
            label: line.label.clone(),
            note: String::new(),
        })
        .collect();
    legend::draw(
        canvas,
        &entries,
        (EDGE, y),
        WIDTH - 2.0 * EDGE,
        Some(Fill::Full),
    );
    y += legend::height(&entries);
    let xs = lines
        .iter()
        .flat_map(|line| line.points.iter().map(|point| point.0));
    let values = lines.iter().flat_map(|line| {
        let points = line.points.iter();
        points.flat_map(|(_, group)| group.values(line.network))
    });
    let (low, high) = percent_range(values);
    let y_axis = Axis::linear(low, high, y + PLOT, y + 10.0);
    let axes = over_parameter(xs.collect(), (52.0, WIDTH - EDGE), y_axis)?;
    axes.draw(canvas);
    axes.draw_chance(canvas);
    canvas.text(
        13.0,
        y + PLOT / 2.0,
        TextStyle::new(MEDIUM).anchor(Anchor::Middle).upward(),
        "frame-level AUC (%)",
    );
    for (index, line) in lines.iter().enumerate() {
        canvas.variant(line.variant, |canvas| {
            draw_line(canvas, figure, &axes, line, joined, Look(index));
        });
    }
    Some(())
}

/// A point of a line: place, mean, spread, and whether all runs that were asked for are in it.
#[derive(Clone, Copy)]
struct Point<'a> {
    x: f64,
    mean: f64,
    std: f64,
    whole: bool,
    group: &'a Group,
}

fn draw_line(
    canvas: &mut Canvas,
    figure: &str,
    axes: &Panel,
    line: &Line<'_>,
    joined: bool,
    look: Look,
) {
    let color = look.color();
    let points: Vec<Option<Point<'_>>> = line
        .points
        .iter()
        .map(|(x, group)| {
            let (mean, std, _) = group.estimate(line.network);
            Some(Point {
                x: *x,
                mean: mean?,
                std: std.unwrap_or(0.0),
                whole: !group.is_short(line.network),
                group,
            })
        })
        .collect();
    // Neighbours that are whole are joined.
    let stretches = || {
        points
            .split(|point| point.is_none_or(|point| !point.whole))
            .map(|stretch| stretch.iter().flatten().copied().collect::<Vec<_>>())
            .filter(|stretch| joined && stretch.len() > 1)
    };
    canvas.clipped(axes.rectangle(), figure, "", |pen| {
        for stretch in stretches() {
            let edge = |sign: f64| {
                let place =
                    move |point: &Point<'_>| axes.place(point.x, point.mean + sign * point.std);
                stretch.iter().map(place).collect::<Vec<_>>()
            };
            let mut outline = edge(1.0);
            outline.extend(edge(-1.0).into_iter().rev());
            if stretch.iter().any(|point| point.std > 0.0) {
                pen.polygon(&outline, color, 0.15);
            }
        }
    });
    let dots: usize = line.points.iter().map(|(_, group)| group.runs.len()).sum();
    canvas.layer("", |pen| {
        for (x, group) in line.points.iter().filter(|_| dots <= MOST_DOTS) {
            let one = group.is_deterministic();
            for (run, auc) in group
                .finished(line.network)
                .take(if one { 1 } else { usize::MAX })
            {
                let value = format!("{auc:.2}%");
                let mark = Mark {
                    seed: run.seed,
                    job: &run.job,
                    value: &value,
                };
                pen.seed_dot(axes.place(*x, auc), 1.7, color, 0.4, &mark);
            }
        }
    });
    canvas.layer(look.dash(), |pen| {
        for stretch in stretches() {
            let line: Vec<_> = stretch
                .iter()
                .map(|point| axes.place(point.x, point.mean))
                .collect();
            pen.line(&line, color, 2.0, 1.0);
        }
    });
    let every = points.len().div_ceil(16).max(1);
    canvas.layer("", |pen| {
        for point in points.iter().rev().step_by(every).flatten() {
            let fill = if point.whole { color } else { WHITE };
            let at = axes.place(point.x, point.mean);
            pen.marker(at, 3.0, look.marker(), color, fill);
        }
    });
    for point in points.iter().flatten().filter(|point| !point.whole) {
        let (x, y) = axes.place(point.x, point.mean);
        let (.., right, _) = axes.rectangle();
        let text = point.group.count(line.network);
        let style = TextStyle::new(9.5).color(MUTED);
        if x + 8.0 + width(&text, 9.5, false) > right {
            canvas.text(x - 8.0, y, style.anchor(Anchor::End), &text);
        } else {
            canvas.text(x + 8.0, y, style, &text);
        }
    }
}

fn describe(panel: &Split, line: &Line<'_>) -> String {
    let points: Vec<String> = line
        .points
        .iter()
        .map(|(x, group)| {
            let (mean, _, n) = group.estimate(line.network);
            let mean = mean.map_or_else(|| "no result".into(), |mean| format!("{mean:.2}%"));
            let asked = group.runs.len();
            format!(
                "{mean} at {} ({n} of {asked} seeds)",
                sweeps::Value::Float(*x)
            )
        })
        .collect();
    let heading = if panel.heading.is_empty() {
        String::new()
    } else {
        format!("{}, ", panel.heading)
    };
    format!("{heading}{}: {}.", line.label, points.join(", "))
}

/// `n = 5 of 5 at every point`, or the range of n.
fn counts(panels: &[(Split, Vec<Line<'_>>)]) -> String {
    let points = || {
        let lines = panels.iter().flat_map(|(_, lines)| lines);
        lines.flat_map(|line| {
            line.points
                .iter()
                .map(move |(_, group)| (line.network, group))
        })
    };
    let numbers = || points().map(|(network, group)| group.finished(network).count());
    let asked = points()
        .map(|(_, group)| group.runs.len())
        .max()
        .unwrap_or(0);
    let (low, high) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0));
    if low == high {
        format!("n = {low} of {asked} seeds at every point")
    } else {
        format!("n = {low} to {high} of {asked} seeds")
    }
}
