//! A sweep that was submitted, worked out.

use std::sync::Arc;

use proto::nouns::Requirements;
use serde::{Deserialize, Serialize};
use sweeps::JobId;

use crate::model::cells::CellTable;
use crate::model::claims::SweepClaims;

/// A sweep file with what it means, worked out.
///
/// Jobs and ids are kept rather than expanded again at each start: a later version of the program, whose expansion or
/// defaults differ, must not give other meaning to what was acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// The sweep's name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// The file's name.
    pub file: String,
    /// The file's text.
    pub text: String,
    /// Higher goes first.
    #[serde(default)]
    pub priority: i32,
    /// What a worker must have.
    #[serde(default)]
    pub requirements: Requirements,
    /// Only a question. Never persisted.
    #[serde(skip)]
    pub dry_run: bool,
    /// The claims for which seeds are added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Box<SweepClaims>>,
    /// The trainer's revision in the ids.
    pub trainer_revision: u32,
    /// The cells.
    #[serde(with = "shared")]
    pub table: Arc<CellTable>,
    /// The cells' job ids, in their order.
    pub ids: Vec<JobId>,
}

pub(crate) mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Arc<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

impl Submission {
    /// The same without cells and ids: those are in a grid, and a million of them are not copied.
    #[must_use]
    pub(crate) fn without_cells(&self, table: Arc<CellTable>) -> Self {
        Self {
            name: self.name.clone(),
            description: self.description.clone(),
            file: self.file.clone(),
            text: self.text.clone(),
            priority: self.priority,
            requirements: self.requirements.clone(),
            dry_run: self.dry_run,
            claims: self.claims.clone(),
            trainer_revision: self.trainer_revision,
            table,
            ids: Vec::new(),
        }
    }
}
