//! Why a person's call failed.

use std::error::Error;

use proto::version::Incompatible;
use proto::{Reason, WireError, with_causes};
use tonic::{Code, Status};

use crate::incurable::incurable;

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody answers.
    #[error("the coordinator cannot be reached: {0}")]
    Unreachable(String),
    /// The coordinator was reached, and cannot answer now: it stops, or makes its index again. What it said.
    #[error("{0}")]
    Unavailable(String),
    /// The sweep file has faults, rendered.
    #[error("{0}")]
    InvalidSweep(String),
    /// The coordinator says no.
    #[error("{message}")]
    Refused {
        /// Why, for programs, where it said so.
        reason: Option<Reason>,
        /// Why, for people.
        message: String,
    },
    /// The coordinator speaks another protocol.
    #[error(transparent)]
    Incompatible(#[from] Incompatible),
    /// The answer is none that this version understands.
    #[error("the coordinator's answer is invalid")]
    Answer(#[from] WireError),
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        let reason = Reason::of(&status);
        let lost = matches!(
            status.code(),
            // Nobody cancels here: that is what a connection that broke in mid-call looks like, one that was refused for
            // want of a certificate included.
            Code::Unavailable
                | Code::DeadlineExceeded
                | Code::Cancelled
                | Code::Unknown
                | Code::Internal
        );
        // A refusal of ours was given by a coordinator that was reached.
        if reason == Some(Reason::Unavailable) {
            return Self::Unavailable(status.message().to_owned());
        }
        if lost && reason.is_none() {
            // "transport error" alone tells nobody that the connection was refused.
            let text = status.message().to_owned();
            let text = with_causes(text, status.source());
            return Self::Unreachable(match incurable(&status) {
                Some(what) => format!("{what} ({text})"),
                None => text,
            });
        }
        Self::Refused {
            reason,
            message: status.message().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::nouns::Refusal;

    use super::*;

    #[test]
    fn who_was_reached_is_not_called_unreachable() {
        let refusal = Refusal::Unavailable("its index is made again".into());
        let error = CallError::from(proto::status(&refusal));
        assert!(matches!(error, CallError::Unavailable(_)), "{error:?}");
        assert_eq!(error.to_string(), refusal.to_string());
        let error = CallError::from(Status::unavailable("connection refused"));
        assert!(matches!(error, CallError::Unreachable(_)), "{error:?}");
    }
}
