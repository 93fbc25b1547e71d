//! Worker processes of this machine, started by `run` and kept alive by it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::worker::lifeline;
use crate::clock::Stopwatch;
use crate::data_folders::Folders;
use crate::error::CommandError;
use crate::exit_code;

/// A worker that dies this often within [`SHORT_LIFE`] of its start is not started again: it would die for ever.
const MOST_SHORT_LIVES: u32 = 5;
const SHORT_LIFE: Duration = Duration::from_secs(5);
/// Before a worker that was sent away is started again.
const PAUSE: Duration = Duration::from_secs(1);
/// What a stopping worker may take beyond its own grace before it is killed.
const KILL_AFTER: Duration = Duration::from_secs(35);

/// What one worker computes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// `cpu`, `cuda:0`.
    device: String,
    /// Its `CUDA_VISIBLE_DEVICES`, where that is not this process's.
    visible: Option<String>,
}

impl Seat {
    /// That of the worker with that number, counted from 1: the GPUs are dealt out in turns.
    pub fn of(number: usize, device: &str, gpus: &[String]) -> Self {
        let gpu = number.saturating_sub(1).checked_rem(gpus.len());
        match gpu.and_then(|gpu| gpus.get(gpu)) {
            Some(gpu) => Self {
                // The only one that it sees.
                device: "cuda:0".to_owned(),
                visible: Some(gpu.clone()),
            },
            None => Self {
                device: device.to_owned(),
                visible: None,
            },
        }
    }
}

/// One worker for each GPU that is ours; on the CPU one for each core, since small networks do not fill several.
pub fn usual_count(device: &str, gpus: usize, cores: usize) -> usize {
    if gpus > 0 {
        gpus
    } else if device.starts_with("cuda") {
        1
    } else {
        cores
    }
}

/// The GPUs that are ours, as `CUDA_VISIBLE_DEVICES` names each, where the workers may choose. Where they cannot be told, the workers say why.
#[cfg(feature = "cuda")]
pub fn gpus(device: &str) -> Vec<String> {
    if device != "auto" {
        return Vec::new();
    }
    use worker::gpu::{nvml::Monitor, shares};
    let inventory = Monitor::open().and_then(|monitor| monitor.inventory());
    let shares = inventory
        .ok()
        .and_then(|inventory| shares(&inventory, &super::worker::assignment()).ok());
    shares
        .unwrap_or_default()
        .into_iter()
        .map(|share| share.visible)
        .collect()
}

/// A program without CUDA sees none.
#[cfg(not(feature = "cuda"))]
pub fn gpus(_: &str) -> Vec<String> {
    Vec::new()
}

/// What a local worker is started with.
#[derive(Debug, Clone)]
pub struct LocalWorker {
    /// This program.
    pub program: PathBuf,
    /// `http://127.0.0.1:PORT`.
    pub coordinator: String,
    /// The file with the token that lets it in.
    pub token_file: PathBuf,
    /// Its name.
    pub name: String,
    /// What it computes on.
    pub seat: Seat,
    /// Threads.
    pub threads: usize,
    /// Its scratch folder.
    pub scratch: PathBuf,
    /// Where its log goes.
    pub log: PathBuf,
    /// Data folders.
    pub folders: Folders,
    /// Makes every job small, on stand-ins in those folders.
    pub rehearsal: bool,
}

impl LocalWorker {
    /// Runs the worker until `stop`, starting it again when it dies.
    ///
    /// # Errors
    /// It cannot be started, or dies at once each time.
    pub async fn supervise(self, stop: CancellationToken) -> Result<(), CommandError> {
        let mut short_lives = 0;
        loop {
            let watch = Stopwatch::start();
            let mut child = self.start()?;
            // It also goes away when this process dies, however it dies: then the worker leaves at once.
            let mut input = child.stdin.take();
            let status = tokio::select! {
                status = child.wait() => status,
                () = stop.cancelled() => {
                    if let Some(input) = &mut input {
                        lifeline::ask_to_stop(input).await;
                    }
                    return stop_child(&mut child).await;
                }
            };
            let status = status.map_err(|error| {
                CommandError::Other(format!("cannot wait for {}: {error}", self.name))
            })?;
            if let Some(
                code @ (exit_code::USAGE | exit_code::INVALID_INPUT | exit_code::DEVICE_UNUSABLE),
            ) = status.code().and_then(|code| u8::try_from(code).ok())
                && watch.elapsed() < SHORT_LIFE
            {
                let message = format!("{} cannot work: {}", self.name, tail(&self.log, 1));
                return Err(CommandError::Worker { message, code });
            }
            // One that the coordinator sent away ends well, however soon: another process gets its chance.
            short_lives = if watch.elapsed() < SHORT_LIFE && !status.success() {
                short_lives + 1
            } else {
                0
            };
            if short_lives >= MOST_SHORT_LIVES {
                let tail = tail(&self.log, 15);
                return Err(CommandError::Other(format!(
                    "{} ended {MOST_SHORT_LIVES} times right after its start ({status}); the end of {}:\n{tail}",
                    self.name,
                    self.log.display()
                )));
            }
            tracing::warn!(worker = %self.name, %status, "a worker ended, starting it again");
            if status.success() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    fn start(&self) -> Result<Child, CommandError> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .map_err(|error| CommandError::io("open the log", &self.log, &error))?;
        Command::new(&self.program)
            .arg("worker")
            .args(["--coordinator", &self.coordinator])
            .arg("--token-file")
            .arg(&self.token_file)
            .args(["--name", &self.name])
            .args(["--device", &self.seat.device])
            .args(["--threads", &self.threads.to_string()])
            .arg("--scratch")
            .arg(&self.scratch)
            .arg("--exit-with-stdin")
            .args(self.folders.as_arguments())
            .args(self.rehearsal.then_some("--rehearsal"))
            // What the environment says is of another coordinator.
            .env_remove("GCL_COORDINATOR")
            .env_remove("GCL_TOKEN_FILE")
            .env_remove("GCL_CA")
            .env_remove("GCL_CERTIFICATE")
            .env_remove("GCL_KEY")
            // Whoever starts them ends them: they must not leave before it.
            .env_remove("SLURM_JOB_END_TIME")
            .envs(
                self.seat
                    .visible
                    .iter()
                    .map(|gpu| ("CUDA_VISIBLE_DEVICES", gpu)),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            // Ctrl-C goes to every process of the terminal's group; the workers are stopped by us, in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| CommandError::io("start", &self.program, &error))
    }
}

async fn stop_child(child: &mut Child) -> Result<(), CommandError> {
    if tokio::time::timeout(KILL_AFTER, child.wait())
        .await
        .is_err()
    {
        let _ = child.kill().await;
    }
    Ok(())
}

/// The last lines of a log, for a message.
fn tail(log: &Path, most: usize) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(4000)..]).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(most)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gpu_has_a_worker() {
        let gpus = ["GPU-a".to_owned(), "GPU-b".to_owned()];
        assert_eq!(usual_count("auto", gpus.len(), 16), 2);
        let visible: Vec<Option<String>> = (1..=5)
            .map(|number| Seat::of(number, "auto", &gpus))
            .inspect(|seat| assert_eq!(seat.device, "cuda:0"))
            .map(|seat| seat.visible)
            .collect();
        let [a, b] = gpus.map(Some);
        assert_eq!(visible, [a.clone(), b.clone(), a.clone(), b, a]);
    }

    #[test]
    fn without_gpus_each_core_has_one_and_a_named_device_one_alone() {
        assert_eq!(usual_count("auto", 0, 4), 4);
        assert_eq!(usual_count("cpu", 0, 4), 4);
        assert_eq!(usual_count("cuda:1", 0, 4), 1);
        let seat = Seat::of(2, "cuda:1", &[]);
        assert_eq!((seat.device.as_str(), seat.visible), ("cuda:1", None));
    }
}
