//! What a sweep file changes of the version of the sweep that ran: which cells are new, kept and hidden. Pure.

use std::collections::BTreeSet;

use sweeps::{CellResult, JobId, JobStatus};

use crate::command::sweep_file::{JobKey, SweepFile};
use crate::labels;
use crate::output::counted;
use crate::seeds;

/// Groups that a line names.
const SHOWN: usize = 8;

/// A cell of a version of a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionCell {
    /// Its job; `None`: its data set's digest is not known here.
    pub job: Option<JobId>,
    /// What it is called without its seed.
    pub label: String,
    /// Its seed.
    pub seed: u64,
    /// Whether its job is done.
    pub done: bool,
}

/// Cells that differ in their seed alone, by name.
type Groups = Vec<(String, Vec<u64>)>;

/// What changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Cells of the new version whose jobs the earlier one has.
    pub kept: usize,
    /// Those whose jobs it has not.
    pub new: Vec<VersionCell>,
    /// Cells of the earlier version whose jobs the new one has not.
    pub hidden: Vec<VersionCell>,
}

impl Difference {
    /// What the cells `after` change of the cells `before`.
    pub fn between(before: &[VersionCell], after: &[VersionCell]) -> Self {
        let jobs = |cells: &[VersionCell]| -> BTreeSet<JobId> {
            cells.iter().filter_map(|cell| cell.job).collect()
        };
        let (known, wanted) = (jobs(before), jobs(after));
        let is_in = |jobs: &BTreeSet<JobId>, cell: &VersionCell| {
            cell.job.is_some_and(|job| jobs.contains(&job))
        };
        let (kept, new): (Vec<_>, Vec<_>) = after.iter().partition(|cell| is_in(&known, cell));
        let hidden = before.iter().filter(|cell| !is_in(&wanted, cell));
        Self {
            kept: kept.len(),
            new: new.into_iter().cloned().collect(),
            hidden: hidden.cloned().collect(),
        }
    }

    /// What a file, whose cells have these jobs, changes of the version that is known, which hides so many cells; nothing where none is known.
    pub fn of_file(
        file: &SweepFile,
        keys: &[JobKey],
        earlier: &[VersionCell],
        hidden: u64,
    ) -> Option<Self> {
        if earlier.is_empty() {
            return None;
        }
        let mut difference = Self::between(earlier, &cells_of(file, keys));
        if hidden == 0 {
            // The seeds that were added for its claims stay.
            difference.hidden.clear();
        }
        Some(difference)
    }

    /// Whether nothing changes.
    pub fn is_none(&self) -> bool {
        self.new.is_empty() && self.hidden.is_empty()
    }

    /// The same for programs.
    pub fn as_json(&self) -> serde_json::Value {
        let by_name = |cells: &[VersionCell]| -> Vec<serde_json::Value> {
            let groups = groups(cells).into_iter();
            groups
                .map(|(label, seeds)| serde_json::json!({ "label": label, "seeds": seeds }))
                .collect()
        };
        serde_json::json!({
            "kept": self.kept, "new": by_name(&self.new), "hidden": by_name(&self.hidden),
            "hidden_jobs": self.hidden.iter().map(|cell| cell.job).collect::<Vec<_>>(),
        })
    }

    /// Lines for people.
    pub fn lines(&self) -> Vec<String> {
        if self.is_none() {
            return Vec::new();
        }
        let cells = |number: usize| counted(number, "cell");
        let mut lines = vec![format!(
            "against the version that ran: {} kept, {} new, {} hidden",
            cells(self.kept),
            self.new.len(),
            self.hidden.len()
        )];
        if !self.new.is_empty() {
            lines.push(format!("  new: {}", named(&self.new)));
        }
        if !self.hidden.is_empty() {
            let done = self.hidden.iter().filter(|cell| cell.done).count();
            lines.push(format!("  hidden: {}", named(&self.hidden)));
            lines.push(format!(
                "  {done} of the hidden have a result, which stays in the state folder: a file with these cells shows it again, and trains nothing for it"
            ));
        }
        lines
    }
}

impl VersionCell {
    /// A cell of the version that ran; `columns` are that version's.
    pub fn of(columns: &[String], cell: &CellResult) -> Self {
        Self {
            job: Some(cell.job_id),
            label: labels::label_without_seed(columns, &cell.cell),
            seed: cell.cell.job.seed,
            done: cell.status == JobStatus::Done,
        }
    }
}

/// The cells of a file, none of them known to be done.
fn cells_of(file: &SweepFile, keys: &[JobKey]) -> Vec<VersionCell> {
    let columns = &file.expansion.columns;
    let cells = file.expansion.cells.iter().zip(keys);
    cells
        .map(|(cell, key)| VersionCell {
            job: key.id(),
            label: labels::label_without_seed(columns, cell),
            seed: cell.job.seed,
            done: false,
        })
        .collect()
}

/// Cells by name, those that differ in their seed alone together, in their order.
fn groups(cells: &[VersionCell]) -> Groups {
    let mut groups: Groups = Vec::new();
    for cell in cells {
        match groups
            .iter_mut()
            .rev()
            .find(|(label, _)| *label == cell.label)
        {
            Some((_, seeds)) => seeds.push(cell.seed),
            None => groups.push((cell.label.clone(), vec![cell.seed])),
        }
    }
    groups
}

fn named(cells: &[VersionCell]) -> String {
    let groups = groups(cells);
    let shown = groups.iter().take(SHOWN).map(|(label, of_seeds)| {
        let word = if of_seeds.len() == 1 { "seed" } else { "seeds" };
        format!("{label} {word} {}", seeds::text(of_seeds))
    });
    let mut text = shown.collect::<Vec<_>>().join("; ");
    let more: usize = groups
        .iter()
        .skip(SHOWN)
        .map(|(_, seeds)| seeds.len())
        .sum();
    if more > 0 {
        text += &format!(
            "; and {} (`plan --jobs` lists all)",
            counted(more, "more cell")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(label: &str, seed: u64, job: u8) -> VersionCell {
        VersionCell {
            job: Some(JobId([job; 32])),
            label: label.into(),
            seed,
            done: seed == 0,
        }
    }

    #[test]
    fn what_is_new_kept_and_hidden_is_told_by_name() {
        let before = [cell("AE", 0, 1), cell("AE", 1, 2), cell("B rate=1", 0, 3)];
        // The same job under another name is kept.
        let after = [
            cell("autoencoder", 1, 2),
            cell("C", 0, 4),
            cell("C", 1, 5),
            cell("C", 7, 6),
        ];
        let difference = Difference::between(&before, &after);
        assert_eq!(
            difference.lines(),
            [
                "against the version that ran: 1 cell kept, 3 new, 2 hidden",
                "  new: C seeds 0, 1, 7",
                "  hidden: AE seed 0; B rate=1 seed 0",
                "  2 of the hidden have a result, which stays in the state folder: a file with these cells shows it again, and trains nothing for it",
            ]
        );
        assert!(Difference::between(&before, &before).lines().is_empty());
    }

    #[test]
    fn many_groups_are_cut_and_an_unknown_job_is_new() {
        let cells: Vec<VersionCell> = (0..20).map(|at| cell(&format!("v{at}"), 0, at)).collect();
        let lines = Difference::between(&cells, &[]).lines();
        assert!(
            lines[1].ends_with("v7 seed 0; and 12 more cells (`plan --jobs` lists all)"),
            "{lines:?}"
        );
        let unknown = VersionCell {
            job: None,
            ..cell("x", 0, 0)
        };
        assert_eq!(Difference::between(&cells, &[unknown]).new.len(), 1);
    }
}
