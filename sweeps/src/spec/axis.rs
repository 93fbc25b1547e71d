//! Axes, zips and random draws: lists of points of the grid.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::settings::{Named, checked, named, twice};
use super::table::{Entry, as_count, as_list, as_table, entries, plain, unknown_key};
use super::{Axis, Coordinate, Key};
use crate::fault::Fault;
use crate::parameter::{Kind, Parameter};
use crate::value::Value;

/// Points that one axis may have; the grid as a whole is bounded by `--max-jobs`.
const MAX_POINTS: u64 = 1_000_000;

type Point = (Coordinate, Range<usize>);

/// `[axes]`: one axis per key, in the order of their names, `seed` last.
pub(super) fn axes(table: &DeTable<'_>, faults: &mut Vec<Fault>) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::new();
    for (name, key_span, value) in named(table, "[axes]", &["seed", "dataset"], faults) {
        let Some(key) = key_of(&name) else { continue };
        let name = key.name();
        if axes.iter().any(|axis| axis.keys[0].name() == name) {
            faults.push(twice(name, key_span, "[axes]"));
            continue;
        }
        let before = faults.len();
        let points = match value.get_ref() {
            DeValue::Array(values) => values
                .iter()
                .filter_map(|value| coordinate(key, value, faults))
                .collect(),
            DeValue::Table(range) if is_numeric(key) => spaced(key, range, value, faults),
            DeValue::Integer(_) if matches!(key, Key::Seed) => {
                coordinate(key, value, faults).into_iter().collect()
            }
            _ => {
                let forms = if is_numeric(key) {
                    "a list, such as [1, 2], or { from = …, count = …, step = … }"
                } else {
                    "a list, such as [\"a\", \"b\"]"
                };
                faults.push(Fault::new(
                    value.span(),
                    format!("the axis `{name}` must be a list"),
                    format!("write {forms}; a single value belongs into [job]"),
                ));
                Vec::new()
            }
        };
        if points.is_empty() && faults.len() == before {
            faults.push(Fault::new(
                value.span(),
                format!("the axis `{name}` is empty"),
                "an axis without values makes a grid without jobs: give it one, or remove it",
            ));
        }
        let axis = Axis {
            keys: vec![key],
            points: points.into_iter().map(|point| vec![point]).collect(),
        };
        refuse_duplicates(&axis, faults);
        axes.push(axis);
    }
    axes.sort_by_key(|axis| (matches!(axis.keys[0], Key::Seed), axis.keys[0].name()));
    axes
}

/// One `[[zip]]`: lists of equal length that move together.
pub(super) fn zip(
    table: &DeTable<'_>,
    span: Range<usize>,
    faults: &mut Vec<Fault>,
) -> Option<Axis> {
    let before = faults.len();
    let mut columns: Vec<(Key, Range<usize>, Vec<Point>)> = Vec::new();
    for (name, key_span, value) in named(table, "[[zip]]", &["seed", "dataset"], faults) {
        let Some(key) = key_of(&name) else { continue };
        let points: Vec<Point> = match value.get_ref() {
            DeValue::Table(range) if is_numeric(key) => spaced(key, range, value, faults),
            _ => {
                let list = as_list(value, key.name(), faults).unwrap_or_default();
                list.iter()
                    .filter_map(|value| coordinate(key, value, faults))
                    .collect()
            }
        };
        if columns
            .iter()
            .any(|(other, _, _)| other.name() == key.name())
        {
            faults.push(twice(key.name(), key_span, "[[zip]]"));
        } else {
            columns.push((key, value.span(), points));
        }
    }
    columns.sort_by_key(|(key, _, _)| key.name());
    if faults.len() > before {
        return None;
    }
    let Some((first, _, length)) = columns
        .first()
        .map(|(key, span, points)| (*key, span, points.len()))
    else {
        faults.push(Fault::new(
            span,
            "this [[zip]] is empty",
            "name the lists that move together",
        ));
        return None;
    };
    if length == 0 {
        faults.push(Fault::new(
            span,
            format!("the zip of `{}` is empty", first.name()),
            "give its lists a value",
        ));
        return None;
    }
    for (key, span, points) in &columns[1..] {
        if points.len() != length {
            faults.push(Fault::new(
                span.clone(),
                format!(
                    "`{}` has {} values, but `{}` has {length}",
                    key.name(),
                    points.len(),
                    first.name()
                ),
                "the lists of a [[zip]] move together: give them the same length",
            ));
            return None;
        }
    }
    let keys = columns.iter().map(|(key, _, _)| *key).collect();
    let points = (0..length)
        .map(|index| {
            columns
                .iter()
                .map(|(_, _, points)| points[index].clone())
                .collect()
        })
        .collect();
    let axis = Axis { keys, points };
    refuse_duplicates(&axis, faults);
    Some(axis)
}

/// `[random]`: `count` points drawn by a stream of its own from ranges and lists, moving together as one axis.
pub(super) fn random(
    table: &DeTable<'_>,
    span: Range<usize>,
    faults: &mut Vec<Fault>,
) -> Option<Axis> {
    const KNOWN: [&str; 3] = ["count", "seed", "ranges"];
    let (mut count, mut seed, mut ranges) = (None, 0, None);
    let before = faults.len();
    for entry in entries(table) {
        match entry.key {
            "count" => count = as_count(entry.value, "random.count", 1..=MAX_POINTS, faults),
            "seed" => seed = as_count(entry.value, "random.seed", 0..=i64::MAX as u64, faults)?,
            "ranges" => ranges = as_table(entry.value, "random.ranges", faults),
            _ => faults.push(unknown_key(&entry, "[random]", &KNOWN)),
        }
    }
    let mut sources = Vec::new();
    if let Some(ranges) = ranges {
        for (name, _, value) in named(ranges, "[random.ranges]", &[], faults) {
            if let Named::Parameter(parameter) = name
                && let Some(draw) = draw_of(parameter, value, faults)
            {
                sources.push((parameter, value.span(), draw));
            }
        }
    }
    if faults.len() > before {
        return None;
    }
    if count.is_none() || sources.is_empty() {
        faults.push(Fault::new(
            span,
            "[random] needs `count` and at least one range",
            "write count = 20 and, under [random.ranges], learning_rate = { min = 1e-5, max = 1e-3, scale = \"log\" }",
        ));
        return None;
    }
    sources.sort_by_key(|(parameter, _, _)| parameter.name);
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let points = (0..count?)
        .map(|_| {
            sources
                .iter()
                .map(|(_, span, draw)| (Coordinate::Value(draw.next(&mut generator)), span.clone()))
                .collect()
        })
        .collect();
    Some(Axis {
        keys: sources
            .iter()
            .map(|(parameter, _, _)| Key::Parameter(parameter))
            .collect(),
        points,
    })
}

fn key_of(name: &Named) -> Option<Key> {
    match name {
        Named::Parameter(parameter) => Some(Key::Parameter(parameter)),
        Named::Word("seed") => Some(Key::Seed),
        Named::Word("dataset") => Some(Key::Dataset),
        Named::Word(_) => None,
    }
}

fn is_numeric(key: Key) -> bool {
    match key {
        Key::Seed => true,
        Key::Dataset => false,
        Key::Parameter(parameter) => {
            matches!(parameter.kind, Kind::Integer { .. } | Kind::Float(_))
        }
    }
}

/// One value of an axis, checked.
pub(super) fn coordinate(
    key: Key,
    value: &Spanned<DeValue<'_>>,
    faults: &mut Vec<Fault>,
) -> Option<Point> {
    let coordinate = match key {
        Key::Seed => Coordinate::Seed(as_count(value, "seed", 0..=i64::MAX as u64, faults)?),
        Key::Dataset => {
            let name = super::table::as_text(value, "dataset", faults)?;
            super::reader::check_name(name, "a data set's name", &value.span(), faults);
            Coordinate::Dataset(name.to_owned())
        }
        Key::Parameter(parameter) => Coordinate::Value(checked(parameter, value, faults)?),
    };
    Some((coordinate, value.span()))
}

/// `{ from, count, step }`: `from`, `from + step`, … The step is 1 unless given.
fn spaced(
    key: Key,
    range: &DeTable<'_>,
    whole: &Spanned<DeValue<'_>>,
    faults: &mut Vec<Fault>,
) -> Vec<Point> {
    const KNOWN: [&str; 3] = ["from", "count", "step"];
    let (mut from, mut count, mut step) = (None, None, Some(Value::Integer(1)));
    let before = faults.len();
    for entry in entries(range) {
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
    let value_at = |index: u64| match (&from, &step) {
        (Value::Integer(from), Value::Integer(step)) => i64::try_from(index)
            .ok()
            .and_then(|index| step.checked_mul(index)?.checked_add(*from))
            .map(Value::Integer),
        _ => Some(Value::Float(
            from.as_float()? + step.as_float()? * index as f64,
        )),
    };
    let mut points = Vec::new();
    for index in 0..count {
        let coordinate =
            value_at(index).ok_or_else(|| "the axis leaves the range of whole numbers".to_owned());
        let coordinate = coordinate.and_then(|value| match key {
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

fn number(entry: &Entry<'_>, faults: &mut Vec<Fault>) -> Option<Value> {
    match plain(entry.value, faults)? {
        number @ (Value::Integer(_) | Value::Float(_)) => Some(number),
        other => {
            faults.push(Fault::new(
                entry.span(),
                format!("`{}` must be a number, not {}", entry.key, other.kind()),
                String::new(),
            ));
            None
        }
    }
}

fn refuse_duplicates(axis: &Axis, faults: &mut Vec<Fault>) {
    let mut seen = std::collections::BTreeSet::new();
    for point in &axis.points {
        let mut bytes = Vec::new();
        for (coordinate, _) in point {
            match coordinate {
                Coordinate::Seed(seed) => bytes.extend(seed.to_le_bytes()),
                Coordinate::Dataset(name) => crate::value::encode_text(name, &mut bytes),
                Coordinate::Value(value) => value.encode(&mut bytes),
            }
        }
        if !seen.insert(bytes) {
            let name = axis
                .keys
                .iter()
                .map(|key| key.name())
                .collect::<Vec<_>>()
                .join("` and `");
            faults.push(Fault::new(
                point[0].1.clone(),
                format!("the axis `{name}` has this value twice"),
                "the same point of the grid is one job: remove it",
            ));
        }
    }
}

/// What a random value is drawn from.
enum Draw {
    Integer { min: i64, max: i64 },
    Uniform { min: f64, max: f64 },
    Logarithmic { min: f64, max: f64 },
    OneOf(Vec<Value>),
}

fn draw_of(
    parameter: &'static Parameter,
    value: &Spanned<DeValue<'_>>,
    faults: &mut Vec<Fault>,
) -> Option<Draw> {
    if let DeValue::Array(values) = value.get_ref() {
        let values: Vec<_> = values
            .iter()
            .filter_map(|value| checked(parameter, value, faults))
            .collect();
        if values.is_empty() {
            faults.push(Fault::new(
                value.span(),
                format!("`{}` has nothing to draw from", parameter.name),
                "",
            ));
        }
        return Some(Draw::OneOf(values));
    }
    let table = as_table(value, parameter.name, faults)?;
    if !is_numeric(Key::Parameter(parameter)) {
        faults.push(Fault::new(
            value.span(),
            format!("`{}` is no number: it has no range", parameter.name),
            "write a list of the values to draw from",
        ));
        return None;
    }
    let (mut min, mut max, mut logarithmic) = (None, None, false);
    for entry in entries(table) {
        match entry.key {
            "min" => min = checked(parameter, entry.value, faults),
            "max" => max = checked(parameter, entry.value, faults),
            "scale" => match super::table::as_text(entry.value, "scale", faults)? {
                "log" => logarithmic = true,
                "linear" => {}
                other => faults.push(Fault::new(
                    entry.span(),
                    format!("there is no scale `{other}`"),
                    "scales: linear, log",
                )),
            },
            _ => faults.push(unknown_key(
                &entry,
                &format!("the range of `{}`", parameter.name),
                &["min", "max", "scale"],
            )),
        }
    }
    let (Some(min), Some(max)) = (min, max) else {
        faults.push(Fault::new(
            value.span(),
            format!("the range of `{}` lacks its `min` or `max`", parameter.name),
            "write { min = …, max = …, scale = \"linear\" | \"log\" }",
        ));
        return None;
    };
    let (low, high) = (min.as_float()?, max.as_float()?);
    if low > high || (logarithmic && low <= 0.0) {
        let message = if low > high {
            "ends before it begins"
        } else {
            "is logarithmic and must begin above 0"
        };
        faults.push(Fault::new(
            value.span(),
            format!("the range of `{}` {message}", parameter.name),
            "",
        ));
        return None;
    }
    Some(match (min, max) {
        (Value::Integer(min), Value::Integer(max)) if !logarithmic => Draw::Integer { min, max },
        (Value::Integer(_), Value::Integer(_)) => {
            faults.push(Fault::new(
                value.span(),
                format!(
                    "`{}` is a whole number: a logarithmic range cannot be drawn from",
                    parameter.name
                ),
                "write a list of the values to draw from",
            ));
            return None;
        }
        _ if logarithmic => Draw::Logarithmic {
            min: low,
            max: high,
        },
        _ => Draw::Uniform {
            min: low,
            max: high,
        },
    })
}

impl Draw {
    fn next(&self, generator: &mut ChaCha8Rng) -> Value {
        // 53 bits make every double in [0, 1) of that spacing equally likely.
        let unit = (generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        match self {
            // The product is below the number of values, so the bias of truncation is below 2⁻⁵³.
            Self::Integer { min, max } => {
                let width = max.abs_diff(*min) as f64 + 1.0;
                Value::Integer(min.saturating_add((unit * width) as i64).min(*max))
            }
            Self::Uniform { min, max } => {
                Value::Float((min + unit * (max - min)).clamp(*min, *max))
            }
            Self::Logarithmic { min, max } => {
                let (low, high) = (libm::log(*min), libm::log(*max));
                Value::Float(libm::exp(low + unit * (high - low)).clamp(*min, *max))
            }
            Self::OneOf(values) => {
                values[((unit * values.len() as f64) as usize).min(values.len() - 1)].clone()
            }
        }
    }
}
