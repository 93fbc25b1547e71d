//! What the two sides of a connection speak, and whether they understand each other.

use sweeps::TRAINER_REVISION;

use crate::error::WireError;
use crate::limits::NAME_BYTES;
use crate::number::text;
use crate::wire;

/// The protocol's revision. Raise it when a message changes its meaning, not when a field is added.
pub const PROTOCOL_REVISION: u32 = 1;

/// The oldest revision that this program still speaks.
pub const OLDEST_PROTOCOL_REVISION: u32 = 1;

/// What a program speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// Revision of the protocol.
    pub protocol_revision: u32,
    /// Version of the program.
    pub program: String,
    /// Revision of the trainer.
    pub trainer_revision: u32,
}

/// Two programs that do not understand each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "program {theirs} speaks protocol {their_revision}, program {ours} speaks {OLDEST_PROTOCOL_REVISION} to {PROTOCOL_REVISION}: run the same release on both sides"
)]
pub struct Incompatible {
    theirs: String,
    their_revision: u32,
    ours: String,
}

impl Versions {
    /// What this build speaks, as the program of that version.
    pub fn ours(program: impl Into<String>) -> Self {
        Self {
            protocol_revision: PROTOCOL_REVISION,
            program: program.into(),
            trainer_revision: TRAINER_REVISION,
        }
    }

    /// Whether the program of version `ours` understands this one. Trainer revisions may differ: the scheduler gives a
    /// worker only jobs of its own.
    pub fn check(&self, ours: &str) -> Result<(), Incompatible> {
        if (OLDEST_PROTOCOL_REVISION..=PROTOCOL_REVISION).contains(&self.protocol_revision) {
            return Ok(());
        }
        Err(Incompatible {
            theirs: self.program.clone(),
            their_revision: self.protocol_revision,
            ours: ours.to_owned(),
        })
    }
}

impl From<&Versions> for wire::Versions {
    fn from(versions: &Versions) -> Self {
        Self {
            protocol_revision: versions.protocol_revision,
            program: versions.program.clone(),
            trainer_revision: versions.trainer_revision,
        }
    }
}

impl TryFrom<wire::Versions> for Versions {
    type Error = WireError;
    fn try_from(versions: wire::Versions) -> Result<Self, WireError> {
        Ok(Self {
            protocol_revision: versions.protocol_revision,
            program: text("versions.program", versions.program, NAME_BYTES)?,
            trainer_revision: versions.trainer_revision,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_revision_is_refused_with_both_versions() {
        let mut theirs = Versions::ours("9.9.9");
        assert_eq!(theirs.check("0.1.0"), Ok(()));
        theirs.protocol_revision = PROTOCOL_REVISION + 1;
        let message = theirs.check("0.1.0").unwrap_err().to_string();
        assert!(
            message.contains("9.9.9") && message.contains("0.1.0"),
            "{message}"
        );
    }
}
