//! The curve of the selected variant: seeds faint, their mean bold.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::widgets::{Axis, Block, Borders, Chart, Dataset, GraphType, Paragraph};

use super::{BOLD, FAINT, shown};
use crate::command::top::model::Model;
use crate::output::counted;

pub fn draw(frame: &mut Frame<'_>, model: &Model, area: Rect) {
    let Some(followed) = &model.followed else {
        return;
    };
    let Some(group) = followed.standing.groups().get(model.variant.at) else {
        return;
    };
    let jobs = model.shown_jobs();
    let score_by = group.reporting.score_by;
    let (lines, mean) = followed.curves.lines(&jobs, model.metric, score_by);
    let title = format!(
        " {}: {} by epoch, {} ",
        group.label,
        model.metric.name(),
        counted(lines.len(), "seed")
    );
    let block = Block::new()
        .borders(Borders::TOP)
        .border_style(FAINT)
        .title(shown(&title, area.width));
    if lines.is_empty() {
        let text = "no epoch has been heard of yet: m shows another number";
        frame.render_widget(Paragraph::new(text).style(FAINT).block(block), area);
        return;
    }
    let numbers = || lines.iter().flatten();
    let epochs = numbers().map(|(epoch, _)| *epoch).fold(1.0, f64::max);
    let least = numbers()
        .map(|(_, number)| *number)
        .fold(f64::INFINITY, f64::min);
    let most = numbers()
        .map(|(_, number)| *number)
        .fold(f64::NEG_INFINITY, f64::max);
    let margin = ((most - least) * 0.05).max(most.abs().max(1e-6) * 1e-3);
    let (low, high) = (least - margin, most + margin);
    let mut sets: Vec<Dataset<'_>> = lines
        .iter()
        .map(|line| {
            Dataset::default()
                .marker(Marker::Braille)
                .graph_type(GraphType::Line)
                .style(FAINT)
                .data(line)
        })
        .collect();
    sets.push(
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(Style::new().fg(Color::Cyan))
            .data(&mean),
    );
    let middle = f64::midpoint(low, high);
    let chart = Chart::new(sets)
        .block(block)
        .legend_position(None)
        .x_axis(
            Axis::default()
                .bounds([1.0, epochs.max(2.0)])
                .labels(["1".to_owned(), format!("{epochs:.0}")])
                .style(FAINT),
        )
        .y_axis(
            Axis::default()
                .bounds([low, high])
                .labels([low, middle, high].map(|number| text(number, high - low)))
                .style(BOLD),
        );
    frame.render_widget(chart, area);
}

/// With the digits that tell the labels of an axis apart.
fn text(number: f64, span: f64) -> String {
    let digits = (1.0 - span.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{number:.digits$}")
}
