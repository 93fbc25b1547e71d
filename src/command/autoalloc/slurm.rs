//! Slurm by its own commands: `sbatch`, `squeue`, `scancel`.

use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;

use super::policy::AllocationState;
use crate::error::CommandError;

/// How Slurm's commands are called.
#[derive(Debug)]
pub struct Slurm {
    /// The batch script of one worker.
    pub script: PathBuf,
    /// The allocations' name, by which they are found again.
    pub job_name: String,
    /// More arguments of `sbatch`.
    pub sbatch: Vec<String>,
}

impl Slurm {
    /// Asks for one allocation and gives its id.
    pub async fn start(&self) -> Result<String, CommandError> {
        let mut command = Command::new("sbatch");
        command
            .arg("--parsable")
            .arg(format!("--job-name={}", self.job_name))
            .args(&self.sbatch)
            .arg(&self.script);
        let text = output(command, "sbatch").await?;
        // With more than one cluster the answer is `id;cluster`.
        let id = text.trim().split(';').next().unwrap_or_default();
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CommandError::Other(format!(
                "sbatch answered `{}` instead of an id",
                text.trim()
            )));
        }
        Ok(id.to_owned())
    }

    /// The allocations of that name that Slurm remembers, ended ones included.
    pub async fn list(&self) -> Result<Vec<(String, AllocationState)>, CommandError> {
        let mut command = Command::new("squeue");
        command.args(["--noheader", "--me", "--states=all", "--array"]);
        command.arg(format!("--name={}", self.job_name));
        command.arg("--format=%i|%T|%M");
        let text = output(command, "squeue").await?;
        Ok(text.lines().filter_map(parse).collect())
    }

    /// Takes an allocation that waits out of the queue.
    pub async fn withdraw(&self, id: &str) -> Result<(), CommandError> {
        let mut command = Command::new("scancel");
        // Only while it waits: had it started by now, its worker would lose its job.
        command.args(["--state=PENDING", id]);
        output(command, "scancel").await.map(drop)
    }

    /// Sends SIGTERM to an allocation's batch script, which is the worker.
    pub async fn release(&self, id: &str) -> Result<(), CommandError> {
        let mut command = Command::new("scancel");
        command.args(["--signal=TERM", "--batch", id]);
        output(command, "scancel").await.map(drop)
    }
}

/// A line `id|STATE|time`, such as `12_3|RUNNING|1-02:03:04`.
fn parse(line: &str) -> Option<(String, AllocationState)> {
    let mut fields = line.trim().split('|');
    let (id, state, time) = (fields.next()?, fields.next()?, fields.next()?);
    let ran = elapsed(time).unwrap_or_default();
    let state = match state {
        "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED"
        | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => AllocationState::Waiting,
        "RUNNING" | "COMPLETING" | "SUSPENDED" | "STOPPED" | "SIGNALING" | "STAGE_OUT"
        | "RESIZING" => AllocationState::Running(ran),
        "COMPLETED" | "CANCELLED" | "PREEMPTED" | "TIMEOUT" | "DEADLINE" => {
            AllocationState::Ended { ran, failed: false }
        }
        // FAILED, NODE_FAIL, BOOT_FAIL, OUT_OF_MEMORY, and whatever a later Slurm calls a bad end.
        _ => AllocationState::Ended { ran, failed: true },
    };
    Some((id.to_owned(), state))
}

/// Slurm's `[days-][hours:]minutes:seconds`.
fn elapsed(text: &str) -> Option<Duration> {
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (days.parse::<u64>().ok()?, clock),
        None => (0, text),
    };
    let mut seconds = 0_u64;
    for part in clock.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    Some(Duration::from_secs(
        days.checked_mul(86_400)?.checked_add(seconds)?,
    ))
}

async fn output(mut command: Command, name: &str) -> Result<String, CommandError> {
    let output = command.kill_on_drop(true).output().await.map_err(|error| {
        CommandError::Other(format!(
            "cannot start {name}: {error}; is Slurm's client installed on this host?"
        ))
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(CommandError::Other(format!("{name}: {}", said.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slurms_lines_are_understood() {
        let seconds = Duration::from_secs;
        assert_eq!(
            parse("17|RUNNING|2:05"),
            Some(("17".into(), AllocationState::Running(seconds(125))))
        );
        assert_eq!(
            parse("17_3|PENDING|0:00"),
            Some(("17_3".into(), AllocationState::Waiting))
        );
        let long = parse("9|COMPLETED|1-02:03:04");
        let ran = seconds(86_400 + 2 * 3600 + 3 * 60 + 4);
        assert_eq!(
            long,
            Some(("9".into(), AllocationState::Ended { ran, failed: false }))
        );
        let failed = AllocationState::Ended {
            ran: seconds(1),
            failed: true,
        };
        assert_eq!(parse("9|NODE_FAIL|0:01"), Some(("9".into(), failed)));
        assert_eq!(parse("slurm_load_jobs error"), None);
        assert_eq!(elapsed("INVALID"), None);
    }
}
