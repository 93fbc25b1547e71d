//! One module per command, or per group of commands that share their shape.

mod audit;
mod autoalloc;
#[cfg(feature = "coordinator")]
mod cache;
mod claims;
mod conclusion;
mod control;
#[cfg(feature = "coordinator")]
mod coordinator;
mod data;
mod difference;
mod drain;
mod estimate;
mod expected;
mod export;
mod extract;
mod greeting;
mod inspect;
mod known;
#[cfg(feature = "coordinator")]
mod local_coordinator;
mod local_workers;
mod logs;
mod memory;
mod new;
mod noop_worker;
mod notify;
mod params;
mod places;
mod plan;
mod preflight;
#[cfg(feature = "coordinator")]
mod publish;
mod published;
#[cfg(feature = "coordinator")]
mod rehearse;
mod rehearsed;
mod report;
#[cfg(feature = "coordinator")]
mod reuse;
#[cfg(feature = "coordinator")]
mod run;
mod scores;
mod selftest;
mod single_figure;
mod source;
#[cfg(feature = "coordinator")]
mod state;
mod status;
#[cfg(feature = "coordinator")]
mod store;
mod submit;
mod summary;
mod sweep_file;
mod tls;
#[cfg(feature = "coordinator")]
mod token;
mod top;
mod verify;
mod versions;
mod watch;
mod worker;

/// What only a build with the feature `coordinator` does.
macro_rules! with_coordinator {
    ($what:literal, $arguments:ident, $call:expr) => {{
        #[cfg(feature = "coordinator")]
        let done = $call;
        #[cfg(not(feature = "coordinator"))]
        let done = {
            let _ = $arguments;
            Err(without_coordinator($what))
        };
        done
    }};
}

use clap::CommandFactory;
use proto::nouns::ControlAction;

use crate::arguments::{Arguments, Command, CoordinatorCommand, Encoding, Format, Journal};
use crate::error::CommandError;
use crate::output;

pub use greeting::greeting;

/// Does what the command line says.
pub fn execute(arguments: Arguments) -> Result<(), CommandError> {
    let encoding = arguments.global.format;
    let format = match encoding {
        Encoding::Json => Format::Json,
        _ if matches!(arguments.command, Command::Export(_)) => Format::Text,
        Encoding::Text => Format::Text,
        Encoding::Csv | Encoding::Parquet => {
            return Err(CommandError::Usage(
                "--format csv and parquet are for `export`; this command prints text or json"
                    .into(),
            ));
        }
    };
    match arguments.command {
        Command::Run(arguments) => {
            with_coordinator!("run", arguments, run::run(&arguments, format))
        }
        Command::Plan(arguments) => plan::plan(&arguments, format),
        Command::Rehearse(arguments) => {
            with_coordinator!(
                "rehearse",
                arguments,
                rehearse::rehearse(&arguments, format)
            )
        }
        Command::Coordinator(arguments) => match &arguments.command {
            Some(CoordinatorCommand::Repair(arguments)) => {
                with_coordinator!(
                    "coordinator repair",
                    arguments,
                    store::repair(arguments, format)
                )
            }
            None => with_coordinator!(
                "coordinator",
                arguments,
                coordinator::coordinator(&arguments)
            ),
        },
        Command::Worker(arguments) if arguments.noop => noop_worker::worker(&arguments),
        Command::Worker(arguments) => worker::worker(&arguments),
        Command::Autoalloc(arguments) => autoalloc::autoalloc(&arguments),
        Command::Submit(arguments) => submit::submit(&arguments, format),
        Command::Status(arguments) => status::status(&arguments, format),
        Command::Top(arguments) => top::top(&arguments),
        Command::Watch(arguments) => watch::watch(&arguments, format),
        Command::Cancel(target) => control::control(&target, ControlAction::Cancel, format),
        Command::Pause(target) => control::control(&target, ControlAction::Pause, format),
        Command::Resume(target) => control::control(&target, ControlAction::Resume, format),
        Command::Retry(target) => control::control(&target, ControlAction::Retry, format),
        Command::Explain(job) => status::explain(&job, format),
        Command::Workers(connection) => status::workers(&connection, format),
        Command::Drain(arguments) => drain::drain(&arguments),
        Command::Logs(arguments) => logs::logs(&arguments, format),
        Command::Token(arguments) => {
            with_coordinator!("token", arguments, token::token(&arguments, format))
        }
        Command::Tls(arguments) => tls::tls(&arguments),
        Command::Audit(arguments) => audit::audit(&arguments, format),
        Command::Backup(arguments) => {
            with_coordinator!("backup", arguments, store::backup(&arguments, format))
        }
        Command::Restore(arguments) => {
            with_coordinator!("restore", arguments, store::restore(&arguments, format))
        }
        Command::Gc(arguments) => {
            with_coordinator!("gc", arguments, store::collect_garbage(&arguments, format))
        }
        Command::Journal(Journal::Export { state }) => {
            with_coordinator!("journal export", state, store::export(&state))
        }
        Command::Cache(arguments) => {
            with_coordinator!("cache", arguments, cache::cache(&arguments, format))
        }
        Command::Report(arguments) => report::report(&arguments, format),
        Command::Export(arguments) => export::export(&arguments, encoding),
        Command::Publish(arguments) => {
            with_coordinator!("publish", arguments, publish::publish(&arguments, format))
        }
        Command::Verify(arguments) => verify::verify(&arguments, format),
        Command::Data(arguments) => data::data(&arguments, format),
        Command::Extract(arguments) => extract::extract(&arguments),
        Command::Params(arguments) => params::params(&arguments, format),
        Command::New(arguments) => new::new(&arguments),
        Command::Selftest(arguments) => selftest::selftest(&arguments, format),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "gcl-sweep", &mut text);
            output::bytes(&text)
        }
        Command::Man { out: Some(folder) } => {
            clap_mangen::generate_to(Arguments::command(), &folder).map_err(|error| {
                let folder = folder.display();
                CommandError::Other(format!("cannot write manual pages into {folder}: {error}"))
            })
        }
        Command::Man { out: None } => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Arguments::command())
                .render(&mut text)
                .map_err(|error| {
                    CommandError::Other(format!("cannot write the manual page: {error}"))
                })?;
            output::bytes(&text)
        }
    }
}

/// That this build is the command line alone.
#[cfg(not(feature = "coordinator"))]
fn without_coordinator(what: &str) -> CommandError {
    CommandError::Usage(format!(
        "this build has no coordinator, which `{what}` needs: build with the feature `coordinator`, or run it where the coordinator is"
    ))
}

/// How long an idle thread is kept: one that is there does what blocks also when the operating system gives no more of them.
const KEEP_THREADS: std::time::Duration = std::time::Duration::from_hours(24);

/// The runtime of the commands that talk to others.
fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_keep_alive(KEEP_THREADS)
        .build()
        .map_err(|error| CommandError::Other(format!("cannot start the runtime: {error}")))
}

/// A time span as people say it: `12 s`, `5 min`, `3 h`, `2 d`.
pub fn age(milliseconds: u64) -> String {
    match milliseconds / 1000 {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// A sweep's name as a folder's: whatever is not a letter, digit, `.`, `_` or `-` becomes `-`.
pub fn folder_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-') {
                letter
            } else {
                '-'
            }
        })
        .collect();
    // A name of dots alone would be this folder or the one above.
    if plain.chars().all(|letter| letter == '.') {
        "sweep".to_owned()
    } else {
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn a_sweeps_name_cannot_leave_its_folder() {
        assert_eq!(folder_name("fig10 (UCF)"), "fig10--UCF-");
        assert_eq!(folder_name(".."), "sweep");
    }
}
