//! `[random]`: designs that spread their points, in the language's own words.

use sweeps::{Limits, Value, expand_text};

fn learning_rates(design: &str, count: usize) -> Result<Vec<f64>, String> {
    let text = format!(
        "name = \"t\"\n[dataset]\nname = \"d\"\n[random]\ncount = {count}\n{design}\n[random.ranges]\nlearning_rate = {{ min = 1e-5, max = 1e-3, scale = \"log\" }}\n\
         batch_size = {{ min = 128, max = 1024 }}\n"
    );
    let (_, expansion) =
        expand_text("t.toml", &text, Limits::default()).map_err(|faults| faults.to_string())?;
    let at = expansion
        .columns
        .iter()
        .position(|column| column == "learning_rate");
    let values = expansion.cells.iter().map(|cell| cell.cell_value(at));
    Ok(values.collect())
}

trait CellValue {
    fn cell_value(&self, at: Option<usize>) -> f64;
}

impl CellValue for sweeps::Cell {
    fn cell_value(&self, at: Option<usize>) -> f64 {
        let value = at
            .and_then(|at| self.point.get(at)?.as_ref())
            .and_then(Value::as_float);
        value.unwrap_or(f64::NAN)
    }
}

#[test]
fn designs_cover_a_range_evenly_on_its_scale() {
    for design in ["design = \"latin-hypercube\"", "design = \"sobol\""] {
        let mut rates = learning_rates(design, 16).unwrap();
        rates.sort_by(f64::total_cmp);
        for (part, rate) in rates.iter().enumerate() {
            // Two decades in 16 equal parts.
            let place = (rate.log10() + 5.0) * 8.0;
            assert!(
                (part as f64 - 1e-6..=part as f64 + 1.0 + 1e-6).contains(&place),
                "{design}: {rates:?}"
            );
        }
    }
}

/// Draws from two short lists meet again: each point is one row, whose seeds count once, and the file is told so.
#[test]
fn a_draw_that_comes_up_again_is_the_same_cells() {
    let text = "name = \"t\"\n[dataset]\nname = \"d\"\n[axes]\nseed = [1, 2]\n[random]\ncount = 12\ndesign = \"sobol\"\n[random.ranges]\n\
                batch_size = [128, 256]\n\"threshold.generator\" = [{ rule = \"mean-std\", k = 0.5 }, { rule = \"mean-std\", k = 1.0 }]\n";
    let (spec, expansion) = expand_text("t.toml", text, Limits::default()).unwrap();
    let mut cells: Vec<String> = expansion
        .cells
        .iter()
        .map(|cell| format!("{:?} {}", cell.point, cell.job.seed))
        .collect();
    let all = cells.len();
    cells.sort();
    cells.dedup();
    assert_eq!(cells.len(), all, "each cell once");
    assert_eq!(all, 2 * 4);
    let said: Vec<String> = spec.warnings.iter().map(|w| w.message.clone()).collect();
    assert_eq!(
        said,
        ["8 of 12 points came up again: 4 different ones are left"]
    );
}

/// These draws have been ids of jobs since the first release.
#[test]
fn draws_without_a_design_are_what_they_were() {
    assert_eq!(
        learning_rates("", 3).unwrap(),
        learning_rates("design = \"independent\"", 3).unwrap()
    );
    assert_eq!(learning_rates("seed = 1", 3).unwrap(), FIRST);
}

const FIRST: [f64; 3] = [1.448e-5, 2.74568e-5, 2.637_67e-4];

#[test]
fn an_unknown_design_is_a_fault_with_what_there_is() {
    let error = learning_rates("design = \"halton\"", 3).unwrap_err();
    assert!(error.contains("there is no design `halton`"), "{error}");
    assert!(
        error.contains("independent, latin-hypercube, sobol"),
        "{error}"
    );
}
