//! How much memory a Slurm job asked for on its node. Where Slurm limits jobs by control groups the kernel says the same; where
//! it watches them instead, a job that takes more is killed, and only its environment says how much it has. Pure.

/// Bytes that the job has on this node, by its environment; `None` outside of a job, and where it may take all.
pub(super) fn memory_limit(variable: impl Fn(&str) -> Option<String>) -> Option<u64> {
    // A number of mebibytes, or of CPUs or GPUs; 0 stands for all there is.
    let number = |name: &str| -> Option<u64> {
        let number = variable(name)?.trim().parse().ok()?;
        (number > 0).then_some(number)
    };
    number("SLURM_JOB_ID")?;
    let each = |share: &str, count: &str| number(share)?.checked_mul(number(count)?);
    number("SLURM_MEM_PER_NODE")
        .or_else(|| each("SLURM_MEM_PER_CPU", "SLURM_CPUS_ON_NODE"))
        .or_else(|| each("SLURM_MEM_PER_GPU", "SLURM_GPUS_ON_NODE"))?
        .checked_mul(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(variables: &[(&str, &str)]) -> Option<u64> {
        memory_limit(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_jobs_memory_is_that_of_its_node_cpus_or_gpus() {
        const JOB: (&str, &str) = ("SLURM_JOB_ID", "7");
        assert_eq!(limit(&[JOB, ("SLURM_MEM_PER_NODE", "1024")]), Some(1 << 30));
        let of_cpus = [
            JOB,
            ("SLURM_MEM_PER_CPU", "512"),
            ("SLURM_CPUS_ON_NODE", "4"),
        ];
        assert_eq!(limit(&of_cpus), Some(2 << 30));
        let of_gpus = [
            JOB,
            ("SLURM_MEM_PER_GPU", "4096"),
            ("SLURM_GPUS_ON_NODE", "2"),
        ];
        assert_eq!(limit(&of_gpus), Some(8 << 30));
    }

    #[test]
    fn all_memory_nonsense_and_no_job_are_no_limit() {
        const JOB: (&str, &str) = ("SLURM_JOB_ID", "7");
        for variables in [
            &[][..],
            &[JOB],
            &[("SLURM_MEM_PER_NODE", "1024")],
            &[JOB, ("SLURM_MEM_PER_NODE", "0")],
            &[JOB, ("SLURM_MEM_PER_NODE", "8G")],
            &[JOB, ("SLURM_MEM_PER_CPU", "512")],
            &[JOB, ("SLURM_MEM_PER_NODE", "18446744073709551615")],
        ] {
            assert_eq!(limit(variables), None, "{variables:?}");
        }
    }
}
