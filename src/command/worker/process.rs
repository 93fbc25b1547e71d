//! What every worker process has, whatever its jobs are: a number of its own, a folder of its own, and an exit code.

use std::path::Path;
use std::time::Duration;

use proto::error_chain;
use tokio_util::sync::CancellationToken;
use worker::WorkerError;
use worker::spool::Place;

use super::lifeline;
use crate::arguments::Worker;
use crate::error::CommandError;
use crate::interrupt;

/// How long a worker waits for the spool folder of one that is about to end: a killed `run` leaves its workers a moment.
const PATIENCE: Duration = Duration::from_secs(2);

/// Seconds as the command line gives them.
pub fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// A number that no other process has. *Because* containers of one image, started together, have equal names, process numbers
/// and clocks, it comes from the system's entropy: the coordinator knows processes of one name apart by it.
pub fn session() -> Result<u64, CommandError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        CommandError::Other(format!("the system gives no random numbers: {error}"))
    })?;
    Ok(u64::from_le_bytes(bytes))
}

/// Takes `folder` or a free one beside it.
pub async fn place(folder: &Path) -> Result<Place, CommandError> {
    Place::take(folder, PATIENCE)
        .await
        .map_err(|error| failed(&error))
}

/// The name of the worker in that place: of several that were started by one command line, each has its own. One that a
/// person gave stays as it is.
pub fn name(given: Option<&str>, usual: impl FnOnce() -> String, place: &Place) -> String {
    match (given, place.number) {
        // Names are shown on terminals.
        (Some(name), _) => worker::clean(name),
        (None, 1) => worker::clean(&usual()),
        (None, number) => format!("{}-{number}", worker::clean(&usual())),
    }
}

/// A token that is cancelled when the process that started this one asks for a stop. Begin with it: what a worker does
/// before its first hello can take long.
pub fn shutdown(arguments: &Worker) -> CancellationToken {
    let shutdown = CancellationToken::new();
    if arguments.exit_with_stdin || arguments.part_of_group.is_some() {
        // A supervisor has nothing to save, and its workers see its end by themselves.
        let supervises = arguments.device == "all" && arguments.part_of_group.is_none();
        let last_moment = if supervises {
            Duration::ZERO
        } else {
            lifeline::LAST_MOMENT
        };
        lifeline::hold_on_to(shutdown.clone(), last_moment);
    }
    shutdown
}

/// Cancels `shutdown` by signals too.
pub fn obey_signals(shutdown: &CancellationToken) -> Result<(), CommandError> {
    let signals = interrupt::token()
        .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        signals.cancelled().await;
        shutdown.cancel();
    });
    Ok(())
}

/// How long this process will be let live, where somebody says so.
pub fn time_left(arguments: &Worker) -> Option<Duration> {
    let of_slurm = || {
        std::env::var("SLURM_JOB_END_TIME")
            .ok()?
            .trim()
            .parse()
            .ok()
    };
    let now = crate::clock::unix_milliseconds() / 1000;
    match arguments.until {
        Some(until) => Some(Duration::from_secs(until.saturating_sub(now))),
        None => left(of_slurm()?, now),
    }
}

/// The time until an end that Slurm names; none where that is no time of a job that runs.
fn left(ends: u64, now: u64) -> Option<Duration> {
    const TEN_YEARS: u64 = 10 * 365 * 86_400;
    let left = ends.checked_sub(now)?;
    (1..TEN_YEARS)
        .contains(&left)
        .then(|| Duration::from_secs(left))
}

/// The coordinator's address, and who tells what is wrong with it.
pub fn address(arguments: &Worker) -> (String, worker::Diagnosis) {
    let address = arguments.connection.address().to_owned();
    (address, client::right_address)
}

/// What the end of a worker means at the command line, with the right address where the one that was given is wrong.
pub fn failed_at(error: &WorkerError, arguments: &Worker) -> CommandError {
    let failed = failed(error);
    let (CommandError::Unreachable(text), WorkerError::NoWay(_)) = (&failed, error) else {
        return failed;
    };
    match client::right_address(arguments.connection.address()) {
        Some(right) if !text.contains(&right) => {
            CommandError::Unreachable(format!("{text}\n\nhint: {right}"))
        }
        _ => failed,
    }
}

/// What the end of a worker means at the command line.
pub fn failed(error: &WorkerError) -> CommandError {
    let text = error_chain(error);
    match error {
        WorkerError::Spool { .. } | WorkerError::SpoolInUse(_) | WorkerError::NoLocks { .. } => {
            CommandError::Store(text)
        }
        #[cfg(feature = "train")]
        WorkerError::Device(_) => CommandError::Device(text),
        WorkerError::Orphaned { .. }
        | WorkerError::NeverReached { .. }
        | WorkerError::NoWay(_)
        | WorkerError::Refused { .. }
        | WorkerError::Incompatible(_) => CommandError::Unreachable(text),
        _ => CommandError::Other(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_that_start_together_have_numbers_of_their_own() {
        let numbers: std::collections::BTreeSet<u64> =
            (0..100).map(|_| session().unwrap()).collect();
        assert_eq!(numbers.len(), 100);
    }

    #[test]
    fn slurms_end_of_a_job_is_one_or_none() {
        assert_eq!(left(1000, 400), Some(Duration::from_mins(10)));
        for ends in [0, 400, u64::MAX, u64::from(u32::MAX) * 10] {
            assert_eq!(left(ends, 400), None, "{ends}");
        }
    }

    #[tokio::test]
    async fn workers_of_one_command_line_have_names_of_their_own() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("spool");
        let places = [place(&folder).await.unwrap(), place(&folder).await.unwrap()];
        let names = places
            .each_ref()
            .map(|place| name(None, || "host-cpu".to_owned(), place));
        assert_eq!(names, ["host-cpu", "host-cpu-2"]);
        let given = places
            .each_ref()
            .map(|place| name(Some("mine"), || "host-cpu".to_owned(), place));
        assert_eq!(given, ["mine", "mine"]);
        let evil = name(Some("\u{1b}[2Jx"), String::new, &places[0]);
        assert_eq!(evil, "\\u{1b}[2Jx");
    }

    #[test]
    #[cfg(feature = "train")]
    fn a_device_that_fails_in_a_job_has_an_exit_code_of_its_own() {
        let error = failed(&WorkerError::Device("it fell off the bus".to_owned()));
        assert_eq!(error.exit_code(), crate::exit_code::DEVICE_UNUSABLE);
        assert!(error.to_string().contains("fell off"), "{error}");
    }
}
