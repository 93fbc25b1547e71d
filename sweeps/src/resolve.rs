//! Parameters against the registry: checked when set, resolved over the defaults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contradiction::{Contradiction, contradictions};
use crate::parameter::{Parameter, Role};
use crate::parameters::Parameters;
use crate::registry::{self, PARAMETERS};
use crate::value::Value;

/// A name or value that the registry refuses: what a job from another version, or a hostile one, runs into.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParameterError(pub String);

impl Parameters {
    /// Checks `value` and sets it.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), ParameterError> {
        let parameter = registry::find(name).ok_or_else(|| {
            ParameterError(format!(
                "there is no parameter `{}`",
                name.chars().take(80).collect::<String>()
            ))
        })?;
        let value = parameter.check(value).map_err(|faults| {
            ParameterError(
                faults
                    .into_iter()
                    .map(|fault| format!("{} ({})", fault.message, fault.help))
                    .collect::<Vec<_>>()
                    .join("; "),
            )
        })?;
        self.set_checked(parameter.name, value);
        Ok(())
    }

    /// These values over the registry's defaults, without any that do not apply.
    pub(crate) fn resolved(&self, role: Role) -> Self {
        let all = self.with_defaults();
        Self::of(
            PARAMETERS
                .iter()
                .filter(|parameter| parameter.role == role && (parameter.applies)(&all))
                .filter_map(|parameter| {
                    all.get(parameter.name)
                        .map(|value| (parameter.name, value.clone()))
                })
                .collect(),
        )
    }

    /// The parameters set here that mean nothing beside the others.
    pub fn inapplicable(&self) -> Vec<&'static Parameter> {
        let all = self.with_defaults();
        PARAMETERS
            .iter()
            .filter(|parameter| self.contains(parameter.name) && !(parameter.applies)(&all))
            .collect()
    }

    /// Whether `score_by` = fused means something.
    pub(crate) fn can_fuse(&self) -> bool {
        registry::can_fuse(&self.with_defaults())
    }

    /// What is set here, or left at its default, and cannot stand together.
    pub(crate) fn contradictions(&self) -> Vec<Contradiction> {
        contradictions(&self.with_defaults())
    }

    fn with_defaults(&self) -> Self {
        let mut all = self.values().clone();
        for parameter in PARAMETERS {
            if !all.contains_key(parameter.name)
                && let Some(value) = (parameter.default)()
            {
                all.insert(parameter.name, value);
            }
        }
        Self::of(all)
    }
}

impl Serialize for Parameters {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.values().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut parameters = Self::default();
        for (name, value) in BTreeMap::<String, Value>::deserialize(deserializer)? {
            parameters
                .set(&name, &value)
                .map_err(serde::de::Error::custom)?;
        }
        Ok(parameters)
    }
}
