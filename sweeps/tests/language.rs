//! The sweep language: what files mean, and what is said about files that mean nothing.

use sweeps::{DatasetSource, Expansion, Limits, Value, expand_text};

fn expand(text: &str) -> Expansion {
    match expand_text("test.toml", text, Limits::default()) {
        Ok((_, expansion)) => expansion,
        Err(faults) => panic!("{faults}"),
    }
}

fn faults(text: &str) -> Vec<(usize, String)> {
    let faults =
        expand_text("test.toml", text, Limits::default()).expect_err("the file has faults");
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    faults
        .faults
        .iter()
        .map(|fault| {
            (
                line(fault.span.start),
                format!("{} | {}", fault.message, fault.help),
            )
        })
        .collect()
}

const HEAD: &str = "name = \"t\"\n[dataset]\nname = \"d\"\n";

#[test]
fn the_example_of_the_design_is_forty_jobs() {
    let expansion = expand(
        r#"
name = "fig10"
description = "Convergence of GCL_B and GCL_PT over random seeds"
[dataset]
name = "ucf-crime-resnext"
[job]
epochs = 15
batch_size = 8192
[axes]
seed = { from = 0, count = 20 }
[[variant]]
name = "GCL_B"
[[variant]]
name = "GCL_PT"
job = { pretraining = "temporal-difference" }
[report]
figures = ["fig10"]
tables = ["mean-std"]
"#,
    );
    assert_eq!(expansion.cells.len(), 40);
    assert!(expansion.columns.is_empty());
    let order: Vec<_> = expansion
        .cells
        .iter()
        .map(|cell| (cell.variant.as_str(), cell.job.seed))
        .collect();
    assert_eq!(order[..2], [("GCL_B", 0), ("GCL_B", 1)]);
    assert_eq!(order[20], ("GCL_PT", 0));
    assert!(
        expansion.cells[0]
            .job
            .parameters
            .get("pretrain_epochs")
            .is_none()
    );
    assert_eq!(
        expansion.cells[20].job.parameters.get("pretrain_epochs"),
        Some(&Value::Integer(15))
    );
}

#[test]
fn the_order_of_keys_does_not_matter() {
    let one =
        format!("{HEAD}[axes]\nseed = [0, 1]\nlearning_rate = [1e-4, 1e-5]\nepochs = [1, 2]\n");
    let other = "[axes]\nepochs = [1, 2]\nlearning_rate = [1e-4, 1e-5]\nseed = [0, 1]\n[dataset]\nname = \"d\"\n";
    let other = format!("name = \"t\"\n{other}");
    assert_eq!(expand(&one), expand(&other));
    assert_eq!(expand(&one).columns, ["epochs", "learning_rate"]);
}

#[test]
fn nested_dotted_and_quoted_names_mean_the_same() {
    let forms = [
        "[job]\nthreshold.generator = { rule = \"fixed\", value = 0.5 }\n",
        "[job]\n\"threshold.generator\" = { rule = \"fixed\", value = 0.5 }\n",
        "[job.threshold.generator]\nrule = \"fixed\"\nvalue = 0.5\n",
        "[job.threshold]\ngenerator.rule = \"fixed\"\ngenerator.value = 0.5\n",
    ];
    let first = expand(&format!("{HEAD}{}", forms[0]));
    for form in forms {
        assert_eq!(expand(&format!("{HEAD}{form}")), first, "{form}");
    }
}

#[test]
fn a_variant_overrides_the_job_key_by_key_and_a_threshold_whole() {
    let expansion = expand(&format!(
        "{HEAD}[job]\noptimizer.momentum = 0.5\noptimizer.alpha = 0.9\nthreshold.generator = {{ rule = \"top-percent\", percent = 7 }}\n\
         [[variant]]\nname = \"a\"\njob = {{ optimizer = {{ momentum = 0.1 }}, threshold.generator.rule = \"mean-std\" }}\n"
    ));
    let parameters = &expansion.cells[0].job.parameters;
    assert_eq!(
        parameters.get("optimizer.momentum"),
        Some(&Value::Float(0.1))
    );
    assert_eq!(parameters.get("optimizer.alpha"), Some(&Value::Float(0.9)));
    assert_eq!(
        parameters.get("threshold.generator").unwrap().to_string(),
        "mean-std k=1"
    );
}

#[test]
fn zips_move_together_and_excludes_drop() {
    let expansion = expand(&format!(
        "{HEAD}[axes]\nseed = 3\nepochs = [1, 2]\n\
         [[zip]]\nlearning_rate = [1e-4, 1e-5]\nbatch_size = [64, 128]\n\
         [[exclude]]\nepochs = 2\nbatch_size = 128\n"
    ));
    assert_eq!(expansion.columns, ["epochs", "batch_size", "learning_rate"]);
    let points: Vec<String> = expansion
        .cells
        .iter()
        .map(|cell| {
            format!(
                "{:?}",
                cell.point
                    .iter()
                    .flatten()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
            )
        })
        .collect();
    assert_eq!(
        points,
        [
            r#"["1", "64", "1e-4"]"#,
            r#"["1", "128", "1e-5"]"#,
            r#"["2", "64", "1e-4"]"#
        ]
    );
    assert!(expansion.cells.iter().all(|cell| cell.job.seed == 3));
}

#[test]
fn an_included_row_is_one_job_more_and_shows_what_is_in_force() {
    let expansion = expand(&format!(
        "{HEAD}[axes]\nseed = [0, 1]\nepochs = [1, 2]\n[[include]]\nseed = 9\nlearning_rate = 1e-3\n"
    ));
    assert_eq!(expansion.cells.len(), 5);
    assert_eq!(expansion.columns, ["epochs", "learning_rate"]);
    let last = &expansion.cells[4];
    assert_eq!(
        (last.job.seed, last.point.clone()),
        (9, vec![Some(Value::Integer(15)), Some(Value::Float(1e-3))])
    );
    assert_eq!(expansion.cells[0].point[1], Some(Value::Float(2e-5)));
}

#[test]
fn random_draws_are_the_same_every_time_and_in_range() {
    let text = format!(
        "{HEAD}[random]\ncount = 50\nseed = 4\n[random.ranges]\nlearning_rate = {{ min = 1e-5, max = 1e-3, scale = \"log\" }}\n\
         batch_size = {{ min = 10, max = 12 }}\nfeature_scaling = [\"l2\", \"standard\"]\n"
    );
    let expansion = expand(&text);
    assert_eq!(expansion, expand(&text));
    assert_ne!(expansion, expand(&text.replace("seed = 4", "seed = 5")));
    let column = |name: &str| {
        let at = expansion
            .columns
            .iter()
            .position(|column| column == name)
            .unwrap();
        expansion
            .cells
            .iter()
            .map(|cell| cell.point[at].clone().unwrap())
            .collect::<Vec<_>>()
    };
    let rates: Vec<f64> = column("learning_rate")
        .iter()
        .map(|value| value.as_float().unwrap())
        .collect();
    assert!(rates.iter().all(|rate| (1e-5..=1e-3).contains(rate)));
    assert!(
        rates
            .iter()
            .filter(|rate| **rate < 1e-4)
            .count()
            .abs_diff(25)
            < 15,
        "log scale: half lie below the geometric mean"
    );
    for size in [10, 11, 12] {
        assert!(
            column("batch_size").contains(&Value::Integer(size)),
            "{size}"
        );
    }
}

#[test]
fn a_spaced_axis_counts_from_its_start() {
    let expansion = expand(&format!(
        "{HEAD}[axes]\nseed = {{ from = 5, count = 2 }}\nsupervision_percent = {{ from = 0, count = 4, step = 33 }}\n"
    ));
    let percents: Vec<_> = expansion
        .cells
        .iter()
        .filter(|cell| cell.job.seed == 5)
        .map(|cell| cell.point[0].clone().unwrap().to_string())
        .collect();
    assert_eq!(percents, ["0", "33", "66", "99"]);
}

#[test]
fn a_spaced_axis_has_the_values_that_a_list_would_name() {
    for (key, spaced, list) in [
        (
            "negative_learning.sigma",
            "{ from = 0.1, count = 9, step = 0.1 }",
            "[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]",
        ),
        (
            "learning_rate",
            "{ from = 1e-5, count = 4, step = 1e-5 }",
            "[1e-5, 2e-5, 3e-5, 4e-5]",
        ),
        (
            "supervision_percent",
            "{ from = 100, count = 4, step = -33.3 }",
            "[100.0, 66.7, 33.4, 0.1]",
        ),
        (
            "supervision_percent",
            "{ from = 0.30, count = 4, step = -0.1 }",
            "[0.3, 0.2, 0.1, 0.0]",
        ),
        (
            "negative_learning.sigma",
            "{ from = 0.1000000000000000000000000000000000000000000001, count = 3, step = 1_0.1 }",
            "[0.1, 10.2, 20.3]",
        ),
    ] {
        let job = "[job]\nnegative_learning.target = \"gaussian\"\n";
        let file = |values: &str| format!("{HEAD}{job}[axes]\n\"{key}\" = {values}\n");
        let (spaced, list) = (expand(&file(spaced)), expand(&file(list)));
        assert_eq!(spaced, list);
        let digest = sweeps::Digest([1; 32]);
        let ids = |expansion: &Expansion| -> Vec<_> {
            let cells = expansion.cells.iter();
            cells
                .map(|cell| {
                    (
                        cell.job.id(digest),
                        cell.point[0].as_ref().map(ToString::to_string),
                    )
                })
                .collect()
        };
        assert_eq!(ids(&spaced), ids(&list));
    }
}

#[test]
fn a_spaced_axis_that_cannot_be_added_up_is_refused() {
    for (axis, message) in [
        (
            "learning_rate = { from = 0.5, count = 2, step = 1e-300 }",
            "too far apart",
        ),
        (
            "difference_threshold = { from = 0.0, count = 3, step = 1e308 }",
            "is out of range",
        ),
        (
            "epochs = { from = 1, count = 3, step = 0.5 }",
            "must be a whole number",
        ),
    ] {
        let faults = faults(&format!(
            "{HEAD}[job]\npretraining = \"temporal-difference\"\n[axes]\n{axis}\n"
        ));
        assert!(
            faults.len() == 1 && faults[0].1.contains(message),
            "{faults:?}"
        );
    }
}

#[test]
fn a_drawn_number_can_be_typed() {
    let expansion = expand(&format!(
        "{HEAD}[random]\ncount = 50\n[random.ranges]\nlearning_rate = {{ min = 1.23456789e-5, max = 1e-3, scale = \"log\" }}\n\
         supervision_percent = {{ min = 0, max = 100 }}\n"
    ));
    for value in expansion.cells.iter().flat_map(|cell| &cell.point) {
        let text = value.as_ref().unwrap().to_string();
        assert!(text.len() <= 11, "{text}");
    }
}

#[test]
fn a_data_set_may_be_an_axis() {
    let expansion = expand("name = \"t\"\n[axes]\ndataset = [\"one\", \"two\"]\n");
    assert_eq!(
        expansion.cells[1].job.dataset,
        DatasetSource::Named("two".into())
    );
    assert_eq!(expansion.columns, ["dataset"]);
}

#[test]
fn the_same_training_under_two_names_is_one_job() {
    let expansion = expand(&format!(
        "{HEAD}[[variant]]\nname = \"D\"\n[[variant]]\nname = \"G\"\njob = {{ score_by = \"generator\" }}\n"
    ));
    assert_eq!(expansion.cells[0].job, expansion.cells[1].job);
    assert_ne!(expansion.cells[0].reporting, expansion.cells[1].reporting);
}

#[test]
fn every_fault_of_a_file_is_said_at_once() {
    let text = r#"name = "faulty"
[dataset]
name = "d"
[job]
epoch = 15
batch_size = -1
learning_rate = "fast"
threshold.generator = { rule = "means-std", k = 1 }
[axes]
seed = []
"negative_learning.target" = ["ones", "zeros"]
[[variant]]
name = "A"
jobs = {}
[[exclude]]
variant = "B"
"#;
    let found = faults(text);
    let lines: Vec<_> = found.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [5, 6, 7, 8, 10, 11, 14, 16], "{found:#?}");
    for (fault, words) in found.iter().zip([
        "did you mean `epochs`",
        "1 to 1048576",
        "must be a number",
        "did you mean `mean-std`",
        "is empty",
        "ones, replace, gaussian, none",
        "did you mean `job`",
        "no variant `B`",
    ]) {
        assert!(fault.1.contains(words), "{fault:?} should say {words}");
    }
}

#[test]
fn faults_are_shown_with_line_and_caret() {
    let shown = expand_text(
        "my.toml",
        "name = \"x\"\n[dataset]\nname = \"d\"\n[job]\nepohcs = 3\n",
        Limits::default(),
    )
    .unwrap_err()
    .to_string();
    let expected = "\
error: unknown parameter `epohcs` in [job]
 --> my.toml:5:1
  |
5 | epohcs = 3
  | ^^^^^^
  |
help: did you mean `epochs`? `gcl-sweep params` lists them all

my.toml: 1 fault";
    assert_eq!(shown, expected);
}

#[test]
fn broken_syntax_does_not_hide_other_faults() {
    let found =
        faults("name = \"x\"\n[dataset]\nname = \"d\"\n[job]\nepochs = = 3\nbatch_size = 0\n");
    assert_eq!(
        found.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
        [5, 6],
        "{found:#?}"
    );
}

#[test]
fn combinations_without_meaning_are_faults_where_somebody_expects_a_difference() {
    let silent = expand(&format!("{HEAD}[job]\nnegative_learning.sigma = 6\n"));
    assert!(
        silent.cells[0]
            .job
            .parameters
            .get("negative_learning.sigma")
            .is_none()
    );
    for (text, words) in [
        (
            "[[variant]]\nname = \"a\"\njob = { negative_learning.sigma = 6 }\n",
            "target = gaussian",
        ),
        (
            "[[variant]]\nname = \"a\"\njob = { method = \"gcl-own-labels\", threshold.discriminator = \"otsu\" }\n",
            "method = gcl",
        ),
        (
            "[axes]\nnegative_learning.sigma = [1.5, 6.0]\n",
            "target = gaussian",
        ),
        (
            "[axes]\nnegative_learning.sigma = [1.5]\nnegative_learning.target = [\"gaussian\", \"ones\"]\n",
            "target = gaussian",
        ),
        (
            "[[variant]]\nname = \"a\"\njob = { method = \"autoencoder\", supervision_percent = 33 }\n",
            "means nothing",
        ),
        (
            "[[variant]]\nname = \"a\"\njob = { pretraining = \"temporal-difference\", difference_threshold = 0.5, difference_quantile = 0.5 }\n",
            "difference_quantile unset",
        ),
    ] {
        let found = faults(&format!("{HEAD}{text}"));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].1.contains(words), "{found:?}");
    }
    expand(&format!(
        "{HEAD}[axes]\nnegative_learning.sigma = [1.5]\nnegative_learning.target = [\"gaussian\", \"ones\"]\n[[exclude]]\nnegative_learning.target = \"ones\"\n"
    ));
}

#[test]
fn what_contradicts_itself_is_refused() {
    for (text, words) in [
        (
            "[axes]\nepochs = [1]\n[[variant]]\nname = \"a\"\njob = { epochs = 2 }\n",
            "moves on an axis",
        ),
        ("[axes]\nepochs = [1]\n[[zip]]\nepochs = [1]\n", "two axes"),
        (
            "[[zip]]\nepochs = [1, 2]\nbatch_size = [1]\n",
            "same length",
        ),
        ("[axes]\nseed = [1, 1]\n", "twice"),
        ("[axes]\nsupervision_percent = [33, 33.0]\n", "twice"),
        (
            "[[variant]]\nname = \"a\"\n[[variant]]\nname = \"a\"\n",
            "two variants",
        ),
        (
            "[axes]\nseed = [1]\n[[include]]\nseed = 1\n",
            "in the grid already",
        ),
        (
            "[axes]\nepochs = [1]\n[[exclude]]\nepochs = 1\n",
            "nothing is left",
        ),
        ("[[exclude]]\nepochs = 1\n", "no axis"),
        ("[job]\nseed = 1\n", "[axes]"),
        ("[job]\nlearning_rate = inf\n", "finite"),
        ("[job]\nepochs = 99999999999999999999\n", "too large"),
        ("[axes]\nepochs = 3\n", "must be a list"),
        ("[random]\ncount = 3\n", "at least one range"),
        ("[report]\nfigures = [\"fig11\"]\n", "fig10"),
    ] {
        let found = faults(&format!("{HEAD}{text}"));
        assert!(
            found.len() == 1 && found[0].1.contains(words),
            "{text}: {found:#?}"
        );
    }
    assert!(faults("name = \"x\"\n")[0].1.contains("no data set"));
    assert!(faults("[dataset]\nname = \"d\"\n")[0].1.contains("no name"));
}

#[test]
fn too_many_jobs_are_refused_before_they_are_made() {
    let text = format!(
        "{HEAD}[axes]\nseed = {{ from = 0, count = 1000000 }}\nepochs = {{ from = 1, count = 50000 }}\nbatch_size = {{ from = 1, count = 1000000 }}\n"
    );
    assert!(faults(&text)[0].1.contains("--max-jobs"));
    let text = format!("{HEAD}[axes]\nseed = {{ from = 0, count = 11 }}\n");
    assert!(expand_text("t", &text, Limits { max_jobs: 10 }).is_err());
    assert!(expand_text("t", &text, Limits { max_jobs: 11 }).is_ok());
}

#[test]
fn an_exclude_that_drops_nothing_is_a_warning() {
    let text = format!("{HEAD}[axes]\nepochs = [1, 2]\n[[exclude]]\nepochs = 3\n");
    let (spec, expansion) = expand_text("t", &text, Limits::default()).unwrap();
    assert_eq!((spec.warnings.len(), expansion.cells.len()), (1, 2));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    /// Nobody's file, however broken, panics the parser or its messages.
    #[test]
    fn no_text_panics(mut text in "[ -~\n]{0,200}", cut in 0usize..400) {
        let whole = include_str!("../quickstart.toml");
        let cut = (0..=cut.min(whole.len())).rev().find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
        text.insert_str(0, &whole[..cut]);
        if let Err(faults) = expand_text("any.toml", &text, Limits { max_jobs: 1000 }) {
            proptest::prop_assert!(faults.to_string().contains("error"));
        }
    }
}

fn warnings(text: &str) -> Vec<(usize, String)> {
    let (spec, _) = expand_text("test.toml", text, Limits::default()).expect("a sound file");
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    let warnings = spec.warnings.iter();
    warnings
        .map(|warning| {
            (
                line(warning.span.start),
                format!("{} | {}", warning.message, warning.help),
            )
        })
        .collect()
}

#[test]
fn keys_of_the_job_that_no_job_uses_are_named() {
    let none: &[(usize, &str)] = &[];
    for (text, expected) in [
        (
            "[job]\nmethod = \"pca\"\nepochs = 3\nfeature_scaling = \"l2\"\nscore_by = \"generator\"\n",
            &[
                (6, "uses `epochs` | it needs: method = gcl, autoencoder"),
                (8, "uses `score_by` | it needs: method = gcl"),
            ][..],
        ),
        // One cell that uses it is enough.
        (
            "[job]\nepochs = 3\n[[variant]]\nname = \"a\"\n[[variant]]\nname = \"b\"\njob = { method = \"pca\" }\n",
            none,
        ),
        (
            "[job]\nepochs = 3\nlearning_rate = 1e-3\n[axes]\nepochs = [1, 2]\n",
            &[(5, "uses this value of `epochs`")],
        ),
        // An included row sets no axis, and has the value of [job].
        (
            "[job]\nepochs = 3\n[axes]\nepochs = [1, 2]\n[[include]]\nseed = 4\n",
            none,
        ),
        (
            "[job]\nnegative_learning.sigma = 2.0\n[axes]\n\"negative_learning.target\" = [\"ones\", \"none\"]\n",
            &[(5, "uses `negative_learning.sigma`")],
        ),
        (
            "[job]\nepochs = 3\nlearning_rate = 1e-3\n[[variant]]\nname = \"a\"\njob.epochs = 1\n[[variant]]\nname = \"b\"\njob = { method = \"pca\" }\n",
            &[(5, "uses this value of `epochs`")],
        ),
    ] {
        let found = warnings(&format!("{HEAD}{text}"));
        assert_eq!(found.len(), expected.len(), "{text}\n{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found.0, expected.0, "{text}\n{found:?}");
            assert!(found.1.contains(expected.1), "{text}\n{found:?}");
        }
    }
}

#[test]
fn a_report_compares_with_a_variant_of_the_file() {
    let variants = "[[variant]]\nname = \"GCL_B\"\n[[variant]]\nname = \"GCL_PT\"\njob.pretraining = \"temporal-difference\"\n";
    for text in [
        format!("{HEAD}[report]\nreference = \"GCL_B\"\n{variants}"),
        format!("{HEAD}{variants}[report]\nreference = \"GCL_B\"\n"),
    ] {
        let (spec, _) = expand_text("test.toml", &text, Limits::default()).unwrap();
        assert_eq!(spec.report.reference.as_deref(), Some("GCL_B"));
    }
    let wrong = |reference: &str, variants: &str| {
        faults(&format!(
            "{HEAD}{variants}[report]\nreference = {reference}\n"
        ))
    };
    let found = wrong("\"GCL_P\"", variants);
    assert!(
        found.len() == 1 && found[0].0 == 10 && found[0].1.contains("did you mean `GCL_PT`?"),
        "{found:?}"
    );
    assert!(wrong("3", variants)[0].1.contains("must be a text"));
    assert!(wrong("\"GCL_B\"", "")[0].1.contains("has no [[variant]]"));
}

#[test]
fn every_figure_that_can_be_drawn_can_be_asked_for() {
    for name in sweeps::spec::FIGURES {
        let text = format!("{HEAD}[report]\nfigures = [\"{name}\"]\n");
        let (spec, _) = expand_text("test.toml", &text, Limits::default()).unwrap();
        assert_eq!(spec.report.figures, [*name]);
    }
    let found = faults(&format!("{HEAD}[report]\nfigures = [\"fig1\"]\n"));
    assert!(
        found[0].1.contains("has nothing called `fig1`"),
        "{found:?}"
    );
}

#[test]
fn the_files_that_ship_have_neither_faults_nor_warnings() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut read = 0;
    for folder in ["", "small", "study"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let is_sweep = path.extension().is_some_and(|ending| ending == "toml")
                && path.file_name().is_some_and(|name| name != "Cargo.toml");
            if is_sweep {
                let shown = path.display().to_string();
                let text = std::fs::read_to_string(&path).unwrap();
                let (spec, _) = expand_text(&shown, &text, Limits::default())
                    .unwrap_or_else(|faults| panic!("{faults}"));
                assert!(spec.warnings.is_empty(), "{shown}: {:?}", spec.warnings);
                read += 1;
            }
        }
    }
    assert!(read > 10, "{read} files");
}

/// A table of that key for each seed.
fn rows_of(key: &str, seeds: std::ops::Range<u32>) -> String {
    use std::fmt::Write as _;
    let mut rows = String::new();
    for seed in seeds {
        let _ = writeln!(rows, "[[{key}]]\nseed = {seed}");
    }
    rows
}

/// A short file that would fill memory or time is refused before it does.
#[test]
fn hostile_files_are_refused_at_once() {
    let head = "name = \"s\"\n[dataset.synthetic]\nvideos = 8\nmean_length = 9\ndimension = 8\n";
    let refused = |text: &str| {
        let Err(faults) = expand_text(
            "t",
            text,
            Limits {
                max_jobs: 1_000_000,
            },
        ) else {
            panic!("taken: {}", &text[..200.min(text.len())]);
        };
        let shown = faults.to_string();
        assert!(shown.len() < 1 << 20, "{} bytes of faults", shown.len());
        shown
    };
    let axis = |name: &str| format!("{name} = {{ from = 1, count = 1000000 }}\n");
    // Billions of values, each list of which is allowed.
    let zips = "[[zip]]\nbatch_size = { from = 1, count = 1000000 }\n".repeat(1000);
    assert!(refused(&format!("{head}{zips}")).contains("values"));
    let ranges = ["learning_rate", "batch_size", "epochs", "pretrain_epochs"]
        .map(|name| format!("{name} = {{ min = 1, max = 1 }}\n"))
        .concat();
    let random = format!("{head}[random]\ncount = 1000000\n[random.ranges]\n{ranges}");
    assert!(refused(&random).contains("values"));
    // Each point of a large grid compared with thousands of rows.
    let rows = rows_of("exclude", 0..5000);
    let grid = format!("{head}[axes]\n{}{rows}", axis("seed"));
    assert!(refused(&grid).contains("too many"));
    // A hundred thousand faults on one line.
    let list = "\"x\", ".repeat(100_000);
    refused(&format!("{head}[axes]\nseed = [{list}]\n"));
    let tables = "[[variant]]\n".repeat(100_000);
    assert!(refused(&format!("{head}{tables}")).contains("at most"));
}

fn numbered(count: u32, line: &dyn Fn(u32) -> String) -> String {
    (0..count).map(line).collect()
}

/// Whatever a file says again and again, so many faults of it are kept as are shown, and it is said that there are more.
#[test]
fn faults_are_found_until_there_are_more_than_are_shown() {
    let head = "name = \"s\"\n[dataset.synthetic]\nvideos = 8\n[job]\nepochs = 1\n";
    let many = |line: &str| line.repeat(2000);
    for (text, said) in [
        (many("epochs = 1\n"), "duplicate key"),
        (
            numbered(2000, &|n| format!("threshold.k{n} = 1\n")),
            "unknown parameter",
        ),
        (
            numbered(2000, &|n| format!("k{n} = 1\n")),
            "unknown parameter",
        ),
        (numbered(2000, &|n| format!("[t{n}]\n")), "unknown key"),
        (
            format!("[axes]\nseed = [{}]\n", many("1, ")),
            "this value twice",
        ),
        (
            format!("[axes]\nseed = [{}]\n", many("\"x\", ")),
            "cannot be x",
        ),
        (
            format!("[[zip]]\nseed = [{}]\n", many("1, ")),
            "this value twice",
        ),
        (
            format!(
                "[random]\ncount = 3\n[random.ranges]\nepochs = [{}]\n",
                many("\"x\", ")
            ),
            "epochs",
        ),
        (many("[[variant]]\nname = \"v\"\n"), "two variants"),
        (
            format!(
                "[[variant]]\nname = \"v\"\n{}",
                many("[[include]]\nvariant = \"w\"\n")
            ),
            "no variant `w`",
        ),
        (
            format!("[axes]\nseed = [1]\n{}", many("[[include]]\nseed = 1\n")),
            "in the grid already",
        ),
        (
            numbered(2000, &|n| {
                format!("[[variant]]\nname = \"v{n}\"\njob.pretrain_epochs = 2\n")
            }),
            "means nothing",
        ),
        (
            format!("[report]\nfigures = [{}]\n", many("\"nofig\", ")),
            "nofig",
        ),
    ] {
        let faults = expand_text("t", &format!("{head}{text}"), Limits::default()).unwrap_err();
        assert_eq!(faults.faults.len(), 100, "{said}");
        assert!(faults.more, "{said}");
        let shown = faults.to_string();
        assert!(shown.contains(said), "{said}: {shown}");
        assert!(shown.ends_with("t: 100 faults, and more"), "{shown}");
    }
    // A count whose values are all equal is one fault.
    for place in ["[axes]", "[[zip]]"] {
        let text = format!("{place}\nseed = {{ from = 1, count = 2000, step = 0 }}\n");
        let faults = expand_text("t", &format!("{head}{text}"), Limits::default()).unwrap_err();
        assert_eq!((faults.faults.len(), faults.more), (1, false), "{faults}");
    }
    let text = "[[zip]]\nseed = { from = 1, count = 3 }\nepochs = [7, 7, 7]\n";
    let (_, expansion) = expand_text("t", &format!("{head}{text}"), Limits::default()).unwrap();
    assert_eq!(expansion.cells.len(), 3);
    let hundred = numbered(100, &|n| format!("k{n} = 1\n"));
    let faults = expand_text("t", &format!("{head}{hundred}"), Limits::default()).unwrap_err();
    assert!(!faults.more);
    assert!(faults.to_string().ends_with("t: 100 faults"));
}

/// Of a long text the first fault of its syntax is said: two bytes can make one.
#[test]
fn a_long_text_with_broken_syntax_has_one_fault() {
    let head = "name = \"s\"\n[dataset.synthetic]\nvideos = 8\n[job]\nepochs = 1\n";
    for line in ["=\n", "epochs = 1\n", "[\n"] {
        let text = format!("{head}{}", line.repeat(70_000));
        let said = faults(&text);
        assert_eq!(said.len(), 1, "{line}");
        assert_eq!(said[0].0, 6, "{line}");
    }
}

/// What is listed beside a fault is short, and a word that is longer than every name is compared with none.
#[test]
fn help_is_bounded() {
    let head = "name = \"s\"\n[dataset.synthetic]\nvideos = 8\n";
    let variants = numbered(5000, &|n| format!("[[variant]]\nname = \"v{n}\"\n"));
    let text = format!("{head}{variants}[[include]]\nvariant = \"w\"\n");
    let said = faults(&text);
    assert!(said[0].1.ends_with(", v29 and 4970 more"), "{}", said[0].1);
    let long = format!("epochs{}", "x".repeat(1000));
    let said = faults(&format!("{head}[job]\n{long} = 1\n"));
    assert!(!said[0].1.contains("did you mean"), "{}", said[0].1);
}

/// Rows of `[[include]]` are compared with the whole grid, and that takes no time.
#[test]
fn an_included_double_is_found_in_a_large_grid() {
    let head = "name = \"s\"\n[dataset.synthetic]\nvideos = 8\nmean_length = 9\ndimension = 8\n";
    let axes = "[axes]\nseed = { from = 0, count = 20000 }\n";
    let rows = rows_of("include", 20_000..25_000);
    let (_, expansion) =
        expand_text("t", &format!("{head}{axes}{rows}"), Limits::default()).unwrap();
    assert_eq!(expansion.cells.len(), 25_000);
    let double = format!("{head}{axes}{rows}[[include]]\nseed = 7\n");
    let faults = expand_text("t", &double, Limits::default()).unwrap_err();
    assert!(
        faults.to_string().contains("in the grid already"),
        "{faults}"
    );
}

/// A data set that is named wrongly is one fault, not also a missing one.
#[test]
fn a_refused_data_set_is_not_a_missing_one() {
    for data in [
        "[dataset.synthetic]\nvideos = 18\nregime = \"coherent-event\"\n",
        "[dataset]\nsynthetic = 3\n",
        "[dataset]\nnmae = \"d\"\n",
    ] {
        let found = faults(&format!("name = \"t\"\n{data}"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!found[0].1.contains("names no data set"), "{found:?}");
    }
}
