//! Who knows what papers printed for the rows of a sweep: the coordinator itself does not.

use std::sync::Arc;

use live::Printed;
use proto::nouns::SweepInfo;

/// The printed numbers of a sweep's rows. May read the whole sweep file.
pub type PrintedOf = Arc<dyn Fn(&SweepInfo) -> Vec<Printed> + Send + Sync>;
