//! The CSV files: columns, order, and that they read back to the same bits.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use crate::fabricated;

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use reports::files::{EPOCH_COLUMNS, RESULT_COLUMNS, write_epochs, write_results, write_summary};
use reports::{SweepResults, read_csv, summary, write_csv};
use sweeps::Value;

fn lines(text: &str) -> Vec<csv::StringRecord> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes())
        .records()
        .map(Result::unwrap)
        .collect()
}

/// The header that DESIGN.md promises, to the letter.
#[test]
fn the_columns_are_the_promised_ones() {
    let results = fabricated::grid();
    let header = |text: String| text.lines().next().unwrap().to_owned();
    assert_eq!(
        header(write_results(&results)),
        "sweep,variant,seed,job_id,status,auc,auc_d,auc_g,best_epoch_auc_d,best_epoch_auc_g,ap_d,ap_g,ano_auc_d,ano_auc_g,\
         macro_auc_d,macro_auc_g,far_d,far_g,recall_at_fpr10_d,recall_at_fpr10_g,epochs,duration_s,device,worker,attempts,error,\
         threshold.generator,learning_rate"
    );
    assert_eq!(
        header(write_epochs(&results)),
        "sweep,variant,seed,job_id,phase,epoch,auc_d,auc_g,loss_d,loss_g,positive_share_g,positive_share_d,agreement_gd,\
         agreement_truth,threshold.generator,learning_rate"
    );
    assert!(header(write_summary(&results, &summary(&results))).starts_with(
        "variant,n,failed,auc_d_mean,auc_d_std,auc_d_ci_low,auc_d_ci_high,auc_g_mean,auc_g_std,auc_g_ci_low,auc_g_ci_high,"
    ));
    assert_eq!((RESULT_COLUMNS.len(), EPOCH_COLUMNS.len()), (26, 14));
}

#[test]
fn every_cell_has_its_line_and_the_order_of_cells_does_not_matter() {
    let mut results = fabricated::troubled();
    let (cells, epochs) = (write_results(&results), write_epochs(&results));
    assert_eq!(lines(&cells).len(), results.cells.len() + 1);
    results.cells.reverse();
    assert_eq!(write_results(&results), cells);
    assert_eq!(write_epochs(&results), epochs);
}

/// A line that is lost makes no smaller n that nobody sees.
#[test]
fn lines_that_are_missing_are_told() {
    let results = fabricated::quickstart();
    let folder = tempfile::tempdir().unwrap();
    write_csv(&results, folder.path()).unwrap();
    let path = folder.path().join("results.csv");
    let whole = read_csv(&path).unwrap().remove(0);
    assert!(!whole.notes.iter().any(|note| note.contains("lacks cells")));
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let gone = lines.pop().unwrap();
    let variant = gone.split(',').nth(1).unwrap();
    std::fs::write(&path, lines.join("\n")).unwrap();
    let read = read_csv(&path).unwrap().remove(0);
    let note = read.notes.iter().find(|note| note.contains("lacks cells"));
    let said = reports::read_tables(&path).unwrap().notes;
    assert!(said.iter().any(|said| Some(said) == note), "{said:?}");
    assert!(
        note.is_some_and(|note| note.contains("1 of ") && note.contains(variant)),
        "{:?}",
        read.notes
    );
}

#[test]
fn lines_are_sorted_by_variant_values_and_seed() {
    let rows = lines(&write_results(&fabricated::wide()));
    let sigmas: Vec<f64> = rows[1..]
        .iter()
        .filter(|row| &row[1] == "GCL_B")
        .map(|row| row[26].parse().unwrap())
        .collect();
    assert!(
        sigmas.is_sorted(),
        "numbers are sorted by size: 10 after 9.8"
    );
    let variants: Vec<&str> = rows[1..].iter().map(|row| &row[1]).collect();
    assert!(variants.is_sorted());
}

/// What does not apply is empty, what failed says why, and a running job's epochs are there.
#[test]
fn unfinished_cells_say_what_they_are() {
    let results = fabricated::troubled();
    let text = write_results(&results);
    let rows = lines(&text);
    let find = |variant: &str, seed: &str| {
        rows.iter()
            .find(|row| row[1].contains(variant) && &row[2] == seed)
            .unwrap()
    };
    assert_eq!(&find("AE_AllData", "0")[6], "", "an autoencoder has no D");
    assert_eq!(
        find("AE_AllData", "0")[5],
        find("AE_AllData", "0")[7],
        "and reports its only score"
    );
    let failed = find("GCL_B", "2");
    assert_eq!((&failed[4], &failed[5]), ("failed", ""));
    assert!(failed[25].starts_with("diverged"));
    assert_eq!(&find("script", "1")[4], "quarantined");
    assert_eq!(
        &find("script", "1")[25],
        "trainer: index out of bounds\n<b>at</b> line 3, \"quoted\""
    );
    let running = lines(&write_epochs(&results))
        .into_iter()
        .filter(|row| &row[1] == "GCL_B" && &row[2] == "7")
        .count();
    assert_eq!(running, 7);
}

#[test]
fn two_cells_that_share_a_job_are_two_lines() {
    let mut results = fabricated::quickstart();
    let mut twin = results.cells[0].clone();
    twin.cell.variant = "the same under another name".into();
    results.cells.push(twin);
    let text = write_results(&results);
    let ids: Vec<String> = lines(&text)[1..]
        .iter()
        .map(|row| row[3].to_owned())
        .collect();
    assert_eq!(
        (ids.len(), ids.iter().collect::<BTreeSet<_>>().len()),
        (11, 10)
    );
}

/// n, failed and missing add up to what was asked for, and the mean is that of the finished seeds.
#[test]
fn the_summary_hides_nobody() {
    let results = fabricated::troubled();
    let rows = summary(&results);
    assert_eq!(
        rows.iter().map(|row| row.expected).sum::<usize>(),
        results.cells.len()
    );
    for row in &rows {
        assert_eq!(
            row.n + row.failed + row.missing,
            row.expected,
            "{}",
            row.variant
        );
    }
    let row = rows.iter().find(|row| row.variant == "GCL_B").unwrap();
    assert_eq!((row.n, row.failed, row.missing), (8, 1, 1));
    let aucs: Vec<f64> = results
        .cells
        .iter()
        .filter(|result| result.cell.variant == "GCL_B")
        .filter_map(sweeps::CellResult::auc)
        .collect();
    let mean = aucs.iter().sum::<f64>() / 8.0;
    assert!((row.auc.mean.unwrap() - mean).abs() < 1e-15);
    assert_eq!(
        rows.iter().map(|row| row.variant.as_str()).next(),
        Some("AE_AllData"),
        "the sweep's own order"
    );
}

fn round_trip(results: &SweepResults, folder: &Path) {
    write_csv(results, folder).unwrap();
    let read = read_csv(folder).unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!(write_results(&read[0]), write_results(results));
    assert_eq!(write_epochs(&read[0]), write_epochs(results));
    let (ours, theirs) = (summary(results), summary(&read[0]));
    assert_eq!(
        write_summary(&read[0], &theirs),
        write_summary(results, &ours)
    );
}

#[test]
fn what_was_written_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    for results in [
        fabricated::quickstart(),
        fabricated::troubled(),
        fabricated::grid(),
        fabricated::supervision(),
    ] {
        round_trip(&results, folder.path());
    }
    // A path to one of the files means its folder.
    assert!(read_csv(&folder.path().join("epochs.csv")).is_ok());
}

/// Warnings and settings are no columns of a table: `sweep.json` has them, and without it nobody claims that there were none.
#[test]
fn warnings_survive_the_files_and_are_not_denied_without_them() {
    let folder = tempfile::tempdir().unwrap();
    let results = fabricated::troubled();
    let recorded = |results: &SweepResults| -> usize {
        let records = results.cells.iter().filter_map(|cell| cell.record.as_ref());
        records.map(|record| record.outcome.warnings.len()).sum()
    };
    assert!(recorded(&results) > 0);
    write_csv(&results, folder.path()).unwrap();
    let read = read_csv(folder.path()).unwrap();
    assert_eq!(recorded(&read[0]), recorded(&results));
    assert!(!read[0].warnings_lost);
    let page = reports::render_page(&read).unwrap();
    assert!(page.contains("labels-locked"));

    std::fs::remove_file(folder.path().join("sweep.json")).unwrap();
    let quiet = fabricated::quickstart();
    write_csv(&quiet, folder.path()).unwrap();
    std::fs::remove_file(folder.path().join("sweep.json")).unwrap();
    let read = read_csv(folder.path()).unwrap();
    let page = reports::render_page(&read).unwrap();
    assert!(!page.contains("no job recorded a warning"));
    assert!(page.contains("do not say whether jobs recorded warnings"));
    // What is not known stays so when it is written again.
    write_csv(&read[0], folder.path()).unwrap();
    assert!(read_csv(folder.path()).unwrap()[0].warnings_lost);
}

/// A result from the cache of finished results stays one in every report that is made of the files.
#[test]
fn results_that_were_not_trained_for_the_sweep_are_said_to_be_so_from_the_files_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut results = fabricated::quickstart();
    let taken: Vec<sweeps::JobId> = results.cells[..2].iter().map(|cell| cell.job_id).collect();
    for result in &mut results.cells {
        if taken.contains(&result.job_id) {
            let record = std::sync::Arc::make_mut(result.record.as_mut().unwrap());
            record.provenance.cached_since_ms = Some(1_790_000_000_000);
            result.attempts = 0;
        }
    }
    write_csv(&results, folder.path()).unwrap();
    let read = read_csv(folder.path()).unwrap();
    for (ours, theirs) in results.cells.iter().zip(&read[0].cells) {
        let since = |cell: &sweeps::CellResult| cell.record.as_ref()?.provenance.cached_since_ms;
        assert_eq!(since(ours), since(theirs));
    }
    for results in [&read[0], &results] {
        let page = reports::render_page(std::slice::from_ref(results)).unwrap();
        assert!(page.contains("2 of these jobs were not trained for this sweep"));
    }
}

#[test]
fn a_file_that_is_not_ours_is_refused_with_its_name_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.csv");
    let text = write_results(&fabricated::quickstart());
    for (broken, expected) in [
        (String::new(), "there is no column `sweep`"),
        ("a,b\n1,2\n".to_owned(), "there is no column `sweep`"),
        (
            text.replacen(",done,", ",gone,", 1),
            "line 2: `gone` is no status",
        ),
        (
            text.replacen("job_id,status", "job_id,state", 1),
            "there is no column `status`",
        ),
        (text.replace(",15,", ",15,x,"), "line 2"),
        (text.lines().next().unwrap().to_owned(), "no lines"),
    ] {
        std::fs::write(&path, broken).unwrap();
        let message = read_csv(folder.path()).unwrap_err().to_string();
        assert!(
            message.contains("results.csv") && message.contains(expected),
            "{message}"
        );
    }
    std::fs::remove_file(&path).unwrap();
    assert!(
        read_csv(folder.path())
            .unwrap_err()
            .to_string()
            .contains("results.csv")
    );
}

/// A swept `epochs` shares its name with a fixed column; numbers may be spelt as another program spells them; a metric
/// that is no fraction, and a cell that stands twice, are refused.
#[test]
fn tables_of_other_hands_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut results = fabricated::quickstart();
    results.columns = vec!["epochs".into()];
    for (index, cell) in results.cells.iter_mut().enumerate() {
        cell.cell.point = vec![Some(Value::Integer(if index % 2 == 0 { 4 } else { 8 }))];
    }
    round_trip(&results, folder.path());
    assert_eq!(summary(&read_csv(folder.path()).unwrap()[0]).len(), 4);

    let path = folder.path().join("results.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let respelt: String = text
        .lines()
        .map(|line| match line.strip_suffix(",4") {
            Some(start) => format!("{start},4.0\n"),
            None => format!("{line}\n"),
        })
        .collect::<Vec<_>>()
        .concat();
    std::fs::write(&path, respelt).unwrap();
    let read = read_csv(folder.path()).unwrap();
    let numeric = |cell: &sweeps::CellResult| cell.cell.point[0].as_ref().unwrap().as_float();
    assert!(read[0].cells.iter().all(|cell| numeric(cell).is_some()));

    let second = text.lines().nth(1).unwrap();
    std::fs::write(&path, format!("{text}{second}\n")).unwrap();
    let message = read_csv(folder.path()).unwrap_err().to_string();
    assert!(
        message.contains("it is the cell of line 2 again"),
        "{message}"
    );

    let fields: Vec<&str> = second.split(',').collect();
    let percent = second.replacen(&format!(",{},", fields[7]), ",67.2,", 1);
    std::fs::write(&path, text.replacen(second, &percent, 1)).unwrap();
    let message = read_csv(folder.path()).unwrap_err().to_string();
    assert!(message.contains("is no fraction"), "{message}");
}

/// What pandas, Excel and people make of a table: an index, other columns, `.0`, other spellings, semicolons and decimal commas.
fn through(
    text: &str,
    delimiter: u8,
    respell: impl Fn(&str, &str) -> String,
    index: Option<&str>,
) -> String {
    let mut rows = lines(text);
    let header = rows.remove(0);
    let mut out = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let first = |cell: String| index.map(|_| cell).into_iter();
    out.write_record(first(index.unwrap_or("").to_owned()).chain(header.iter().map(str::to_owned)))
        .unwrap();
    for (number, row) in rows.iter().enumerate() {
        let cells = header
            .iter()
            .zip(row)
            .map(|(name, cell)| respell(name, cell));
        out.write_record(first(number.to_string()).chain(cells))
            .unwrap();
    }
    String::from_utf8(out.into_inner().unwrap()).unwrap()
}

/// A text as a program writes it to a file.
type Encode<'a> = &'a dyn Fn(&str) -> Vec<u8>;

/// Whatever a number is spelt like, the table says the same; a column that is nobody's is said and makes no points of its own.
#[test]
fn a_table_that_went_through_pandas_or_excel_says_the_same() {
    let results = fabricated::grid();
    let numbers = |name: &str| {
        ["seed", "epochs", "attempts", "epoch", "learning_rate"].contains(&name)
            || name.contains("auc")
            || name.contains("loss")
            || name == "duration_s"
    };
    let pandas = |name: &str, cell: &str| match cell.parse::<f64>() {
        Ok(number) if numbers(name) && number.fract() == 0.0 => format!("{number:?}"),
        Ok(number) if numbers(name) => format!("{number:.17e}").replace("e-", "e-0"),
        Err(_) if cell.is_empty() && numbers(name) => "NaN".to_owned(),
        _ => cell.to_owned(),
    };
    let excel = |name: &str, cell: &str| match cell.parse::<f64>() {
        Ok(number) if numbers(name) => format!("{number}").replace('.', ","),
        _ => cell.to_owned(),
    };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let utf16 = |text: &str| -> Vec<u8> {
        let text = format!("\u{feff}{text}");
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    let plain: Encode<'_> = &|text| text.as_bytes().to_vec();
    let marked: Encode<'_> = &|text| format!("\u{feff}{text}").into_bytes();
    let separated: Encode<'_> = &|text| format!("sep=;\r\n{text};;;\r\n").into_bytes();
    for about in [true, false] {
        for (way, encode) in [
            (("", b',', 0), plain),
            (("Unnamed: 0", b',', 0), marked),
            (("index", b';', 1), marked),
            (("", b'\t', 1), &utf16 as Encode<'_>),
            (("", b';', 1), separated),
        ] {
            write_csv(&results, folder.path()).unwrap();
            if !about {
                std::fs::remove_file(folder.path().join("sweep.json")).unwrap();
            }
            let (index, delimiter, speller) = way;
            for (name, text) in [
                ("results.csv", write_results(&results)),
                ("epochs.csv", write_epochs(&results)),
            ] {
                let text = match speller {
                    0 => through(&text, delimiter, pandas, Some(index)),
                    _ => through(&text, delimiter, excel, Some(index)),
                };
                write(name, &encode(&text));
            }
            let read = reports::read_tables(folder.path()).unwrap();
            assert!(read.notes[0].contains("without a name"), "{:?}", read.notes);
            let read = &read.sweeps[0];
            assert_eq!(read.columns, results.columns);
            assert_eq!(write_results(read), write_results(&results), "{way:?}");
            assert_eq!(write_epochs(read), write_epochs(&results), "{way:?}");
        }
    }
}

#[test]
fn a_column_that_is_nobodys_is_said_and_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let results = fabricated::grid();
    write_csv(&results, folder.path()).unwrap();
    let path = folder.path().join("results.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let commented = text.lines().enumerate().map(|(number, line)| match number {
        0 => format!("{line},comment"),
        _ => format!("{line},odd {number}"),
    });
    let commented: Vec<String> = commented.collect();
    let with = commented.join("\n") + "\n";
    // A table beside, under a name of its own.
    let copy = folder.path().join("mine.csv");
    std::fs::write(&copy, &with).unwrap();
    let read = reports::read_tables(&copy).unwrap();
    assert!(read.notes[0].contains("mine.csv: the column `comment` is unknown"));
    assert_eq!(write_results(&read.sweeps[0]), text);
    assert_eq!(write_epochs(&read.sweeps[0]), write_epochs(&results));
    // Two frames one below the other, told apart by that column alone, are not two runs.
    std::fs::write(&copy, format!("{with}{}\n", commented[1])).unwrap();
    let message = read_csv(&copy).unwrap_err().to_string();
    assert!(message.contains("`comment` is unknown"), "{message}");
    // Lines that were taken out take their epochs along, and that is said.
    let some: Vec<&str> = text.lines().take(4).collect();
    let some = some.join("\n");
    std::fs::write(&copy, some).unwrap();
    let read = reports::read_tables(&copy).unwrap();
    assert!(read.notes[0].contains("are left out"), "{:?}", read.notes);
}

#[test]
fn a_workbook_is_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.xlsx");
    std::fs::write(&path, b"PK\x03\x04\x14\x00").unwrap();
    let message = read_csv(&path).unwrap_err().to_string();
    assert!(message.contains("save it as CSV"), "{message}");
}

fn value() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        any::<bool>().prop_map(|value| Some(Value::Boolean(value))),
        any::<i64>().prop_map(|value| Some(Value::Integer(value))),
        prop::num::f64::NORMAL.prop_map(|value| Some(Value::Float(value))),
        "[^\\r\\x00]{1,12}".prop_map(|value| Some(Value::Text(value))),
    ]
}

/// The files alone draw the same figures, to the byte.
#[test]
fn the_csv_files_redraw_the_figures() {
    let folder = tempfile::tempdir().unwrap();
    for results in [
        fabricated::quickstart(),
        fabricated::wide(),
        fabricated::supervision(),
    ] {
        write_csv(&results, folder.path()).unwrap();
        let read = read_csv(folder.path()).unwrap();
        assert_eq!(
            reports::render_figures(&read).unwrap(),
            reports::render_figures(&[results]).unwrap()
        );
    }
}

/// What a folder calls itself, and the variant to compare with, come back from `sweep.json`.
#[test]
fn what_no_table_holds_comes_back_from_sweep_json() {
    let folder = tempfile::tempdir().unwrap();
    let mut results = fabricated::supervision();
    results.datasets[0].own_name = Some("ucsd-ped2".into());
    results.report.reference = Some("GCL_B".into());
    write_csv(&results, folder.path()).unwrap();
    let read = &read_csv(folder.path()).unwrap()[0];
    assert_eq!(read.report.reference, results.report.reference);
    assert_eq!(read.datasets[0].own_name, results.datasets[0].own_name);
    assert_eq!(read.datasets[0].test, results.datasets[0].test);
}

#[test]
fn json_has_the_same_numbers() {
    let results = fabricated::troubled();
    let cells: serde_json::Value =
        serde_json::from_str(&reports::files::write_json(&results)).unwrap();
    let rows = lines(&write_results(&results));
    assert_eq!(cells.as_array().unwrap().len() + 1, rows.len());
    for (cell, row) in cells.as_array().unwrap().iter().zip(&rows[1..]) {
        assert_eq!(cell["job_id"], row[3]);
        assert_eq!(cell["status"], row[4]);
        assert_eq!(cell["auc"].as_f64(), row[5].parse().ok());
        assert_eq!(cell["auc_g"].as_f64(), row[7].parse().ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the names, values and numbers are: they read back, and nothing panics.
    #[test]
    fn any_cell_reads_back(
        variant in "\\PC{0,20}",
        error in proptest::option::of("[^\\r\\x00]{1,30}"),
        points in proptest::collection::vec(value(), 1..4),
        aucs in proptest::collection::vec(0.0..=1.0_f64, 4),
        seed: u64,
    ) {
        let mut results = fabricated::quickstart();
        results.cells.truncate(1);
        results.columns = (0..points.len()).map(|index| format!("column.{index}")).collect();
        let result = &mut results.cells[0];
        result.cell.variant = variant;
        result.cell.point = points;
        result.cell.job.seed = seed;
        if let Some(record) = &mut result.record {
            let record = std::sync::Arc::make_mut(record);
            record.outcome.metrics.d = Some(sweeps::ScoreMetrics { auc: Some(aucs[0]), ap: Some(aucs[1]), ..Default::default() });
            record.outcome.metrics.g = Some(sweeps::ScoreMetrics { far: Some(aucs[2]), ..Default::default() });
            record.provenance.duration_s = aucs[3];
        }
        if error.is_some() {
            results.cells[0] = fabricated::ended(results.cells[0].clone(), sweeps::JobStatus::Failed, error.as_deref(), 3);
        }
        let folder = tempfile::tempdir().unwrap();
        round_trip(&results, folder.path());
    }

    /// Any bytes in a file are an error or a table, never a panic.
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400), keep_header: bool) {
        let folder = tempfile::tempdir().unwrap();
        let mut text = if keep_header { RESULT_COLUMNS.join(",").into_bytes() } else { Vec::new() };
        text.push(b'\n');
        text.extend(bytes);
        std::fs::write(folder.path().join("results.csv"), text).unwrap();
        let _ = read_csv(folder.path());
    }
}

/// Tables travel alone: those of a rehearsal say that they are one, and are read as one.
#[test]
fn a_rehearsal_is_one_in_every_table_and_stays_one() {
    let mut results = fabricated::grid();
    results.rehearsal = true;
    let sweep = format!("{} (rehearsal)", results.name);
    for text in [write_results(&results), write_epochs(&results)] {
        assert!(lines(&text)[1..].iter().all(|line| line[0] == *sweep));
    }
    let text = write_summary(&results, &summary(&results));
    assert!(
        lines(&text)[1..]
            .iter()
            .all(|line| line[0].ends_with(" (rehearsal)"))
    );

    let folder = tempfile::tempdir().unwrap();
    write_csv(&results, folder.path()).unwrap();
    for with_about in [true, false] {
        if !with_about {
            std::fs::remove_file(folder.path().join("sweep.json")).unwrap();
        }
        let read = read_csv(folder.path()).unwrap().remove(0);
        assert!(read.rehearsal);
        assert_eq!(
            (&read.name, read.cells.len()),
            (&results.name, results.cells.len())
        );
        let curves = |results: &SweepResults| write_epochs(results);
        assert_eq!(curves(&read), curves(&results));
    }
}

/// A sweep may be called as a rehearsal's table calls it: `sweep.json` knows better.
#[test]
fn a_sweep_whose_name_ends_so_is_no_rehearsal() {
    let mut results = fabricated::grid();
    results.name = "odd (rehearsal)".to_owned();
    let folder = tempfile::tempdir().unwrap();
    write_csv(&results, folder.path()).unwrap();
    let read = read_csv(folder.path()).unwrap().remove(0);
    assert_eq!(
        (read.name.as_str(), read.rehearsal),
        ("odd (rehearsal)", false)
    );
}
