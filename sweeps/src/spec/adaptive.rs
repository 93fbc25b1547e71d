//! `[adaptive]`: claims for which seeds are added until they are decided. What they say of the grid is read when it is known
//! ([`crate::adaptive`]).

use std::collections::BTreeSet;
use std::ops::Range;

use looks::Settings;
use toml::Spanned;
use toml::de::DeValue;

use super::axis::coordinate;
use super::settings::{Named, Vocabulary, named};
use super::table::{Entry, as_count, as_list, as_table, as_text, entries, plain, unknown_key};
use super::{Axis, Coordinate, Key, SweepSpec};
use crate::fault::{Fault, Found};
use crate::parameter::nearest_hint;

const KNOWN: [&str; 6] = ["claims", "alpha", "min", "max", "margin", "at_once"];
/// Claims of one file: each is looked at after every seed.
const MOST_CLAIMS: usize = 200;
/// Seeds of one claim.
const MOST_SEEDS: u64 = 1_000;

/// What `[adaptive]` says.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub span: Range<usize>,
    pub claims: Vec<ClaimRow>,
    pub settings: Settings,
    pub max_span: Range<usize>,
}

/// A claim as it is written.
#[derive(Debug, Clone)]
pub(crate) struct ClaimRow {
    pub span: Range<usize>,
    pub left: String,
    pub right: String,
    pub place: Vec<(Key, Coordinate, Range<usize>)>,
}

/// Reads the section; variants and axes of `spec` are known.
pub(super) fn read(entry: &Entry<'_>, spec: &SweepSpec, faults: &mut Found) -> Option<Section> {
    let table = as_table(entry.value, "adaptive", faults)?;
    let before = faults.len();
    let mut section = Section {
        span: entry.key_span.clone(),
        claims: Vec::new(),
        settings: Settings::up_to(0),
        max_span: entry.key_span.clone(),
    };
    let mut has_claims = false;
    for entry in entries(table) {
        if faults.is_full() {
            break;
        }
        let settings = &mut section.settings;
        match entry.key {
            "claims" => {
                has_claims = true;
                section.claims = claims(&entry, spec, faults);
            }
            "alpha" => {
                let allowed = |alpha: f64| alpha > 0.0 && alpha <= 0.5;
                let help = "a probability of a false verdict above 0 and at most 0.5 is expected: 0.05 is usual";
                if let Some(alpha) = number(&entry, allowed, help, faults) {
                    settings.alpha = alpha;
                }
            }
            "margin" => {
                let allowed = |margin: f64| (0.0..=1.0).contains(&margin);
                let help = "a difference of AUC from 0 to 1 is expected: 0.01 is one point, 0 never finds two sides equal";
                if let Some(margin) = number(&entry, allowed, help, faults) {
                    settings.margin = margin;
                }
            }
            "min" => {
                if let Some(min) = as_count(entry.value, "min", 2..=MOST_SEEDS, faults) {
                    settings.min = min as u32;
                }
            }
            "max" => {
                section.max_span = entry.span();
                if let Some(max) = as_count(entry.value, "max", 2..=MOST_SEEDS, faults) {
                    settings.max = max as u32;
                }
            }
            "at_once" => {
                if let Some(seeds) = as_count(entry.value, "at_once", 1..=MOST_SEEDS, faults) {
                    settings.at_once = seeds as u32;
                }
            }
            _ => faults.push(unknown_key(&entry, "[adaptive]", &KNOWN)),
        }
    }
    if faults.len() > before {
        return None;
    }
    if !has_claims {
        faults.push(Fault::new(
            section.span.clone(),
            "[adaptive] has no claims",
            "write claims = [\"A > B\"] with the names of two variants",
        ));
    }
    if section.settings.max == 0 {
        faults.push(Fault::new(
            section.span.clone(),
            "[adaptive] does not say where it ends",
            "write max = 60: after so many seeds a claim stays undecided",
        ));
    } else if section.settings.max < section.settings.min {
        faults.push(Fault::new(
            section.max_span.clone(),
            format!(
                "`max` = {} is less than `min` = {}",
                section.settings.max, section.settings.min
            ),
            "claims begin with `min` seeds and end with `max`: raise `max`, or lower `min` (5 where it is not set)",
        ));
    }
    (faults.len() == before).then_some(section)
}

fn number(
    entry: &Entry<'_>,
    allowed: impl Fn(f64) -> bool,
    help: &str,
    faults: &mut Found,
) -> Option<f64> {
    let value = plain(entry.value, faults)?;
    let number = value.as_float().filter(|number| allowed(*number));
    if number.is_none() {
        let message = format!("`{}` cannot be {value}", entry.key);
        faults.push(Fault::new(entry.span(), message, help));
    }
    number
}

fn claims(entry: &Entry<'_>, spec: &SweepSpec, faults: &mut Found) -> Vec<ClaimRow> {
    let list = as_list(entry.value, "claims", faults).unwrap_or_default();
    if list.is_empty() || list.len() > MOST_CLAIMS {
        faults.push(Fault::new(
            entry.span(),
            format!("[adaptive] has {} claims", list.len()),
            format!("1 to {MOST_CLAIMS} are taken: write claims = [\"A > B\"]"),
        ));
        return Vec::new();
    }
    let names: BTreeSet<&str> = spec.variant_names().collect();
    list.iter()
        .filter_map(|value| claim(value, spec, &names, faults))
        .collect()
}

/// `"A > B"`, or `{ claim = "A > B", where = { … } }`.
fn claim(
    value: &Spanned<DeValue<'_>>,
    spec: &SweepSpec,
    names: &BTreeSet<&str>,
    faults: &mut Found,
) -> Option<ClaimRow> {
    let DeValue::Table(table) = value.get_ref() else {
        let (left, right) = sides(value, names, faults)?;
        return Some(ClaimRow {
            span: value.span(),
            left,
            right,
            place: Vec::new(),
        });
    };
    let (mut said, mut place) = (None, Vec::new());
    let before = faults.len();
    for entry in entries(table) {
        match entry.key {
            "claim" => said = sides(entry.value, names, faults),
            "where" => place = self::place(&entry, spec, faults),
            _ => faults.push(unknown_key(&entry, "a claim", &["claim", "where"])),
        }
    }
    if said.is_none() && faults.len() == before {
        faults.push(Fault::new(
            value.span(),
            "this claim does not say what it claims",
            "write { claim = \"A > B\", where = { dataset = \"…\" } }",
        ));
    }
    let (left, right) = said?;
    Some(ClaimRow {
        span: value.span(),
        left,
        right,
        place,
    })
}

/// The two variants of `A > B`. A name may hold the sign itself.
fn sides(
    value: &Spanned<DeValue<'_>>,
    names: &BTreeSet<&str>,
    faults: &mut Found,
) -> Option<(String, String)> {
    let text = as_text(value, "a claim", faults)?;
    let splits = || {
        let signs = text.match_indices('>');
        signs.map(|(at, _)| (text[..at].trim(), text[at + 1..].trim()))
    };
    let known = splits().find(|(left, right)| names.contains(left) && names.contains(right));
    if let Some((left, right)) = known {
        return Some((left.to_owned(), right.to_owned()));
    }
    let Some((left, right)) = splits().next() else {
        faults.push(Fault::new(
            value.span(),
            format!("`{text}` is no claim"),
            "write \"A > B\" with the names of two variants",
        ));
        return None;
    };
    let unknown = if names.contains(left) { right } else { left };
    let help = if names.is_empty() {
        "this sweep has no [[variant]]: a claim compares two of them".to_owned()
    } else {
        let listed: Vec<&str> = names.iter().copied().take(30).collect();
        format!(
            "{}variants: {}",
            nearest_hint(unknown, names.iter().copied()),
            listed.join(", ")
        )
    };
    faults.push(Fault::new(
        value.span(),
        format!("there is no variant `{unknown}`"),
        help,
    ));
    None
}

/// `where = { … }`: values of axes.
fn place(
    entry: &Entry<'_>,
    spec: &SweepSpec,
    faults: &mut Found,
) -> Vec<(Key, Coordinate, Range<usize>)> {
    let Some(table) = as_table(entry.value, "where", faults) else {
        return Vec::new();
    };
    let mut place = Vec::new();
    for (name, key_span, value) in named(table, "where", Vocabulary::AXIS, faults) {
        let key = match name {
            Named::Parameter(parameter) => Key::Parameter(parameter),
            Named::Word("seed") => {
                faults.push(Fault::new(
                    key_span,
                    "a claim is about all seeds",
                    "remove `seed`: seeds are added until the claim is decided",
                ));
                continue;
            }
            Named::Word(_) => Key::Dataset,
        };
        let is_swept = spec
            .axes
            .iter()
            .any(|axis| axis.keys.iter().any(|other| other.name() == key.name()));
        if !is_swept {
            faults.push(Fault::new(
                key_span,
                format!("`{}` is no axis of this sweep", key.name()),
                "`where` names values of axes; what does not move is the same on both sides",
            ));
            continue;
        }
        if let Some((coordinate, span)) = coordinate(key, value, faults) {
            place.push((key, coordinate, span));
        }
    }
    place
}

/// Makes the seed's axis the first `min` seeds: of an adaptive sweep the file says where seeds begin, not how many there are.
pub(super) fn set_seeds(axes: &mut Vec<Axis>, section: &Section, faults: &mut Found) {
    let min = u64::from(section.settings.min);
    let at = axes
        .iter()
        .position(|axis| axis.keys.iter().any(|key| matches!(key, Key::Seed)));
    let mut first = 0;
    if let Some(at) = at {
        let axis = &axes[at];
        let span = axis.points.first().map_or(0..0, |point| point[0].1.clone());
        if axis.keys.len() > 1 {
            faults.push(Fault::new(
                span,
                "seeds of an adaptive sweep move together with nothing",
                "write `seed` under [axes], or leave it out: it begins at 0",
            ));
            return;
        }
        let seeds: Vec<u64> = axis
            .points
            .iter()
            .filter_map(|point| match point[0].0 {
                Coordinate::Seed(seed) => Some(seed),
                _ => None,
            })
            .collect();
        first = seeds.first().copied().unwrap_or(0);
        let run = (first..first.saturating_add(min)).collect::<Vec<u64>>();
        if seeds.len() != 1 && seeds != run {
            faults.push(Fault::new(
                span,
                "the seeds of an adaptive sweep are given as it runs",
                format!(
                    "write seed = {first} for the first one, or {{ from = {first}, count = {min} }} as `min` says; [adaptive] adds the others"
                ),
            ));
            return;
        }
        if first > i64::MAX as u64 - MOST_SEEDS {
            faults.push(Fault::new(
                span,
                format!("no seeds are left after {first}"),
                "begin with a smaller one",
            ));
            return;
        }
        axes.remove(at);
    }
    axes.push(Axis {
        keys: vec![Key::Seed],
        points: (first..first + min)
            .map(|seed| vec![(Coordinate::Seed(seed), section.span.clone())])
            .collect(),
    });
}
