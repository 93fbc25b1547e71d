//! Artifacts that somebody was told are there, while garbage is collected.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use sweeps::Digest;

/// What was asked for since a collection of garbage began; `None`: none is under way.
pub(super) type Claimed = Arc<Mutex<Option<BTreeSet<Digest>>>>;

/// As long as it lives, what is asked for is noted: a collection of garbage must not take away what somebody was told is
/// there.
#[derive(Debug)]
pub(crate) struct Claims(Claimed);

impl Claims {
    pub(super) fn new(claimed: Claimed) -> Self {
        Self(claimed)
    }

    /// Removes it, unless somebody asked for it since; whether it was removed. Nobody can ask meanwhile.
    pub(crate) fn remove_unless_held(
        &self,
        digest: Digest,
        remove: &dyn Fn() -> io::Result<()>,
    ) -> io::Result<bool> {
        let claimed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if claimed.as_ref().is_some_and(|held| held.contains(&digest)) {
            return Ok(false);
        }
        remove().map(|()| true)
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
