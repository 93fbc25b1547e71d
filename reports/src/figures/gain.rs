//! What a variant gains over the reference, against one numeric parameter: a dose–response curve. Mean differences of the same seed with their
//! 95% intervals, every seed a dot, and a line at zero.

use std::collections::BTreeMap;

use sweeps::Value;

use super::Figure;
use super::along::Along;
use super::axis::{Axis, range};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::cells::{Cells, Group, score_words};
use super::color::{INK, MUTED};
use super::heading::Heading;
use super::legend::{self, Entry, Fill, Look};
use super::mark::Mark;
use super::panel::{MEDIUM, Panel};
use super::panels::{Split, split};
use super::parameter_axis::{label, over_parameter};
use super::text::fit;
use statistics::{mean, mean_interval};

const WIDTH: f64 = 480.0;
const PLOT: f64 = 250.0;
const EDGE: f64 = 12.0;
/// Lines of one panel at most: as many as there are colours.
const MOST_LINES: usize = 7;
/// Panels of one figure at most.
const MOST_PANELS: usize = 8;
/// How far apart the points of two lines at one value lie, in pixels.
const ASIDE: f64 = 5.0;

/// One variant's differences from the reference.
struct Line<'a> {
    variant: &'a str,
    /// Values of the parameter in order.
    points: Vec<Point<'a>>,
}

/// The differences at one value of the parameter, in percentage points by seed.
struct Point<'a> {
    x: f64,
    group: &'a Group,
    differences: Vec<(u64, f64)>,
}

/// The lines of one panel: of one data set, at one value of the other parameters.
struct Curves<'a> {
    heading: String,
    lines: Vec<Line<'a>>,
}

/// The figure; nothing without a reference, or where no line has two values with a pair of runs.
pub(super) fn gain(cells: &Cells) -> Option<Figure> {
    let source = &cells.source;
    let column = *source.axes().first()?;
    let parameter = &source.columns[column];
    let reference = source.about.reference.as_deref()?;
    let mut panels: Vec<Curves<'_>> = split(
        source,
        cells.groups.iter().map(|group| &group.key),
        &source.others(),
    )
    .into_iter()
    .map(|panel| curves(cells, panel, column, reference))
    .filter(|panel| !panel.lines.is_empty())
    .collect();
    if panels.is_empty() {
        return None;
    }
    let hidden = panels.len().saturating_sub(MOST_PANELS);
    panels.truncate(MOST_PANELS);
    let most = panels.iter().map(|panel| panel.lines.len()).max()?;
    for panel in &mut panels {
        panel.lines.truncate(MOST_LINES);
    }
    let short = parameter.rsplit('.').next().unwrap_or(parameter);
    let title = format!("Gain over {reference} against {short}");
    let lines = panels.iter().flat_map(|panel| &panel.lines);
    let along = Along::of(
        source,
        column,
        lines.map(|line| line.points.iter().map(|point| point.group).collect()),
    );
    let note = format!(
        "Frame-level AUC after the last epoch ({}), minus that of {reference} of the same seed. Above zero: ahead of it. Marks: means; bars: their 95% \
         intervals; dots: seeds.",
        score_words(&cells.groups)
    );
    let heading = Heading::new(source, &title, &[&note, &along.words()], WIDTH);
    let height = heading.height() + 30.0 + panels.iter().map(height_of).sum::<f64>();
    let mut canvas = Canvas::new(&source.about, WIDTH, height);
    canvas.share_marks(panels.iter().map(|panel| panel.lines.len()).sum());
    heading.draw(&mut canvas);
    let mut y = heading.height();
    let mut description = Vec::new();
    for panel in &panels {
        draw_panel(&mut canvas, panel, reference, along.joins(), y)?;
        description.extend(panel.lines.iter().map(|line| describe(panel, line, short)));
        y += height_of(panel);
    }
    canvas.text(
        WIDTH / 2.0,
        height - 12.0,
        TextStyle::new(MEDIUM).anchor(Anchor::Middle),
        &fit(&label(parameter), MEDIUM, false, WIDTH - 24.0),
    );
    let mut left_out = String::new();
    if most > MOST_LINES {
        left_out =
            format!(" The first {MOST_LINES} of {most} variants are drawn; the CSV has all.");
    }
    if hidden > 0 {
        left_out += &format!(" {hidden} more panels are in the CSV.");
    }
    let numbers = description.join(" ");
    let others = match along.words() {
        words if words.is_empty() => words,
        words => format!(": {words}"),
    };
    Some(Figure {
        name: source.figure.clone(),
        svg: canvas.finish(&source.figure, &title, &numbers),
        caption: format!(
            "Difference of the frame-level AUC after the last epoch from {reference}, paired by seed, against {parameter}{others}. Marks: mean differences in \
             percentage points; bars: their 95% intervals (Student's t, from three pairs on), each by itself and not adjusted for how many are looked at; \
             dots: single seeds. Points of one value stand side by side. {numbers}{left_out}"
        ),
        title,
        csv: cells.to_csv(),
    })
}

/// The lines of a panel: a variant each, at the values where it and the reference share a finished seed.
fn curves<'a>(cells: &'a Cells, panel: Split, column: usize, reference: &str) -> Curves<'a> {
    let groups: Vec<(f64, &Group)> = panel
        .groups
        .iter()
        .map(|index| &cells.groups[*index])
        .filter_map(|group| Some((group.key.value(column).and_then(Value::as_float)?, group)))
        .collect();
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (x, group) in groups
        .iter()
        .filter(|(_, group)| group.key.variant != reference)
    {
        let mut same = groups
            .iter()
            .filter(|(other, base)| other.total_cmp(x).is_eq() && base.key.variant == reference);
        let Some((_, base)) = same.next() else {
            continue;
        };
        let of_base: BTreeMap<u64, f64> = base
            .finished(None)
            .map(|(run, auc)| (run.seed, auc))
            .collect();
        let differences: Vec<(u64, f64)> = group
            .finished(None)
            .filter_map(|(run, auc)| Some((run.seed, auc - of_base.get(&run.seed)?)))
            .collect();
        if differences.is_empty() {
            continue;
        }
        let point = Point {
            x: *x,
            group,
            differences,
        };
        let variant = group.key.variant.as_str();
        match lines.iter_mut().find(|line| line.variant == variant) {
            Some(line) => line.points.push(point),
            None => lines.push(Line {
                variant,
                points: vec![point],
            }),
        }
    }
    lines.retain(|line| line.points.len() > 1);
    for line in &mut lines {
        line.points
            .sort_by(|left, right| left.x.total_cmp(&right.x));
    }
    Curves {
        heading: panel.heading,
        lines,
    }
}

fn height_of(panel: &Curves<'_>) -> f64 {
    let head = if panel.heading.is_empty() { 4.0 } else { 24.0 };
    head + panel.lines.len() as f64 * 17.0 + PLOT + 30.0
}

fn draw_panel(
    canvas: &mut Canvas,
    panel: &Curves<'_>,
    reference: &str,
    joined: bool,
    top: f64,
) -> Option<()> {
    canvas.panel_heading(EDGE, top, &panel.heading, WIDTH - 2.0 * EDGE);
    let mut y = top + if panel.heading.is_empty() { 4.0 } else { 24.0 };
    let entries: Vec<Entry> = panel
        .lines
        .iter()
        .enumerate()
        .map(|(index, line)| Entry {
            look: Look(index),
            variant: line.variant.to_owned(),
            label: format!("{} − {reference}", line.variant),
            note: pairs(line),
        })
        .collect();
    let room = WIDTH - 2.0 * EDGE;
    legend::draw(canvas, &entries, (EDGE, y), room, Some(Fill::Full));
    y += legend::height(&entries);
    let points = || panel.lines.iter().flat_map(|line| &line.points);
    let all = points().flat_map(|point| {
        let ends = point.interval().map(|(low, high)| [low, high]);
        let values = point.differences.iter().map(|(_, value)| *value);
        values.chain(ends.into_iter().flatten())
    });
    // Zero is always in sight.
    let (low, high) = range(all.chain([0.0]), 1.0)?;
    let xs = points().map(|point| point.x).collect();
    let y_axis = Axis::linear(low, high, y + PLOT, y + 10.0);
    let axes = over_parameter(xs, (52.0, WIDTH - EDGE), y_axis)?;
    axes.draw(canvas);
    let (left, _, right, _) = axes.rectangle();
    let zero = axes.y.place(0.0);
    canvas.layer("", |pen| {
        pen.line(&[(left, zero), (right, zero)], INK, 1.2, 1.0);
    });
    let style = TextStyle::new(9.5).color(MUTED).anchor(Anchor::End);
    canvas.text(
        right - 2.0,
        zero + 7.0,
        style,
        &fit(reference, 9.5, false, 160.0),
    );
    canvas.text(
        13.0,
        y + PLOT / 2.0,
        TextStyle::new(MEDIUM).anchor(Anchor::Middle).upward(),
        "difference of AUC (percentage points)",
    );
    let middle = (panel.lines.len() as f64 - 1.0) / 2.0;
    for (index, line) in panel.lines.iter().enumerate() {
        let aside = ASIDE * (index as f64 - middle);
        canvas.variant(line.variant, |canvas| {
            draw_line(canvas, &axes, line, Look(index), joined, aside);
        });
    }
    Some(())
}

fn draw_line(
    canvas: &mut Canvas,
    axes: &Panel,
    line: &Line<'_>,
    look: Look,
    joined: bool,
    aside: f64,
) {
    let color = look.color();
    let place = |x: f64, value: f64| {
        let (x, y) = axes.place(x, value);
        (x + aside, y)
    };
    canvas.layer("", |pen| {
        for point in &line.points {
            let opacity = (12.0 / point.differences.len() as f64).clamp(0.06, 0.4);
            for (seed, difference) in &point.differences {
                let value = format!("{difference:+.2} points");
                let run = point.group.runs.iter().find(|run| run.seed == *seed);
                let mark = Mark {
                    seed: *seed,
                    job: run.map_or("", |run| &run.job),
                    value: &value,
                };
                pen.seed_dot(place(point.x, *difference), 1.7, color, opacity, &mark);
            }
        }
    });
    let means: Vec<(f64, f64)> = line
        .points
        .iter()
        .filter_map(|point| Some(place(point.x, point.mean()?)))
        .collect();
    if joined {
        canvas.layer(look.dash(), |pen| pen.line(&means, color, 2.0, 1.0));
    }
    canvas.layer("", |pen| {
        for point in &line.points {
            if let Some((low, high)) = point.interval() {
                pen.line(
                    &[place(point.x, low), place(point.x, high)],
                    color,
                    1.6,
                    1.0,
                );
            }
        }
        for at in means {
            pen.marker(at, 3.0, look.marker(), color, color);
        }
    });
}

impl Point<'_> {
    fn values(&self) -> Vec<f64> {
        self.differences.iter().map(|(_, value)| *value).collect()
    }

    fn mean(&self) -> Option<f64> {
        mean(&self.values())
    }

    /// Ends of Student's 95% interval of the mean; `None` below three values.
    fn interval(&self) -> Option<(f64, f64)> {
        mean_interval(&self.values()).map(|interval| (interval.low, interval.high))
    }
}

/// `10 pairs at each value`, or the range.
fn pairs(line: &Line<'_>) -> String {
    let counts = || line.points.iter().map(|point| point.differences.len());
    let (low, high) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
    match (low, high) {
        (1, 1) => "1 pair at each value".to_owned(),
        _ if low == high => format!("{low} pairs at each value"),
        _ => format!("{low} to {high} pairs"),
    }
}

/// `GCL_B: −3.12 [−5.01, −1.23] at coherence 0, …`.
fn describe(panel: &Curves<'_>, line: &Line<'_>, parameter: &str) -> String {
    let points: Vec<String> = line
        .points
        .iter()
        .map(|point| {
            let number = match (point.mean(), point.interval()) {
                (Some(mean), Some((low, high))) => format!("{mean:+.2} [{low:+.2}, {high:+.2}]"),
                (Some(mean), None) => format!("{mean:+.2}"),
                (None, _) => "no pair".to_owned(),
            };
            format!(
                "{} at {parameter} {}",
                number.replace('-', "−"),
                Value::Float(point.x)
            )
        })
        .collect();
    let heading = if panel.heading.is_empty() {
        String::new()
    } else {
        format!("{}, ", panel.heading)
    };
    format!(
        "{heading}{}: {} ({}).",
        line.variant,
        points.join(", "),
        pairs(line)
    )
}
