//! `{ from, count, step }`: evenly spaced values of an axis.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::counted::{Counted, MAX_POINTS};
use super::table::{Entry, as_count, entries, plain, unknown_key};
use super::{Coordinate, Key, Point};
use crate::decimal::Decimal;
use crate::fault::{Fault, Found};
use crate::value::Value;

/// `{ from, count, step }`: `from`, `from + step`, … The step is 1 unless given. The values are those of decimal arithmetic on
/// what is written, so that each equals the number that a list would name.
pub(super) fn spaced(
    key: Key,
    range: &DeTable<'_>,
    whole: &Spanned<DeValue<'_>>,
    counted: &mut Counted,
    faults: &mut Found,
) -> Vec<Point> {
    const KNOWN: [&str; 3] = ["from", "count", "step"];
    let (mut from, mut count, mut step) = (None, None, Some(Number::Whole(1)));
    let before = faults.len();
    for entry in entries(range) {
        if faults.is_full() {
            break;
        }
        match entry.key {
            "from" => from = number(&entry, faults),
            "count" => count = as_count(entry.value, "count", 1..=MAX_POINTS, faults),
            "step" => step = number(&entry, faults),
            _ => faults.push(unknown_key(
                &entry,
                &format!("the axis `{}`", key.name()),
                &KNOWN,
            )),
        }
    }
    if faults.len() > before {
        return Vec::new();
    }
    let (Some(from), Some(count), Some(step)) = (from, count, step) else {
        faults.push(Fault::new(
            whole.span(),
            format!("the axis `{}` lacks its `from` or `count`", key.name()),
            "write { from = 0, count = 20 }, with step = … where it is not 1",
        ));
        return Vec::new();
    };
    if counted.take(count, &whole.span(), faults).is_none() {
        return Vec::new();
    }
    let line = Line::new(from, step);
    let mut points = Vec::new();
    for index in 0..count {
        let coordinate = line.at(index).and_then(|value| match key {
            Key::Parameter(parameter) => parameter
                .check(&value)
                .map(Coordinate::Value)
                .map_err(|faults| faults[0].message.clone()),
            _ => match value {
                Value::Integer(seed @ 0..) => Ok(Coordinate::Seed(seed as u64)),
                other => Err(format!(
                    "{other} is no seed: a whole number from 0 is expected"
                )),
            },
        });
        match coordinate {
            Ok(coordinate) => points.push((coordinate, whole.span())),
            Err(message) => {
                faults.push(Fault::new(
                    whole.span(),
                    message,
                    format!("this is value {} of the axis", index + 1),
                ));
                return Vec::new();
            }
        }
    }
    points
}

/// A number as it is written.
#[derive(Debug, Clone, Copy)]
enum Number {
    Whole(i64),
    /// `None`: written with more digits than can be added exactly.
    Decimal(f64, Option<Decimal>),
}

fn number(entry: &Entry<'_>, faults: &mut Found) -> Option<Number> {
    match (plain(entry.value, faults)?, entry.value.get_ref()) {
        (Value::Integer(number), _) => Some(Number::Whole(number)),
        (Value::Float(number), DeValue::Float(text)) => {
            Some(Number::Decimal(number, Decimal::parse(text.as_str())))
        }
        (other, _) => {
            faults.push(Fault::new(
                entry.span(),
                format!("`{}` must be a number, not {}", entry.key, other.kind()),
                String::new(),
            ));
            None
        }
    }
}

impl Number {
    fn written(self) -> Option<Decimal> {
        match self {
            Self::Whole(number) => Some(Decimal::from(number)),
            Self::Decimal(_, decimal) => decimal,
        }
    }

    /// The same number in at most 19 digits.
    fn short(self) -> Option<Decimal> {
        match self {
            Self::Whole(number) => Some(Decimal::from(number)),
            Self::Decimal(number, _) => Decimal::shortest(number),
        }
    }
}

/// The values of `{ from, count, step }`.
enum Line {
    Whole { from: i64, step: i64 },
    Decimal { from: Number, step: Number },
}

impl Line {
    fn new(from: Number, step: Number) -> Self {
        match (from, step) {
            (Number::Whole(from), Number::Whole(step)) => Self::Whole { from, step },
            (from, step) => Self::Decimal { from, step },
        }
    }

    /// Value `index`, from 0, or why there is none.
    fn at(&self, index: u64) -> Result<Value, String> {
        match *self {
            Self::Whole { from, step } => i64::try_from(index)
                .ok()
                .and_then(|index| step.checked_mul(index)?.checked_add(from))
                .map(Value::Integer)
                .ok_or_else(|| "the axis leaves the range of whole numbers".to_owned()),
            Self::Decimal { from, step } => {
                let sum = |from: Option<Decimal>, step: Option<Decimal>| from?.plus(index, step?);
                // Digits beyond those of a double say nothing: without them the sum may fit.
                sum(from.written(), step.written())
                    .or_else(|| sum(from.short(), step.short()))
                    .ok_or_else(|| {
                        "`from` and `step` lie too far apart to be added exactly".to_owned()
                    })?
                    .as_float()
                    .map(Value::Float)
                    .ok_or_else(|| "the axis leaves the range of numbers".to_owned())
            }
        }
    }
}
