//! Which jobs are run again.

use std::collections::BTreeSet;

use sweeps::{Digest, JobId};

/// Of the jobs, a share of that size: of none no job, of any other at least one where there is one. A seed means the same jobs everywhere, in the same order, and nobody
/// who made the box knows which before the seed is drawn.
pub fn sample(jobs: &BTreeSet<JobId>, fraction: f64, seed: u64) -> Vec<JobId> {
    let count = (jobs.len() as f64 * fraction.clamp(0.0, 1.0)).ceil() as usize;
    let mut drawn: Vec<(Digest, JobId)> = jobs
        .iter()
        .map(|job| {
            let mut bytes = seed.to_le_bytes().to_vec();
            bytes.extend(job.0);
            (Digest::of(&bytes), *job)
        })
        .collect();
    drawn.sort();
    drawn.into_iter().take(count).map(|(_, job)| job).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_jobs_and_another_seed_others() {
        let jobs: BTreeSet<JobId> = (0..100).map(|byte| JobId([byte; 32])).collect();
        let five = sample(&jobs, 0.05, 7);
        assert_eq!(five.len(), 5);
        assert_eq!(five, sample(&jobs, 0.05, 7));
        assert_ne!(five, sample(&jobs, 0.05, 8));
        // A larger share is these and more.
        assert_eq!(sample(&jobs, 0.2, 7)[..5], five);
        assert_eq!(sample(&jobs, 1.0, 7).len(), 100);
        assert_eq!(sample(&jobs, 0.0001, 7).len(), 1);
        assert!(sample(&jobs, 0.0, 7).is_empty());
        assert!(sample(&BTreeSet::new(), 1.0, 7).is_empty());
    }

    #[test]
    fn over_seeds_every_job_is_drawn_as_often() {
        let jobs: BTreeSet<JobId> = (0..20).map(|byte| JobId([byte; 32])).collect();
        let mut drawn = [0_u32; 20];
        for seed in 0..2000 {
            for job in sample(&jobs, 0.1, seed) {
                drawn[usize::from(job.0[0])] += 1;
            }
        }
        assert!(
            drawn.iter().all(|count| (140..260).contains(count)),
            "{drawn:?}"
        );
    }
}
