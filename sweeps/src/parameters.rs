//! The values of a job by parameter name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::choice::Choice;
use crate::value::Value;

/// Values by parameter name, in the order of names. Only names of the registry can be in it.
///
/// A clone costs a pointer: the cells of a large grid, most of which differ in their seed alone, share one map.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters(Arc<BTreeMap<&'static str, Value>>);

impl Parameters {
    /// Of values that were checked before.
    pub(crate) fn of(values: BTreeMap<&'static str, Value>) -> Self {
        Self(Arc::new(values))
    }

    /// All of them.
    pub(crate) fn values(&self) -> &BTreeMap<&'static str, Value> {
        &self.0
    }

    /// Sets a value that was checked before.
    pub(crate) fn set_checked(&mut self, name: &'static str, value: Value) {
        Arc::make_mut(&mut self.0).insert(name, value);
    }

    /// Whether the other one is this very map: equal without a look. Equal maps may also lie apart.
    pub fn shares(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The choice of that name, where it is set.
    pub fn choice<C: Choice>(&self, name: &str) -> Option<C> {
        C::of_word(self.get(name)?.as_text()?)
    }

    /// Whether the name is set.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Names and values in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}
