//! Performance profiles: which share of a line's runs reaches each AUC. Lines that never cross are ordered whatever the
//! threshold; the height at the right shows the lucky seeds, the left end the unlucky ones.

use super::Figure;
use super::axis::{Axis, percent_range};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::color::{SERIES, text_of};
use super::data::cell_table;
use super::panel::{DASHES, MEDIUM, Panel, SMALL, number_ticks};
use super::text::{fit, width};
use crate::results::SweepResults;
use crate::statistics::share_interval;
use crate::summary::SummaryRow;

const WIDTH: f64 = 720.0;
const PLOT: f64 = 340.0;
const LINE: f64 = 20.0;
/// Runs below which a profile is three steps that say less than the dots do.
const FEWEST: usize = 5;

/// The figure over `rows`, as many as there are colours at most; nothing where fewer than two have runs enough.
pub(super) fn profile(results: &SweepResults, rows: &[SummaryRow], name: &str) -> Option<Figure> {
    let series: Vec<(&SummaryRow, Vec<f64>)> = rows
        .iter()
        .filter_map(|row| {
            let mut aucs: Vec<f64> = row
                .seeds_and_aucs(results)
                .map(|(_, auc)| auc * 100.0)
                .filter(|auc| auc.is_finite())
                .collect();
            aucs.sort_by(f64::total_cmp);
            (aucs.len() >= FEWEST).then_some((row, aucs))
        })
        .collect();
    if series.len() < 2 || series.len() > SERIES.len() {
        return None;
    }
    let (low, high) = percent_range(series.iter().flat_map(|(_, aucs)| aucs).copied());
    // The legend stands above the plot, a line each: the profiles use the whole width and no data lies under it.
    let top = 14.0 + LINE * series.len() as f64;
    let height = top + PLOT;
    let (y, x) = (
        Axis::linear(0.0, 100.0, height - 48.0, top + 6.0),
        Axis::linear(low, high, 62.0, WIDTH - 20.0),
    );
    let panel = Panel {
        x_ticks: number_ticks(&x, 7),
        y_ticks: y.ticks(5),
        x,
        y,
        label_x: true,
        label_y: true,
    };
    let mut canvas = Canvas::new(WIDTH, height);
    panel.draw(&mut canvas);
    let style = TextStyle::new(SMALL);
    for (index, (row, aucs)) in series.iter().enumerate() {
        let color = SERIES[index];
        // A share of the runs from the left end to the right, down a step at each run.
        let line = |of: &dyn Fn(usize) -> f64| {
            let share = |reached: usize| 100.0 * of(reached) / aucs.len() as f64;
            let mut steps = vec![panel.place(low, share(aucs.len()))];
            for (rank, auc) in aucs.iter().enumerate() {
                steps.push(panel.place(*auc, share(aucs.len() - rank)));
                steps.push(panel.place(*auc, share(aucs.len() - rank - 1)));
            }
            steps.push(panel.place(high, share(0)));
            steps
        };
        let intervals: Vec<(f64, f64)> = (0..=aucs.len())
            .map(|reached| share_interval(reached, aucs.len()))
            .collect();
        let steps = line(&|reached| reached as f64);
        let mut band = line(&|reached| intervals[reached].1);
        band.extend(line(&|reached| intervals[reached].0).into_iter().rev());
        canvas.layer("", |pen| pen.polygon(&band, color, 0.13));
        let middle = 12.0 + LINE * index as f64;
        canvas.layer(DASHES[index % DASHES.len()], |pen| {
            pen.line(&steps, color, 2.0, 1.0);
            pen.line(&[(62.0, middle), (96.0, middle)], color, 2.0, 1.0);
        });
        let counts = format!("n = {} of {}", row.n, row.expected);
        let room = WIDTH - 104.0 - width(&counts, SMALL, false) - 30.0;
        let label = fit(&row.label(&results.columns), SMALL, true, room);
        let end = 104.0 + width(&label, SMALL, true);
        canvas.text(104.0, middle, style.bold().color(text_of(color)), &label);
        canvas.text(
            end + 10.0,
            middle,
            style.color(super::color::MUTED),
            &counts,
        );
    }
    let axis_label = TextStyle::new(MEDIUM).anchor(Anchor::Middle);
    let (left, top, right, bottom) = panel.rectangle();
    canvas.text(
        f64::midpoint(left, right),
        height - 12.0,
        axis_label,
        "frame-level AUC (%)",
    );
    canvas.text(
        13.0,
        f64::midpoint(top, bottom),
        axis_label.upward(),
        "runs that reach it (%)",
    );
    let title = "Performance profiles";
    let description: Vec<String> = series
        .iter()
        .map(|(row, aucs)| {
            format!(
                "{}: all {} runs reach {:.2}%, half of them {:.2}%, the best {:.2}%.",
                row.label(&results.columns),
                aucs.len(),
                aucs[0],
                aucs[aucs.len() / 2],
                aucs[aucs.len() - 1]
            )
        })
        .collect();
    Some(Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        caption: format!(
            "The share of finished runs whose AUC after the last epoch is at least the value below. A line that lies right of another everywhere \
             is ahead at every threshold; where lines cross, the order depends on the threshold. Bands: exact 95% interval (Clopper and Pearson) of the share over seeds, \
             at each threshold by itself. Drawn from {FEWEST} runs on."
        ),
        svg: canvas.finish(name, title, &description.join(" ")),
        csv: cell_table(results, rows, &[], name),
    })
}
