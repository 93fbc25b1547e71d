//! Logs: to stderr, quiet unless asked, as text or as JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::arguments::Global;

/// Installs the subscriber. `quiet` is the level of commands that talk for themselves; the long-running roles log `info`.
pub fn install(global: &Global, long_running: bool) {
    let level = match (global.verbose, long_running) {
        (0, false) => "warn",
        (0, true) | (1, _) => "info",
        (2, _) => "debug",
        _ => "trace",
    };
    // Ours at the level asked for; libraries only when they have something to complain about, unless traced.
    let ours = [
        "gcl_sweep",
        "coordinator",
        "worker",
        "gcl",
        "datasets",
        "proto",
        "reports",
    ];
    let default = if global.verbose > 2 {
        level.to_owned()
    } else {
        ours.iter().fold("warn".to_owned(), |filter, name| {
            format!("{filter},{name}={level}")
        })
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // A second install (in tests) is not worth a panic.
    if global.log_json {
        let _ = builder.json().try_init();
    } else {
        let _ = builder.try_init();
    }
}
