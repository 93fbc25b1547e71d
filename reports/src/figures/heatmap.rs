//! AUC over two parameters: a field per combination with its mean, spread and n, a panel per data set and variant (the
//! supplement's study of thresholds when the parameters are the two thresholds).

use sweeps::Value;

use super::Figure;
use super::canvas::{Anchor, Canvas, TextStyle};
use super::cells::{Cells, Group, score_words};
use super::color::{GRID, INK, MUTED, WHITE, readable_on, sequential};
use super::heading::Heading;
use super::key::values;
use super::panel::{MEDIUM, SMALL};
use super::panels::{Split, split};
use super::source::Source;
use super::text::{fit, width};
use crate::order::compare_values;

const WIDTH: f64 = 720.0;
/// Values of a parameter up to which its fields can be told apart.
pub(super) const MOST_VALUES: usize = 40;
/// Panels of one figure at most.
const MOST_PANELS: usize = 12;
/// Fields of one figure at most.
const MOST_FIELDS: usize = 4000;
/// Fields from this width on say their spread and n.
const ROOMY: f64 = 44.0;

/// One panel: the fields of a variant on a data set.
struct Field<'a> {
    heading: String,
    groups: Vec<&'a Group>,
}

/// What runs down: a parameter, or the variants where only one parameter is swept.
#[derive(Clone, Copy)]
enum Down {
    Column(usize),
    Variants,
}

impl Down {
    fn values(self, groups: &[Group]) -> Vec<Value> {
        match self {
            Self::Column(column) => values(groups.iter().map(|group| &group.key), column),
            Self::Variants => {
                let mut variants: Vec<Value> = Vec::new();
                for group in groups {
                    let name = Value::Text(group.key.variant.clone());
                    if !variants.contains(&name) {
                        variants.push(name);
                    }
                }
                variants
            }
        }
    }

    /// Where the group stands among `ys`.
    fn place(self, group: &Group, ys: &[Value]) -> Option<usize> {
        match self {
            Self::Column(column) => place(group, column, ys),
            Self::Variants => ys
                .iter()
                .position(|name| matches!(name, Value::Text(name) if *name == group.key.variant)),
        }
    }
}

/// Where the group's value of a column stands among all of them, which are in order.
fn place(group: &Group, column: usize, values: &[Value]) -> Option<usize> {
    let value = group.key.value(column)?;
    values
        .binary_search_by(|other| compare_values(other, value))
        .ok()
}

/// The figure over the source's axes; nothing where there is nothing to compare.
pub(super) fn heatmap(cells: &Cells, what: &str) -> Option<Figure> {
    let source = &cells.source;
    let axes = source.axes();
    let across = *axes.first()?;
    let down = axes
        .get(1)
        .map_or(Down::Variants, |column| Down::Column(*column));
    let xs = values(cells.groups.iter().map(|group| &group.key), across);
    let ys = down.values(&cells.groups);
    if xs.len() < 2 || ys.is_empty() || xs.len() > MOST_VALUES || ys.len() > MOST_VALUES {
        return None;
    }
    let mut panels = panels(source, cells, down);
    let most = (MOST_FIELDS / (xs.len() * ys.len())).clamp(1, MOST_PANELS);
    let hidden = panels.len().saturating_sub(most);
    panels.truncate(most);
    if panels
        .iter()
        .flat_map(|panel| &panel.groups)
        .all(|group| group.values(None).is_empty())
    {
        return None;
    }
    let x_name = &source.columns[across];
    let y_name = match down {
        Down::Column(column) => source.columns[column].clone(),
        Down::Variants => "variant".to_owned(),
    };
    let title = format!("{what} over {x_name} and {y_name}");
    let note = format!(
        "Frame-level AUC (%) after the last epoch, {}: mean ± std over the seeds, and n of those asked for.",
        score_words(&cells.groups)
    );
    let heading = Heading::new(source, &title, &[&note], WIDTH);
    let sheet = Sheet::new(&xs, &ys);
    let top = heading.height() + 4.0;
    let height = top + panels.len() as f64 * sheet.panel_height() + sheet.x_room + 26.0;
    let mut canvas = Canvas::new(&source.about, WIDTH, height);
    heading.draw(&mut canvas);
    for (index, panel) in panels.iter().enumerate() {
        let y = top + index as f64 * sheet.panel_height();
        draw_panel(&mut canvas, &sheet, panel, (across, &xs), (down, &ys), y);
    }
    let bottom = top + panels.len() as f64 * sheet.panel_height();
    sheet.label_x(&mut canvas, &xs, bottom);
    let axis_label = TextStyle::new(MEDIUM).anchor(Anchor::Middle);
    let middle = f64::midpoint(sheet.left, sheet.right);
    canvas.text(middle, height - 10.0, axis_label, x_name);
    let span = bottom - top;
    canvas.text(
        12.0,
        top + span / 2.0,
        axis_label.upward(),
        &fit(&y_name, MEDIUM, false, span.max(60.0)),
    );
    let description: Vec<String> = panels
        .iter()
        .flat_map(|panel| {
            panel
                .groups
                .iter()
                .map(|group| describe(source, panel, group, &axes))
        })
        .collect();
    let more = if hidden > 0 {
        format!(" {hidden} more panels are in the CSV.")
    } else {
        String::new()
    };
    let small = if sheet.field_width < ROOMY {
        " Fields are too small for spread and n: the CSV has them."
    } else {
        ""
    };
    Some(Figure {
        name: source.figure.clone(),
        svg: canvas.finish(&source.figure, &title, &description.join(" ")),
        caption: format!(
            "Mean frame-level AUC after the last epoch in percent, darker is higher, each panel on its own scale; below it, ± one sample \
             standard deviation over the seeds, and n of the number asked for. A crossed field has no finished seed, an empty one was not \
             asked for. The best field was found with test truth: it is no result of a method that chooses its parameters.{small}{more}"
        ),
        title,
        csv: cells.to_csv(),
    })
}

fn panels<'a>(source: &Source, cells: &'a Cells, down: Down) -> Vec<Field<'a>> {
    let splits: Vec<Split> = split(
        source,
        cells.groups.iter().map(|group| &group.key),
        &source.others(),
    );
    let mut panels: Vec<Field<'a>> = Vec::new();
    for split in splits {
        for group in split.groups.iter().map(|index| &cells.groups[*index]) {
            let heading = match down {
                Down::Variants => split.heading.clone(),
                Down::Column(_) if split.heading.is_empty() => group.key.variant.clone(),
                Down::Column(_) => format!("{} · {}", group.key.variant, split.heading),
            };
            match panels.iter_mut().find(|panel| panel.heading == heading) {
                Some(panel) => panel.groups.push(group),
                None => panels.push(Field {
                    heading,
                    groups: vec![group],
                }),
            }
        }
    }
    panels
}

/// Where things stand in every panel.
struct Sheet {
    left: f64,
    right: f64,
    label_room: f64,
    field_width: f64,
    field_height: f64,
    lines: usize,
    turned: bool,
    x_room: f64,
}

impl Sheet {
    fn new(xs: &[Value], ys: &[Value]) -> Self {
        let widest = |values: &[Value]| {
            values
                .iter()
                .map(|value| width(&value.to_string(), SMALL, false))
                .fold(0.0, f64::max)
                .min(150.0)
        };
        let label_room = widest(ys);
        let (left, right) = (label_room + 36.0, WIDTH - 64.0);
        // Two columns need not be as wide as the sheet.
        let field_width = ((right - left) / xs.len() as f64).min(110.0);
        let field_height = if field_width < ROOMY {
            (0.62 * field_width).clamp(16.0, 40.0)
        } else {
            44.0
        };
        let turned = widest(xs) > field_width - 4.0;
        Self {
            left,
            right: left + field_width * xs.len() as f64,
            label_room,
            field_width,
            field_height,
            lines: ys.len(),
            turned,
            x_room: if turned { widest(xs) + 10.0 } else { 18.0 },
        }
    }

    fn panel_height(&self) -> f64 {
        24.0 + self.lines as f64 * self.field_height + 12.0
    }

    fn label_x(&self, canvas: &mut Canvas, xs: &[Value], bottom: f64) {
        for (column, x) in xs.iter().enumerate() {
            let at = self.left + (column as f64 + 0.5) * self.field_width;
            let text = x.to_string();
            let style = TextStyle::new(SMALL);
            if self.turned {
                let text = fit(&text, SMALL, false, 150.0);
                canvas.text(at, bottom - 6.0, style.anchor(Anchor::End).upward(), &text);
            } else {
                canvas.text(at, bottom, style.anchor(Anchor::Middle), &text);
            }
        }
    }
}

fn draw_panel(
    canvas: &mut Canvas,
    sheet: &Sheet,
    panel: &Field<'_>,
    (across, xs): (usize, &[Value]),
    (down, ys): (Down, &[Value]),
    top: f64,
) {
    canvas.panel_heading(sheet.left, top, &panel.heading, WIDTH - sheet.left - 12.0);
    let top = top + 24.0;
    let means = || {
        panel
            .groups
            .iter()
            .filter_map(|group| group.estimate(None).0)
    };
    let (low, high) = (
        means().reduce(f64::min).unwrap_or(0.0),
        means().reduce(f64::max).unwrap_or(1.0),
    );
    let mut grid: Vec<Option<&Group>> = vec![None; xs.len() * ys.len()];
    for group in &panel.groups {
        if let (Some(x), Some(y)) = (place(group, across, xs), down.place(group, ys)) {
            grid[y * xs.len() + x] = Some(group);
        }
    }
    for (line, y) in ys.iter().enumerate() {
        let field_top = top + line as f64 * sheet.field_height;
        let style = TextStyle::new(SMALL).anchor(Anchor::End);
        let text = fit(&y.to_string(), SMALL, false, sheet.label_room);
        let middle = field_top + sheet.field_height / 2.0;
        canvas.text(sheet.left - 8.0, middle, style, &text);
        for column in 0..xs.len() {
            let field_left = sheet.left + column as f64 * sheet.field_width;
            field(
                canvas,
                grid[line * xs.len() + column],
                (field_left, field_top, sheet.field_width, sheet.field_height),
                (low, high),
            );
        }
    }
    if means().next().is_some() {
        let tall = (sheet.lines as f64 * sheet.field_height).min(150.0);
        scale(canvas, (sheet.right + 12.0, top, tall), (low, high));
    }
}

fn field(
    canvas: &mut Canvas,
    group: Option<&Group>,
    (left, top, width, height): (f64, f64, f64, f64),
    (low, high): (f64, f64),
) {
    let (right, bottom) = (left + width, top + height);
    let Some(group) = group else {
        let corners = [
            (left, top),
            (right, top),
            (right, bottom),
            (left, bottom),
            (left, top),
        ];
        canvas.layer("", |pen| pen.line(&corners, GRID, 0.6, 1.0));
        return;
    };
    let (Some(mean), std, n) = group.estimate(None) else {
        canvas.layer("", |pen| {
            for (from, to) in [(top, bottom), (bottom, top)] {
                let (from, to) = if from < to {
                    (from + 3.0, to - 3.0)
                } else {
                    (from - 3.0, to + 3.0)
                };
                pen.line(&[(left + 3.0, from), (right - 3.0, to)], MUTED, 0.8, 1.0);
            }
        });
        return;
    };
    let share = if high > low {
        (mean - low) / (high - low)
    } else {
        0.5
    };
    let color = sequential(0.08 + 0.87 * share);
    canvas.layer("", |pen| {
        pen.rectangle(
            (left + 0.5, top + 0.5),
            (right - 0.5, bottom - 0.5),
            color,
            1.0,
        );
    });
    if width < 30.0 {
        return;
    }
    let style = TextStyle::new(if width < ROOMY { 9.5 } else { SMALL })
        .color(readable_on(color))
        .anchor(Anchor::Middle);
    let (x, y) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
    let text = format!("{mean:.1}");
    if width < ROOMY {
        canvas.text(x, y, style, &text);
        return;
    }
    canvas.text(x, y - 12.0, style.bold(), &text);
    let small = TextStyle { size: 9.0, ..style };
    if let Some(std) = std {
        canvas.text(x, y + 1.0, small, &format!("± {std:.2}"));
    }
    let asked = group.runs.len();
    let count = if group.is_deterministic() {
        "one run".to_owned()
    } else if n < asked {
        format!("n = {n} of {asked}")
    } else {
        format!("n = {n}")
    };
    let small = if n < asked { small.bold() } else { small };
    canvas.text(x, y + 13.0, small, &count);
}

/// The colours' legend, beside the fields.
fn scale(canvas: &mut Canvas, (left, top, height): (f64, f64, f64), (low, high): (f64, f64)) {
    const STEPS: usize = 32;
    let step = height / STEPS as f64;
    canvas.layer("", |pen| {
        for index in 0..STEPS {
            let share = 1.0 - index as f64 / (STEPS - 1) as f64;
            let y = top + index as f64 * step;
            // Overlapping a little: no seams.
            let to = (left + 12.0, y + step + 0.4);
            pen.rectangle((left, y), to, sequential(0.08 + 0.87 * share), 1.0);
        }
        let end = (left + 12.0, top + height + 0.6);
        pen.rectangle((left, top + height), end, WHITE, 1.0);
    });
    let style = TextStyle::new(SMALL).color(INK);
    canvas.text(left + 18.0, top + 5.0, style, &format!("{high:.1}"));
    canvas.text(left + 18.0, top + height - 5.0, style, &format!("{low:.1}"));
}

fn describe(source: &Source, panel: &Field<'_>, group: &Group, axes: &[usize]) -> String {
    let (mean, _, n) = group.estimate(None);
    let mean = mean.map_or_else(|| "no result".into(), |mean| format!("{mean:.2}%"));
    format!(
        "{}, {}: {mean} ({n} of {}).",
        panel.heading,
        group.key.label(axes, source),
        group.runs.len()
    )
}
