//! Whether somebody assigned a GPU to this process. Pure over the environment.

/// Lists of GPUs, as CUDA, Slurm and container runtimes write them. The first that is set decides.
const LISTS: [&str; 4] = [
    "CUDA_VISIBLE_DEVICES",
    "SLURM_STEP_GPUS",
    "SLURM_JOB_GPUS",
    "NVIDIA_VISIBLE_DEVICES",
];

/// Counts of GPUs, as Slurm writes them: `2`, `a100:2`, `gpu:a100:2`.
const COUNTS: [&str; 4] = [
    "SLURM_GPUS_ON_NODE",
    "SLURM_GPUS_PER_TASK",
    "SLURM_GPUS_PER_NODE",
    "SLURM_GPUS",
];

/// The variable that assigns a GPU to this process, as `NAME=VALUE`, if one does.
pub fn assigned_by(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let set = |name: &str| variable(name).map(|value| value.trim().to_owned());
    // What CUDA reads is the last word: who empties it wants no GPU.
    if let Some(value) = set(LISTS[0]) {
        return names_a_gpu(&value).then(|| format!("{}={value}", LISTS[0]));
    }
    let listed = LISTS[1..]
        .iter()
        .filter_map(|name| Some((name, set(name).filter(|value| names_a_gpu(value))?)));
    let counted = COUNTS
        .iter()
        .filter_map(|name| Some((name, set(name).filter(|value| counts_a_gpu(value))?)));
    listed
        .chain(counted)
        .map(|(name, value)| format!("{name}={value}"))
        .next()
}

fn names_a_gpu(list: &str) -> bool {
    !matches!(list, "" | "-1" | "void" | "none" | "NoDevFiles")
}

fn counts_a_gpu(count: &str) -> bool {
    let number = count.split('(').next().unwrap_or(count);
    let number = number.rsplit(':').next().unwrap_or(number);
    number.parse::<u64>().is_ok_and(|number| number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(environment: &[(&str, &str)]) -> Option<String> {
        assigned_by(|name| {
            let found = environment.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        })
    }

    #[test]
    fn whoever_assigns_a_gpu_is_named() {
        for (name, value) in [
            ("CUDA_VISIBLE_DEVICES", "0"),
            ("CUDA_VISIBLE_DEVICES", "GPU-1a2b,GPU-3c4d"),
            ("SLURM_JOB_GPUS", "0,1"),
            ("SLURM_STEP_GPUS", "3"),
            ("SLURM_GPUS", "a100:2"),
            ("SLURM_GPUS_ON_NODE", "1"),
            ("SLURM_GPUS_PER_NODE", "gpu:a100:4(S:0-1)"),
            ("NVIDIA_VISIBLE_DEVICES", "all"),
            ("NVIDIA_VISIBLE_DEVICES", "GPU-1a2b"),
        ] {
            assert_eq!(by(&[(name, value)]), Some(format!("{name}={value}")));
        }
    }

    #[test]
    fn none_is_none_however_it_is_written() {
        for (name, value) in [
            ("CUDA_VISIBLE_DEVICES", ""),
            ("CUDA_VISIBLE_DEVICES", "-1"),
            ("CUDA_VISIBLE_DEVICES", "NoDevFiles"),
            ("NVIDIA_VISIBLE_DEVICES", "void"),
            ("NVIDIA_VISIBLE_DEVICES", "none"),
            ("SLURM_GPUS_ON_NODE", "0"),
            ("SLURM_JOB_GPUS", ""),
            ("SLURM_JOB_ID", "7"),
        ] {
            assert_eq!(by(&[(name, value)]), None, "{name}={value}");
        }
        // A person who empties CUDA's variable in an allocation with GPUs wants the CPU.
        assert_eq!(
            by(&[
                ("CUDA_VISIBLE_DEVICES", ""),
                ("SLURM_JOB_GPUS", "0"),
                ("SLURM_GPUS", "1")
            ]),
            None
        );
    }
}
