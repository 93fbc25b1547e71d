//! The GPUs of this host, and which of them this process may use.
//!
//! [`nvml`] asks the driver what there is, [`mod@shares`] decides from that and from what Slurm, Kubernetes or a person
//! assigned who computes on what: pure, so that machines nobody here has can be tested.

mod assigned;
mod inventory;
#[cfg(feature = "cuda")]
pub mod nvml;
#[cfg(not(feature = "cuda"))]
#[path = "without_cuda.rs"]
pub mod nvml;
pub mod shares;

pub use assigned::assigned_by;
pub use inventory::{Gpu, Inventory, Load, Slice};
pub use shares::{Assigned, NoShare, Share, own_share, shares};
