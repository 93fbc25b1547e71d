//! A coordinator and workers as processes of their own, in a folder that goes away.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use client::{Bearer, Client, Keys};
use proto::nouns::WorkerState;
use tempfile::TempDir;
use tokio::time::sleep;

/// A coordinator with its workers. They are killed when this goes.
#[derive(Debug)]
pub struct House {
    folder: TempDir,
    program: PathBuf,
    coordinator: Child,
    workers: Vec<Child>,
    /// Where the coordinator listens.
    pub address: String,
    /// The way to it.
    pub client: Client,
}

impl House {
    /// Starts a coordinator for no-op jobs. The program is the one beside this one, or `GCL_SWEEP_BINARY`.
    pub async fn start() -> Self {
        let program = std::env::var_os("GCL_SWEEP_BINARY").map_or_else(
            || {
                std::env::current_exe()
                    .expect("a path of this program")
                    .with_file_name("gcl-sweep")
            },
            PathBuf::from,
        );
        // TMPDIR chooses the disk.
        let folder = tempfile::tempdir().expect("a folder");
        let (coordinator, address) = open(&program, folder.path()).await;
        Self {
            client: call(&address),
            folder,
            program,
            coordinator,
            workers: Vec::new(),
            address,
        }
    }

    /// Starts a worker process and waits until the coordinator knows it.
    pub async fn worker(&mut self, lanes: u32) {
        let name = format!("w{}", self.workers.len());
        self.workers.push(spawn(
            &self.program,
            self.folder.path(),
            &name,
            &[
                "worker",
                "--noop",
                "--noop-lanes",
                &lanes.to_string(),
                "--coordinator",
                &self.address,
                "--name",
                &name,
                "--scratch",
                &name,
            ],
        ));
        loop {
            let workers = self.client.workers().await.expect("an answer");
            let there = |worker: &proto::nouns::WorkerView| {
                worker.name == name && worker.state == WorkerState::Active
            };
            if workers.iter().any(there) {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Kills the workers and the coordinator, and opens the state again.
    pub async fn restart(&mut self) {
        for mut child in self.workers.drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = self.coordinator.kill();
        let _ = self.coordinator.wait();
        let (coordinator, address) = open(&self.program, self.folder.path()).await;
        self.coordinator = coordinator;
        self.client = call(&address);
        self.address = address;
    }

    /// Resident memory of the coordinator in bytes.
    pub fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.coordinator.id());
        let status = std::fs::read_to_string(path).expect("a running coordinator");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .expect("a line of that name");
        let kilobytes = line
            .split_whitespace()
            .nth(1)
            .and_then(|text| text.parse::<u64>().ok());
        kilobytes.expect("a number") << 10
    }

    /// Bytes of the state folder's journal.
    pub fn journal_bytes(&self) -> u64 {
        let entries = std::fs::read_dir(self.folder.path().join("state/journal"));
        entries
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()))
            .sum()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for child in self.workers.iter_mut().chain([&mut self.coordinator]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn call(address: &str) -> Client {
    let channel = client::dial(address, &Keys::default()).expect("an address");
    Client::new(channel, Bearer::default())
}

/// Starts a coordinator for no-op jobs in `folder`, and waits until it listens.
#[allow(
    clippy::zombie_processes,
    reason = "`House` kills it and waits for it when it goes"
)]
async fn open(program: &Path, folder: &Path) -> (Child, String) {
    let file = folder.join("address");
    let _ = std::fs::remove_file(&file);
    let arguments = [
        "coordinator",
        "--noop",
        "--state",
        "state",
        "--listen",
        "127.0.0.1:0",
        "--address-file",
        "address",
    ];
    let coordinator = spawn(program, folder, "coordinator", &arguments);
    let text = loop {
        match std::fs::read_to_string(&file) {
            Ok(text) => break text,
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    };
    (coordinator, text.trim().to_owned())
}

fn spawn(program: &Path, folder: &Path, name: &str, arguments: &[&str]) -> Child {
    let log = File::create(folder.join(format!("{name}.log"))).expect("a log");
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        // A line of a log for each of ten thousand no-op jobs a second would measure the terminal.
        .env(
            "RUST_LOG",
            std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".to_owned()),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()))
}
