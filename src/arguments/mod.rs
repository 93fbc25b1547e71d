//! The command line.

mod autoalloc;
mod cache;
mod check;
mod client;
mod cluster;
mod data;
mod extract;
mod home;
mod listen;
mod numbers;
mod publication;
mod report;
mod run;
mod security;
mod store;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

pub use autoalloc::{Autoalloc, Slurm};
pub use cache::{Cache, CacheAction, CacheCommand, CachePlace};
pub use check::{New, Params, Selftest};
pub use client::{Connection, Endpoint, Job, Logs, Status, Submit, Target, Top, Watch};
pub use cluster::{Coordinator, Drain, Worker};
pub use data::{Data, Import, ImportFrom, ImportUpCam, Inspect, Synth};
pub use extract::Extract;
#[cfg(feature = "train")]
pub use extract::{Cluster, OnBroken, SplitLists};
pub use home::path as home_path;
pub use publication::{Publish, Verify};
pub use report::{Export, ExportTable, Program, Report};
pub use run::{DataFolders, Notify, Plan, Rehearse, Run, Selection};
pub use security::{Tls, Token, TokenPlace, TokenRole};
pub use store::{Audit, Backup, CollectGarbage, CoordinatorCommand, Journal, Repair, Restore};

/// Sweeps of Generative Cooperative Learning for video anomaly detection, on one machine or on a cluster of workers.
#[derive(Debug, Parser)]
#[command(name = "gcl-sweep", version = crate::version::LONG, propagate_version = true)]
#[command(
    after_help = "Begin with `gcl-sweep new`, which asks three questions and writes a sweep file, or in a checkout with `gcl-sweep run sweeps/quickstart.toml --out out/quickstart`.\n\nExit codes: 0 ok, 2 usage, 10 invalid sweep or data set, 11 finished but jobs failed, \
    12 coordinator unreachable, 13 state folder unusable, 14 self-test deviates, 15 device unusable, 16 coordinator broke down, 17 published results differ, 18 they could not be checked wholly, 130 interrupted."
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

impl Arguments {
    /// The command line of this process, which ends here where it is wrong.
    pub fn of_process() -> Self {
        let mut command = home::at_home(Self::command());
        let matches = command.get_matches_mut();
        if names_two_places(&matches) {
            let text = "--out DIR asks the `run` of that folder by its own token: leave out --coordinator and the keys";
            command.error(ErrorKind::ArgumentConflict, text).exit();
        }
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// Whether a run and a coordinator were both typed. What the environment says of a coordinator conflicts with nothing.
fn names_two_places(matches: &ArgMatches) -> bool {
    let mut leaf = matches;
    while let Some((_, deeper)) = leaf.subcommand() {
        leaf = deeper;
    }
    let typed = |name: &str| {
        leaf.ids().any(|id| id == name) && leaf.value_source(name) == Some(ValueSource::CommandLine)
    };
    typed("run_folder")
        && ["coordinator", "token_file", "ca", "certificate"]
            .into_iter()
            .any(typed)
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// How tables are printed on stdout
    #[arg(long, value_enum, default_value_t = Encoding::Text, global = true, help_heading = "Output")]
    pub format: Encoding,
    /// More log lines on stderr (-v: info, -vv: debug, -vvv: trace); RUST_LOG is obeyed too
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Output")]
    pub verbose: u8,
    /// Log lines on stderr as JSON
    #[arg(long, global = true, help_heading = "Output")]
    pub log_json: bool,
}

/// What `--format` takes. Every command knows the first two; `export` writes the rest too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    /// A table for people (`export`: CSV)
    Text,
    /// JSON for programs
    Json,
    /// CSV (`export` only)
    Csv,
    /// Parquet (`export` only)
    Parquet,
}

/// How a command prints what it has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table for people
    Text,
    /// JSON for programs
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a sweep on this machine: coordinator, workers, report
    Run(Run),
    /// Show what a sweep would run; nothing is started
    Plan(Plan),
    /// Try a whole sweep on small stand-in data in a minute: every job, every figure, and the time, memory and disk of the real run
    Rehearse(Rehearse),
    /// Start a coordinator: it queues jobs, keeps results, answers workers and users
    Coordinator(Coordinator),
    /// Start a worker: it fetches jobs from a coordinator and trains them
    Worker(Worker),
    /// Keep as many workers in a cluster's queue as there is work for
    #[command(subcommand)]
    Autoalloc(Autoalloc),
    /// Submit a sweep to a running coordinator
    Submit(Submit),
    /// Show the sweeps of a coordinator, or the jobs of one sweep
    Status(Status),
    /// Follow a sweep until it is settled
    Watch(Watch),
    /// Look at a running sweep on this terminal: grid, curves, workers, failures, logs
    Top(Top),
    /// Cancel the unfinished jobs of a sweep, or one job
    Cancel(Target),
    /// Pause a sweep or a job: running jobs end as usual, what waits does not start
    Pause(Target),
    /// Resume a paused sweep or job
    Resume(Target),
    /// Queue failed, quarantined and cancelled jobs again
    Retry(Target),
    /// Say why a job waits, where it runs, or why it failed
    Explain(Job),
    /// Show the workers of a coordinator
    Workers(Endpoint),
    /// Send a worker away: it hands its job back and exits
    Drain(Drain),
    /// Show what a job's trainer logged
    Logs(Logs),
    /// Access tokens of a coordinator, with roles: create, list, revoke
    #[command(subcommand)]
    Token(Token),
    /// TLS certificates for coordinator and callers
    #[command(subcommand)]
    Tls(Tls),
    /// Run a share of a sweep's finished jobs again and compare
    Audit(Audit),
    /// Copy the state of a coordinator, running or not
    Backup(Backup),
    /// Make a state folder of a backup
    Restore(Restore),
    /// Remove artifacts (score files) that no result refers to
    Gc(CollectGarbage),
    /// Look into the journal of a state folder
    #[command(subcommand)]
    Journal(Journal),
    /// Look at the cache of finished results, or empty it
    Cache(CacheCommand),
    /// Write the report and the CSV files of a sweep
    Report(Report),
    /// Write a sweep's cells, epochs or summary as one table: --format csv, json or parquet
    Export(Export),
    /// Put the results of sweeps into a folder that others can check
    Publish(Publish),
    /// Check a folder of results: hashes, journal, figures, numbers, and a random sample of its jobs run again
    Verify(Verify),
    /// Data sets: make, import, inspect
    #[command(subcommand)]
    Data(Data),
    /// Videos to a data set of features (needs ffmpeg)
    Extract(Extract),
    /// List every job parameter: type, unit, range, default, section of the paper
    Params(Params),
    /// Write a commented sweep file, from a few questions or options
    New(New),
    /// Replay reference traces on this device and print the largest deviation
    Selftest(Selftest),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man {
        /// Write a page for every command into this folder, which is there
        #[arg(long, value_name = "DIR")]
        out: Option<std::path::PathBuf>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        home::at_home(Arguments::command()).debug_assert();
    }

    #[test]
    fn every_path_knows_where_home_is() {
        fn paths(command: &clap::Command) -> usize {
            let is_path = std::any::TypeId::of::<std::path::PathBuf>();
            let own = command.get_arguments();
            own.filter(|arg| arg.get_value_parser().type_id() == is_path)
                .count()
                + command.get_subcommands().map(paths).sum::<usize>()
        }
        assert!(paths(&Arguments::command()) > 40);
        let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
        let words = |line: &str| -> Vec<String> {
            let words = std::iter::once("gcl-sweep").chain(line.split(' '));
            words.map(str::to_owned).collect()
        };
        let parse = |line: &str| {
            let matches = home::at_home(Arguments::command()).try_get_matches_from(words(line));
            Arguments::from_arg_matches(&matches.unwrap())
                .unwrap()
                .command
        };
        let Some(home) = home else { return };
        let Command::Run(run) = parse("run ~/s.toml --out=~/o --data a=~/d") else {
            unreachable!()
        };
        assert_eq!(run.selection.sweep, home.join("s.toml"));
        assert_eq!(run.out, Some(home.join("o")));
        assert_eq!(
            run.selection.folders.data,
            [("a".to_owned(), home.join("d"))]
        );
        let Command::Worker(worker) =
            parse("worker --token-file=~/t --videos=v=~/v --weights ~/w --scratch ~")
        else {
            unreachable!()
        };
        assert_eq!(worker.connection.token_file, Some(home.join("t")));
        assert_eq!(worker.extraction.videos, [("v".to_owned(), home.join("v"))]);
        assert_eq!(worker.extraction.weights, [home.join("w")]);
        assert_eq!(worker.scratch, home);
    }

    /// What a run that has ended offers as a next step can be typed.
    #[test]
    fn the_next_steps_of_the_shipped_files_are_commands() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut commands = 0;
        for folder in ["sweeps", "sweeps/small", "sweeps/study"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_none_or(|ending| ending != "toml")
                    || path.ends_with("Cargo.toml")
                {
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let read = sweeps::expand_text("file", &text, sweeps::Limits::default());
                for step in read.unwrap().0.next {
                    let words: Vec<&str> = step.command.split(' ').collect();
                    let parsed = Arguments::command().try_get_matches_from(&words);
                    let helped = parsed
                        .as_ref()
                        .is_err_and(|error| error.kind() == clap::error::ErrorKind::DisplayHelp);
                    assert!(parsed.is_ok() || helped, "{}", step.command);
                    let sweep = words.iter().find(|word| word.contains(".toml"));
                    assert!(
                        sweep.is_none_or(|sweep| root.join(sweep).is_file()),
                        "{}",
                        step.command
                    );
                    commands += 1;
                }
            }
        }
        assert!(commands > 0, "the quickstart offers some");
    }

    #[test]
    fn a_span_of_nothing_or_of_ages_is_refused() {
        let parsed = |option: &str, value: &str| {
            Arguments::command()
                .try_get_matches_from(["gcl-sweep", "worker", option, value])
                .is_ok()
        };
        for option in ["--idle-timeout", "--orphan-timeout"] {
            assert!(parsed(option, "0.5") && parsed(option, "86400"));
            for wrong in ["0", "-1", "nan", "inf", "18446744073709551615"] {
                assert!(!parsed(option, wrong), "{option} {wrong}");
            }
        }
    }

    #[test]
    fn a_run_and_a_coordinator_are_not_both_asked() {
        let names_two = |line: &str| {
            let words = std::iter::once("gcl-sweep").chain(line.split(' '));
            names_two_places(&Arguments::command().try_get_matches_from(words).unwrap())
        };
        assert!(names_two("status --out o --coordinator http://h:1"));
        assert!(names_two("cancel s --token-file t --out o"));
        assert!(!names_two("status --out o"));
        assert!(!names_two("watch s --coordinator http://h:1"));
        // There it is the folder that is written.
        assert!(!names_two("report s --out o --coordinator http://h:1"));
        assert!(!names_two("backup --out o --coordinator http://h:1"));
    }
}
