//! Why a call was refused, in a form that programs read.
//!
//! A gRPC status has a code for the transport and a text for people. What a worker does about a refusal hangs on more
//! than the code, so each refusal of ours carries one of these words under [`REASON_KEY`].

use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

/// The metadata key of a refusal's reason.
pub const REASON_KEY: &str = "gcl-reason";

/// Bytes of a status's text: it travels in a header, percent-encoded, beside others in 16 KiB.
const STATUS_BYTES: usize = 2048;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $word:literal, $code:ident;)+) => {
        /// Why a call was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)+
        }
        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
            /// The word on the wire.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
            /// The gRPC code that goes with it.
            pub fn code(self) -> Code {
                match self { $(Self::$name => Code::$code,)+ }
            }
        }
    };
}
reasons! {
    /// The attempt is not the job's live lease any more.
    StaleLease => "stale-lease", FailedPrecondition;
    /// The worker must say hello (again).
    UnknownWorker => "unknown-worker", FailedPrecondition;
    /// No such job.
    UnknownJob => "unknown-job", NotFound;
    /// The attempt was never handed out.
    UnknownAttempt => "unknown-attempt", FailedPrecondition;
    /// No such sweep.
    UnknownSweep => "unknown-sweep", NotFound;
    /// No worker of that name.
    NoSuchWorker => "no-such-worker", NotFound;
    /// No artifact of that digest.
    UnknownArtifact => "unknown-artifact", NotFound;
    /// The sweep file has faults.
    InvalidSweep => "invalid-sweep", InvalidArgument;
    /// Nobody knows the digest of a data set.
    UnknownDataset => "unknown-dataset", FailedPrecondition;
    /// Workers have different copies of a data set.
    DatasetConflict => "dataset-conflict", FailedPrecondition;
    /// The message says something impossible.
    Invalid => "invalid", InvalidArgument;
    /// The record names an artifact that is not stored.
    MissingArtifact => "missing-artifact", FailedPrecondition;
    /// More than is taken.
    TooLarge => "too-large", OutOfRange;
    /// The two programs do not understand each other.
    Incompatible => "incompatible", FailedPrecondition;
    /// No token, or a wrong one.
    Unauthenticated => "unauthenticated", Unauthenticated;
    /// The token's role does not allow the call.
    PermissionDenied => "permission-denied", PermissionDenied;
    /// Too much of it at a time: uploads, streams.
    Busy => "busy", Unavailable;
    /// The state folder cannot be written now.
    Storage => "storage", Unavailable;
    /// Stopping, or too busy.
    Unavailable => "unavailable", Unavailable;
}

impl Reason {
    /// The reason of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.word() == word)
    }

    /// The reason that a status carries.
    pub fn of(status: &Status) -> Option<Self> {
        status
            .metadata()
            .get(REASON_KEY)
            .and_then(|value| value.to_str().ok())
            .and_then(Self::parse)
    }
}

/// The status of a refusal. A long text is cut: it travels in a header.
pub fn refuse(reason: Reason, text: impl Into<String>) -> Status {
    let mut text = text.into();
    if text.len() > STATUS_BYTES {
        let cut = (0..=STATUS_BYTES)
            .rev()
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(0);
        text.truncate(cut);
        text.push('…');
    }
    let mut status = Status::new(reason.code(), text);
    status
        .metadata_mut()
        .insert(REASON_KEY, MetadataValue::from_static(reason.word()));
    status
}

impl From<crate::WireError> for Status {
    fn from(error: crate::WireError) -> Self {
        let text = match &error {
            crate::WireError::Parameter(cause) => format!("{error}: {cause}"),
            _ => error.to_string(),
        };
        let reason = match error {
            crate::WireError::TooLong { .. } | crate::WireError::TooMany { .. } => Reason::TooLarge,
            _ => Reason::Invalid,
        };
        refuse(reason, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_survives_a_status() {
        for reason in Reason::ALL {
            assert_eq!(Reason::of(&refuse(*reason, "no")), Some(*reason));
        }
        assert_eq!(Reason::of(&Status::unknown("no")), None);
    }

    #[test]
    fn a_long_text_is_cut_on_a_character() {
        let status = refuse(Reason::Invalid, "é".repeat(5000));
        assert!(status.message().len() <= STATUS_BYTES + '…'.len_utf8());
    }
}
