//! The claims of a sweep that is decided while seeds arrive.

use looks::{ClaimState, ClaimView};
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::Color;
use ratatui::text::Line;
use ratatui::widgets::{Gauge, Paragraph, Wrap};
use reports::claims::{e_value, overview, remaining, sentence, settings, signed};

use super::table::{nothing, table, with_note};
use super::{BOLD, FAINT};
use crate::command::top::model::Model;
use crate::output;

/// Lines below the table: what is selected in words, its way to the bound, what all are held to.
const NOTE: u16 = 6;

pub fn draw(frame: &mut Frame<'_>, model: &mut Model, area: Rect) {
    let view = model
        .followed
        .as_ref()
        .and_then(|followed| followed.info.claims.as_deref());
    let Some(view) = view else {
        nothing(
            frame,
            area,
            "this sweep claims nothing: with [adaptive] in its file, claims are decided while seeds arrive, however often somebody looks",
        );
        return;
    };
    let mut cursor = model.claim;
    cursor.bound(view.claims.len());
    let (list, below) = with_note(area, NOTE.min(area.height.saturating_sub(2)));
    table(
        frame,
        list,
        &mut cursor,
        ["claim", "verdict", "seeds", "points", "E", "needed"],
        [
            Constraint::Fill(1),
            Constraint::Length(14),
            Constraint::Length(5),
            Constraint::Length(8),
            Constraint::Length(9),
            Constraint::Length(9),
        ],
        |at| view.claims.get(at).map(cells),
    );
    if let Some(claim) = view.claims.get(cursor.at) {
        note_of(frame, claim, below);
    }
    if below.height >= 2 {
        let text = format!("{}; {}", overview(view), settings(view));
        let place = Rect {
            y: below.y + below.height - 2,
            height: 2,
            ..below
        };
        let paragraph = Paragraph::new(output::line(&text).into_owned()).style(FAINT);
        frame.render_widget(paragraph.wrap(Wrap { trim: true }), place);
    }
    model.claim = cursor;
}

fn cells(claim: &ClaimView) -> [String; 6] {
    let is_open = matches!(claim.state, ClaimState::Open | ClaimState::Stopped);
    [
        claim.claim.to_string(),
        claim.verdict.to_string(),
        claim.seeds.to_string(),
        claim.difference.map(signed).unwrap_or_default(),
        e_value(claim.log_e),
        if is_open {
            e_value(claim.log_bound)
        } else {
            String::new()
        },
    ]
}

/// The selected claim in words, and how far its e-value is on its way.
fn note_of(frame: &mut Frame<'_>, claim: &ClaimView, area: Rect) {
    let mut text = sentence(claim);
    if let Some(left) = remaining(claim) {
        text += &format!(" {left}");
    }
    let words = Rect {
        height: area.height.saturating_sub(3),
        ..area
    };
    let line = Line::styled(output::line(&text).into_owned(), BOLD);
    frame.render_widget(Paragraph::new(line).wrap(Wrap { trim: true }), words);
    if area.height > 3 {
        let way = if claim.log_bound > 0.0 {
            (claim.best_log_e / claim.log_bound).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let gauge = Gauge::default()
            .ratio(way)
            .label(format!(
                "E {} of {}",
                e_value(claim.best_log_e),
                e_value(claim.log_bound)
            ))
            .gauge_style(Color::Cyan);
        let place = Rect {
            y: area.y + area.height - 3,
            height: 1,
            ..area
        };
        frame.render_widget(gauge, place);
    }
}
