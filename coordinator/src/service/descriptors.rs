//! File descriptors: as many as the system gives, shared so that callers never take those of the journal.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::limits::Limits;

/// Descriptors that belong to the store and the process itself: segments, the index, snapshots, listeners, threads that
/// read records.
const RESERVE: usize = 640;

/// Raises the soft limit of descriptors to the hard one. Says how many there are then.
pub(super) fn raise() -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        // Nobody says how many: a limit that every system has.
        return 256;
    };
    let raised = soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok();
    let descriptors = if raised { hard } else { soft };
    usize::try_from(descriptors).unwrap_or(usize::MAX)
}

/// Connections of the side port at a time. Probes and scrapers are few.
const SIDE_PORT: usize = 256;

/// Connections of the side port, of that many descriptors.
pub(super) fn of_side_port(descriptors: usize) -> usize {
    SIDE_PORT.min((descriptors / 16).max(4))
}

impl Limits {
    /// The same limits, lowered where that many descriptors do not hold a connection, an upload or a streamed answer each
    /// beside what the store needs.
    #[must_use]
    pub(super) fn within(self, descriptors: usize) -> Self {
        let side = of_side_port(descriptors);
        let wanted = [self.connections, self.uploads, self.streams, side, RESERVE];
        let wanted = wanted
            .iter()
            .fold(0_usize, |sum, part| sum.saturating_add(*part));
        if wanted <= descriptors {
            return self;
        }
        let reserve = (descriptors / 4).clamp(32, RESERVE);
        let shared = descriptors.saturating_sub(reserve + side);
        Self {
            connections: self.connections.min((shared * 3 / 4).max(4)),
            streams: self.streams.min((shared / 6).max(2)),
            uploads: self.uploads.min((shared / 12).max(1)),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_leave_the_store_its_descriptors() {
        for descriptors in 64..20_000 {
            let limits = Limits::default().within(descriptors);
            let side = of_side_port(descriptors);
            let taken = limits.connections + limits.streams + limits.uploads + side;
            let left = descriptors - taken;
            assert!(
                left >= RESERVE.min(descriptors / 4),
                "{descriptors}: {left} left"
            );
            assert!(limits.connections >= 16, "{descriptors}: {limits:?}");
        }
        assert_eq!(Limits::default().within(20_000), Limits::default());
        let few = Limits {
            connections: 10,
            ..Limits::default()
        };
        assert_eq!(few.within(1024).connections, 10);
    }

    #[test]
    fn what_the_system_gives_is_taken() {
        let descriptors = raise();
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!((soft, soft), (hard, descriptors as u64));
    }
}
