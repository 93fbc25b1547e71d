//! A folder with sweep files and the processes of one test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// Patience with a process: far longer than anything here takes, so that a slow machine fails no test.
const PATIENCE: Duration = Duration::from_mins(2);

/// A folder of its own for each test.
pub struct World {
    folder: TempDir,
}

/// The end of a process.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A sweep of seconds: two methods on tiny synthetic data.
    pub fn tiny_sweep(&self, seeds: u32, epochs: u32) -> PathBuf {
        self.write(
            "tiny.toml",
            &format!(
                "name = \"tiny\"\n[dataset.synthetic]\nvideos = 18\nmean_length = 12\ndimension = 16\nseed = 1\n\
                 [job]\nepochs = {epochs}\nbatch_size = 16\nlearning_rate = 1e-3\nfeature_scaling = \"standard\"\n\
                 [axes]\nseed = {{ from = 0, count = {seeds} }}\n\
                 [[variant]]\nname = \"AE\"\njob = {{ method = \"autoencoder\" }}\n[[variant]]\nname = \"GCL\"\n"
            ),
        )
    }

    /// A sweep whose jobs take a second or two each, long enough to be in the middle of one.
    pub fn slow_sweep(&self, seeds: u32) -> PathBuf {
        let path = self.tiny_sweep(seeds, 250);
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text
            .replace("videos = 18", "videos = 60")
            .replace("mean_length = 12", "mean_length = 30");
        self.write(
            "tiny.toml",
            &text.replace("dimension = 16", "dimension = 64"),
        )
    }

    /// The program with these arguments, in the world's folder, with nothing of the tester's environment that it reads.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gcl-sweep"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        for name in [
            "GCL_DATA",
            "GCL_COORDINATOR",
            "GCL_TOKEN_FILE",
            "GCL_CA",
            "RUST_LOG",
            "GCL_CACHE_GIB",
        ] {
            command.env_remove(name);
        }
        // Tests count what is trained: what another run knows is no part of them.
        command.env("GCL_CACHE", "off");
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().unwrap();
        Ended::of(&output)
    }

    /// Runs the program and demands exit code 0.
    pub fn run_ok(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(
            ended.code,
            Some(0),
            "{arguments:?}\n{}\n{}",
            ended.stdout,
            ended.stderr
        );
        ended
    }

    /// Starts a process that is killed when the test ends.
    pub fn start(&self, arguments: &[&str]) -> Process {
        let log = std::fs::File::create(self.path(&format!("{}.log", arguments[0]))).unwrap();
        let child = self
            .command(arguments)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Process(child)
    }

    /// Starts a coordinator on a free port, or on the port it had before, and gives its address.
    pub fn coordinator(&self, listen: &str) -> (Process, String) {
        self.coordinator_with(&["--listen", listen, "--lease-seconds", "2"])
    }

    /// Starts a coordinator with these arguments, which say where it listens, and gives its address.
    pub fn coordinator_with(&self, arguments: &[&str]) -> (Process, String) {
        let file = self.path("address");
        let _ = std::fs::remove_file(&file);
        let usual = [
            "coordinator",
            "--state",
            "state",
            "--address-file",
            "address",
        ];
        let process = self.start(&[&usual, arguments].concat());
        let address = eventually("the coordinator's address", || {
            std::fs::read_to_string(&file)
                .ok()
                .filter(|text| text.ends_with('\n'))
        });
        (process, address.trim().to_owned())
    }

    /// Starts a worker of that coordinator.
    pub fn worker(&self, name: &str, coordinator: &str) -> Process {
        let scratch = format!("scratch-{name}");
        self.start(&[
            "worker",
            "--coordinator",
            coordinator,
            "--name",
            name,
            "--scratch",
            &scratch,
            "--device",
            "cpu",
            "--threads",
            "1",
        ])
    }
}

impl Ended {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A process that does not outlive its test.
pub struct Process(pub Child);

impl Process {
    /// `kill -9`.
    pub fn kill(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Waits for its end by itself.
    pub fn wait(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal(nix::sys::signal::Signal::SIGTERM);
    }

    /// Sends a signal.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.0.id().try_into().unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks until there is an answer. Processes of a real machine have no virtual time.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let pause = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(waited < PATIENCE, "waited too long for {what}");
        std::thread::sleep(pause);
        waited += pause;
    }
}

/// The lines of a CSV file, each by its header.
pub fn csv(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    reader
        .records()
        .map(|record| {
            header
                .iter()
                .map(str::to_owned)
                .zip(record.unwrap().iter().map(str::to_owned))
                .collect()
        })
        .collect()
}

/// The lines of a `results.csv` without who and when, which must be equal however a sweep was run.
pub fn what_was_found(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut lines = csv(path);
    for line in &mut lines {
        for column in ["duration_s", "device", "worker", "attempts"] {
            assert!(line.remove(column).is_some(), "{column}");
        }
    }
    lines
}

/// The repository's root.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
