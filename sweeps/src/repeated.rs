//! Points of an axis that come up more than once.

use std::collections::BTreeSet;

use crate::fault::Fault;
use crate::spec::{Axis, Key};

/// Leaves each point of an axis once, and says which came again: draws from short lists do, and two cells of one job would count each of
/// its seeds twice.
pub(crate) fn drop_repeated(axes: &mut [Axis]) -> Vec<Fault> {
    let mut warnings = Vec::new();
    for axis in axes {
        // Seeds alone were looked at when they were read.
        if let [Key::Seed] = axis.keys[..] {
            continue;
        }
        let all = axis.points.len();
        let mut seen = BTreeSet::new();
        let mut first = None;
        axis.points.retain(|point| {
            let values: Vec<_> = point.iter().map(|(coordinate, _)| coordinate).collect();
            let is_new = seen.insert(format!("{values:?}"));
            if !is_new && first.is_none() {
                first = point.first().map(|(_, span)| span.clone());
            }
            is_new
        });
        if let Some(span) = first {
            let left = axis.points.len();
            warnings.push(Fault::new(
                span,
                format!(
                    "{} of {all} points came up again: {left} different ones are left",
                    all - left
                ),
                "each cell of a sweep stands once; longer lists or ranges have more points to draw",
            ));
        }
    }
    warnings
}
