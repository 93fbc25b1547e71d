//! What workers say, from the wire; what they are answered, to it.

use crate::fit::fit_text;
use crate::limits::{
    ASSIGNMENTS, DATASETS, LABELS, LEASES, NAME_BYTES, REPORT_LINES, REPORT_POINTS, TEXT_BYTES,
};
use crate::version::Versions;
use crate::{WireError, attempt, digest, job_id, named_digests, required, texts, wire, word};
use sweeps::Digest;

use super::{all, at_most, name, named};
use crate::nouns::{
    Assignment, Fail, Finish, FinishAnswer, Goodbye, Hello, LeaseAnswer, LeaseRequest, Next, Order,
    Progress, Receipt, Release, Report, ReportAnswer, StopReason, WorkerId,
};

/// A hello, and what the worker's program speaks.
pub fn hello(request: wire::HelloRequest) -> Result<(Versions, Hello), WireError> {
    let versions = Versions::try_from(required("versions", request.versions)?)?;
    at_most("datasets", request.datasets.len(), DATASETS)?;
    if request.slots == 0 || request.slots as usize > LEASES {
        return Err(WireError::OutOfRange {
            what: "slots",
            value: u64::from(request.slots),
            expected: "1 to 4096 are taken",
        });
    }
    let hello = Hello {
        name: name("name", request.name)?,
        session: request.session,
        device: required("device", request.device)?.try_into()?,
        version: versions.program.clone(),
        trainer_revision: versions.trainer_revision,
        slots: request.slots,
        datasets: named_digests("datasets", request.datasets)?,
        labels: texts("labels", request.labels, LABELS, NAME_BYTES)?,
        memory_bytes: request.memory_bytes,
        driver: request
            .driver
            .map(|driver| self::name("driver", driver))
            .transpose()?,
    };
    if hello.name.is_empty() {
        return Err(WireError::Missing("name"));
    }
    Ok((versions, hello))
}

impl From<&Hello> for wire::HelloRequest {
    fn from(hello: &Hello) -> Self {
        let versions = Versions {
            trainer_revision: hello.trainer_revision,
            ..Versions::ours(&hello.version)
        };
        Self {
            versions: Some((&versions).into()),
            name: hello.name.clone(),
            session: hello.session,
            device: Some((&hello.device).into()),
            slots: hello.slots,
            datasets: named(&hello.datasets),
            labels: hello.labels.clone(),
            memory_bytes: hello.memory_bytes,
            driver: hello.driver.clone(),
        }
    }
}

impl TryFrom<wire::LeaseRequest> for LeaseRequest {
    type Error = WireError;
    fn try_from(request: wire::LeaseRequest) -> Result<Self, WireError> {
        Ok(Self {
            worker: WorkerId(request.worker),
            slots: slots(request.slots),
            held: all("held", request.held, LEASES)?,
            warm: warm(&request.warm)?,
            wait_ms: request.wait_ms,
        })
    }
}

impl TryFrom<wire::Next> for Next {
    type Error = WireError;
    fn try_from(next: wire::Next) -> Result<Self, WireError> {
        Ok(Self {
            slots: slots(next.slots),
            held: all("held", next.held, LEASES)?,
            warm: warm(&next.warm)?,
        })
    }
}

impl From<&Next> for wire::Next {
    fn from(next: &Next) -> Self {
        Self {
            slots: next.slots,
            held: next.held.iter().copied().map(Into::into).collect(),
            warm: next.warm.iter().map(|digest| digest.0.to_vec()).collect(),
        }
    }
}

impl TryFrom<wire::ReportRequest> for Report {
    type Error = WireError;
    fn try_from(report: wire::ReportRequest) -> Result<Self, WireError> {
        Ok(Self {
            worker: WorkerId(report.worker),
            progress: all("progress", report.progress, LEASES)?,
            telemetry: report.telemetry.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<&Progress> for wire::Progress {
    fn from(progress: &Progress) -> Self {
        Self {
            job_id: progress.job.0.to_vec(),
            attempt: progress.attempt.0,
            points: progress.points.iter().map(Into::into).collect(),
            log: progress.log.clone(),
        }
    }
}

impl TryFrom<wire::Progress> for Progress {
    type Error = WireError;
    fn try_from(progress: wire::Progress) -> Result<Self, WireError> {
        Ok(Self {
            job: job_id("job_id", &progress.job_id)?,
            attempt: attempt(progress.attempt)?,
            points: all("points", progress.points, REPORT_POINTS)?,
            log: log(progress.log)?,
        })
    }
}

impl TryFrom<wire::FinishRequest> for Finish {
    type Error = WireError;
    fn try_from(finish: wire::FinishRequest) -> Result<Self, WireError> {
        Ok(Self {
            worker: WorkerId(finish.worker),
            record: Box::new(required("record", finish.record)?.try_into()?),
            next: finish.next.map(TryInto::try_into).transpose()?,
        })
    }
}

impl TryFrom<wire::FailRequest> for Fail {
    type Error = WireError;
    fn try_from(fail: wire::FailRequest) -> Result<Self, WireError> {
        Ok(Self {
            worker: WorkerId(fail.worker),
            job: job_id("job_id", &fail.job_id)?,
            attempt: attempt(fail.attempt)?,
            failure: required("failure", fail.failure)?.try_into()?,
            next: fail.next.map(TryInto::try_into).transpose()?,
        })
    }
}

impl TryFrom<wire::ReleaseRequest> for Release {
    type Error = WireError;
    fn try_from(release: wire::ReleaseRequest) -> Result<Self, WireError> {
        Ok(Self {
            worker: WorkerId(release.worker),
            job: job_id("job_id", &release.job_id)?,
            attempt: attempt(release.attempt)?,
            reason: fit_text(release.reason, TEXT_BYTES),
        })
    }
}

impl TryFrom<wire::GoodbyeRequest> for Goodbye {
    type Error = WireError;
    fn try_from(goodbye: wire::GoodbyeRequest) -> Result<Self, WireError> {
        Ok(Self {
            worker: WorkerId(goodbye.worker),
            reason: fit_text(goodbye.reason, TEXT_BYTES),
        })
    }
}

impl From<Assignment> for wire::Assignment {
    fn from(assignment: Assignment) -> Self {
        Self {
            job_id: assignment.job_id.0.to_vec(),
            attempt: assignment.attempt.0,
            job: Some((&assignment.job).into()),
            dataset: assignment.dataset.0.to_vec(),
            time_to_live_ms: assignment.time_to_live_ms,
        }
    }
}

impl From<LeaseAnswer> for wire::LeaseResponse {
    fn from(answer: LeaseAnswer) -> Self {
        Self {
            assignments: answer.assignments.into_iter().map(Into::into).collect(),
            drain: answer.drain,
        }
    }
}

impl From<LeaseAnswer> for wire::FailResponse {
    fn from(answer: LeaseAnswer) -> Self {
        Self {
            assignments: answer.assignments.into_iter().map(Into::into).collect(),
            drain: answer.drain,
        }
    }
}

impl From<ReportAnswer> for wire::ReportResponse {
    fn from(answer: ReportAnswer) -> Self {
        use wire::order::Order as Wire;
        Self {
            orders: answer
                .orders
                .into_iter()
                .map(|order| wire::Order {
                    order: Some(match order {
                        Order::Continue { time_to_live_ms } => Wire::ContinueMs(time_to_live_ms),
                        Order::Stop(reason) => Wire::Stop(wire::StopReason::from(reason).into()),
                    }),
                })
                .collect(),
            drain: answer.drain,
        }
    }
}

impl TryFrom<wire::Order> for Order {
    type Error = WireError;
    fn try_from(order: wire::Order) -> Result<Self, WireError> {
        use wire::order::Order as Wire;
        Ok(match required("order", order.order)? {
            Wire::ContinueMs(time_to_live_ms) => Self::Continue { time_to_live_ms },
            // A reason that this version does not know is a reason all the same.
            Wire::Stop(reason) => Self::Stop(
                word::<wire::StopReason, _>("stop", reason).unwrap_or(StopReason::Unknown),
            ),
        })
    }
}

impl From<FinishAnswer> for wire::FinishResponse {
    fn from(answer: FinishAnswer) -> Self {
        Self {
            receipt: wire::Receipt::from(answer.receipt).into(),
            assignments: answer.assignments.into_iter().map(Into::into).collect(),
            drain: answer.drain,
        }
    }
}

crate::same_words!(
    "stop",
    StopReason,
    wire::StopReason,
    [StaleLease, Finished, Cancelled, Timeout, Unknown]
);
crate::same_words!(
    "receipt",
    Receipt,
    wire::Receipt,
    [Recorded, Equal, Differs, NotComparable]
);

/// One answer hands out no more jobs than it can hold, whatever is asked for.
fn slots(asked: u32) -> u32 {
    asked.min(ASSIGNMENTS as u32)
}

/// A line that is too long costs its end, not the report that renews a lease.
fn log(lines: Vec<String>) -> Result<Vec<String>, WireError> {
    at_most("log", lines.len(), REPORT_LINES)?;
    Ok(lines
        .into_iter()
        .map(|line| fit_text(line, TEXT_BYTES))
        .collect())
}

fn warm(digests: &[Vec<u8>]) -> Result<Vec<Digest>, WireError> {
    at_most("warm", digests.len(), DATASETS)?;
    digests.iter().map(|bytes| digest("warm", bytes)).collect()
}
