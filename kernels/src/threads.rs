//! Threads that work is divided among: counted, never the whole machine's.

use std::sync::Arc;

/// A pool of counted threads. Cloning it is cheap; the threads end with the last clone.
#[derive(Debug, Clone)]
pub struct Threads(Arc<rayon::ThreadPool>);

/// Threads that the system does not give.
#[derive(Debug, thiserror::Error)]
#[error("{count} threads could not be started: {cause}")]
pub struct ThreadsError {
    /// What was asked for.
    pub count: usize,
    /// What the system says.
    pub cause: String,
}

impl Threads {
    /// Starts `count` threads called `name-0` and so on; unset or zero: one per core.
    ///
    /// A single one is a pool as well. Without a pool of its own, whatever asks rayon for threads would spread over the
    /// pool that all cores share, although the caller counted one.
    pub fn start(count: Option<usize>, name: &'static str) -> Result<Self, ThreadsError> {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let count = count.filter(|count| *count > 0).unwrap_or_else(cores);
        rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .thread_name(move |index| format!("{name}-{index}"))
            .build()
            .map(|pool| Self(Arc::new(pool)))
            .map_err(|error| ThreadsError {
                count,
                cause: error.to_string(),
            })
    }

    /// How many there are, at least one.
    pub fn count(&self) -> usize {
        self.0.current_num_threads()
    }

    /// Runs `work` on one of the threads, where its parallel passes find all of these and no others.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.0.install(work)
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn work_finds_the_counted_threads_and_no_others() {
        for count in [1, 3] {
            let threads = Threads::start(Some(count), "counted").unwrap();
            assert_eq!(threads.count(), count);
            let mut names: Vec<_> = threads.install(|| {
                assert_eq!(rayon::current_num_threads(), count);
                (0..1000)
                    .into_par_iter()
                    .map(|_| std::thread::current().name().unwrap_or_default().to_owned())
                    .collect()
            });
            names.sort_unstable();
            names.dedup();
            assert!(names.len() <= count && names.iter().all(|name| name.starts_with("counted-")));
        }
    }

    #[test]
    fn no_count_and_zero_are_one_per_core() {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        for count in [None, Some(0)] {
            assert_eq!(Threads::start(count, "core").unwrap().count(), cores);
        }
    }
}
