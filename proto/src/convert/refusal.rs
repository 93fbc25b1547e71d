//! Refusals as statuses.

use crate::{Reason, refuse};
use tonic::Status;

use crate::nouns::Refusal;

/// The status of a refusal. (`InvalidSweep` travels in the answer to a submission, since its text can be long; as a status
/// it is cut.)
pub fn status(refusal: &Refusal) -> Status {
    refuse(reason(refusal), refusal.to_string())
}

fn reason(refusal: &Refusal) -> Reason {
    match refusal {
        Refusal::StaleLease { .. } => Reason::StaleLease,
        Refusal::UnknownWorker(_) => Reason::UnknownWorker,
        Refusal::UnknownJob(_) => Reason::UnknownJob,
        Refusal::UnknownAttempt { .. } => Reason::UnknownAttempt,
        Refusal::UnknownSweep(_) => Reason::UnknownSweep,
        Refusal::NoSuchWorker(_) => Reason::NoSuchWorker,
        Refusal::InvalidSweep { .. } => Reason::InvalidSweep,
        Refusal::UnknownDataset(_) => Reason::UnknownDataset,
        Refusal::DatasetConflict { .. } => Reason::DatasetConflict,
        Refusal::Invalid(_) => Reason::Invalid,
        Refusal::MissingArtifact(_) => Reason::MissingArtifact,
        Refusal::TooLarge(_) => Reason::TooLarge,
        Refusal::Storage(_) => Reason::Storage,
        Refusal::Unavailable(_) => Reason::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nouns::WorkerId;
    use sweeps::{AttemptNumber, Digest, JobId};

    #[test]
    fn the_word_on_the_wire_is_the_refusals_own() {
        let (job, attempt) = (JobId([1; 32]), AttemptNumber(1));
        for refusal in [
            Refusal::StaleLease { job, attempt },
            Refusal::UnknownWorker(WorkerId(1)),
            Refusal::UnknownJob(job),
            Refusal::UnknownAttempt { job, attempt },
            Refusal::UnknownSweep("s".into()),
            Refusal::NoSuchWorker("w".into()),
            Refusal::InvalidSweep {
                rendered: String::new(),
            },
            Refusal::UnknownDataset("d".into()),
            Refusal::DatasetConflict {
                name: "d".into(),
                digests: vec![],
            },
            Refusal::Invalid(String::new()),
            Refusal::MissingArtifact(Digest([1; 32])),
            Refusal::TooLarge(String::new()),
            Refusal::Storage(String::new()),
            Refusal::Unavailable(String::new()),
        ] {
            let status = status(&refusal);
            assert_eq!(Reason::of(&status).map(Reason::word), Some(refusal.code()));
            assert_eq!(
                status.code() == tonic::Code::Unavailable,
                refusal.is_transient()
            );
        }
    }
}
