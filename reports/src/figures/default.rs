//! Which figures a sweep gets: those that fit its factors, and those that its file asks for.
//!
//! A data set is no parameter: it splits every figure into panels and is never an axis.

use std::borrow::Cow;

use super::Figure;
use super::against::{MOST_LINES, against, lines_of};
use super::cells::Cells;
use super::convergence::{self, convergence};
use super::curves::{Curves, evenly, has_curve, length};
use super::dots::dots;
use super::embedding::embeddings;
use super::gain::gain;
use super::heatmap::{MOST_VALUES, heatmap};
use super::histograms::{Histogram, histograms};
use super::intervals::intervals;
use super::key::{Key, values};
use super::overlay::{self, overlay, panels_of};
use super::profile::profile;
use super::roc::{Curve, roc};
use super::scores::scored;
use super::source::Source;
use super::timeline::{evolution, videos};
use crate::factor::factors;
use crate::results::{CellScores, SweepResults};
use crate::summary::SummaryRow;

/// Groups up to which a figure with a row per group reads better than one with an axis.
const FEW_ROWS: usize = 16;
/// The parameters of the figure `thresholds`: to the right, down.
const THRESHOLDS: [&str; 2] = ["threshold.generator", "threshold.discriminator"];
/// Data sets whose videos are shown, at most.
const MOST_DATASETS: usize = 4;
/// The parameter of the paper's Fig. 9.
const SUPERVISION: &str = "supervision_percent";

/// What is drawn from, and what is asked for.
struct Choice<'a> {
    results: &'a SweepResults,
    rows: &'a [SummaryRow],
    cells: Cells,
    prefix: &'a str,
    /// The factors but the data set, by column.
    factors: Vec<usize>,
    /// Those of them whose values are numbers.
    numeric: Vec<usize>,
}

/// The figures of a sweep, those that say most first. `published` has a number (in percent, with its standard deviation)
/// for each of `rows` that the literature has one for; `prefix` keeps the names of several sweeps apart.
pub fn figures_of(
    results: &SweepResults,
    rows: &[SummaryRow],
    published: &[Option<(f64, Option<f64>)>],
    prefix: &str,
) -> Vec<Figure> {
    if rows.is_empty() {
        return Vec::new();
    }
    let mut cells = Cells::of(results, rows, published);
    name_supervision(results, &mut cells);
    let columns = cells.source.others();
    let is_numeric = |column: &usize| {
        let mut values = rows
            .iter()
            .filter_map(|row| row.point.get(*column)?.as_ref());
        values.all(|value| value.as_float().is_some())
    };
    let numeric = columns.iter().copied().filter(is_numeric).collect();
    let choice = Choice {
        results,
        rows,
        cells,
        prefix,
        factors: columns,
        numeric,
    };
    let mut figures = choice.of_factors();
    let at = if choice.factors.is_empty() {
        0
    } else {
        figures.len()
    };
    let few = figures.is_empty() || rows.len() <= FEW_ROWS;
    let names = choice.names("auc", &["seeds"], few);
    figures.splice(at..at, choice.each(&names, &[], dots));
    figures.extend(choice.of_intervals());
    let profiles = choice.names("profile", &[], true);
    let asked = choice.asks("profile");
    figures.extend(choice.each(&profiles, &[], |cells| profile(cells, asked)));
    figures.extend(choice.over_epochs());
    figures.extend(choice.of_scores());
    figures
}

/// Of columns that move together, the share of supervision gives its name where it has as many values: Fig. 9 is drawn
/// against it, whatever else moves with it.
fn name_supervision(results: &SweepResults, cells: &mut Cells) {
    let Some(column) = cells.source.column(SUPERVISION) else {
        return;
    };
    let count = |column| values(cells.groups.iter().map(|group| &group.key), column).len();
    let leader = factors(results)
        .into_iter()
        .find(|factor| factor.derived.contains(&column))
        .filter(|factor| count(factor.column) == count(column))
        .map(|factor| factor.name(&results.columns).to_owned())
        .filter(|name| name != "dataset");
    let named = &mut cells.source.about.factors;
    if let Some(name) = leader.and_then(|leader| named.iter_mut().find(|name| **name == leader)) {
        SUPERVISION.clone_into(name);
    }
}

impl Choice<'_> {
    fn asks(&self, name: &str) -> bool {
        self.results
            .report
            .figures
            .iter()
            .any(|asked| asked == name)
    }

    /// The names under which a figure is drawn: every one that is asked for, else its own where it is drawn `anyway`. A
    /// figure of the paper that was asked for is called by its number.
    fn names(&self, own: &str, others: &[&str], anyway: bool) -> Vec<String> {
        let mut asked: Vec<&str> = others
            .iter()
            .copied()
            .filter(|name| self.asks(name))
            .collect();
        if self.asks(own) || (asked.is_empty() && anyway) {
            asked.push(own);
        }
        asked
            .into_iter()
            .map(|name| format!("{}{name}", self.prefix))
            .collect()
    }

    /// The figure over these axes under each of the names.
    fn each(
        &self,
        names: &[String],
        axes: &[usize],
        draw: impl Fn(&Cells) -> Option<Figure>,
    ) -> Vec<Figure> {
        let draw = |name: &String| draw(&self.cells.named(name, axes));
        names.iter().filter_map(draw).collect()
    }

    /// Figures with a parameter along an axis.
    fn of_factors(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        let column = |name: &str| {
            self.factors
                .iter()
                .copied()
                .find(|column| self.results.columns[*column] == name)
        };
        let thresholds: Vec<usize> = THRESHOLDS.into_iter().filter_map(column).collect();
        // `thresholds` is the heat map of the two thresholds, whatever else is swept.
        if self.asks("thresholds") && !thresholds.is_empty() {
            let axes = match thresholds.as_slice() {
                [one] => self.pair(Some(*one)),
                both => both.to_vec(),
            };
            let name = [format!("{}thresholds", self.prefix)];
            figures.extend(self.each(&name, &axes, |cells| heatmap(cells, "Thresholds: AUC")));
        }
        let two = self.factors.len() == 2 && figures.is_empty();
        let names = self.names("heatmap", &[], two);
        let axes = self.pair(None);
        if !axes.is_empty() {
            figures.extend(self.each(&names, &axes, |cells| heatmap(cells, "AUC")));
        }
        let supervision = column(SUPERVISION).filter(|column| self.numeric.contains(column));
        let along = supervision.or(self.numeric.first().copied());
        if let Some(along) = along {
            let anyway = self.numeric.len() == 1 && lines_of(&self.cells, along) <= MOST_LINES;
            let names = self.names("against", &["fig9"], anyway);
            figures.extend(self.each(&names, &[along], against));
            let names = self.names("gain", &[], false);
            figures.extend(self.each(&names, &[along], |cells| gain(&self.referred(cells))));
        }
        figures
    }

    /// The two parameters of a heat map, to the right and down; one where there is no other. `first` is among them.
    fn pair(&self, first: Option<usize>) -> Vec<usize> {
        let fits = |column: &usize| {
            let keys = self.cells.groups.iter().map(|group| &group.key);
            values(keys, *column).len() <= MOST_VALUES
        };
        let mut pair: Vec<usize> = first.into_iter().collect();
        let others = self.factors.iter().copied().filter(fits);
        pair.extend(
            others
                .filter(|column| Some(*column) != first)
                .take(2 - pair.len()),
        );
        // The numeric parameter, if there is one, runs to the right.
        if let [across, down] = pair.as_slice()
            && self.numeric.contains(down)
            && !self.numeric.contains(across)
        {
            pair.reverse();
        }
        pair
    }

    fn of_intervals(&self) -> Vec<Figure> {
        let names = self.names("intervals", &[], self.results.report.reference.is_some());
        self.each(&names, &[], |cells| intervals(&self.referred(cells)))
    }

    /// The cells with the variant that others are compared with.
    fn referred(&self, cells: &Cells) -> Cells {
        let mut cells = cells.clone();
        let reference = &self.results.report.reference;
        cells.source.about.reference.clone_from(reference);
        cells
    }

    /// Figures with the epochs along an axis.
    fn over_epochs(&self) -> Vec<Figure> {
        let mut with_curve: Vec<&SummaryRow> = self
            .rows
            .iter()
            .filter(|row| has_curve(self.results, row))
            .collect();
        // One epoch is no curve: such groups are named, and drawn only where there is nothing else.
        let long = |row: &&SummaryRow| length(self.results, row) > 1;
        let mut without_curve = Vec::new();
        if with_curve.iter().any(long) {
            let short = with_curve.iter().filter(|row| !long(row));
            without_curve = short.map(|row| row.label(&self.results.columns)).collect();
            with_curve.retain(long);
        }
        let with_curve = with_curve;
        let mut figures = Vec::new();
        let mut source = self.cells.source.clone();
        source.about.without_curve = without_curve;
        let key = |row: &&SummaryRow| Key {
            variant: row.variant.clone(),
            point: row.point.clone(),
        };
        let keys: Vec<Key> = with_curve.iter().map(key).collect();
        let panels = panels_of(&self.cells.source, keys.iter(), |index| {
            length(self.results, with_curve[index])
        });
        let most = panels
            .iter()
            .map(|panel| panel.groups.len())
            .max()
            .unwrap_or(0);
        let fits =
            panels.len() <= overlay::MOST_PANELS && (2..=overlay::MOST_LINES).contains(&most);
        let names = self.names("epochs", &["fig10"], fits);
        let shown: Vec<&SummaryRow> = panels
            .iter()
            .take(overlay::MOST_PANELS)
            .flat_map(|panel| panel.groups.iter().take(overlay::MOST_LINES))
            .map(|index| with_curve[*index])
            .collect();
        figures.extend(self.curves(&source, &names, &with_curve, &shown, overlay));
        let names = self.names("convergence", &["fig5"], true);
        let shown = self.of_panels(&with_curve, &keys);
        figures.extend(self.curves(&source, &names, &with_curve, &shown, convergence));
        figures
    }

    fn curves(
        &self,
        source: &Source,
        names: &[String],
        all: &[&SummaryRow],
        shown: &[&SummaryRow],
        draw: impl Fn(&Curves) -> Option<Figure>,
    ) -> Vec<Figure> {
        if names.is_empty() || shown.is_empty() {
            return Vec::new();
        }
        let of_groups = (shown.len() < all.len()).then_some(all.len());
        let mut curves = Curves::of(self.results, source, shown, of_groups);
        let draw = |name: &String| {
            curves.source.figure.clone_from(name);
            draw(&curves)
        };
        names.iter().filter_map(draw).collect()
    }

    /// The rows that have a panel: all, or evenly chosen ones of each data set.
    fn of_panels<'a>(&self, rows: &[&'a SummaryRow], keys: &[Key]) -> Vec<&'a SummaryRow> {
        let datasets = super::panels::split(&self.cells.source, keys.iter(), &[]);
        let most = (convergence::MOST_PANELS / datasets.len().max(1)).max(1);
        let mut shown: Vec<usize> = datasets
            .iter()
            .take(convergence::MOST_PANELS)
            .flat_map(|panel| {
                let count = panel.groups.len().min(most);
                (0..count).map(move |index| panel.groups[evenly(index, count, panel.groups.len())])
            })
            .collect();
        shown.sort_unstable();
        shown.into_iter().map(|index| rows[index]).collect()
    }

    /// The results without the columns that move with another: labels name a data set, not its batch size too.
    fn by_factors(&self) -> SweepResults {
        let source = &self.cells.source;
        let kept: Vec<usize> = (0..source.columns.len())
            .filter(|column| source.about.factors.contains(&source.columns[*column]))
            .collect();
        let mut results = self.results.clone();
        results.columns = kept
            .iter()
            .map(|column| source.columns[*column].clone())
            .collect();
        for result in &mut results.cells {
            let point = &result.cell.point;
            result.cell.point = kept
                .iter()
                .map(|column| point.get(*column).cloned().flatten())
                .collect();
        }
        results
    }

    /// Figures of scores per segment, where they were kept.
    fn of_scores(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        if self.results.scores.is_empty() {
            return figures;
        }
        let results = &self.by_factors();
        let scored = scored(results);
        for name in self.names("histograms", &["fig4"], true) {
            let binned: Vec<Histogram> = scored.iter().map(Histogram::of).collect();
            figures.extend(histograms(results, &binned, &name));
        }
        let curves: Vec<Curve> = scored.iter().filter_map(Curve::of).collect();
        figures.extend(roc(results, &curves, &format!("{}roc", self.prefix)));
        for name in self.names("embedding", &["fig6"], true) {
            figures.extend(embeddings(results, &name));
        }
        for (index, (dataset, results)) in by_dataset(results).iter().enumerate() {
            // The first data set's is the figure that was asked for; those of others bear their name.
            let named = |name: String| match index {
                0 => name,
                _ => format!("{}{dataset}-{}", self.prefix, &name[self.prefix.len()..]),
            };
            for name in self.names("evolution", &["fig7"], true) {
                figures.extend(evolution(results, &named(name)));
            }
            for name in self.names("videos", &["fig8"], true) {
                figures.extend(videos(results, &named(name)));
            }
        }
        figures
    }
}

/// The results with the scores of one data set at a time, and its name as a part of a file's name.
fn by_dataset(results: &SweepResults) -> Vec<(String, Cow<'_, SweepResults>)> {
    let Some(column) = results.columns.iter().position(|name| name == "dataset") else {
        return vec![(String::new(), Cow::Borrowed(results))];
    };
    let of = |scores: &CellScores| {
        let value = results.cells.get(scores.cell)?.cell.point.get(column)?;
        let plain = |letter: char| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        };
        Some(
            value
                .as_ref()?
                .to_string()
                .chars()
                .map(plain)
                .collect::<String>(),
        )
    };
    let mut parts: Vec<(String, SweepResults)> = Vec::new();
    for scores in &results.scores {
        let name = of(scores).unwrap_or_default();
        let at = parts.iter().position(|(other, _)| *other == name);
        let at = at.unwrap_or_else(|| {
            let part = SweepResults {
                scores: Vec::new(),
                ..results.clone()
            };
            parts.push((name, part));
            parts.len() - 1
        });
        parts[at].1.scores.push(scores.clone());
    }
    parts.truncate(MOST_DATASETS);
    parts
        .into_iter()
        .map(|(name, part)| (name, Cow::Owned(part)))
        .collect()
}
