//! What people and reports ask.

use crate::limits::{DATASETS, LABELS, NAME_BYTES, SWEEP_FILE_BYTES};
use crate::{WireError, job_id, named_digests, required, text, texts, wire};

use super::{at_most, name, named};
use crate::nouns::{Control, ControlAction, Requirements, Submit, Submitted, Target};

impl From<&Submit> for wire::SubmitRequest {
    fn from(submit: &Submit) -> Self {
        Self {
            file: submit.file.clone(),
            text: submit.text.clone(),
            datasets: named(&submit.datasets),
            priority: submit.priority,
            requirements: Some(wire::Requirements {
                device: submit.requirements.device.clone(),
                labels: submit.requirements.labels.clone(),
                memory_bytes: submit.requirements.memory_bytes,
            }),
            max_jobs: submit.max_jobs.map(|jobs| jobs as u64),
            dry_run: submit.dry_run,
            fixed_seeds: submit.fixed_seeds,
        }
    }
}

impl TryFrom<wire::SubmitRequest> for Submit {
    type Error = WireError;
    fn try_from(submit: wire::SubmitRequest) -> Result<Self, WireError> {
        at_most("datasets", submit.datasets.len(), DATASETS)?;
        let requirements = submit.requirements.unwrap_or_default();
        Ok(Self {
            file: name("file", submit.file)?,
            text: text("text", submit.text, SWEEP_FILE_BYTES)?,
            datasets: named_digests("datasets", submit.datasets)?,
            priority: submit.priority,
            requirements: Requirements {
                device: requirements
                    .device
                    .map(|device| name("requirements.device", device))
                    .transpose()?,
                labels: texts(
                    "requirements.labels",
                    requirements.labels,
                    LABELS,
                    NAME_BYTES,
                )?,
                memory_bytes: requirements.memory_bytes,
            },
            max_jobs: submit
                .max_jobs
                .map(|jobs| usize::try_from(jobs).unwrap_or(usize::MAX)),
            dry_run: submit.dry_run,
            fixed_seeds: submit.fixed_seeds,
        })
    }
}

impl From<Submitted> for wire::Submitted {
    fn from(submitted: Submitted) -> Self {
        Self {
            sweep: submitted.sweep,
            cells: submitted.cells,
            jobs: submitted.jobs,
            new: submitted.new,
            done: submitted.done,
            shared: submitted.shared,
            hidden: submitted.hidden,
        }
    }
}

impl TryFrom<wire::Submitted> for Submitted {
    type Error = WireError;
    fn try_from(submitted: wire::Submitted) -> Result<Self, WireError> {
        Ok(Self {
            sweep: name("sweep", submitted.sweep)?,
            cells: submitted.cells,
            jobs: submitted.jobs,
            new: submitted.new,
            done: submitted.done,
            shared: submitted.shared,
            hidden: submitted.hidden,
        })
    }
}

crate::same_words!(
    "action",
    ControlAction,
    wire::ControlAction,
    [Cancel, Pause, Resume, Retry]
);

impl From<&Control> for wire::ControlRequest {
    fn from(control: &Control) -> Self {
        use wire::target::Target as Wire;
        Self {
            target: Some(wire::Target {
                target: Some(match &control.target {
                    Target::Sweep(name) => Wire::Sweep(name.clone()),
                    Target::Job(job) => Wire::JobId(job.0.to_vec()),
                }),
            }),
            action: wire::ControlAction::from(control.action).into(),
        }
    }
}

impl TryFrom<wire::ControlRequest> for Control {
    type Error = WireError;
    fn try_from(control: wire::ControlRequest) -> Result<Self, WireError> {
        use wire::target::Target as Wire;
        let target = required("target", required("target", control.target)?.target)?;
        Ok(Self {
            target: match target {
                Wire::Sweep(sweep) => Target::Sweep(name("target.sweep", sweep)?),
                Wire::JobId(bytes) => Target::Job(job_id("target.job_id", &bytes)?),
            },
            action: crate::word::<wire::ControlAction, _>("action", control.action)?,
        })
    }
}
