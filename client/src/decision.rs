//! What a worker does about a call that failed: the one place where gRPC codes mean anything.

use proto::Reason;
use tonic::{Code, Status};

/// What a worker does about a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallDecision {
    /// The same call may succeed later: the network, a busy or restarting coordinator, a full disk there.
    Retry,
    /// The coordinator does not know this worker (any more): say hello, then call again.
    HelloAgain,
    /// The attempt is not ours any more.
    LeaseLost,
    /// The same call will never succeed.
    GiveUp,
}

impl CallDecision {
    /// What to do after the call ended with `status`.
    pub fn after(status: &Status) -> Self {
        match Reason::of(status) {
            Some(Reason::StaleLease | Reason::UnknownJob) => return CallDecision::LeaseLost,
            Some(Reason::UnknownWorker) => return CallDecision::HelloAgain,
            // What a refusal of ours needs besides is in its code.
            Some(_) | None => {}
        }
        match status.code() {
            // `Unknown` and `Internal` are what a broken connection looks like in mid-call, and what a proxy makes of a
            // restarting server.
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::Cancelled
            | Code::ResourceExhausted
            | Code::Unknown
            | Code::Internal => CallDecision::Retry,
            Code::Ok
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::DataLoss
            | Code::Unauthenticated => CallDecision::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::refuse;

    #[test]
    fn every_refusal_has_its_decision() {
        let expected = |reason| match reason {
            Reason::StaleLease | Reason::UnknownJob => CallDecision::LeaseLost,
            Reason::UnknownWorker => CallDecision::HelloAgain,
            Reason::Storage | Reason::Unavailable | Reason::Busy => CallDecision::Retry,
            _ => CallDecision::GiveUp,
        };
        for &reason in Reason::ALL {
            assert_eq!(
                CallDecision::after(&refuse(reason, "")),
                expected(reason),
                "{reason:?}"
            );
        }
    }

    #[test]
    fn a_broken_connection_is_tried_again() {
        assert_eq!(
            CallDecision::after(&Status::unavailable("connection refused")),
            CallDecision::Retry
        );
        assert_eq!(
            CallDecision::after(&Status::unknown("transport error")),
            CallDecision::Retry
        );
        assert_eq!(
            CallDecision::after(&Status::unauthenticated("who?")),
            CallDecision::GiveUp
        );
    }
}
