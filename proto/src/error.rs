//! What is wrong with a message that arrived.

use sweeps::ParameterError;

/// What is wrong with a message that arrived. Names the field, never echoes more than a few bytes of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A field that must be there is not.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A text longer than its limit.
    #[error("`{what}` has {bytes} bytes, at most {limit} are taken")]
    TooLong {
        /// The field.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A list longer than its limit.
    #[error("`{what}` has {entries} entries, at most {limit} are taken")]
    TooMany {
        /// The field.
        what: &'static str,
        /// Its length.
        entries: usize,
        /// The limit.
        limit: usize,
    },
    /// A digest or id that is not 32 bytes.
    #[error("`{what}` has {bytes} bytes, a digest has 32")]
    NotADigest {
        /// The field.
        what: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// A word of an enumeration that this version does not know.
    #[error("`{what}` says {value}, which this version does not know")]
    UnknownWord {
        /// The field.
        what: &'static str,
        /// The number on the wire.
        value: i32,
    },
    /// NaN or infinity.
    #[error("`{0}` is not a finite number")]
    NotFinite(&'static str),
    /// A number below 0.
    #[error("`{0}` is negative")]
    Negative(&'static str),
    /// A number out of its range.
    #[error("`{what}` is {value}: {expected}")]
    OutOfRange {
        /// The field.
        what: &'static str,
        /// The number.
        value: u64,
        /// What is expected.
        expected: &'static str,
    },
    /// Two entries of one name.
    #[error("`{0}` names the same thing twice")]
    Doubled(&'static str),
    /// A value nested too deep.
    #[error("a parameter's value is nested too deep")]
    TooDeep,
    /// A parameter that the registry refuses.
    #[error("the job is not one of this version")]
    Parameter(#[from] ParameterError),
}
