//! Whether a report has what its sweep file asks for.

use crate::controls::Split;
use crate::figures::Figure;
use crate::results::SweepResults;
use crate::summary::summary;

/// A figure or table that the file asks for and the report does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotDrawn {
    /// Its name in the file.
    pub name: String,
    /// What it is made of, and what the sweep lacks therefore.
    pub needs: &'static str,
}

/// Names in sweep files, and what figures of these names need. A figure that was asked for has that name in the report.
const FIGURES: [(&[&str], &str); 14] = [
    (&["auc", "seeds"], "a finished job with an AUC"),
    (
        &["profile"],
        "two variants or values with ten finished jobs each",
    ),
    (
        &["heatmap"],
        "a parameter with several values on an axis, and another or several variants",
    ),
    (
        &["thresholds"],
        "several values of threshold.generator or threshold.discriminator on axes",
    ),
    (
        &["against", "fig9"],
        "a numeric parameter with several values on an axis, such as supervision_percent = [0, 33, 66, 100]",
    ),
    (
        &["gain"],
        "a `reference`, and another variant that shares a seed with a finished job at two values of a numeric parameter on an axis",
    ),
    (
        &["intervals"],
        "two variants or values that share a seed with a finished job",
    ),
    (
        &["epochs", "fig10"],
        "two variants or values on a data set whose jobs report epochs",
    ),
    (
        &["convergence", "fig5"],
        "a finished job that reports epochs",
    ),
    (&["histograms", "fig4"], SCORES),
    (&["roc"], SCORES),
    (
        &["embedding", "fig6"],
        "a job that keeps an embedding: artifacts.embedding = \"tsne\", with a method that has a generator",
    ),
    (
        &["evolution", "fig7"],
        "a job that keeps its scores over the epochs: artifacts.epoch_scores = \"on\", with a method that has epochs",
    ),
    (
        &["videos", "fig8"],
        "scores of a finished job on test videos with anomalous frames",
    ),
];
const SCORES: &str = "scores of a finished job on test videos with both kinds of frames";

/// What a sweep file may ask for.
pub(crate) fn names() -> Vec<&'static str> {
    let names = FIGURES.iter().flat_map(|(names, _)| names.iter());
    names.copied().collect()
}

/// What a figure of that name is made of.
pub(crate) fn needs(figure: &str) -> Option<&'static str> {
    let known = FIGURES.iter().find(|(names, _)| names.contains(&figure));
    known.map(|(_, needs)| *needs)
}

/// The figures and tables that `results` asks for and that are not among `figures`, those of its report, in the order of
/// the file.
pub fn not_drawn(results: &SweepResults, figures: &[Figure]) -> Vec<NotDrawn> {
    let mut missing = figures_not_drawn(results, figures, "");
    if results.report.tables.iter().any(|table| table == "paired") {
        // Controls are compared with nothing.
        let rows = summary(&Split::of(results).rest);
        // A method that draws nothing is one run, whose value stands beside every seed of another.
        let several = rows.iter().filter(|row| row.expected > 1).count();
        let single = rows.iter().filter(|row| row.deterministic).count();
        if several == 0 || several + single < 2 {
            missing.push(NotDrawn {
                name: "paired".to_owned(),
                needs: "two variants or values with at least two seeds each",
            });
        }
    }
    missing
}

/// The figures among them; `prefix` stands before the names of a report of several sweeps.
pub(crate) fn figures_not_drawn(
    results: &SweepResults,
    figures: &[Figure],
    prefix: &str,
) -> Vec<NotDrawn> {
    let drawn = |name: &str| {
        figures.iter().any(|figure| {
            let own = figure.name.strip_prefix(prefix);
            let rest = own.and_then(|own| own.strip_prefix(name));
            // A figure may come in parts: `fig10-2`.
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    };
    let mut missing = Vec::new();
    for asked in &results.report.figures {
        if !drawn(asked) {
            missing.push(NotDrawn {
                name: asked.clone(),
                needs: needs(asked).unwrap_or("something that this sweep does not have"),
            });
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::ReportRequest;

    fn figure(name: &str) -> Figure {
        Figure {
            name: name.to_owned(),
            title: String::new(),
            caption: String::new(),
            svg: String::new(),
            csv: String::new(),
        }
    }

    #[test]
    fn what_is_asked_for_is_there_under_its_name_or_missed() {
        let results = SweepResults {
            report: ReportRequest {
                figures: ["fig10", "convergence", "fig6", "fig9"]
                    .map(String::from)
                    .to_vec(),
                tables: vec!["mean-std".to_owned(), "paired".to_owned()],
                ..ReportRequest::default()
            },
            ..SweepResults::default()
        };
        let figures = [figure("fig10-2"), figure("convergence"), figure("fig91")];
        let missing: Vec<String> = not_drawn(&results, &figures)
            .into_iter()
            .map(|missing| missing.name)
            .collect();
        assert_eq!(missing, ["fig6", "fig9", "paired"]);
    }

    /// Every name that a sweep file may use has a line here.
    #[test]
    fn every_name_of_the_sweep_language_is_known() {
        for name in sweeps::spec::FIGURES {
            assert!(
                FIGURES.iter().any(|(names, _)| names.contains(name)),
                "{name}"
            );
        }
    }
}
