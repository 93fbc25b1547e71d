//! Names of a sweep's lines where there is little room: only what tells them apart, and what that is, once.

use crate::summary::SummaryRow;

/// A label for each row, of the variant and the swept values that are not the same in all rows; and the names of these parts,
/// empty where the labels are the variants' names.
pub(super) fn distinct(rows: &[&SummaryRow], columns: &[String]) -> (Vec<String>, String) {
    let differs = |part: &dyn Fn(&SummaryRow) -> String| {
        rows.windows(2).any(|pair| part(pair[0]) != part(pair[1]))
    };
    let value = |row: &SummaryRow, column: usize| {
        row.point
            .get(column)
            .and_then(Option::as_ref)
            .map_or_else(|| "–".to_owned(), ToString::to_string)
    };
    let swept: Vec<usize> = (0..columns.len())
        .filter(|column| differs(&|row| value(row, *column)))
        .collect();
    if swept.is_empty() {
        return (
            rows.iter().map(|row| row.variant.clone()).collect(),
            String::new(),
        );
    }
    let variants = differs(&|row| row.variant.clone());
    let joined = |first: Option<String>, others: Vec<String>| {
        first
            .into_iter()
            .chain(others)
            .collect::<Vec<_>>()
            .join(" · ")
    };
    let labels = rows
        .iter()
        .map(|row| {
            let values = swept.iter().map(|column| value(row, *column)).collect();
            joined(variants.then(|| row.variant.clone()), values)
        })
        .collect();
    let names = swept
        .iter()
        .map(|column| columns[*column].clone())
        .collect();
    (
        labels,
        joined(variants.then(|| "variant".to_owned()), names),
    )
}
