//! What this program calls itself.

/// Version, with the commit where the sources were a git checkout.
pub const LONG: &str = env!("GCL_VERSION");
