//! `gcl-sweep`: the command line over the crates of the workspace. It creates what they are handed: clocks, sockets,
//! folders, signals.
#![expect(
    unreachable_pub,
    reason = "nothing links against a binary: `pub` says what a module offers to its siblings"
)]
#![cfg_attr(
    not(feature = "coordinator"),
    allow(
        dead_code,
        unused_imports,
        unused_mut,
        reason = "what the command line alone leaves unused is not worth an attribute at every place"
    )
)]

mod arguments;
mod client;
mod clock;
mod command;
mod contact;
mod data_folders;
mod door;
mod error;
mod exit_code;
mod folder;
mod interrupt;
mod labels;
mod output;
mod post_to;
mod progress;
#[cfg(feature = "coordinator")]
mod result_cache;
mod seeds;
mod standing;
#[cfg(feature = "coordinator")]
mod supervisor;
mod version;

use std::process::ExitCode;

use crate::arguments::{Arguments, Command};
use crate::error::CommandError;

fn main() -> ExitCode {
    if std::env::args_os().len() == 1 {
        return ended(command::greeting());
    }
    let arguments = Arguments::of_process();
    let long_running = matches!(
        arguments.command,
        Command::Coordinator(_) | Command::Worker(_)
    );
    output::install_log(&arguments.global, long_running);
    ended(command::execute(arguments))
}

fn ended(result: Result<(), CommandError>) -> ExitCode {
    match result {
        Ok(()) | Err(CommandError::PipeClosed) => ExitCode::from(exit_code::OK),
        Err(error) => {
            output::say_error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
