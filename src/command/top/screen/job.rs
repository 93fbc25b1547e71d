//! One job: where it is and why, its attempts, the end of its log.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph, Wrap};

use super::{BOLD, FAINT, Seen, shown};
use crate::command::age;
use crate::command::top::model::Model;
use crate::output;

pub fn draw(frame: &mut Frame<'_>, model: &mut Model, area: Rect, seen: Seen) {
    let Some(page) = &model.page else {
        frame.render_widget(Paragraph::new("no job is selected").style(FAINT), area);
        return;
    };
    let job = page.job;
    let Some((explanation, log)) = &page.answer else {
        let text = format!("{}: asking", model.label(&job));
        frame.render_widget(Paragraph::new(shown(&text, area.width)).style(FAINT), area);
        return;
    };
    let view = &explanation.view;
    let mut head = format!(
        "{}  {}, {}",
        model.label(&job),
        view.status,
        output::counted(view.attempts, "attempt")
    );
    if let Some(lease) = &view.lease {
        let since = age(seen.unix_milliseconds.saturating_sub(lease.since.0));
        head += &format!(", on {} for {since}", lease.worker_name);
    }
    if let Some(auc) = model
        .followed
        .as_ref()
        .and_then(|followed| followed.standing.auc(&job))
    {
        head += &format!(", AUC {:.2}%", auc * 100.0);
    }
    let mut lines = vec![Line::styled(output::line(&head).into_owned(), BOLD)];
    lines.push(Line::styled(
        format!("gcl-sweep explain {0}   gcl-sweep logs {0}", job.short()),
        FAINT,
    ));
    for reason in &explanation.reasons {
        lines.push(Line::raw(format!("- {}", output::line(reason))));
    }
    for failure in &view.failures {
        let text = format!(
            "attempt {} on {}, {} ago: {}",
            failure.attempt,
            failure.worker,
            age(seen.unix_milliseconds.saturating_sub(failure.at.0)),
            failure.failure
        );
        lines.push(Line::raw(output::line(&text).into_owned()));
    }
    let paragraph = Paragraph::new(lines).wrap(Wrap { trim: true });
    let wanted = paragraph.line_count(area.width) as u16;
    let above = wanted.min((area.height * 2 / 3).max(3)).min(area.height);
    let [upper, lower] =
        Layout::vertical([Constraint::Length(above), Constraint::Min(0)]).areas(area);
    frame.render_widget(paragraph, upper);
    let room = usize::from(lower.height.saturating_sub(1));
    let most = log.len().saturating_sub(room);
    let scrolled = page.scrolled.min(most);
    let title = if log.is_empty() {
        " log: no lines ".to_owned()
    } else {
        let last = log.len() - scrolled;
        format!(
            " log: lines {} to {last} of {} ",
            last.saturating_sub(room) + 1,
            log.len()
        )
    };
    let shown_lines: Vec<Line<'_>> = log
        .iter()
        .take(log.len() - scrolled)
        .skip(most - scrolled)
        .map(|line| Line::raw(shown(&line.text, lower.width)))
        .collect();
    let block = Block::new()
        .borders(Borders::TOP)
        .border_style(FAINT)
        .title(title);
    frame.render_widget(Paragraph::new(shown_lines).block(block), lower);
    if let Some(page) = &mut model.page {
        page.scrolled = scrolled;
    }
}
