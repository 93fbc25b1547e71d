//! What moves along a figure's axis: parameters of a zip go with it, those of draws go their own ways, and then no line may join the points.

use sweeps::Value;

use super::cells::Group;
use super::source::Source;

/// Parameters that differ between the points of a line and are not the axis.
#[derive(Debug, Default)]
pub(super) struct Along<'a> {
    /// Those that go up or down with it.
    with: Vec<&'a str>,
    /// Those that do neither.
    apart: Vec<&'a str>,
}

impl<'a> Along<'a> {
    /// Of lines whose groups are in the order of the axis, which is that column. What tells lines or panels apart does not move along one.
    pub(super) fn of<'g>(
        source: &'a Source,
        column: usize,
        lines: impl Iterator<Item = Vec<&'g Group>>,
    ) -> Self {
        let mut known = source.others();
        known.push(column);
        known.extend(source.dataset());
        let lines: Vec<Vec<&Group>> = lines.collect();
        let mut along = Self::default();
        for other in (0..source.columns.len()).filter(|other| !known.contains(other)) {
            let values = |line: &Vec<&'g Group>| -> Vec<Option<&'g Value>> {
                line.iter().map(|group| group.key.value(other)).collect()
            };
            let name = source.columns[other].as_str();
            if lines.iter().map(values).any(|values| !is_monotone(&values)) {
                along.apart.push(name);
            } else if lines.iter().map(values).any(|values| differs(&values)) {
                along.with.push(name);
            }
        }
        along
    }

    /// Whether a line over the axis shows what the axis does, or a zip with it.
    pub(super) fn joins(&self) -> bool {
        self.apart.is_empty()
    }

    /// What a reader must know of the points; empty where nothing else moves.
    pub(super) fn words(&self) -> String {
        let listed = |names: &[&str], one: &str, more: &str| {
            let verb = if names.len() == 1 { one } else { more };
            format!("{} {verb}", names.join(", "))
        };
        if !self.apart.is_empty() {
            let differ = listed(&self.apart, "differs", "differ");
            format!("{differ} from point to point")
        } else if !self.with.is_empty() {
            format!("{} along with it", listed(&self.with, "moves", "move"))
        } else {
            String::new()
        }
    }
}

fn differs(values: &[Option<&Value>]) -> bool {
    values.windows(2).any(|pair| pair[0] != pair[1])
}

/// Whether the values are the same, or numbers that go one way.
fn is_monotone(values: &[Option<&Value>]) -> bool {
    if !differs(values) {
        return true;
    }
    let numbers: Option<Vec<f64>> = values
        .iter()
        .map(|value| value.and_then(Value::as_float))
        .collect();
    numbers.is_some_and(|numbers| {
        numbers.is_sorted() || numbers.is_sorted_by(|left, right| left >= right)
    })
}
