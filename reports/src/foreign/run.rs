//! A run as another program kept it.

use std::collections::{BTreeMap, BTreeSet};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// As it should, as far as its program says.
    Well,
    /// Otherwise.
    Failed,
    /// It has not ended, or nobody wrote that it did.
    Unknown,
}

/// One run.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// Where it is, for people: a folder, or a line of a table.
    pub place: String,
    /// What tells it from others of the same source, for its id.
    pub id: String,
    /// How it ended.
    pub ended: Ended,
    /// What was set, by name, as text.
    pub parameters: BTreeMap<String, String>,
    /// What was measured, by name: step and number, in the order of steps.
    pub metrics: BTreeMap<String, Vec<(i64, f64)>>,
    /// What separates the cells of its table, which says how numbers are spelt.
    pub delimiter: u8,
}

impl Run {
    /// Of which nothing is known yet.
    pub(super) fn new(place: String, id: String) -> Self {
        Self {
            place,
            id,
            ended: Ended::Unknown,
            parameters: BTreeMap::new(),
            metrics: BTreeMap::new(),
            delimiter: b',',
        }
    }

    /// Puts the steps of every metric in order. Of one step the last number counts: it was logged again.
    pub(super) fn settle(&mut self) {
        for points in self.metrics.values_mut() {
            points.sort_by_key(|(step, _)| *step);
            let mut kept: Vec<(i64, f64)> = Vec::with_capacity(points.len());
            for (step, number) in points.drain(..) {
                match kept.last_mut() {
                    Some(last) if last.0 == step => last.1 = number,
                    _ => kept.push((step, number)),
                }
            }
            *points = kept;
        }
    }
}

/// The runs of one source.
#[derive(Debug)]
pub(super) struct Found {
    /// Who made them.
    pub program: &'static str,
    /// What they are called together.
    pub name: String,
    /// The runs, in an order that does not depend on the machine.
    pub runs: Vec<Run>,
    /// What was not read, a sentence each.
    pub notes: Vec<String>,
}

/// Names that are listed at most.
const MOST_NAMES: usize = 40;

impl Found {
    /// All names of metrics.
    pub(super) fn metrics(&self) -> BTreeSet<&str> {
        let runs = self.runs.iter();
        runs.flat_map(|run| run.metrics.keys().map(String::as_str))
            .collect()
    }

    /// All names of parameters.
    pub(super) fn parameters(&self) -> BTreeSet<&str> {
        let runs = self.runs.iter();
        runs.flat_map(|run| run.parameters.keys().map(String::as_str))
            .collect()
    }

    /// What there is, for people.
    pub(super) fn names(&self) -> String {
        let list = |names: BTreeSet<&str>| {
            let shown: Vec<String> = names
                .iter()
                .take(MOST_NAMES)
                .map(|name| format!("`{name}`"))
                .collect();
            let more = names.len().saturating_sub(MOST_NAMES);
            match (shown.len(), more) {
                (0, _) => "none".to_owned(),
                (_, 0) => shown.join(", "),
                (_, more) => format!("{} and {more} more", shown.join(", ")),
            }
        };
        format!(
            "  metrics: {}\n  parameters: {}",
            list(self.metrics()),
            list(self.parameters())
        )
    }

    /// A mapping that may be meant.
    pub(super) fn suggestion(&self) -> String {
        let metrics = self.metrics();
        let auc = metrics
            .iter()
            .find(|name| name.to_lowercase().contains("auc"));
        let auc = auc.or(metrics.iter().next()).unwrap_or(&"METRIC");
        let parameters = self.parameters();
        let named = |words: &[&str], otherwise: &'static str| {
            let like = |name: &&&str| words.iter().any(|word| name.to_lowercase().contains(word));
            parameters.iter().find(like).map_or(otherwise, |name| *name)
        };
        if parameters.is_empty() {
            return format!("auc={auc},path={{variant}}-seed{{seed}}");
        }
        let variant = named(&["variant", "model", "method", "name"], "PARAMETER");
        let seed = named(&["seed"], "PARAMETER");
        format!("auc={auc},variant={variant},seed={seed}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_step_that_was_logged_twice_the_last_number_counts() {
        let mut run = Run::new(String::new(), String::new());
        let points = vec![(1, 0.1), (0, 0.2), (1, 0.3)];
        run.metrics.insert("auc".into(), points);
        run.settle();
        assert_eq!(run.metrics["auc"], [(0, 0.2), (1, 0.3)]);
    }
}
