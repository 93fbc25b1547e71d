//! What travels from the handle to the engine's loop.

use tokio::sync::oneshot;

use crate::scheduler::{Reply, Request, Scheduler, Ticket};
use proto::nouns::{Refusal, Timestamp};

/// What travels to the engine.
pub(crate) enum Call {
    /// A request for the scheduler.
    Request(Ticket, Request, oneshot::Sender<Reply>),
    /// Nobody waits for that answer any more.
    Abandon(Ticket),
    /// Reads the scheduler's state, with the time; answered after the running turn is on disk.
    Query(Query),
}

/// Reads the scheduler's state, or is told why it cannot.
pub(crate) type Query = Box<dyn FnOnce(Result<(&Scheduler, Timestamp), &Refusal>) + Send>;
