//! Numbers that a paper printed for the groups of a sweep.

use serde::Serialize;
use sweeps::Value;

/// A printed number and the group that it stands beside.
#[derive(Debug, Clone, PartialEq)]
pub struct Printed {
    /// The group's variant.
    pub variant: String,
    /// Its swept values, in the order of the sweep's columns.
    pub point: Vec<Option<Value>>,
    /// The number.
    pub number: PrintedNumber,
}

/// A printed number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PrintedNumber {
    /// The AUC, a fraction.
    pub auc: f64,
    /// Its standard deviation, where one is printed.
    pub std: Option<f64>,
    /// What it is called and where it is printed.
    pub text: String,
    /// Whether data and settings are known to be those that it was measured under.
    pub alike: bool,
}
