//! `[adaptive]`: what claims mean in a grid, and what is said about those that mean nothing.

use sweeps::{Adaptive, Expansion, Limits, expand_text};

fn try_expand(text: &str) -> Result<(Vec<String>, Expansion), String> {
    let limits = Limits { max_jobs: 2_000 };
    let (spec, expansion) =
        expand_text("test.toml", text, limits).map_err(|faults| faults.to_string())?;
    let warnings = spec.warnings.iter().map(|fault| fault.message.clone());
    Ok((warnings.collect(), expansion))
}

fn expand(text: &str) -> Expansion {
    match try_expand(text) {
        Ok((_, expansion)) => expansion,
        Err(faults) => panic!("{faults}"),
    }
}

fn adaptive(text: &str) -> Adaptive {
    expand(text).adaptive.expect("the file has [adaptive]")
}

fn file(axes: &str, section: &str) -> String {
    format!(
        "name = \"t\"\n{}{axes}\n[[variant]]\nname = \"A\"\n[[variant]]\nname = \"B\"\njob = {{ epochs = 3 }}\n\
         [[variant]]\nname = \"C > D\"\njob = {{ epochs = 4 }}\n[[variant]]\nname = \"pca\"\njob = {{ method = \"pca\" }}\n\
         [[variant]]\nname = \"norm\"\njob = {{ method = \"control\", control = \"norm\" }}\n[adaptive]\n{section}",
        if axes.contains("dataset") {
            ""
        } else {
            "[dataset]\nname = \"d\"\n"
        }
    )
}

const TWO: &str = "claims = [\"A > B\", \"C > D > B\"]\nmax = 20\n";

#[test]
fn claims_begin_with_the_first_seeds_of_their_arms() {
    let expansion = expand(&file("", TWO));
    assert_eq!(expansion.cells.len(), 25);
    let adaptive = expansion.adaptive.unwrap();
    let settings = adaptive.family.settings;
    assert_eq!((settings.alpha, settings.margin), (0.05, 0.01));
    assert_eq!((settings.min, settings.max, settings.at_once), (5, 20, 1));
    assert_eq!(adaptive.arms.len(), 3, "B is shared");
    assert_eq!(
        adaptive.family.claims[0].right,
        adaptive.family.claims[1].right
    );
    assert_eq!(adaptive.texts[1].to_string(), "C > D > B");
    assert_eq!(adaptive.most_added(), 45);
    for arm in &adaptive.arms {
        let seeds: Vec<u64> = arm
            .iter()
            .map(|cell| expansion.cells[*cell].job.seed)
            .collect();
        assert_eq!(seeds, [0, 1, 2, 3, 4]);
    }
}

#[test]
fn the_axis_says_where_seeds_begin() {
    for axes in [
        "[axes]\nseed = 100\n",
        "[axes]\nseed = { from = 100, count = 5 }\n",
    ] {
        let expansion = expand(&file(axes, TWO));
        let seeds: Vec<u64> = expansion.cells[..5]
            .iter()
            .map(|cell| cell.job.seed)
            .collect();
        assert_eq!(seeds, [100, 101, 102, 103, 104]);
    }
}

#[test]
fn a_claim_is_about_one_point_of_the_axes() {
    let axes = "[axes]\ndataset = [\"x\", \"y\"]\nfeature_scaling = [\"l2\", \"standard\"]\n";
    let claims = "claims = [{ claim = \"A > B\", where = { dataset = \"y\", feature_scaling = \"l2\" } }]\nmax = 9\nmargin = 0\n";
    let expansion = expand(&file(axes, claims));
    let adaptive = expansion.adaptive.unwrap();
    assert_eq!(
        adaptive.texts[0].to_string(),
        "A > B where dataset = y, feature_scaling = l2"
    );
    let cell = &expansion.cells[adaptive.arms[0][0]];
    assert_eq!(cell.job.dataset.to_string(), "y");
    let found = try_expand(&file(axes, "claims = [\"A > B\"]\nmax = 9\n")).unwrap_err();
    assert!(
        found.contains("`A` has several points here: `dataset`, `feature_scaling` moves"),
        "{found}"
    );
    assert!(found.contains("values of `dataset`: x, y"), "{found}");
}

#[test]
fn what_claims_are_held_to_is_in_their_identity() {
    let of = |section: &str| adaptive(&file("", section)).identity;
    let plain = of(TWO);
    assert_eq!(
        plain,
        of(&format!("alpha = 0.05\nmin = 5\nmargin = 0.01\n{TWO}"))
    );
    for other in [
        "claims = [\"A > B\", \"C > D > B\"]\nmax = 21\n",
        "claims = [\"A > B\", \"C > D > A\"]\nmax = 20\n",
        "claims = [\"A > B\"]\nmax = 20\n",
        "claims = [\"A > B\", \"C > D > B\"]\nmax = 20\nalpha = 0.01\n",
        "claims = [\"A > B\", \"C > D > B\"]\nmax = 20\nmin = 6\n",
        "claims = [\"A > B\", \"C > D > B\"]\nmax = 20\nmargin = 0.02\n",
        "claims = [\"A > B\", \"C > D > B\"]\nmax = 20\nat_once = 2\n",
    ] {
        assert_ne!(plain, of(other), "{other}");
    }
    assert_ne!(plain, adaptive(&file("[axes]\nseed = 1\n", TWO)).identity);
    assert_ne!(
        plain,
        adaptive(&file("[job]\nbatch_size = 7\n", TWO)).identity
    );
}

#[test]
fn contradictions_are_faults_with_what_to_do() {
    let claims = |claims: &str| format!("claims = [{claims}]\nmax = 9\n");
    for (axes, section, message, help) in [
        (
            "",
            "max = 9\n".to_owned(),
            "[adaptive] has no claims",
            "claims = [\"A > B\"]",
        ),
        (
            "",
            "claims = [\"A > B\"]\n".to_owned(),
            "does not say where it ends",
            "max = 60",
        ),
        ("", claims(""), "has 0 claims", "1 to 200"),
        (
            "",
            claims("\"A > E\""),
            "no variant `E`",
            "variants: A, B, C > D, norm, pca",
        ),
        ("", claims("\"A\""), "`A` is no claim", "write \"A > B\""),
        (
            "",
            claims("\"A > A\""),
            "compares `A` with itself",
            "two variants",
        ),
        (
            "",
            claims("\"A > B\", \"B > A\""),
            "stands twice",
            "remove it",
        ),
        (
            "",
            claims("\"pca > norm\""),
            "draws a random number",
            "remove the claim",
        ),
        (
            "",
            claims("{ where = { dataset = \"d\" } }"),
            "`dataset` is no axis",
            "values of axes",
        ),
        (
            "",
            claims("{ where = {} }"),
            "does not say what it claims",
            "claim = ",
        ),
        (
            "",
            claims("{ claim = \"A > B\", when = 1 }"),
            "unknown key `when`",
            "claim, where",
        ),
        (
            "",
            claims("{ claim = \"A > B\", where = { seed = 1 } }"),
            "about all seeds",
            "remove `seed`",
        ),
        (
            "",
            format!("{}min = 10\n", claims("\"A > B\"")),
            "`max` = 9 is less than `min` = 10",
            "raise `max`",
        ),
        (
            "",
            format!("{}alpha = 0\n", claims("\"A > B\"")),
            "`alpha` cannot be 0",
            "0.05 is usual",
        ),
        (
            "",
            format!("{}margin = -1\n", claims("\"A > B\"")),
            "`margin` cannot be -1",
            "one point",
        ),
        (
            "",
            format!("{}min = 1\n", claims("\"A > B\"")),
            "`min` cannot be 1",
            "from 2 to 1000",
        ),
        (
            "",
            format!("{}at_least = 1\n", claims("\"A > B\"")),
            "unknown key `at_least`",
            "known keys",
        ),
        (
            "",
            "claims = [\"A > B\"]\nmax = 1000\n".to_owned(),
            "may come to have 2015 jobs",
            "lower `max`",
        ),
        (
            "[axes]\nseed = [0, 2, 4]\n",
            claims("\"A > B\""),
            "given as it runs",
            "seed = 0",
        ),
        (
            "[axes]\nseed = { from = 7, count = 20 }\n",
            claims("\"A > B\""),
            "given as it runs",
            "{ from = 7, count = 5 }",
        ),
        (
            "[[zip]]\nseed = [0, 1]\nepochs = [1, 2]\n",
            claims("\"A > pca\""),
            "move together with nothing",
            "[axes]",
        ),
        (
            "[job]\nscore_smoothing = 2.0\n",
            claims("\"A > B\""),
            "smoothed scores",
            "remove `score_smoothing`",
        ),
        (
            "[axes]\ndataset = [\"x\", \"y\"]\n",
            claims("{ claim = \"A > B\", where = { dataset = \"z\" } }"),
            "`A` has no cell there",
            "plan SWEEP",
        ),
        (
            "[[include]]\nvariant = \"A\"\nseed = 9\n",
            claims("\"A > B\""),
            "has not the first `min` seeds",
            "[[include]]",
        ),
        (
            "[axes]\nseed = 0\n[[exclude]]\nvariant = \"B\"\nseed = 1\n",
            claims("\"A > B\""),
            "has not the first `min` seeds",
            "[[exclude]]",
        ),
    ] {
        let text = file(axes, &section);
        let found = try_expand(&text).expect_err(&text);
        assert!(
            found.contains(message) && found.contains(help),
            "{text}\n{found}"
        );
        assert!(found.contains("test.toml:"), "{found}");
    }
}

#[test]
fn some_cells_alone_are_no_adaptive_sweep() {
    let text = file("", TWO) + "[only]\ncells = [\"variant=A\"]\n";
    let (warnings, expansion) = try_expand(&text).unwrap();
    assert_eq!((expansion.cells.len(), expansion.adaptive), (5, None));
    assert_eq!(warnings, ["of some cells alone no claim is decided"]);
}

#[test]
fn too_few_seeds_for_any_verdict_are_said() {
    let (warnings, _) = try_expand(&file("", "claims = [\"A > B\"]\nmax = 6\n")).unwrap();
    assert_eq!(warnings, ["no claim can be shown to hold with 6 seeds"]);
    assert!(
        try_expand(&file("", "claims = [\"A > B\"]\nmax = 7\n"))
            .unwrap()
            .0
            .is_empty()
    );
}
