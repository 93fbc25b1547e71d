//! The lines of a progress display: one for each variant, none longer than the terminal is wide. Pure.

use std::time::Duration;

use sweeps::JobStatus;

use super::clock;
use crate::output;
use crate::output::terminal::{columns, cut};
use crate::standing::{Group, Standing, Times};

/// What stands left of a line's numbers takes at most this share of the width.
const LABEL_SHARE: f64 = 0.45;
const BAR: usize = 20;

/// A line for each variant that has room in `rows`, in the sweep's order; where not all have, those that run and those that come
/// next, and one line about the others.
pub fn lines(standing: &Standing, times: &Times, width: usize, rows: usize) -> Vec<String> {
    let groups = standing.groups();
    let numbers = || 0..groups.len();
    let shown: Vec<usize> = if groups.len() <= rows {
        numbers().collect()
    } else {
        let waits = |group: &Group| !runs(group) && !group.is_settled();
        let mut shown: Vec<usize> = numbers().filter(|at| runs(&groups[*at])).collect();
        shown.extend(numbers().filter(|at| waits(&groups[*at])));
        shown.extend(numbers().rev().filter(|at| groups[*at].is_settled()));
        shown.truncate(rows.saturating_sub(1));
        // Back in the sweep's order: lines do not jump.
        shown.sort_unstable();
        shown
    };
    let most = (width as f64 * LABEL_SHARE) as usize;
    let widest = shown.iter().map(|at| columns(&groups[*at].label)).max();
    let label = widest.unwrap_or(0).min(most);
    let mut lines: Vec<String> = shown
        .iter()
        .map(|at| line(standing, &groups[*at], times.left_of(*at), label, width))
        .collect();
    if shown.len() < groups.len() && rows > 0 {
        let left_out = groups.len() - shown.len();
        let done = groups.iter().filter(|group| group.is_settled()).count();
        let done = done - shown.iter().filter(|at| groups[**at].is_settled()).count();
        let text = format!("  … and {left_out} more variants, {done} of them settled");
        lines.push(cut(&text, width));
    }
    lines
}

fn runs(group: &Group) -> bool {
    group.counts.of(JobStatus::Running) > 0
}

/// `  GCL_B [=======>     ] 7/20, AUC 73.29 ± 0.36, 2 failed, 01:12 left`; what does not fit is left out, the bar first.
fn line(
    standing: &Standing,
    group: &Group,
    left: Option<Duration>,
    label_width: usize,
    width: usize,
) -> String {
    let label = cut(&output::line(&group.label), label_width);
    let padding = " ".repeat(label_width - columns(&label));
    let head = format!("  {label}{padding}");
    let settled = group.settled();
    let mut tail = format!(" {settled}/{}", group.counts.total());
    let failed = group.counts.of(JobStatus::Failed) + group.counts.of(JobStatus::Quarantined);
    let mut parts = Vec::new();
    if failed > 0 {
        parts.push(format!(", {failed} failed"));
    }
    if let Some(mean) = standing.mean(group) {
        parts.push(format!(", AUC {mean}"));
    }
    if let Some(left) = left {
        parts.push(format!(", {} left", clock(left)));
    }
    for part in parts {
        if columns(&head) + columns(&tail) + columns(&part) <= width {
            tail += &part;
        }
    }
    let room = width.saturating_sub(columns(&head) + columns(&tail) + 3);
    let bar = if room >= 5 {
        format!(" [{}]", bar(group, room.min(BAR)))
    } else {
        String::new()
    };
    cut(&format!("{head}{bar}{tail}"), width)
}

/// How much of a group's work is done.
fn bar(group: &Group, width: usize) -> String {
    let filled = ((group.share() * width as f64) as usize).min(width);
    let mut bar = "=".repeat(filled);
    if filled < width {
        bar.push(if runs(group) { '>' } else { ' ' });
    }
    bar + &" ".repeat(width.saturating_sub(filled + 1))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proto::nouns::{Row, RowGroup};
    use sweeps::{JobId, Reporting};

    use super::*;

    /// Variants of so many seeds each, the first of which are done and one runs.
    fn standing(labels: &[&str], seeds: u8, done: u8) -> Standing {
        let mut rows = Vec::new();
        for (number, label) in labels.iter().enumerate() {
            let group = Arc::new(RowGroup {
                variant: (*label).to_owned(),
                point: Vec::new(),
                reporting: Reporting::default(),
                epochs: 10,
            });
            for seed in 0..seeds {
                let mut id = [seed; 32];
                id[0] = number as u8;
                rows.push(Row {
                    group: group.clone(),
                    seed: seed.into(),
                    job_id: JobId(id),
                    status: match seed {
                        seed if seed < done => JobStatus::Done,
                        seed if seed == done && number == 0 => JobStatus::Running,
                        _ => JobStatus::Pending,
                    },
                    attempts: 1,
                    epochs: 0,
                    auc: (seed < done).then_some(0.7),
                    error: None,
                    warnings: Vec::new(),
                });
            }
        }
        Standing::of_rows(&[], &rows, Duration::ZERO)
    }

    #[test]
    fn a_line_is_never_wider_than_the_terminal() {
        let long = "GCL_B negative_learning.target=gaussian \u{65e5}\u{672c} learning_rate=0.0001";
        let standing = standing(&["AE_AllData", long, "GCL_B\u{1b}[2J"], 20, 7);
        for width in 0..200 {
            for line in lines(
                &standing,
                &standing.times(Duration::from_secs(9)),
                width,
                24,
            ) {
                assert!(columns(&line) <= width, "{width}: {line:?}");
                assert!(!line.contains('\u{1b}'));
            }
        }
    }

    #[test]
    fn a_wide_line_says_everything_and_a_narrow_one_the_counts() {
        let standing = standing(&["AE_AllData", "GCL_B"], 20, 10);
        let times = standing.times(Duration::ZERO);
        let at = |width| lines(&standing, &times, width, 24).swap_remove(1);
        assert_eq!(
            at(80),
            "  GCL_B      [==========          ] 10/20, AUC 70.00 ± 0.00"
        );
        assert_eq!(at(38), "  GCL_B      10/20, AUC 70.00 ± 0.00");
        assert_eq!(at(22), "  GCL_B     10/20");
    }

    #[test]
    fn where_not_all_have_room_those_that_run_have() {
        let names: Vec<String> = (0..30).map(|number| format!("v{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let standing = standing(&names, 4, 2);
        let lines = lines(&standing, &standing.times(Duration::ZERO), 80, 5);
        assert_eq!(lines.len(), 5);
        assert!(lines[0].starts_with("  v0"), "{lines:?}");
        assert_eq!(lines[4], "  … and 26 more variants, 0 of them settled");
    }
}
