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
        "this build has no trainer (it was made without the feature `train`)".into(),
    ))
}

#[cfg(feature = "train")]
mod real {
    use gcl::TrainError;
    use gcl::selftest::{TOLERANCE, TraceError, TraceReport, builtin, is_ours, replay};

    use crate::arguments::{Format, Selftest};
    use crate::error::CommandError;
    use crate::output;
    use proto::error_chain;

    /// Replays the traces and prints the largest deviation per tensor.
    pub fn selftest(arguments: &Selftest, format: Format) -> Result<(), CommandError> {
        let device = gcl::open_device(&arguments.device, arguments.threads)?;
        let info = device.info();
        output::say(&format!("device {} ({})", info.kind, info.name));
        let reports = if arguments.case.is_empty() {
            builtin(&device)
        } else {
            arguments
                .case
                .iter()
                .filter(|folder| !is_extractor(folder))
                .map(|folder| replay(folder, &device))
                .collect()
        };
        let reports = reports
            .into_iter()
            .collect::<Result<Vec<TraceReport>, _>>()
            .map_err(|error| match &error {
                TraceError::Train(TrainError::Device { .. } | TrainError::OutOfMemory { .. }) => {
                    CommandError::Device(error_chain(&error))
                }
                _ => CommandError::Input(error_chain(&error)),
            })?;
        let extractors = arguments
            .case
            .iter()
            .filter(|folder| is_extractor(folder))
            .map(|folder| extractor(folder, arguments));
        let extractors = extractors.collect::<Result<Vec<_>, _>>()?;
        match format {
            Format::Json => {
                let all: Vec<_> = reports
                    .iter()
                    .map(as_json)
                    .chain(extractors.iter().map(extractor_json))
                    .collect();
                output::json(&all)?;
            }
            Format::Text => {
                if !reports.is_empty() {
                    output::print(&table(&reports, !arguments.case.is_empty()))?;
                }
                for report in &extractors {
                    output::print(&extractor_table(report))?;
                }
            }
        }
        if let Some(report) = extractors.iter().find(|report| !report.passed()) {
            return Err(CommandError::Deviates(format!(
                "{} deviates by {:.1e}",
                report.name,
                report.largest_deviation()
            )));
        }
        if let (true, Some(report)) = (reports.is_empty(), extractors.first()) {
            output::say(&format!(
                "{} matched: largest deviation {:.1e}",
                report.name,
                report.largest_deviation()
            ));
            return Ok(());
        }
        for report in reports.iter().filter(|report| !report.left_out.is_empty()) {
            output::say(&format!(
                "{}: not made again: {}",
                report.name,
                report.left_out.join(", ")
            ));
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

    /// Whether a case is one of a feature extractor: its `case.toml` names a kind that is not the trainer's.
    fn is_extractor(folder: &std::path::Path) -> bool {
        std::fs::read_to_string(folder.join("case.toml")).is_ok_and(|text| !is_ours(&text))
    }

    fn extractor(
        folder: &std::path::Path,
        arguments: &Selftest,
    ) -> Result<extract::selftest::Report, CommandError> {
        let device = extract::Device::open(&arguments.device, arguments.threads)
            .map_err(|error| CommandError::Device(error_chain(&error)))?;
        extract::selftest::replay(folder, &device)
            .map_err(|error| crate::command::extract::failed(&error))
    }

    fn extractor_table(report: &extract::selftest::Report) -> String {
        let mut table = output::table(&["case", "tensor", "values", "relative to the largest", ""]);
        for tensor in &report.tensors {
            table.add_row([
                report.name.clone(),
                tensor.name.clone(),
                tensor.values.to_string(),
                format!("{:.1e}", tensor.relative),
                verdict(tensor.passed).to_owned(),
            ]);
        }
        table.to_string()
    }

    fn extractor_json(report: &extract::selftest::Report) -> serde_json::Value {
        let tensors: Vec<_> = report
            .tensors
            .iter()
            .map(|tensor| serde_json::json!({ "name": tensor.name, "values": tensor.values, "relative": tensor.relative, "passed": tensor.passed }))
            .collect();
        serde_json::json!({ "trace": report.name, "passed": report.passed(), "tensors": tensors })
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
        serde_json::json!({ "trace": report.name, "passed": report.passed(), "tensors": tensors, "left_out": report.left_out })
    }
}
