//! `gcl-sweep selftest`: does this device compute what the recorded traces say?

#[cfg(feature = "train")]
pub use real::selftest;

/// A control plane computes nothing.
#[cfg(not(feature = "train"))]
pub fn selftest(
    _: &crate::arguments::Selftest,
    _: crate::arguments::Format,
) -> Result<(), crate::error::CommandError> {
    Err(crate::error::CommandError::Usage(
        "this build has no trainer (it was made with --no-default-features)".into(),
    ))
}

#[cfg(feature = "train")]
mod real {
    use gcl::selftest::{TOLERANCE, TraceReport, builtin, replay};

    use crate::arguments::{Format, Selftest};
    use crate::error::{CommandError, chain};
    use crate::output;

    /// Replays the traces and prints the largest deviation per tensor.
    pub fn selftest(arguments: &Selftest, format: Format) -> Result<(), CommandError> {
        let device = gcl::open_device(&arguments.device, arguments.threads)
            .map_err(|error| CommandError::Usage(error.to_string()))?;
        let info = device.info();
        output::say(&format!("device {} ({})", info.kind, info.name));
        let reports = if arguments.case.is_empty() {
            builtin(&device)
        } else {
            arguments
                .case
                .iter()
                .map(|folder| replay(folder, &device))
                .collect()
        };
        let reports = reports
            .into_iter()
            .collect::<Result<Vec<TraceReport>, _>>()
            .map_err(|error| CommandError::Input(chain(&error)))?;
        match format {
            Format::Json => output::json(&reports.iter().map(as_json).collect::<Vec<_>>())?,
            Format::Text => output::print(&table(&reports, !arguments.case.is_empty()))?,
        }
        let failed: Vec<&str> = reports
            .iter()
            .filter(|report| !report.passed())
            .map(|report| report.name.as_str())
            .collect();
        if failed.is_empty() {
            let largest = reports
                .iter()
                .map(TraceReport::largest_deviation)
                .fold(0.0, f64::max);
            output::say(&format!(
                "{} traces matched: all labels equal, largest deviation {largest:.1e} (allowed {TOLERANCE:.0e})",
                reports.len()
            ));
            Ok(())
        } else {
            Err(CommandError::Deviates(format!(
                "{} of {} traces deviate: {}",
                failed.len(),
                reports.len(),
                failed.join(", ")
            )))
        }
    }

    /// One line per tensor of the named cases; of the built-in ones a line each.
    fn table(reports: &[TraceReport], each_tensor: bool) -> String {
        if !each_tensor {
            let mut table =
                output::table(&["trace", "tensors", "wrong labels", "largest deviation", ""]);
            for report in reports {
                table.add_row([
                    report.name.clone(),
                    report.tensors.len().to_string(),
                    report.wrong_labels().to_string(),
                    format!("{:.1e}", report.largest_deviation()),
                    verdict(report.passed()).to_owned(),
                ]);
            }
            return table.to_string();
        }
        let mut table = output::table(&[
            "trace",
            "tensor",
            "values",
            "wrong labels",
            "max |difference|",
            "relative",
            "deviation",
            "",
        ]);
        for report in reports {
            for tensor in &report.tensors {
                table.add_row([
                    report.name.clone(),
                    tensor.name.clone(),
                    tensor.values.to_string(),
                    tensor
                        .wrong_labels
                        .map(|wrong| wrong.to_string())
                        .unwrap_or_default(),
                    format!("{:.1e}", tensor.absolute),
                    format!("{:.1e}", tensor.relative),
                    format!("{:.1e}", tensor.deviation),
                    verdict(tensor.passed).to_owned(),
                ]);
            }
        }
        table.to_string()
    }

    fn verdict(passed: bool) -> &'static str {
        if passed { "ok" } else { "DEVIATES" }
    }

    fn as_json(report: &TraceReport) -> serde_json::Value {
        let tensors: Vec<_> = report
            .tensors
            .iter()
            .map(|tensor| {
                serde_json::json!({
                    "name": tensor.name, "values": tensor.values, "absolute": tensor.absolute, "relative": tensor.relative,
                    "wrong_labels": tensor.wrong_labels, "deviation": tensor.deviation, "passed": tensor.passed,
                })
            })
            .collect();
        serde_json::json!({ "trace": report.name, "passed": report.passed(), "tensors": tensors })
    }
}
