//! The orders in which cells are listed: the sweep's own for readers, a total one for files that are compared by `diff`.

use std::cmp::Ordering;

use sweeps::{CellResult, Value};

/// Orders values naturally: nothing, booleans, numbers by size, texts, lists, tables.
pub fn compare_values(left: &Value, right: &Value) -> Ordering {
    fn rank(value: &Value) -> u8 {
        match value {
            Value::Boolean(_) => 0,
            Value::Integer(_) | Value::Float(_) => 1,
            Value::Text(_) => 2,
            Value::List(_) => 3,
            Value::Table(_) => 4,
        }
    }
    match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => compare_texts(left, right),
        (Value::List(left), Value::List(right)) => compare_sequences(left.iter(), right.iter()),
        (Value::Table(left), Value::Table(right)) => left
            .keys()
            .cmp(right.keys())
            .then_with(|| compare_sequences(left.values(), right.values())),
        _ => match (left.as_float(), right.as_float()) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            _ => rank(left).cmp(&rank(right)),
        },
    }
}

/// Texts in the order that people expect, numbers in them by size: `k=2` before `k=10`. Lists and tables that were read back
/// from a CSV file are texts, and keep the order that they had.
fn compare_texts(left: &str, right: &str) -> Ordering {
    /// The digits at the start and what follows, or one character and what follows.
    fn step(text: &str) -> (&str, &str) {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let first = text.chars().next().map_or(0, char::len_utf8);
        text.split_at(digits.max(first))
    }
    let (mut rest, mut other) = (left, right);
    while !rest.is_empty() && !other.is_empty() {
        let ((ours, after), (theirs, behind)) = (step(rest), step(other));
        let number = |text: &str| {
            text.starts_with(|first: char| first.is_ascii_digit())
                .then(|| text.trim_start_matches('0').len())
        };
        let order = match (number(ours), number(theirs)) {
            (Some(long), Some(other)) => long.cmp(&other).then_with(|| {
                ours.trim_start_matches('0')
                    .cmp(theirs.trim_start_matches('0'))
            }),
            _ => ours.cmp(theirs),
        };
        if order != Ordering::Equal {
            return order;
        }
        (rest, other) = (after, behind);
    }
    // `1` and `01` are equal numbers and different texts: the order stays total.
    rest.len().cmp(&other.len()).then_with(|| left.cmp(right))
}

fn compare_sequences<'a>(
    mut left: impl Iterator<Item = &'a Value>,
    mut right: impl Iterator<Item = &'a Value>,
) -> Ordering {
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => match compare_values(left, right) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

/// Orders points of the grid, value by value; an unset value comes first.
pub fn compare_points(left: &[Option<Value>], right: &[Option<Value>]) -> Ordering {
    for (left, right) in left.iter().zip(right) {
        let order = match (left, right) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => compare_values(left, right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

/// The order of lines in CSV files: variant, swept values, seed; the job's id breaks ties.
pub fn compare_cells(left: &CellResult, right: &CellResult) -> Ordering {
    left.cell
        .variant
        .cmp(&right.cell.variant)
        .then_with(|| compare_points(&left.cell.point, &right.cell.point))
        .then_with(|| left.cell.job.seed.cmp(&right.cell.job.seed))
        .then_with(|| left.job_id.cmp(&right.job_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_by_size_not_by_text() {
        let mut values: Vec<Value> = vec![
            Value::Text("b".into()),
            Value::Float(10.0),
            Value::Integer(9),
            Value::Float(9.5),
            Value::Text("a".into()),
            Value::Boolean(true),
        ];
        values.sort_by(compare_values);
        assert_eq!(
            values.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["true", "9", "9.5", "10", "a", "b"]
        );
    }

    #[test]
    fn numbers_within_texts_are_ordered_by_size() {
        let mut texts = ["k=10", "k=2", "k=1.5", "a", "k=02", "", "é2", "k="];
        texts.sort_by(|left, right| compare_texts(left, right));
        assert_eq!(texts, ["", "a", "k=", "k=1.5", "k=02", "k=2", "k=10", "é2"]);
    }

    #[test]
    fn an_unset_value_comes_first() {
        assert_eq!(
            compare_points(&[None], &[Some(Value::Integer(-5))]),
            Ordering::Less
        );
    }
}
