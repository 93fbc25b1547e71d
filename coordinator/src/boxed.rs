//! What the ways into this crate return.

use std::pin::Pin;

/// A future without its type. *Because* the body of an `async fn` is compiled where it is awaited: engine and server would be
/// part of every program and test that starts them, and be optimised as that one is.
pub type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
