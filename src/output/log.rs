//! Logs: to stderr, quiet unless asked, as text or as JSON.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use super::escape;
use crate::arguments::Global;

/// Installs the subscriber. Commands that talk for themselves log warnings, the long-running roles `info`.
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
    let colour = io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colour)
        .with_target(false);
    // A second install (in tests) is not worth a panic.
    if global.log_json {
        let json = builder.json().with_writer(|| Stderr(Kind::Json));
        let _ = json.try_init();
    } else {
        let kind = if colour { Kind::Coloured } else { Kind::Text };
        let text = builder.fmt_fields(debug_fn(write_field).delimited(" "));
        let _ = text.with_writer(move || Stderr(kind)).try_init();
    }
}

/// A message or `name=value`, on one line whatever is in it.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let text = format!("{value:?}");
    let text = escape::line(&text);
    match field.name() {
        "message" => write!(writer, "{text}"),
        name if writer.has_ansi_escapes() => {
            write!(writer, "\u{1b}[3m{name}\u{1b}[0m\u{1b}[2m=\u{1b}[0m{text}")
        }
        name => write!(writer, "{name}={text}"),
    }
}

/// What the lines are.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Json,
    Text,
    /// With colours of ours: the fields were escaped one by one.
    Coloured,
}

/// Standard error that never fails: a terminal that was closed, or a pipe that nobody reads, stops no coordinator.
struct Stderr(Kind);

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let safe = match self.0 {
            Kind::Json => escape::json(&text),
            Kind::Text => escape::text(&text),
            Kind::Coloured => std::borrow::Cow::Borrowed(&*text),
        };
        let _ = io::stderr().lock().write_all(safe.as_bytes());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_name_from_outside_makes_no_line_and_no_colour() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(debug_fn(write_field).delimited(" "))
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let evil = "w\n2026 ERROR all is lost\u{1b}[2J\u{9b}2J\u{202e}";
        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!("call", from = %evil).entered();
            tracing::info!(worker = %evil, quoted = evil, number = 3, "{evil} says hello");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "{text:?}");
        assert!(!text.trim_end().contains(escape::is_obeyed), "{text:?}");
        assert!(
            text.contains("number=3") && text.contains("says hello"),
            "{text}"
        );
        assert!(text.contains("worker=w\\n2026 ERROR"), "{text}");
    }
}
