//! Groups of one data set are drawn on one pair of axes; those of another get a panel of their own.

use super::key::Key;
use super::source::Source;

/// The groups of one panel, by index, and its heading: the data set, where there are several.
#[derive(Debug, Clone)]
pub(super) struct Split {
    pub(super) heading: String,
    pub(super) groups: Vec<usize>,
}

/// A panel per value of the data set's column and of `more` columns, in the order of first appearance.
pub(super) fn split<'a>(
    source: &Source,
    keys: impl Iterator<Item = &'a Key>,
    more: &[usize],
) -> Vec<Split> {
    let dataset = source.dataset();
    let mut panels: Vec<Split> = Vec::new();
    for (index, key) in keys.enumerate() {
        let parts = dataset.map(|column| key.text(column));
        let others = more
            .iter()
            .map(|column| format!("{} = {}", source.columns[*column], key.text(*column)));
        let heading = parts
            .into_iter()
            .chain(others)
            .collect::<Vec<_>>()
            .join(", ");
        match panels.iter_mut().find(|panel| panel.heading == heading) {
            Some(panel) => panel.groups.push(index),
            None => panels.push(Split {
                heading,
                groups: vec![index],
            }),
        }
    }
    panels
}
