//! What the claims of `[adaptive]` mean in a grid: the cells of each side, and what they are held to.

use std::collections::BTreeSet;

use looks::{Claim, ClaimText, Family};

use crate::cell::Cell;
use crate::choice::Choice;
use crate::fault::{Fault, Found};
use crate::id::Digest;
use crate::spec::{ClaimRow, Coordinate, Section};
use crate::value::{Value, encode_text};

/// The claims of a sweep, with the cells that they are about.
#[derive(Debug, Clone, PartialEq)]
pub struct Adaptive {
    /// The claims by their arms, and what they are held to.
    pub family: Family,
    /// What each claim says.
    pub texts: Vec<ClaimText>,
    /// Of each arm the cells of its first seeds, in their order.
    pub arms: Vec<Vec<usize>>,
    /// The digest of claims and settings: what was fixed before the first seed.
    pub identity: Digest,
}

impl Adaptive {
    /// The most cells that the sweep may come to have beside those of its grid.
    pub fn most_added(&self) -> usize {
        let begin = self.family.settings.min as usize;
        (self.family.settings.max as usize - begin) * self.arms.len()
    }
}

/// The cells of a file's grid, before any is added.
#[derive(Clone, Copy)]
pub(crate) struct Grid<'a> {
    pub columns: &'a [String],
    pub cells: &'a [Cell],
}

/// The claims of the section in the grid of its file.
pub(crate) fn resolve(
    section: &Section,
    grid: Grid<'_>,
    max_jobs: usize,
) -> Result<Adaptive, Found> {
    let mut faults = Found::default();
    let mut arms: Vec<Vec<usize>> = Vec::new();
    let mut claims: Vec<Claim> = Vec::new();
    let mut texts = Vec::new();
    for row in &section.claims {
        let before = faults.len();
        let sides = [&row.left, &row.right].map(|side| arm_of(side, row, grid, &mut faults));
        let [Some(left), Some(right)] = sides else {
            continue;
        };
        check_sides(row, [&left, &right], section, grid, &mut faults);
        if faults.len() > before {
            continue;
        }
        let [left, right] = [left, right].map(|cells| {
            let known = arms.iter().position(|arm| *arm == cells);
            known.unwrap_or_else(|| {
                arms.push(cells);
                arms.len() - 1
            }) as u32
        });
        let claim = Claim { left, right };
        let opposite = Claim {
            left: right,
            right: left,
        };
        if claims
            .iter()
            .any(|other| *other == claim || *other == opposite)
        {
            faults.push(Fault::new(
                row.span.clone(),
                "this claim stands twice",
                "a verdict says which side is above, whichever is named first: remove it",
            ));
        }
        claims.push(claim);
        texts.push(text_of(row));
    }
    let family = Family {
        settings: section.settings,
        claims,
    };
    let adaptive = Adaptive {
        identity: identity(&family, &texts, &arms, grid),
        family,
        texts,
        arms,
    };
    if faults.len() == 0 {
        let most = grid.cells.len() + adaptive.most_added();
        if most > max_jobs {
            faults.push(Fault::new(
                section.max_span.clone(),
                format!("the sweep may come to have {most} jobs; {max_jobs} are allowed"),
                "lower `max`; --max-jobs allows more",
            ));
        }
    }
    if faults.len() > 0 {
        return Err(faults);
    }
    Ok(adaptive)
}

/// What is odd about claims that stand.
pub(crate) fn warning(section: &Section, adaptive: &Adaptive) -> Option<Fault> {
    let fewest = adaptive.family.fewest_seeds();
    let settings = &section.settings;
    (fewest > settings.max).then(|| {
        Fault::new(
            section.max_span.clone(),
            format!("no claim can be shown to hold with {} seeds", settings.max),
            format!(
                "a family of {} at alpha = {} needs {fewest} at least, whatever the data: raise `max`",
                adaptive.family.size(),
                settings.alpha
            ),
        )
    })
}

/// The cells of a variant at the claim's place, in the order of their seeds.
fn arm_of(variant: &str, row: &ClaimRow, grid: Grid<'_>, faults: &mut Found) -> Option<Vec<usize>> {
    let of_variant = grid.cells.iter().enumerate();
    let of_variant = of_variant.filter(|(_, cell)| cell.variant == variant);
    let cells: Vec<usize> = of_variant
        .filter(|(_, cell)| is_at(cell, row, grid.columns))
        .map(|(index, _)| index)
        .collect();
    let Some(first) = cells.first() else {
        faults.push(Fault::new(
            row.span.clone(),
            format!("`{variant}` has no cell there"),
            "an [[exclude]] drops it, or `where` has a value that no axis has: `gcl-sweep plan SWEEP` shows the cells",
        ));
        return None;
    };
    let point = &grid.cells[*first].point;
    let moving: Vec<&str> = grid
        .columns
        .iter()
        .enumerate()
        .filter(|(column, _)| {
            cells
                .iter()
                .any(|cell| grid.cells[*cell].point.get(*column) != point.get(*column))
        })
        .map(|(_, name)| name.as_str())
        .collect();
    if let Some(name) = moving.first() {
        let values: BTreeSet<String> = cells
            .iter()
            .filter_map(|cell| value_at(&grid.cells[*cell], name, grid.columns))
            .map(ToString::to_string)
            .collect();
        let values: Vec<String> = values.into_iter().take(8).collect();
        faults.push(Fault::new(
            row.span.clone(),
            format!(
                "`{variant}` has several points here: `{}` moves",
                moving.join("`, `")
            ),
            format!(
                "a claim is about one: write {{ claim = \"{} > {}\", where = {{ \"{name}\" = … }} }}; values of `{name}`: {}",
                row.left,
                row.right,
                values.join(", ")
            ),
        ));
        return None;
    }
    Some(cells)
}

fn is_at(cell: &Cell, row: &ClaimRow, columns: &[String]) -> bool {
    row.place.iter().all(|(key, coordinate, _)| {
        let shown = value_at(cell, key.name(), columns);
        match coordinate {
            Coordinate::Dataset(name) => shown.and_then(Value::as_text) == Some(name),
            Coordinate::Value(value) => shown == Some(value),
            Coordinate::Seed(_) => false,
        }
    })
}

fn value_at<'a>(cell: &'a Cell, name: &str, columns: &[String]) -> Option<&'a Value> {
    let column = columns.iter().position(|column| column == name)?;
    cell.point.get(column)?.as_ref()
}

/// What keeps the two sides from being compared.
fn check_sides(
    row: &ClaimRow,
    sides: [&Vec<usize>; 2],
    section: &Section,
    grid: Grid<'_>,
    faults: &mut Found,
) {
    let mut fault = |message: String, help: &str| {
        faults.push(Fault::new(row.span.clone(), message, help));
    };
    if sides[0] == sides[1] {
        fault(
            format!("this claim compares `{}` with itself", row.left),
            "name two variants",
        );
        return;
    }
    let first = sides.map(|cells| &grid.cells[cells[0]]);
    for (cells, cell) in sides.iter().zip(first) {
        let seeds: Vec<u64> = cells
            .iter()
            .map(|cell| grid.cells[*cell].job.seed)
            .collect();
        let begin = seeds.first().copied().unwrap_or(0);
        let expected = begin..begin + u64::from(section.settings.min);
        if !seeds.iter().copied().eq(expected) {
            fault(
                format!(
                    "`{}` has not the first `min` seeds, each once",
                    cell.variant
                ),
                "seeds of claims follow one another: drop what an [[exclude]] or [[include]] says of their seeds",
            );
            return;
        }
        if !cell.reporting.is_of_record() {
            fault(
                format!("`{}` reports smoothed scores, or clips", cell.variant),
                "claims are decided by the AUC that a job's record holds: remove `score_smoothing` and `evaluation.clip_segments` from both sides",
            );
            return;
        }
    }
    let begins = first.map(|cell| cell.job.seed);
    if begins[0] != begins[1] {
        fault(
            "the two sides begin with different seeds".to_owned(),
            "a seed pairs two runs: let an [[exclude]] drop none of them",
        );
    } else if first.iter().all(|cell| cell.job.is_deterministic()) {
        fault(
            format!(
                "neither `{}` nor `{}` draws a random number",
                row.left, row.right
            ),
            "all their seeds are one run each, which says all there is: remove the claim",
        );
    }
}

fn text_of(row: &ClaimRow) -> ClaimText {
    let place = row.place.iter().map(|(key, coordinate, _)| {
        let value = match coordinate {
            Coordinate::Dataset(name) => name.clone(),
            Coordinate::Value(value) => value.to_string(),
            Coordinate::Seed(seed) => seed.to_string(),
        };
        (key.name().to_owned(), value)
    });
    ClaimText {
        left: row.left.clone(),
        right: row.right.clone(),
        place: place.collect(),
    }
}

/// The digest of everything that a verdict depends on beside the results.
fn identity(family: &Family, texts: &[ClaimText], arms: &[Vec<usize>], grid: Grid<'_>) -> Digest {
    let settings = &family.settings;
    let mut bytes = Vec::new();
    encode_text("gcl-sweep claims 1", &mut bytes);
    bytes.extend(settings.alpha.to_bits().to_le_bytes());
    bytes.extend(settings.margin.to_bits().to_le_bytes());
    for number in [settings.min, settings.max, settings.at_once] {
        bytes.extend(number.to_le_bytes());
    }
    let anything = Digest([0; 32]);
    for cells in arms {
        let Some(cell) = cells.first().map(|cell| &grid.cells[*cell]) else {
            continue;
        };
        encode_text(&cell.variant, &mut bytes);
        encode_text(&cell.job.dataset.to_string(), &mut bytes);
        bytes.extend(cell.job.seed.to_le_bytes());
        bytes.extend(cell.job.id_of_revision(anything, 0).0);
        encode_text(cell.reporting.score_by.word(), &mut bytes);
    }
    for (claim, text) in family.claims.iter().zip(texts) {
        bytes.extend(claim.left.to_le_bytes());
        bytes.extend(claim.right.to_le_bytes());
        encode_text(&text.to_string(), &mut bytes);
    }
    Digest::of(&bytes)
}
