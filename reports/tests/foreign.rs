//! Runs as MLflow, TensorBoard and W&B wrote them (`tests/foreign/programs.py write`), read as a mapping says; and ours as they read them.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reports::{Mapping, SweepResults, describe_foreign, read_foreign, write_mlflow, write_wandb};
use sweeps::JobStatus;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/foreign")
        .join(name)
}

fn read(path: &Path, map: &str) -> Result<SweepResults, String> {
    let mapping: Mapping = map.parse().unwrap();
    let tables = read_foreign(path, &mapping).map_err(|error| error.to_string())?;
    Ok(tables.sweeps.into_iter().next().unwrap())
}

/// AUC by variant and seed.
fn aucs(results: &SweepResults) -> BTreeMap<(String, u64), f64> {
    let cells = results.cells.iter();
    cells
        .filter_map(|cell| Some(((cell.cell.variant.clone(), cell.cell.job.seed), cell.auc()?)))
        .collect()
}

fn expected() -> BTreeMap<(String, u64), f64> {
    let text = std::fs::read_to_string(fixture("expected.csv")).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let key = (fields[0].to_owned(), fields[1].parse().unwrap());
            (key, fields[2].parse().unwrap())
        })
        .collect()
}

const USUAL: &str = "auc=val/auc,variant=model,seed=seed";
const BY_PATH: &str = "auc=val/auc,path={variant}-seed{seed}";

#[test]
fn every_program_says_the_same_of_the_same_runs() {
    for (name, map) in [
        ("mlruns", USUAL),
        ("tensorboard", BY_PATH),
        ("wandb", USUAL),
    ] {
        let results = read(&fixture(name), map).unwrap();
        assert_eq!(aucs(&results), expected(), "{name}");
        let cell = &results.cells[0];
        let curve = &cell.record.as_ref().unwrap().outcome.curve;
        assert_eq!(curve.len(), 4, "{name}");
        assert!(results.notes[0].contains("another program"), "{name}");
    }
}

#[test]
fn failed_runs_are_shown_and_deleted_ones_counted() {
    let results = read(&fixture("mlruns"), USUAL).unwrap();
    let failed: Vec<_> = results
        .cells
        .iter()
        .filter(|cell| cell.status == JobStatus::Failed)
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].cell.job.seed, 2);
    assert!(
        results
            .notes
            .iter()
            .any(|note| note.contains("1 deleted runs")),
        "{:?}",
        results.notes
    );
    let swept = read(&fixture("mlruns"), &format!("{USUAL},learning_rate=lr")).unwrap();
    assert_eq!(swept.columns, ["learning_rate"]);
    assert_eq!(
        swept.cells[0].cell.point[0]
            .as_ref()
            .and_then(sweeps::Value::as_float),
        Some(1e-4)
    );
}

#[test]
fn what_cannot_be_told_is_refused_with_what_there_is() {
    let refused = |name: &str, map: &str| read(&fixture(name), map).unwrap_err();
    let error = refused("mlruns", "auc=auc,variant=model,seed=seed");
    assert!(
        error.contains("no run has a metric `auc`") && error.contains("`val/auc`"),
        "{error}"
    );
    let error = refused("wandb", "auc=val/auc,variant=modle,seed=seed");
    assert!(error.contains("did you mean `model`?"), "{error}");
    let error = refused("mlruns", "auc=val/auc,variant=lr,seed=seed");
    assert!(error.contains("are the same cell"), "{error}");
    let error = refused("tensorboard", "auc=val/auc,path={variant}/{seed}");
    assert!(error.contains("is not as `path` says"), "{error}");
    assert!(
        describe_foreign(&fixture("mlruns"))
            .unwrap()
            .contains(&format!("--map '{USUAL}'"))
    );
    assert!(
        describe_foreign(&fixture("tensorboard"))
            .unwrap()
            .contains(BY_PATH)
    );
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(describe_foreign(folder.path()), None);
}

#[test]
fn a_damaged_file_is_refused_and_a_torn_one_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("GCL-seed0");
    std::fs::create_dir(&run).unwrap();
    let source = std::fs::read_dir(fixture("tensorboard/GCL-seed0"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let bytes = std::fs::read(source).unwrap();
    let file = run.join("events.out.tfevents.1");
    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(&file, damaged).unwrap();
    let error = read(folder.path(), BY_PATH).unwrap_err();
    assert!(error.contains("damaged at byte"), "{error}");
    std::fs::write(&file, &bytes[..bytes.len() - 3]).unwrap();
    let results = read(folder.path(), BY_PATH).unwrap();
    assert!(
        results.notes.iter().any(|note| note.contains("torn")),
        "{:?}",
        results.notes
    );
}

#[test]
fn a_table_of_anybody_is_read_by_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.csv");
    // As a German Excel saves what pandas wrote: BOM, semicolons, commas, an index.
    std::fs::write(&path, "\u{feff};model;seed;val AUC (%);note\n0;AE;0,0;70,5;a\n1;AE;1,0;71,5;b\n2;GCL;0,0;73,25;c\n3;GCL;1,0;;d\n").unwrap();
    let results = read(&path, "auc=val AUC (%)%,variant=model,seed=seed").unwrap();
    let aucs = aucs(&results);
    assert_eq!(aucs[&("GCL".to_owned(), 0)], 0.7325);
    assert_eq!((aucs.len(), results.cells.len()), (3, 4));
    assert_eq!(results.cells[3].status, JobStatus::Failed, "it has no AUC");
    let error = read(&path, "auc=val AUC (%),variant=model,seed=seed").unwrap_err();
    assert!(error.contains("says that it is in percent"), "{error}");
    std::fs::write(&path, "model,seed,auc\nAE,x,0.5\n").unwrap();
    let error = read(&path, "auc=auc,variant=model,seed=seed").unwrap_err();
    assert!(
        error.contains("line 2") && error.contains("`x` is no whole number"),
        "{error}"
    );
    std::fs::write(&path, "model,seed,auc\nAE,0,0.5x\n").unwrap();
    let error = read(&path, "auc=auc,variant=model,seed=seed").unwrap_err();
    assert!(
        error.contains("line 2") && error.contains("`0.5x`"),
        "{error}"
    );
}

#[test]
fn what_is_written_for_other_programs_is_read_back() {
    let results = read(&fixture("mlruns"), USUAL).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (mlflow, wandb) = (folder.path().join("mlruns"), folder.path().join("wandb"));
    assert_eq!(
        write_mlflow(&results, &mlflow).unwrap(),
        results.cells.len()
    );
    assert_eq!(write_wandb(&results, &wandb).unwrap(), results.cells.len());
    for path in [mlflow, wandb] {
        let again = read(&path, "auc=auc,variant=variant,seed=seed").unwrap();
        assert_eq!(aucs(&again), aucs(&results), "{}", path.display());
        assert_eq!(again.name, "two models");
    }
}
