//! What the system says of this process. Where it says nothing (not Linux), nothing is known.

use std::path::Path;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};

use super::{cgroup, slurm};

/// Memory that this process may have: the machine's, or that of its container or Slurm job where that is less.
pub(super) fn memory() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| kibibytes(&text, "MemTotal:"))?;
    let group = cgroup::memory_limit(Path::new("/"));
    let job = slurm::memory_limit(|name| std::env::var(name).ok());
    [Some(machine), group, job].into_iter().flatten().min()
}

/// Memory of this process that is in RAM.
pub(super) fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    kibibytes(&text, "VmRSS:")
}

/// Time that this process's threads computed.
pub(super) fn processor_time() -> Option<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let time = usage.user_time() + usage.system_time();
    let seconds = u64::try_from(time.tv_sec()).ok()?;
    let micros = u64::try_from(time.tv_usec()).ok()?;
    Some(Duration::from_secs(seconds) + Duration::from_micros(micros))
}

fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    let number: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_proc_are_read_and_nonsense_is_nothing() {
        let text = "Name:\tx\nVmRSS:\t   2048 kB\nMemTotal: 99999999999999999999 kB\n";
        assert_eq!(kibibytes(text, "VmRSS:"), Some(2 << 20));
        assert_eq!(kibibytes(text, "MemTotal:"), None);
        assert_eq!(kibibytes(text, "VmHWM:"), None);
    }

    #[test]
    fn time_that_was_computed_counts() {
        let before = processor_time().unwrap();
        while processor_time().unwrap() == before {
            std::hint::spin_loop();
        }
    }
}
