//! How much memory the control groups of this process leave it. Pure but for reading files under a root.
//!
//! Slurm puts a task into `…/job_5/step_0/task_0`, containers into a group whose path they may not see. The limit of each group
//! holds for all groups below it, so that the smallest on the way up counts. Both versions of the kernel's interface are read: a host
//! may have the memory controller in the old one and the rest in the new one.

use std::fs;
use std::path::{Path, PathBuf};

/// The least memory limit that holds for this process, where there is one.
pub(super) fn memory_limit(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mounts = fs::read_to_string(root.join("proc/self/mountinfo")).unwrap_or_default();
    let mounts: Vec<Mount> = mounts.lines().filter_map(Mount::parse).collect();
    let mut least = None;
    for (controllers, group) in groups.lines().filter_map(membership) {
        let (wanted, file) = match controllers {
            "" => (Kind::Unified, "memory.max"),
            list if list.split(',').any(|name| name == "memory") => {
                (Kind::Memory, "memory.limit_in_bytes")
            }
            _ => continue,
        };
        for mount in mounts.iter().filter(|mount| mount.kind == wanted) {
            for folder in mount.way_up(root, group) {
                let limit = fs::read_to_string(folder.join(file))
                    .ok()
                    .and_then(|text| limit(&text));
                least = least.into_iter().chain(limit).min();
            }
        }
    }
    least
}

/// `max`, and the page-rounded largest number by which the old interface says it, are no limit.
fn limit(text: &str) -> Option<u64> {
    let bytes: u64 = text.trim().parse().ok()?;
    (bytes < 1 << 62).then_some(bytes)
}

/// The controllers and the path of a line of `/proc/self/cgroup`: `4:cpu,memory:/path`.
fn membership(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once(':')?;
    rest.split_once(':')
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Version 2.
    Unified,
    /// The memory controller of version 1.
    Memory,
}

/// Where a hierarchy of control groups can be seen.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    kind: Kind,
    /// The group that is seen at `point`: `/`, or that of a container.
    top: String,
    point: String,
}

impl Mount {
    /// A line of `/proc/self/mountinfo`: `36 35 0:31 TOP POINT options - TYPE source options`.
    fn parse(line: &str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let (top, point) = (unescaped(left.next()?), unescaped(left.next()?));
        let mut right = right.split(' ');
        let kind = match (right.next()?, right.next_back()?) {
            ("cgroup2", _) => Kind::Unified,
            ("cgroup", options) if options.split(',').any(|name| name == "memory") => Kind::Memory,
            _ => return None,
        };
        Some(Self { kind, top, point })
    }

    /// The folders of that group and of all above it that can be seen here. A group outside of what is seen here, as
    /// `/proc/self/cgroup` names it to a container, is the top itself.
    fn way_up(&self, root: &Path, group: &str) -> Vec<PathBuf> {
        let below = if self.top == "/" {
            group
        } else {
            group
                .strip_prefix(self.top.as_str())
                .filter(|rest| rest.is_empty() || rest.starts_with('/'))
                .unwrap_or("")
        };
        let mut folder = root.join(self.point.trim_start_matches('/'));
        let mut folders = vec![folder.clone()];
        for name in below
            .split('/')
            .filter(|name| !matches!(*name, "" | "." | ".."))
        {
            folder.push(name);
            folders.push(folder.clone());
        }
        folders
    }
}

/// Blanks in paths are written `\\040`.
fn unescaped(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine of those files.
    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    const UNIFIED: &str =
        "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    const SLURM: &str = "sys/fs/cgroup/system.slice/slurmstepd.scope/job_5";

    #[test]
    fn a_job_of_slurm_has_its_own_limit() {
        let files = [
            ("proc/self/mountinfo", UNIFIED),
            (
                "proc/self/cgroup",
                "0::/system.slice/slurmstepd.scope/job_5/step_0/user/task_0\n",
            ),
            (&format!("{SLURM}/step_0/user/task_0/memory.max"), "max\n"),
            (&format!("{SLURM}/step_0/memory.max"), "8589934592\n"),
            (&format!("{SLURM}/memory.max"), "4294967296\n"),
            ("sys/fs/cgroup/system.slice/memory.max", "max\n"),
        ];
        assert_eq!(memory_limit(machine(&files).path()), Some(4 << 30));
    }

    #[test]
    fn the_old_interface_of_slurm_is_read_too() {
        let mounts = "25 20 0:22 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
            26 20 0:23 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
            27 20 0:24 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let groups =
            "4:cpu,cpuacct:/x\n3:memory:/slurm/uid_1000/job_7/step_batch/task_0\n0::/user.slice\n";
        let job = "sys/fs/cgroup/memory/slurm/uid_1000/job_7";
        let files = [
            ("proc/self/mountinfo", mounts),
            ("proc/self/cgroup", groups),
            (
                &format!("{job}/step_batch/task_0/memory.limit_in_bytes"),
                "9223372036854771712\n",
            ),
            (&format!("{job}/memory.limit_in_bytes"), "2147483648\n"),
            (
                "sys/fs/cgroup/memory/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
            ("sys/fs/cgroup/cpu/x/memory.limit_in_bytes", "1\n"),
        ];
        assert_eq!(memory_limit(machine(&files).path()), Some(2 << 30));
    }

    #[test]
    fn a_container_that_sees_only_its_own_group_has_that_limit() {
        // With a namespace of its own.
        let own = [
            ("proc/self/mountinfo", UNIFIED),
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/memory.max", "1073741824\n"),
        ];
        assert_eq!(memory_limit(machine(&own).path()), Some(1 << 30));
        // Without: the path is the host's, and what is mounted is the container's.
        let mount = "26 20 0:23 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        for group in ["/docker/abc", "/docker/abc/inner", "/elsewhere"] {
            let groups = format!("3:memory:{group}\n");
            let files = [
                ("proc/self/mountinfo", mount),
                ("proc/self/cgroup", groups.as_str()),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n"),
                (
                    "sys/fs/cgroup/memory/inner/memory.limit_in_bytes",
                    "2147483648\n",
                ),
            ];
            assert_eq!(
                memory_limit(machine(&files).path()),
                Some(1 << 30),
                "{group}"
            );
        }
    }

    #[test]
    fn nothing_and_nonsense_are_no_limit() {
        assert_eq!(memory_limit(machine(&[]).path()), None);
        let files = [
            ("proc/self/mountinfo", "nonsense\n - \n1 2 3 - cgroup2\n"),
            ("proc/self/cgroup", "0:/\nx\n0::/../../etc\n"),
        ];
        assert_eq!(memory_limit(machine(&files).path()), None);
        let unlimited = [
            ("proc/self/mountinfo", UNIFIED),
            ("proc/self/cgroup", "0::/a\n"),
            ("sys/fs/cgroup/a/memory.max", "max\n"),
        ];
        assert_eq!(memory_limit(machine(&unlimited).path()), None);
    }
}
