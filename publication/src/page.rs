//! The verification as one page of HTML, without script or anything from elsewhere.

use std::fmt::Write as _;

use crate::comparison::Verdict;
use crate::verification::{Conclusion, Verification};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc;vertical-align:top}\
.equal{color:#00614a}.different{color:#a30000;font-weight:bold}.incomplete{color:#7a5200}code{font-size:.9em;overflow-wrap:anywhere}\
@media(prefers-color-scheme:dark){body{color:#eee;background:#111}.equal{color:#6fd6b8}.different{color:#ff8f8f}.incomplete{color:#f0c36a}}";

/// The page.
pub fn page(found: &Verification) -> String {
    let mut html = String::new();
    let class = match found.conclusion() {
        Conclusion::Equal => "equal",
        Conclusion::Incomplete => "incomplete",
        Conclusion::Different => "different",
    };
    let title = escape(&found.title);
    let _ = write!(
        html,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Verification: {title}</title><style>{STYLE}</style></head><body><main><h1>Verification: {title}</h1>\
         <p class=\"{class}\">{}</p><p>{}</p><p>Published by gcl-sweep {}, checked by gcl-sweep {} on {}.</p>\
         <h2>Files</h2><table><thead><tr><th>What</th><th>Equal</th><th>Not as it should be</th></tr></thead><tbody>",
        escape(&found.sentence()),
        escape(&found.sample_sentence()),
        escape(&found.published_by),
        escape(&found.checked_by),
        escape(&found.device),
    );
    for check in &found.checks {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}",
            escape(&check.name),
            escape(&check.equal)
        );
        for note in &check.notes {
            let _ = write!(html, "<br><small>{}</small>", escape(note));
        }
        html += "</td><td>";
        if check.faults.is_empty() {
            html += "<span class=\"equal\">nothing</span>";
        }
        for fault in &check.faults {
            let place = if fault.place.is_empty() {
                String::new()
            } else {
                format!(", {}", escape(&fault.place))
            };
            let _ = write!(
                html,
                "<div><span class=\"different\"><code>{}</code>{place}</span>: {}</div>",
                escape(&fault.file),
                escape(&fault.what)
            );
        }
        html += "</td></tr>";
    }
    html += "</tbody></table><h2>Jobs that were run again</h2><table><thead><tr><th>Cell</th><th>Job</th><th>Recorded AUC</th>\
             <th>AUC here</th><th>Verdict</th></tr></thead><tbody>";
    for job in &found.jobs {
        let class = match job.verdict {
            Verdict::Equal => "equal",
            Verdict::Near | Verdict::NotRun => "incomplete",
            Verdict::Different => "different",
        };
        let percent = |auc: Option<f64>| {
            auc.map_or_else(|| "–".to_owned(), |auc| format!("{:.2}%", auc * 100.0))
        };
        let why = if job.why.is_empty() {
            String::new()
        } else {
            format!(": {}", escape(&job.why))
        };
        let _ = write!(
            html,
            "<tr><td>{}</td><td><code>{}</code></td><td>{}</td><td>{}</td><td><span class=\"{class}\">{}</span>{why}</td></tr>",
            escape(&job.cell),
            job.job.short(),
            percent(job.recorded_auc),
            percent(job.found_auc),
            job.verdict.words(),
        );
    }
    html += "</tbody></table></main></body></html>\n";
    html
}

/// A text as HTML shows it.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::{Check, Fault};

    #[test]
    fn names_of_a_box_are_no_markup() {
        let found = Verification {
            title: "<script>".into(),
            checks: vec![Check {
                name: "hashes".into(),
                faults: vec![Fault::new("a\"b", "line 1", "<b>")],
                ..Check::default()
            }],
            ..Verification::default()
        };
        let html = page(&found);
        assert!(!html.contains("<script>") && html.contains("&lt;script&gt;"));
        assert!(html.contains("a&quot;b</code>, line 1"));
    }
}
