//! How many more files this process may map into memory.
//!
//! *Because* a system that refuses a map refuses memory too, and a program without memory aborts, the limit is not tried: it is asked.

/// Maps that are left to everything else: threads' stacks, the allocator, libraries.
const RESERVE: usize = 8192;
/// Every system lets a process have as many.
pub(crate) const ALWAYS: usize = 4096;

/// Files that may still be mapped; without an end where the system does not say.
pub(crate) fn left() -> usize {
    let most = std::fs::read_to_string("/proc/sys/vm/max_map_count");
    let most = most.ok().and_then(|text| text.trim().parse().ok());
    let now = std::fs::read("/proc/self/maps");
    let now = now.map_or(0, |maps| maps.split(|byte| *byte == b'\n').count());
    room(most, now)
}

fn room(most: Option<usize>, now: usize) -> usize {
    most.map_or(usize::MAX, |most| {
        most.saturating_sub(now).saturating_sub(RESERVE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_left_to_everything_else() {
        assert_eq!(room(Some(65_530), 100), 65_430 - RESERVE);
        assert_eq!(room(Some(1000), 100), 0);
        assert_eq!(room(None, 100), usize::MAX);
        assert!(left() > 0);
    }
}
