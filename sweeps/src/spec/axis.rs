//! Axes and zips: lists of points of the grid.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::counted::Counted;
use super::settings::{Named, Vocabulary, checked, named, twice};
use super::spaced::spaced;
use super::table::{as_count, as_list};
use super::{Axis, Coordinate, Key, Point};
use crate::fault::{Fault, Found};
use crate::parameter::Kind;

/// `[axes]`: one axis per key, in the order of their names, `seed` last.
pub(super) fn axes(table: &DeTable<'_>, counted: &mut Counted, faults: &mut Found) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::new();
    for (name, key_span, value) in named(table, "[axes]", Vocabulary::AXIS, faults) {
        let Some(key) = key_of(&name) else { continue };
        let name = key.name();
        if faults.is_full() {
            break;
        }
        if axes.iter().any(|axis| axis.keys[0].name() == name) {
            faults.push(twice(name, key_span, "[axes]"));
            continue;
        }
        let before = faults.len();
        let points = match value.get_ref() {
            DeValue::Array(values) => distinct(key, values, faults),
            DeValue::Table(range) if is_numeric(key) => spaced(key, range, value, counted, faults),
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
        // A list has said which of its values stand twice while it was read.
        let axis = Axis {
            keys: vec![key],
            points: points.into_iter().map(|point| vec![point]).collect(),
        };
        if !matches!(value.get_ref(), DeValue::Array(_)) {
            refuse_equal_neighbours(&axis, faults);
        }
        axes.push(axis);
    }
    axes.sort_by_key(|axis| (matches!(axis.keys[0], Key::Seed), axis.keys[0].name()));
    axes
}

/// One `[[zip]]`: lists of equal length that move together.
pub(super) fn zip(
    table: &DeTable<'_>,
    span: Range<usize>,
    counted: &mut Counted,
    faults: &mut Found,
) -> Option<Axis> {
    let before = faults.len();
    let mut columns: Vec<(Key, Range<usize>, Vec<Point>)> = Vec::new();
    // A count whose values all differ makes points that all differ: a million of them need no second list.
    let mut apart = false;
    for (name, key_span, value) in named(table, "[[zip]]", Vocabulary::AXIS, faults) {
        let Some(key) = key_of(&name) else { continue };
        let points: Vec<Point> = match value.get_ref() {
            DeValue::Table(range) if is_numeric(key) => {
                let points = spaced(key, range, value, counted, faults);
                apart |= first_equal(points.iter()).is_none();
                points
            }
            _ => {
                let list = as_list(value, key.name(), faults).unwrap_or_default();
                coordinates(key, list, faults)
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
    if !apart {
        refuse_duplicates(&axis, faults);
    }
    Some(axis)
}

fn key_of(name: &Named) -> Option<Key> {
    match name {
        Named::Parameter(parameter) => Some(Key::Parameter(parameter)),
        Named::Word("seed") => Some(Key::Seed),
        Named::Word("dataset") => Some(Key::Dataset),
        Named::Word(_) => None,
    }
}

pub(super) fn is_numeric(key: Key) -> bool {
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
    faults: &mut Found,
) -> Option<Point> {
    let coordinate = match key {
        Key::Seed => Coordinate::Seed(as_count(value, "seed", 0..=i64::MAX as u64, faults)?),
        Key::Dataset => {
            let name = super::table::as_text(value, "dataset", faults)?;
            super::name::check_name(name, "a data set's name", &value.span(), faults);
            Coordinate::Dataset(name.to_owned())
        }
        Key::Parameter(parameter) => Coordinate::Value(checked(parameter, value, faults)?),
    };
    Some((coordinate, value.span()))
}

/// The points of a list that is an axis by itself, each once; after too many faults the rest is not read.
fn distinct(key: Key, values: &[Spanned<DeValue<'_>>], faults: &mut Found) -> Vec<Point> {
    let (mut points, mut seen) = (Vec::new(), BTreeSet::new());
    for value in values {
        if faults.is_full() {
            break;
        }
        let Some(point) = coordinate(key, value, faults) else {
            continue;
        };
        if seen.insert(encoded(std::slice::from_ref(&point))) {
            points.push(point);
        } else {
            faults.push(stands_twice(&[key], &point));
        }
    }
    points
}

/// The points of a list; after too many faults the rest is not read.
fn coordinates(key: Key, values: &[Spanned<DeValue<'_>>], faults: &mut Found) -> Vec<Point> {
    let mut points = Vec::new();
    for value in values {
        if faults.is_full() {
            break;
        }
        points.extend(coordinate(key, value, faults));
    }
    points
}

/// Says which points of the axis stand twice.
fn refuse_duplicates(axis: &Axis, faults: &mut Found) {
    let (mut seen, mut blamed) = (BTreeSet::new(), None);
    for point in &axis.points {
        if faults.is_full() {
            break;
        }
        // The values of a count share one span, of which it is said once.
        if !seen.insert(encoded(point)) && blamed != Some(&point[0].1) {
            blamed = Some(&point[0].1);
            faults.push(stands_twice(&axis.keys, &point[0]));
        }
    }
}

/// As [`refuse_duplicates`] for the points of a count, which grow or fall: a million of them need no second list.
fn refuse_equal_neighbours(axis: &Axis, faults: &mut Found) {
    if let Some(point) = first_equal(axis.points.iter().map(|point| &point[0])) {
        faults.push(stands_twice(&axis.keys, point));
    }
}

/// The first point that equals the one before it.
fn first_equal<'p>(points: impl Iterator<Item = &'p Point> + Clone) -> Option<&'p Point> {
    let mut pairs = points.clone().zip(points.skip(1));
    pairs
        .find(|(before, point)| before.0 == point.0)
        .map(|(_, point)| point)
}

/// Equal bytes for equal points, and for no others.
fn encoded(point: &[Point]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (coordinate, _) in point {
        match coordinate {
            Coordinate::Seed(seed) => bytes.extend(seed.to_le_bytes()),
            Coordinate::Dataset(name) => crate::value::encode_text(name, &mut bytes),
            Coordinate::Value(value) => value.encode(&mut bytes),
        }
    }
    bytes
}

fn stands_twice(keys: &[Key], point: &Point) -> Fault {
    let names: Vec<_> = keys.iter().map(|key| key.name()).collect();
    Fault::new(
        point.1.clone(),
        format!("the axis `{}` has this value twice", names.join("` and `")),
        "the same point of the grid is one job: remove it",
    )
}
