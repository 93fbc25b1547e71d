//! Whether a report has what its sweep file asks for.

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

/// Names in sweep files, the names under which the report may have the figure, and what it needs.
const FIGURES: [(&str, &[&str], &str); 21] = [
    ("fig4", &["histograms"], SCORES),
    ("roc", &[], SCORES),
    ("fig5", &["convergence"], CURVES),
    ("convergence", &["fig5"], CURVES),
    (
        "fig6",
        &["embedding"],
        "a job that keeps an embedding: artifacts.embedding = \"tsne\", with a method that has a generator",
    ),
    (
        "fig7",
        &["evolution"],
        "a job that keeps its scores over the epochs: artifacts.epoch_scores = \"on\", with a method that has epochs",
    ),
    (
        "fig8",
        &["videos"],
        "scores of a finished job on test videos with anomalous frames",
    ),
    (
        "fig9",
        &["against"],
        "one numeric parameter with several values on an axis, such as supervision_percent = [0, 33, 66, 100]",
    ),
    (
        "fig10",
        &["epochs"],
        "two variants or values whose jobs report epochs",
    ),
    (
        "thresholds",
        &["heatmap"],
        "two parameters with several values each on axes, such as threshold.generator and threshold.discriminator",
    ),
    ("auc", &["seeds"], "a finished job with an AUC"),
    ("seeds", &["auc"], "a finished job with an AUC"),
    (
        "intervals",
        &[],
        "two variants or values that share a seed with a finished job",
    ),
    (
        "profile",
        &[],
        "two variants or values with ten finished jobs each",
    ),
    (
        "epochs",
        &["fig10"],
        "two variants or values whose jobs report epochs",
    ),
    (
        "heatmap",
        &["thresholds"],
        "two parameters with several values each on axes, or one and several variants",
    ),
    (
        "against",
        &["fig9"],
        "one numeric parameter with several values on an axis",
    ),
    ("histograms", &["fig4"], SCORES),
    (
        "embedding",
        &["fig6"],
        "a job that keeps an embedding: artifacts.embedding = \"tsne\", with a method that has a generator",
    ),
    (
        "evolution",
        &["fig7"],
        "a job that keeps its scores over the epochs: artifacts.epoch_scores = \"on\", with a method that has epochs",
    ),
    (
        "videos",
        &["fig8"],
        "scores of a finished job on test videos with anomalous frames",
    ),
];
const SCORES: &str = "scores of a finished job on test videos with both kinds of frames";
const CURVES: &str = "a finished job that reports epochs";

/// The figures and tables that `results` asks for and that are not among `figures`, those of its report, in the order of
/// the file.
pub fn not_drawn(results: &SweepResults, figures: &[Figure]) -> Vec<NotDrawn> {
    let drawn = |name: &str| {
        figures.iter().any(|figure| {
            let rest = figure.name.strip_prefix(name);
            // A figure may come in parts: `fig10-2`.
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    };
    let mut missing = Vec::new();
    for asked in &results.report.figures {
        let known = FIGURES.iter().find(|(name, ..)| name == asked);
        let others = known.map_or(&[][..], |(_, others, _)| others);
        if !drawn(asked) && !others.iter().any(|other| drawn(other)) {
            missing.push(NotDrawn {
                name: asked.clone(),
                needs: known.map_or("something that this sweep does not have", |(.., needs)| {
                    needs
                }),
            });
        }
    }
    if results.report.tables.iter().any(|table| table == "paired") {
        let rows = summary(results);
        if rows.iter().filter(|row| row.expected > 1).count() < 2 {
            missing.push(NotDrawn {
                name: "paired".to_owned(),
                needs: "two variants or values with at least two seeds each",
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
    fn what_is_asked_for_is_found_under_either_name_or_missed() {
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
        let figures = [figure("fig10-2"), figure("fig5"), figure("fig91")];
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
            assert!(FIGURES.iter().any(|(known, ..)| known == name), "{name}");
        }
    }
}
