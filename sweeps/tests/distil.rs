//! `method = "distil"` in a sweep file.

use sweeps::training::{LabelMaker, LabelModel, LabelRule};
use sweeps::{Expansion, Limits, ScoreBy, Training, expand_text};

const HEAD: &str = "name = \"t\"\n[dataset]\nname = \"d\"\n";

fn expand(rest: &str) -> Expansion {
    match expand_text("t.toml", &format!("{HEAD}{rest}"), Limits::default()) {
        Ok((_, expansion)) => expansion,
        Err(faults) => panic!("{faults}"),
    }
}

fn variant(name: &str, job: &str) -> String {
    format!("[[variant]]\nname = \"{name}\"\njob = {{ {job} }}\n")
}

fn fault(rest: &str) -> String {
    expand_text("t.toml", &format!("{HEAD}{rest}"), Limits::default())
        .expect_err("the file has faults")
        .to_string()
}

/// The one-shot student, not a method that was chosen by looking at a test split.
#[test]
fn without_more_it_is_the_autoencoders_student() {
    let cells = expand(&variant("AE→D", "method = \"distil\"")).cells;
    let distil = Training::of(&cells[0].job).distil;
    assert_eq!(
        (distil.maker, distil.model, distil.folds, distil.smoothing),
        (LabelMaker::Reconstruction, LabelModel::Autoencoder, 0, 0.0)
    );
    assert_eq!(distil.rule, LabelRule::MeanStd { k: 1.0 });
    let names: Vec<&str> = cells[0]
        .job
        .parameters
        .iter()
        .map(|(name, _)| name)
        .collect();
    for name in [
        "batch_size",
        "optimizer.momentum",
        "reconstruction_error",
        "labels.rule",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(!names.contains(&"pretraining") && !names.contains(&"threshold.generator"));
}

#[test]
fn rules_have_numbers_of_their_own() {
    for (text, expected) in [
        ("\"soft-rank\"", LabelRule::SoftRank { exponent: 4.0 }),
        (
            "{ rule = \"soft-rank\", exponent = 2 }",
            LabelRule::SoftRank { exponent: 2.0 },
        ),
        (
            "{ rule = \"top-percent\" }",
            LabelRule::TopPercent { percent: 10.0 },
        ),
        (
            "{ rule = \"mean-std\", k = -1 }",
            LabelRule::MeanStd { k: -1.0 },
        ),
    ] {
        let cells = expand(&variant(
            "v",
            &format!("method = \"distil\", labels.rule = {text}"),
        ))
        .cells;
        assert_eq!(Training::of(&cells[0].job).distil.rule, expected, "{text}");
    }
    for (text, word) in [
        ("\"otsu\"", "rules: mean-std, top-percent, soft-rank"),
        (
            "{ rule = \"soft-rank\", k = 2 }",
            "its number is `exponent`",
        ),
        ("{ rule = \"top-percent\", percent = 0 }", "out of range"),
    ] {
        let found = fault(&variant(
            "v",
            &format!("method = \"distil\", labels.rule = {text}"),
        ));
        assert!(found.contains(word), "{found}");
    }
}

#[test]
fn what_cannot_be_done_is_said_before_anything_runs() {
    for (job, words) in [
        ("labels.maker = \"lanp\"", ["labels.share", "`v`"]),
        ("labels.folds = 1", ["`labels.folds` = 1", "cross-fit"]),
        (
            "labels.folds = 20, epochs = 60000",
            ["1320000 epochs", "100000"],
        ),
        (
            "labels.maker = \"c2fpl\", score_by = \"fused\"",
            ["score_by", "labels.maker = reconstruction"],
        ),
        (
            "labels.maker = \"c2fpl\", labels.folds = 5",
            ["`labels.folds` means nothing", "reconstruction"],
        ),
    ] {
        let found = fault(&variant("v", &format!("method = \"distil\", {job}")));
        for word in words {
            assert!(found.contains(word), "{job}: {found}");
        }
    }
    let found = fault(&variant("G", "score_by = \"fused\""));
    assert!(found.contains("no error to be fused with"), "{found}");
    // Principal components have no epochs of their own.
    expand(&variant(
        "v",
        "method = \"distil\", labels.model = \"pca\", labels.folds = 20, epochs = 60000",
    ));
}

/// As with every setting of `[job]`: it holds for the variants that it means something to.
#[test]
fn fused_for_all_is_fused_where_there_is_an_error() {
    let cells = expand(&format!(
        "[job]\nscore_by = \"fused\"\n{}{}",
        variant("B", ""),
        variant("S", "method = \"distil\""),
    ))
    .cells;
    let scores: Vec<ScoreBy> = cells.iter().map(|cell| cell.reporting.score_by).collect();
    assert_eq!(scores, [ScoreBy::Discriminator, ScoreBy::Fused]);
}

#[test]
fn two_ways_to_score_are_one_job() {
    let cells = expand(&format!(
        "{}{}",
        variant("D", "method = \"distil\""),
        variant("both", "method = \"distil\", score_by = \"fused\""),
    ))
    .cells;
    assert_eq!(cells[0].job, cells[1].job);
}
