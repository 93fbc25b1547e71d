//! Work that blocks, called from `async` code.

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::message::Refusal;

/// Work that blocks, where somebody waits for it: in this thread, since a thread more is two wake-ups more. The runtime
/// moves its other tasks away meanwhile, where it has threads to move them to.
pub(crate) async fn in_place<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, tokio::task::JoinError> {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => Ok(tokio::task::block_in_place(work)),
        _ => tokio::task::spawn_blocking(work).await,
    }
}

/// The same in a thread of its own.
///
/// # Errors
/// [`Refusal::Unavailable`], where the work panicked.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ended(&error))
}

/// What a caller is told whose background task ended.
pub(crate) fn ended(error: &tokio::task::JoinError) -> Refusal {
    Refusal::Unavailable(format!("a background task ended: {error}"))
}
