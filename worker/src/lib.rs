//! A worker: leases jobs, trains them, reports.
//!
//! A worker pulls. It leases a job, hands it to its [`Trainer`], reports every epoch (which is also the heartbeat, and
//! whose answer says whether to go on) and delivers the record. It survives a coordinator that is away: training goes
//! on, the record waits in the [`spool`] and is delivered later, by this process or by its successor.
//!
//! It knows nothing of the maths (that is the trainer's), and nothing of queues and retries (that is the
//! coordinator's). All waiting uses `tokio::time`, so that tests run in virtual time.
//!
//! Reading order: [`config`], [`trainer`], [`mod@run`], then `work_loop`, `attempt`, `heartbeat`,
//! `delivery`, [`spool`]; `client::link` has the calls.

#[cfg(feature = "train")]
pub mod candle;
pub mod config;
pub mod error;
#[cfg(feature = "train")]
pub mod extraction;
pub mod fake;
#[cfg(feature = "train")]
pub mod gpu;
pub mod noop;
pub mod rehearsal;
pub mod run;
pub mod spool;
pub mod supervisor;
#[cfg(feature = "train")]
pub mod telemetry;
pub mod trainer;

mod attempt;
mod context;
#[cfg(feature = "train")]
mod dedicated_thread;
mod delivery;
mod heartbeat;
mod record;
mod walltime;
mod wording;
mod work_loop;

pub use config::{Config, Diagnosis, OnDrain};
pub use delivery::Artifacts;
pub use error::{Exit, WorkerError};
pub use record::record_of;
pub use run::{run, run_in};
pub use trainer::{Artifact, Ended, Event, Finished, Task, Trainer};
pub use wording::clean;
