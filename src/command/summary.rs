//! The end of a run on the terminal: mean ± std per variant and swept point, with n and what is missing.

use reports::{Estimate, SummaryRow, SweepResults};

use crate::output;

/// A table for people, in percent.
pub fn table(results: &SweepResults, rows: &[SummaryRow]) -> String {
    let mut header = vec!["variant"];
    header.extend(results.columns.iter().map(String::as_str));
    header.extend([
        "AUC (%)",
        "within videos (%)",
        "AUC of D (%)",
        "AUC of G (%)",
        "n",
        "without result",
    ]);
    let mut table = output::table(&header);
    table.spare(&["AUC of D (%)", "AUC of G (%)", "within videos (%)"]);
    for row in rows {
        let mut line = vec![row.variant.clone()];
        line.extend(
            row.point
                .iter()
                .map(|value| value.as_ref().map(ToString::to_string).unwrap_or_default()),
        );
        line.extend([&row.auc, &row.within, &row.d[0], &row.g[0]].map(percent));
        line.push(format!("{} of {}", row.n, row.expected));
        line.push(row.shortfall());
        table.add_row(line);
    }
    table.to_string()
}

fn percent(estimate: &Estimate) -> String {
    match (estimate.mean, estimate.std) {
        (Some(mean), Some(std)) => format!("{:.2} ± {:.2}", mean * 100.0, std * 100.0),
        (Some(mean), None) => format!("{:.2}", mean * 100.0),
        (None, _) => String::new(),
    }
}

/// The same for programs, as fractions.
pub fn as_json(results: &SweepResults, rows: &[SummaryRow]) -> serde_json::Value {
    let estimate = |estimate: &Estimate| serde_json::json!({ "n": estimate.n, "mean": estimate.mean, "std": estimate.std });
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let point: std::collections::BTreeMap<_, _> = results.columns.iter().zip(&row.point).collect();
            serde_json::json!({
                "variant": row.variant, "point": point, "n": row.n, "expected": row.expected, "failed": row.failed,
                "missing": row.missing, "auc": estimate(&row.auc), "auc_d": estimate(&row.d[0]), "auc_g": estimate(&row.g[0]),
                "macro_auc": estimate(&row.within), "ano_auc": estimate(&row.anomalous),
            })
        })
        .collect();
    let mut json = serde_json::json!({ "sweep": results.name, "rows": rows });
    if results.rehearsal {
        json["rehearsal"] = true.into();
    }
    json
}
