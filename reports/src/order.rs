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
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
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
    fn an_unset_value_comes_first() {
        assert_eq!(
            compare_points(&[None], &[Some(Value::Integer(-5))]),
            Ordering::Less
        );
    }
}
