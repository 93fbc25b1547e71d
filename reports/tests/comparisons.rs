//! What a report compares with what, and what it says: over pages, as a reader sees them.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use crate::fabricated;

use std::sync::Arc;

use fabricated::{Learner, cell};
use reports::pairing::comparisons;
use reports::{SweepResults, render_page, summary};
use sweeps::{CellResult, DatasetSource, JobId, JobStatus, Value};

fn learner(name: &'static str, end: f64) -> Learner {
    Learner {
        name,
        start: 50.0,
        end,
        spread: 0.5,
        has_d: true,
    }
}

/// The same cell with another AUC.
fn with_auc(mut result: CellResult, auc: f64) -> CellResult {
    let record = Arc::make_mut(result.record.as_mut().unwrap());
    let metrics = &mut record.outcome.metrics;
    for score in [&mut metrics.d, &mut metrics.g].into_iter().flatten() {
        score.auc = Some(auc);
    }
    result
}

fn sweep(columns: &[&str], cells: Vec<CellResult>) -> SweepResults {
    SweepResults {
        name: "compared".into(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        cells,
        ..SweepResults::default()
    }
}

/// Cells of variants with AUCs by seed, on one data set.
fn seeds(variants: &[(&'static str, &[f64])]) -> SweepResults {
    let dataset = DatasetSource::Named("somewhere".into());
    let cells = variants.iter().flat_map(|(name, aucs)| {
        aucs.iter().enumerate().map(|(seed, auc)| {
            let made = cell(learner(name, 70.0), &dataset, &[], seed as u64, 2);
            with_auc(made, *auc)
        })
    });
    sweep(&[], cells.collect())
}

/// Rows of the table of comparisons: the texts of their cells.
fn compared(results: &SweepResults) -> (String, Vec<Vec<String>>) {
    let html = render_page(std::slice::from_ref(results)).unwrap();
    let caption = "<caption>Differences of AUC over seeds";
    let Some(start) = html.find(caption) else {
        return (String::new(), Vec::new());
    };
    let table = &html[start..start + html[start..].find("</table>").unwrap()];
    let strip = |cell: &str| -> String {
        let mut inside = true;
        let mut text = String::new();
        for letter in cell.chars() {
            match letter {
                '>' => inside = false,
                '<' => inside = true,
                other if !inside => text.push(other),
                _ => {}
            }
        }
        text.replace("&gt;", ">").replace("&#39;", "'")
    };
    let rows = table
        .split("<tr>")
        .skip(2)
        .map(|row| {
            row.split("</td>")
                .flat_map(|part| part.split("</th>"))
                .map(|cell| strip(&cell[cell.find('<').unwrap_or(0)..]))
                .filter(|text| !text.trim().is_empty() || row.contains("colspan"))
                .collect()
        })
        .collect();
    let end = table.find("</caption>").unwrap();
    (strip(&table[..end]), rows)
}

/// B leads in eighteen of twenty seeds and collapses in two: the ranks are B's, the mean is A's, and nobody is better.
#[test]
fn the_loser_is_never_called_the_better_one() {
    let wave = |seed: usize| 0.001 * (seed % 5) as f64;
    let a: Vec<f64> = (0..20).map(|seed| 0.80 + wave(seed)).collect();
    let b: Vec<f64> = (0..20)
        .map(|seed| {
            if seed == 3 || seed == 11 {
                0.35 + wave(seed)
            } else {
                0.82 + wave(seed) + 0.0001 * seed as f64
            }
        })
        .collect();
    for (first, second) in [(("A", &a), ("B", &b)), (("B", &b), ("A", &a))] {
        let results = seeds(&[(first.0, first.1), (second.0, second.1)]);
        let (_, rows) = compared(&results);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0][1], "undecided", "{rows:?}");
        let why = rows[0].last().unwrap();
        assert_eq!(
            why,
            "B is ahead in 18 of 20 seeds, its mean is not: it is behind in 2, by up to 45.00 points."
        );
    }
    // Without the collapse B is better, on whichever side it stands.
    let steady: Vec<f64> = b.iter().map(|auc| auc.max(0.81)).collect();
    for order in [[("A", &a), ("B", &steady)], [("B", &steady), ("A", &a)]] {
        let results = seeds(&[(order[0].0, order[0].1), (order[1].0, order[1].1)]);
        assert_eq!(compared(&results).1[0][1], "B is better");
    }
}

/// The family is what the sweep was set out to compare, not what has finished.
#[test]
fn the_family_does_not_shrink() {
    let aucs = |level: f64| -> Vec<f64> {
        (0..10)
            .map(|seed| level + 0.001 * f64::from(seed % 3))
            .collect()
    };
    let names = ["V0", "V1", "V2", "V3", "V4", "V5"];
    let all: Vec<(&'static str, Vec<f64>)> = names
        .iter()
        .enumerate()
        .map(|(index, name)| (*name, aucs(0.6 + 0.03 * index as f64)))
        .collect();
    let all: Vec<(&'static str, &[f64])> = all
        .iter()
        .map(|(name, aucs)| (*name, aucs.as_slice()))
        .collect();
    let mut results = seeds(&all);
    let (caption, rows) = compared(&results);
    assert!(
        caption.ends_with("15 comparisons in the family, α = 0.05"),
        "{caption}"
    );
    assert_eq!(rows.len(), 15);
    assert!(rows.iter().all(|row| row[1].ends_with(" is better")));
    for result in &mut results.cells {
        if !["V0", "V1"].contains(&result.cell.variant.as_str()) {
            *result = fabricated::ended(result.clone(), JobStatus::Pending, None, 0);
        }
    }
    let (caption, rows) = compared(&results);
    assert!(
        caption.ends_with("15 comparisons in the family, α = 0.05"),
        "{caption}"
    );
    let row = rows.iter().find(|row| row[0] == "V1 − V0").unwrap();
    // 15 × 2 / 2¹⁰.
    assert!(row.contains(&"0.0293".to_owned()), "{row:?}");
    let open = rows.iter().find(|row| row[0] == "V2 − V0").unwrap();
    assert_eq!(open[1], "too few runs");
    assert_eq!(open[2], "0 of 10");
}

#[test]
fn a_reference_is_compared_with_everybody_else() {
    let values: Vec<f64> = (0..10).map(|seed| 0.7 + 0.001 * f64::from(seed)).collect();
    let all: Vec<(&'static str, &[f64])> = ["A", "B", "C", "D"]
        .into_iter()
        .map(|name| (name, values.as_slice()))
        .collect();
    let mut results = seeds(&all);
    assert_eq!(compared(&results).1.len(), 6);
    results.report.reference = Some("C".into());
    let (caption, rows) = compared(&results);
    let heads: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(heads, ["A − C", "B − C", "D − C"]);
    assert!(caption.contains("3 comparisons in the family"));
    assert!(
        rows.iter().all(|row| row[1] == "equal on every seed"),
        "{rows:?}"
    );
    // A reference that is not there compares all.
    results.report.reference = Some("E".into());
    assert_eq!(compared(&results).1.len(), 6);
}

/// A zip of data set and batch size: two data sets, never subtracted, and no ablation of the batch size.
#[test]
fn data_sets_are_never_subtracted() {
    let zip = [("ucf", 8192), ("tech", 512)];
    let cells = |variant: &'static str| {
        zip.iter().flat_map(move |(name, batch)| {
            let dataset = DatasetSource::Named((*name).into());
            let point = [
                Some(Value::Text((*name).into())),
                Some(Value::Integer(*batch)),
            ];
            (0..6).map(move |seed| cell(learner(variant, 70.0), &dataset, &point, seed, 2))
        })
    };
    let columns = ["dataset", "batch_size"];
    let one = sweep(&columns, cells("GCL_B").collect());
    assert!(comparisons(&one, &summary(&one)).is_empty());
    let html = render_page(std::slice::from_ref(&one)).unwrap();
    assert!(!html.contains("id=\"ablations\"") && !html.contains("id=\"comparisons\""));
    let two = sweep(&columns, cells("GCL_B").chain(cells("GCL_PT")).collect());
    let rows = summary(&two);
    let pairs = comparisons(&two, &rows);
    assert_eq!(pairs.len(), 2);
    for (left, right) in pairs {
        assert_eq!(rows[left].point, rows[right].point);
    }
    assert!(!render_page(&[two]).unwrap().contains("id=\"ablations\""));
}

/// Two data sets and a parameter: the parameter's table has lines for each data set, and points are compared within one.
#[test]
fn ablations_keep_data_sets_apart() {
    let mut cells = Vec::new();
    for (name, level) in [("ucf", 60.0), ("tech", 90.0)] {
        let dataset = DatasetSource::Named(name.into());
        for k in [1, 2, 3] {
            let point = [Some(Value::Text(name.into())), Some(Value::Integer(k))];
            let end = level + k as f64;
            cells.extend((0..6).map(|seed| cell(learner("GCL_B", end), &dataset, &point, seed, 2)));
        }
    }
    let results = sweep(&["dataset", "k"], cells);
    let rows = summary(&results);
    let pairs = comparisons(&results, &rows);
    assert_eq!(pairs.len(), 4, "k = 2 and k = 3 against k = 1, in each");
    for (left, right) in pairs {
        assert_eq!(rows[left].point[0], rows[right].point[0]);
    }
    let html = render_page(&[results]).unwrap();
    assert!(html.contains("<h3>k</h3>") && !html.contains("<h3>dataset"));
    assert!(html.contains("k: over all variants and other settings of a data set together"));
    let ablations = &html[html.find("<h3>k</h3>").unwrap()..];
    let table = &ablations[..ablations.find("</table>").unwrap()];
    assert_eq!(table.matches("<td>ucf</td>").count(), 3);
    assert_eq!(table.matches("<td>tech</td>").count(), 3);
}

/// A method whose seeds share one job is one run: no n of five, no ± 0.00, no interval; its value stands beside every seed.
#[test]
fn a_deterministic_method_is_one_run() {
    let aucs: Vec<f64> = (0..10).map(|seed| 0.75 + 0.002 * f64::from(seed)).collect();
    let mut results = seeds(&[("PCA", &[0.7; 10]), ("GCL_B", &aucs)]);
    for result in results.cells.iter_mut().take(10) {
        result.job_id = JobId([7; 32]);
    }
    let rows = summary(&results);
    let row = &rows[0];
    assert!(row.deterministic && !rows[1].deterministic);
    assert_eq!((row.n, row.expected, row.auc.n), (1, 1, 1));
    assert_eq!((row.auc.std, row.auc.interval), (None, None));
    assert!((row.auc.mean.unwrap() - 0.7).abs() < 1e-15);
    let csv = reports::files::write_summary(&results, &rows);
    let line = csv.lines().find(|line| line.starts_with("PCA,")).unwrap();
    assert!(line.starts_with("PCA,1,0,0.7,,,,0.7,,,,0.7,,,,"), "{line}");
    let (_, rows) = compared(&results);
    assert_eq!(rows[0][0], "GCL_B − PCA");
    assert_eq!(rows[0][1], "GCL_B is better");
    assert_eq!(rows[0][2], "10");
    let html = render_page(&[results]).unwrap();
    assert!(html.contains("PCA works without random numbers: one run"));
}

/// A method that draws nothing is one run, too, where its seeds were made jobs each.
#[test]
fn principal_components_are_one_run_under_any_seed() {
    let mut results = seeds(&[("PCA", &[0.7; 4]), ("GCL_B", &[0.7, 0.8, 0.75, 0.7])]);
    let method = Value::Text("pca".into());
    for (index, result) in results.cells.iter_mut().take(4).enumerate() {
        result.cell.job.parameters.set("method", &method).unwrap();
        if index == 0 {
            *result = fabricated::ended(result.clone(), JobStatus::Failed, Some("no"), 1);
        }
    }
    let rows = summary(&results);
    assert!(rows[0].deterministic);
    // A finished run is its result, whatever became of the others.
    assert_eq!((rows[0].n, rows[0].expected, rows[0].failed), (1, 1, 0));
}

/// Two names of one method: equal, and the page says why.
#[test]
fn the_same_jobs_under_two_names_are_told() {
    let aucs: Vec<f64> = (0..8).map(|seed| 0.7 + 0.01 * f64::from(seed)).collect();
    let mut results = seeds(&[("GCL_B", &aucs), ("baseline", &aucs)]);
    let ids: Vec<JobId> = results.cells[..8].iter().map(|cell| cell.job_id).collect();
    for (result, id) in results.cells[8..].iter_mut().zip(ids) {
        result.job_id = id;
    }
    let (_, rows) = compared(&results);
    assert_eq!(rows[0][1], "equal on every seed");
    assert_eq!(
        rows[0].last().unwrap(),
        "Both names stand for the same jobs."
    );
}

/// Pairs are of common seeds alone, and what is missing is told.
#[test]
fn pairs_are_of_common_seeds() {
    let aucs: Vec<f64> = (0..10).map(|seed| 0.75 + 0.002 * f64::from(seed)).collect();
    let better: Vec<f64> = aucs.iter().map(|auc| auc + 0.05).collect();
    let mut results = seeds(&[("A", &aucs), ("B", &better)]);
    for (variant, seed) in [("A", 1), ("B", 2), ("B", 7)] {
        for result in &mut results.cells {
            if result.cell.variant == variant && result.cell.job.seed == seed {
                *result = fabricated::ended(result.clone(), JobStatus::Failed, Some("no"), 1);
            }
        }
    }
    let (_, rows) = compared(&results);
    assert_eq!(rows[0][2], "7 of 10");
    assert!(rows[0][3].starts_with("+5.00"), "{rows:?}");
    assert_eq!(rows[0][5], "7 of 7");
}
