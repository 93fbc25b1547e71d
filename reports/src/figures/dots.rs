//! One row per variant and point: every seed a dot, the mean with its 95% interval, the published number as a diamond; a
//! panel per data set. Names and numbers stand above their row, so that both are whole on a narrow screen.

use super::Figure;
use super::axis::{Axis, percent_range};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::cells::{Cells, Group};
use super::color::{BLUE, GRID, INK, MUTED, VERMILLION, WHITE};
use super::curves::evenly;
use super::heading::Heading;
use super::mark::Mark;
use super::panel::{MEDIUM, SMALL, number_ticks};
use super::panels::{Split, split};
use super::pen::{Marker, Pen};
use super::text::{fit, width};

/// Rows of one figure at most.
const MOST_ROWS: usize = 40;
/// Dots of one row at most: more would be one blot.
const MOST_DOTS: usize = 400;
const WIDTH: f64 = 460.0;
const EDGE: f64 = 12.0;
/// A row's words, and what is drawn below them.
const WORDS: f64 = 18.0;
const ROW: f64 = 46.0;
/// Where seeds, mean and published number lie in a row, from its middle: lanes of their own, so that none hides another.
const LANES: [f64; 3] = [8.0, 0.0, -8.0];

/// The figure, or nothing where no job has finished.
pub(super) fn dots(cells: &Cells) -> Option<Figure> {
    let source = &cells.source;
    let groups = &cells.groups;
    if groups.iter().all(|group| group.values(None).is_empty()) {
        return None;
    }
    let shown = groups.len().min(MOST_ROWS);
    let drawn = &groups[..shown];
    let panels = split(source, drawn.iter().map(|group| &group.key), &[]);
    let any_published = drawn.iter().any(|group| group.published.is_some());
    let title = "Result per variant";
    let several = panels.len() > 1;
    let heading = Heading::new(
        source,
        title,
        &["Frame-level AUC after the last epoch; in brackets whose score: D's or G's."],
        WIDTH,
    );
    let top = heading.height() + 22.0;
    let panel_height = |panel: &Split| {
        let head = if panel.heading.is_empty() { 0.0 } else { 24.0 };
        head + panel.groups.len() as f64 * ROW + 30.0
    };
    let height = top + panels.iter().map(panel_height).sum::<f64>() + 20.0;
    let mut canvas = Canvas::new(&source.about, WIDTH, height);
    canvas.share_marks(shown);
    heading.draw(&mut canvas);
    legend(&mut canvas, heading.height() + 6.0, any_published);
    let mut y = top;
    let mut description = Vec::new();
    for panel in &panels {
        let members: Vec<&Group> = panel.groups.iter().map(|index| &drawn[*index]).collect();
        if several {
            description.push(format!("{}:", panel.heading));
        }
        canvas.panel_heading(EDGE, y, &panel.heading, WIDTH - 2.0 * EDGE);
        description.extend(draw_panel(
            &mut canvas,
            cells,
            &members,
            y + if panel.heading.is_empty() { 0.0 } else { 24.0 },
        ));
        y += panel_height(panel);
    }
    canvas.text(
        WIDTH / 2.0,
        height - 10.0,
        TextStyle::new(MEDIUM).anchor(Anchor::Middle),
        "frame-level AUC (%)",
    );
    let cut = if shown < groups.len() {
        format!(
            " The first {shown} of {} rows are shown; the CSV has all.",
            groups.len()
        )
    } else {
        String::new()
    };
    let diamonds = if any_published {
        " Diamonds: the published number, with its standard deviation where one is printed."
    } else {
        ""
    };
    let thinned = if drawn
        .iter()
        .any(|group| group.values(None).len() > MOST_DOTS)
    {
        format!(", {MOST_DOTS} of a row at most, evenly chosen by rank")
    } else {
        String::new()
    };
    let caption = format!(
        "Frame-level AUC after the last epoch. Dots: single seeds{thinned}. Circle: mean over the finished seeds; bar: 95% interval (Student's t) \
         of the mean. Numbers in bold: not every seed finished.{diamonds}{cut}"
    );
    Some(Figure {
        name: source.figure.clone(),
        title: title.to_owned(),
        svg: canvas.finish(&source.figure, title, &description.join(" ")),
        csv: cells.to_csv(),
        caption,
    })
}

/// Draws the rows of one data set, and says each in words.
fn draw_panel(canvas: &mut Canvas, cells: &Cells, groups: &[&Group], top: f64) -> Vec<String> {
    let ends = groups.iter().filter_map(|group| group.published);
    let ends = ends.flat_map(|(value, std)| {
        let std = std.unwrap_or(0.0);
        [value - std, value + std]
    });
    let values = groups.iter().flat_map(|group| group.values(None));
    let (low, high) = percent_range(values.chain(ends));
    let axis = Axis::linear(low, high, EDGE, WIDTH - EDGE);
    let ticks = number_ticks(&axis, 7);
    let base = top + groups.len() as f64 * ROW + 4.0;
    canvas.layer("", |pen| {
        for (tick, _) in &ticks {
            let x = axis.place(*tick);
            pen.line(&[(x, top), (x, base)], GRID, 0.8, 1.0);
            pen.line(&[(x, base), (x, base + 4.0)], INK, 1.0, 1.0);
        }
        pen.line(&[(axis.start, base), (axis.end, base)], INK, 1.0, 1.0);
    });
    for (tick, label) in &ticks {
        let style = TextStyle::new(SMALL).anchor(Anchor::Middle);
        canvas.text(axis.place(*tick), base + 12.0, style, label);
    }
    let others = cells.source.others();
    let mut words = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let y = top + index as f64 * ROW;
        let label = group.key.label(&others, &cells.source);
        let score = group
            .reported()
            .map(|network| format!(" ({})", network.name()));
        let label = format!("{label}{}", score.unwrap_or_default());
        let numbers = numbers(group);
        words.push(format!("{label}: {numbers}."));
        canvas.variant(&group.key.variant, |canvas| {
            let style = TextStyle::new(SMALL);
            let short = group.is_short(None);
            let style = if short { style.bold() } else { style };
            // A strip of white keeps the grid out of the words.
            canvas.layer("", |pen| {
                pen.rectangle((0.0, y + 1.0), (WIDTH, y + WORDS - 1.0), WHITE, 1.0);
            });
            canvas.text(WIDTH - EDGE, y + 10.0, style.anchor(Anchor::End), &numbers);
            let room = WIDTH - 2.0 * EDGE - width(&numbers, SMALL, short) - 12.0;
            let name = fit(&label, SMALL, true, room);
            canvas.text(EDGE, y + 10.0, TextStyle::new(SMALL).bold(), &name);
            let middle = y + WORDS + (ROW - WORDS) / 2.0;
            canvas.layer("", |pen| draw_row(pen, group, &axis, middle));
        });
    }
    words
}

fn draw_row(pen: &Pen<'_>, group: &Group, axis: &Axis, y: f64) {
    let one = group.is_deterministic();
    // Spread over three heights by rank, so that equal ones do not hide each other.
    let mut sorted: Vec<_> = group.finished(None).collect();
    sorted.sort_by(|left, right| left.1.total_cmp(&right.1));
    if one {
        sorted.truncate(1);
    }
    if sorted.len() > MOST_DOTS {
        let all = sorted.len();
        sorted = (0..MOST_DOTS)
            .map(|index| sorted[evenly(index, MOST_DOTS, all)])
            .collect();
    }
    let opacity = (12.0 / sorted.len() as f64).clamp(0.06, 0.5);
    for (rank, (run, auc)) in sorted.iter().enumerate() {
        let at = (axis.place(*auc), y + LANES[0] + [-2.5, 0.0, 2.5][rank % 3]);
        let value = format!("{auc:.2}%");
        let mark = Mark {
            seed: run.seed,
            job: &run.job,
            value: &value,
        };
        pen.seed_dot(at, 2.2, BLUE, opacity, &mark);
    }
    if let Some((low, high)) = group.interval.filter(|_| !one) {
        let ends = [
            (axis.place((low * 100.0).max(axis.low)), y),
            (axis.place((high * 100.0).min(axis.high)), y),
        ];
        pen.line(&ends, INK, 2.4, 1.0);
    }
    if let Some((value, std)) = group.published {
        let (x, y) = (axis.place(value), y + LANES[2]);
        if let Some(std) = std {
            let ends = [(axis.place(value - std), y), (axis.place(value + std), y)];
            pen.line(&ends, VERMILLION, 1.6, 1.0);
        }
        pen.marker((x, y), 3.2, Marker::Diamond, VERMILLION, WHITE);
    }
    if let (Some(mean), ..) = group.estimate(None) {
        let fill = if one { INK } else { WHITE };
        pen.marker((axis.place(mean), y), 3.6, Marker::Circle, INK, fill);
    }
}

fn legend(canvas: &mut Canvas, y: f64, published: bool) {
    let mut x = EDGE;
    let style = TextStyle::new(SMALL).color(MUTED);
    let mut entry = |canvas: &mut Canvas, text: &str, draw: &dyn Fn(&Pen<'_>, f64)| {
        canvas.layer("", |pen| draw(pen, x));
        canvas.text(x + 28.0, y, style, text);
        x += 28.0 + width(text, SMALL, false) + 18.0;
    };
    entry(canvas, "mean, 95% interval", &|pen, x| {
        pen.line(&[(x, y), (x + 22.0, y)], INK, 2.4, 1.0);
        pen.marker((x + 11.0, y), 3.6, Marker::Circle, INK, WHITE);
    });
    entry(canvas, "seeds", &|pen, x| {
        for (step, offset) in [-2.5, 0.0, 2.5].into_iter().enumerate() {
            pen.dot((x + 5.0 + 6.0 * step as f64, y + offset), 2.2, BLUE, 0.5);
        }
    });
    if published {
        entry(canvas, "published (± std)", &|pen, x| {
            pen.line(&[(x, y), (x + 22.0, y)], VERMILLION, 1.6, 1.0);
            pen.marker((x + 11.0, y), 3.2, Marker::Diamond, VERMILLION, WHITE);
        });
    }
}

/// `73.26 ± 0.26, n = 5 of 5`.
fn numbers(group: &Group) -> String {
    let count = group.count(None);
    match group.estimate(None) {
        (Some(mean), Some(std), _) => format!("{mean:.2} ± {std:.2}, {count}"),
        (Some(mean), None, _) => format!("{mean:.2}, {count}"),
        _ => format!("no result, {count}"),
    }
}
