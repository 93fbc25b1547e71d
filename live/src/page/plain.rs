//! The live page as a table, for browsers without script: it comes again by itself.

use proto::nouns::Counts;
use sweeps::JobStatus;

use super::escaped;
use crate::board::{Board, Group};
use crate::filter::Filter;

/// Lines of a page.
const LINES: usize = 500;

/// What a plain page shows.
#[derive(Debug, Clone)]
pub struct Plain<'a> {
    /// The sweep.
    pub sweep: &'a str,
    /// All that there are.
    pub sweeps: &'a [&'a str],
    /// Its jobs by status.
    pub counts: Counts,
    /// Whether it is paused.
    pub paused: bool,
    /// `column:value` words.
    pub filter: &'a str,
    /// The first line that is shown, of those that the filter takes.
    pub first: usize,
}

impl Plain<'_> {
    /// The page.
    pub fn html(&self, board: &Board) -> String {
        let filter = Filter::parse(self.filter);
        let taken: Vec<usize> = (0..board.len())
            .filter(|cell| filter.is_empty() || filter.takes(&board.filtered(*cell)))
            .collect();
        let first = self.first.min(taken.len());
        let shown = &taken[first..(first + LINES).min(taken.len())];
        let mut page = include_str!("../../page/plain.html")
            .replace("{{groups}}", &groups(board))
            .replace("{{head}}", &head(board))
            .replace(
                "{{rows}}",
                &shown
                    .iter()
                    .map(|cell| row(board, *cell))
                    .collect::<String>(),
            )
            .replace(
                "{{pages}}",
                &self.pages(first, shown.len(), taken.len(), board.hidden),
            )
            .replace("{{state}}", &self.state())
            .replace("{{sweeps}}", &self.links());
        // What people wrote comes last: nothing in it is taken for a place to fill.
        page = page.replace("{{filter}}", &escaped(self.filter));
        page.replace("{{sweep}}", &escaped(self.sweep))
    }

    fn state(&self) -> String {
        let counts = JobStatus::ALL.iter().map(|status| {
            format!(
                "<li><b>{}</b> {}</li>",
                self.counts.of(*status),
                status.name()
            )
        });
        let paused = if self.paused {
            "<li><b>paused</b></li>"
        } else {
            ""
        };
        format!("{paused}{}", counts.collect::<String>())
    }

    fn links(&self) -> String {
        if self.sweeps.len() < 2 {
            return String::new();
        }
        let links = self.sweeps.iter().take(100).map(|name| {
            let current = if *name == self.sweep {
                " aria-current=\"page\""
            } else {
                ""
            };
            format!(
                "<li><a href=\"/live/plain?sweep={}\"{current}>{}</a></li>",
                in_query(name),
                escaped(name)
            )
        });
        format!(
            "<nav aria-label=\"Sweeps\"><ul>{}</ul></nav>",
            links.collect::<String>()
        )
    }

    fn pages(&self, first: usize, shown: usize, taken: usize, hidden: u64) -> String {
        let link = |from: usize, text: &str| {
            format!(
                " <a href=\"/live/plain?sweep={}&amp;filter={}&amp;from={from}\">{text}</a>",
                in_query(self.sweep),
                in_query(self.filter)
            )
        };
        let mut text = if shown == 0 {
            "No cell.".to_owned()
        } else {
            format!("Cells {} to {} of {taken}.", first + 1, first + shown)
        };
        if first > 0 {
            text += &link(first.saturating_sub(LINES), "Earlier");
        }
        if first + shown < taken {
            text += &link(first + shown, "Later");
        }
        if hidden > 0 {
            text += &format!(" {hidden} more cells of the sweep are not shown here.");
        }
        text
    }
}

/// A text in the query of an address. It has no character that means something in HTML.
fn in_query(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn percent(value: f64) -> String {
    format!("{:.2}%", value * 100.0)
}

fn groups(board: &Board) -> String {
    let lines = board.groups.iter().take(LINES).filter_map(|group| {
        let summary = board.summary(group)?;
        let interval = summary.interval.map_or(String::new(), |(low, high)| {
            format!("{} to {}", percent(low), percent(high))
        });
        let std = summary.std.map_or(String::new(), percent);
        Some(format!(
            "<tr><th scope=\"row\">{}</th>{}<td>{}</td><td>{}</td><td>{std}</td><td>{interval}</td></tr>",
            escaped(&group.shared.variant),
            point(group),
            summary.n,
            percent(summary.mean),
        ))
    });
    let lines: String = lines.collect();
    if lines.is_empty() {
        return "<p>No job has finished yet.</p>".to_owned();
    }
    format!(
        "<table><caption>Results over seeds</caption><thead><tr><th scope=\"col\">variant</th>{}<th scope=\"col\">n</th><th scope=\"col\">mean AUC</th><th scope=\"col\">std</th><th scope=\"col\">95% interval</th></tr></thead><tbody>{lines}</tbody></table>",
        columns(board)
    )
}

fn columns(board: &Board) -> String {
    let mut columns = String::new();
    for name in &board.columns {
        columns += &format!("<th scope=\"col\">{}</th>", escaped(name));
    }
    columns
}

fn point(group: &Group) -> String {
    let mut point = String::new();
    for value in &group.shared.point {
        let text = value.as_ref().map(ToString::to_string).unwrap_or_default();
        point += &format!("<td>{}</td>", escaped(&text));
    }
    point
}

fn head(board: &Board) -> String {
    let mut head = format!("<th scope=\"col\">variant</th>{}", columns(board));
    for name in [
        "seed", "job", "status", "epochs", "AUC", "attempts", "worker", "failure",
    ] {
        head += &format!("<th scope=\"col\">{name}</th>");
    }
    head
}

fn row(board: &Board, position: usize) -> String {
    let cell = board.cells[position];
    let job = &board.jobs[cell.job as usize];
    let group = &board.groups[cell.group as usize];
    let cells = [
        cell.seed.to_string(),
        job.id.short(),
        job.status.name().to_owned(),
        format!("{} of {}", job.epochs, group.shared.epochs),
        board.auc(&cell).map(percent).unwrap_or_default(),
        job.attempts.to_string(),
        job.worker.as_deref().unwrap_or("").to_owned(),
        job.error.as_deref().unwrap_or("").to_owned(),
    ];
    let cells = cells
        .iter()
        .map(|text| format!("<td>{}</td>", escaped(text)));
    format!(
        "<tr><th scope=\"row\">{}</th>{}{}</tr>",
        escaped(&group.shared.variant),
        point(group),
        cells.collect::<String>()
    )
}
