//! `report` and `export` where nothing but the CSV files is left: no coordinator is started here.

use crate::world::{World, eventually};

const HEAD: &str = "sweep,variant,seed,job_id,status,auc,auc_d,auc_g,best_epoch_auc_d,best_epoch_auc_g,\
    ap_d,ap_g,ano_auc_d,ano_auc_g,macro_auc_d,macro_auc_g,far_d,far_g,recall_at_fpr10_d,recall_at_fpr10_g,\
    epochs,duration_s,device,worker,attempts,error\n";

/// Two variants with two seeds each; one failed with a message that is no friend of HTML.
fn results(sweep: &str) -> String {
    let mut text = HEAD.to_owned();
    for (index, (variant, seed, auc)) in [
        ("AE", 0, "0.61"),
        ("AE", 1, "0.625"),
        ("GCL", 0, "0.7"),
        ("GCL", 1, ""),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("{:064x}", index + 1);
        text += &if auc.is_empty() {
            format!(
                "{sweep},{variant},{seed},{id},failed{},2,<script>alert(1)</script>\n",
                ",".repeat(19)
            )
        } else {
            format!(
                "{sweep},{variant},{seed},{id},done,{auc},,{auc}{},3,1.5,cpu,w1,1,\n",
                ",".repeat(12)
            )
        };
    }
    text
}

/// The epochs of [`results`], three of each finished cell, without numbers.
fn epochs(sweep: &str) -> String {
    let mut text =
        "sweep,variant,seed,job_id,phase,epoch,auc_d,auc_g,loss_d,loss_g,positive_share_g,\
        positive_share_d,agreement_gd,agreement_truth\n"
            .to_owned();
    for (id, variant, seed) in [(1, "AE", 0), (2, "AE", 1), (3, "GCL", 0)] {
        for epoch in 1..=3 {
            text += &format!("{sweep},{variant},{seed},{id:064x},train,{epoch},,,,,,,,\n");
        }
    }
    text
}

#[test]
fn a_report_needs_only_the_csv_files() {
    let world = World::new();
    world.write("one/results.csv", &results("first"));
    world.write("one/epochs.csv", &epochs("first"));
    world.write("two/results.csv", &results("second"));
    world.write("two/epochs.csv", &epochs("second"));
    world.run_ok(&[
        "report",
        "--from",
        "one/results.csv",
        "two",
        "--out",
        "both",
    ]);
    let page = std::fs::read_to_string(world.path("both/report/index.html")).unwrap();
    assert!(page.contains("first") && page.contains("second"));
    assert!(
        page.contains("&lt;script&gt;alert(1)"),
        "the message is shown"
    );
    assert!(!page.contains("<script>alert(1)"), "and does nothing");

    // What was read is written again, to the byte; and the same report comes of it.
    let again = std::fs::read_to_string(world.path("both/first/results.csv")).unwrap();
    assert_eq!(again, results("first"));
    world.run_ok(&[
        "report",
        "--from",
        "both/first",
        "both/second",
        "--out",
        "again",
    ]);
    assert_eq!(
        std::fs::read(world.path("again/report/index.html")).unwrap(),
        page.into_bytes()
    );

    // Without epochs.csv too: what is not known of the epochs is written as it was read.
    world.write("three/results.csv", &results("first"));
    world.run_ok(&["report", "--from", "three", "--out", "alone"]);
    let again = std::fs::read_to_string(world.path("alone/results.csv")).unwrap();
    assert_eq!(again, results("first"));

    let other = world.run(&["report", "third", "--from", "one", "--out", "none"]);
    assert_eq!(other.code, Some(10), "{}", other.stderr);
    assert!(
        other.stderr.contains("first"),
        "it says what there is: {}",
        other.stderr
    );
}

#[test]
fn one_figure_for_a_slide() {
    let world = World::new();
    world.write("one/results.csv", &results("first"));
    world.write("one/epochs.csv", &epochs("first"));
    let svg = world.run_ok(&["report", "--from", "one", "--figure", "auc"]);
    assert!(svg.stdout.starts_with("<svg"), "{}", svg.stdout);
    world.run_ok(&[
        "report",
        "--from",
        "one",
        "--figure",
        "auc",
        "--png",
        "--out",
        "slide.png",
    ]);
    let png = std::fs::read(world.path("slide.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    // A folder that is not there is made.
    let into = ["--figure", "auc", "--out", "talk/slides/auc.svg"];
    world.run_ok(&[&["report", "--from", "one"][..], &into[..]].concat());
    assert!(world.path("talk/slides/auc.svg").is_file());
    // The figures of a report are drawn again from their own CSV, to the byte.
    world.run_ok(&["report", "--from", "one", "--out", "whole"]);
    let drawn = std::fs::read_to_string(world.path("whole/report/figures/auc.svg")).unwrap();
    let again = world.run_ok(&["report", "--from", "whole/report/figures/auc.csv"]);
    assert_eq!(again.stdout, drawn);
    let mixed = world.run(&[
        "report",
        "--from",
        "whole/report/figures/auc.csv",
        "one",
        "--out",
        "x",
    ]);
    assert_eq!(mixed.code, Some(2), "{}", mixed.stderr);
    let unknown = world.run(&["report", "--from", "one", "--figure", "fig99"]);
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.stderr.contains("auc"),
        "it says what there is: {}",
        unknown.stderr
    );
}

#[test]
fn a_broken_file_is_refused_with_its_line() {
    let world = World::new();
    world.write(
        "one/results.csv",
        &results("first").replace("0.625", "much"),
    );
    let ended = world.run(&["report", "--from", "one", "--out", "none"]);
    assert_eq!(ended.code, Some(10), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("line 3") && ended.stderr.contains("much"),
        "{}",
        ended.stderr
    );
}

#[test]
fn export_writes_one_table() {
    let world = World::new();
    world.write("one/results.csv", &results("first"));
    world.write("one/epochs.csv", &epochs("first"));
    let csv = world.run_ok(&["export", "--from", "one", "--format", "csv"]);
    assert_eq!(csv.stdout, results("first"));
    let json = world.run_ok(&["export", "first", "--from", "one", "--format", "json"]);
    let cells: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(cells[1]["auc"], 0.625);
    assert_eq!(cells[3]["status"], "failed");
    let summary = world.run_ok(&["export", "--from", "one", "--table", "summary"]);
    assert_eq!(summary.stdout.lines().count(), 3);
    let parquet = world.run(&[
        "export",
        "--from",
        "one",
        "--format",
        "parquet",
        "--out",
        "one.parquet",
    ]);
    if cfg!(feature = "parquet") {
        assert_eq!(parquet.code, Some(0), "{}", parquet.stderr);
        let bytes = std::fs::read(world.path("one.parquet")).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    } else {
        assert_eq!(parquet.code, Some(2));
        assert!(parquet.stderr.contains("Parquet"), "{}", parquet.stderr);
    }
    let elsewhere = world.run(&["params", "--format", "csv"]);
    assert_eq!(elsewhere.code, Some(2), "{}", elsewhere.stderr);
}

#[test]
fn a_report_is_renewed_while_jobs_arrive_and_outlives_its_coordinator() {
    let world = World::new();
    world.slow_sweep(2);
    let (coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let watch = |every: &str, coordinator: &str| {
        world.start(&[
            "report",
            "tiny",
            "--watch",
            "--every",
            every,
            "--out",
            "live",
            "--coordinator",
            coordinator,
        ])
    };
    let watching = watch("1", &address);
    let page = world.path("live/report/index.html");
    // Whenever it is read, it is whole.
    let read = || {
        let text = std::fs::read_to_string(&page).ok()?;
        assert!(text.ends_with("</html>\n"), "half a page");
        Some(text)
    };
    eventually("a page of a sweep that has not begun", || {
        read().filter(|text| text.contains("4 pending") || text.contains("<b>4</b>"))
    });
    let said = || std::fs::read_to_string(world.path("report.log")).unwrap_or_default();
    coordinator.kill();
    eventually("a word that it is gone", || {
        said()
            .contains("stays as it is until it answers")
            .then_some(())
    });
    let port = address.trim_start_matches("http://").to_owned();
    let (_coordinator, address) = world.coordinator(&port);
    eventually("a word that it is back", || {
        said().contains("answers again").then_some(())
    });
    let worker = world.worker("w", &address);
    eventually("a page with some of the results", || {
        read();
        said()
            .contains("report renewed: 1 of 4")
            .then_some(())
            .or_else(|| said().contains("report renewed: 2 of 4").then_some(()))
            .or_else(|| said().contains("report renewed: 3 of 4").then_some(()))
    });
    assert_eq!(
        watching.wait(),
        Some(0),
        "it ends with the sweep: {}",
        said()
    );
    assert!(!read().unwrap().contains("This sweep is not finished"));

    worker.kill();

    // One that is interrupted says so, and leaves the page.
    world.slow_sweep(3);
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let watching = watch("60", &address);
    eventually("a first page", || {
        said().contains("report renewed").then_some(())
    });
    watching.terminate();
    assert_eq!(watching.wait(), Some(130), "{}", said());
    assert!(read().is_some());
}
