//! Writes reports of fabricated results, to look at: `cargo run -p reports --example fabricated_report -- FOLDER [NAME]`.

#[allow(clippy::unwrap_used)] // What tests fabricate.
#[path = "../tests/fabricated/mod.rs"]
mod fabricated;

use std::path::PathBuf;

fn main() -> Result<(), reports::ReportError> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "fabricated".to_owned()));
    let wanted = arguments.next();
    // For a look at the clock: `time` this with and without `page`.
    if let Some(name @ ("ten-thousand" | "ten-thousand-in-groups")) = wanted.as_deref() {
        let grouped = name == "ten-thousand-in-groups";
        let results = [if grouped {
            fabricated::large_grid(500)
        } else {
            fabricated::large(10_000)
        }];
        if arguments.next().is_some() {
            std::fs::write(
                folder.join("ten-thousand.html"),
                reports::render_page(&results)?,
            )
            .map_err(|source| reports::ReportError::Write {
                path: folder,
                source,
            })?;
        }
        return Ok(());
    }
    for (name, make) in [
        (
            "quickstart",
            fabricated::quickstart as fn() -> reports::SweepResults,
        ),
        ("troubled", fabricated::troubled),
        ("supervision", fabricated::supervision),
        ("grid", fabricated::grid),
        ("wide", fabricated::wide),
        ("scores", fabricated::scores),
        ("datasets", fabricated::datasets),
        ("methods", fabricated::methods),
        ("thresholds", fabricated::thresholds),
        ("rehearsal", || {
            let mut results = fabricated::grid();
            results.rehearsal = true;
            results
        }),
        ("large", || fabricated::large(1000)),
    ] {
        if wanted.as_ref().is_none_or(|wanted| wanted == name) {
            let results = make();
            reports::write_csv(&results, &folder.join(name))?;
            reports::write_report(&[results], &folder.join(name).join("report"))?;
        }
    }
    Ok(())
}
