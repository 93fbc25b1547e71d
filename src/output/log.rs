//! Logs: to stderr, quiet unless asked, as text or as JSON.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::escape;
use crate::arguments::Global;

/// Installs the subscriber. Commands that talk for themselves log warnings, the long-running roles `info`.
pub fn install(global: &Global, long_running: bool) {
    let level = match (global.verbose, long_running) {
        (0, false) => LevelFilter::WARN,
        (0, true) | (1, _) => LevelFilter::INFO,
        (2, _) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let asked = std::env::var("RUST_LOG").ok();
    let filtered = tracing_subscriber::registry().with(filter(asked.as_deref(), level));
    let colour = io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(colour)
        .with_target(false);
    // A second install (in tests) is not worth a panic.
    if global.log_json {
        let json = lines.json().with_writer(|| Stderr(Kind::Json));
        let _ = filtered.with(json).try_init();
    } else {
        let kind = if colour { Kind::Coloured } else { Kind::Text };
        let text = lines.fmt_fields(debug_fn(write_field).delimited(" "));
        let text = text.with_writer(move || Stderr(kind));
        let _ = filtered.with(text).try_init();
    }
}

/// Which lines are written: what `RUST_LOG` asks for (`warn,coordinator::engine=debug`), otherwise ours at `level` and those of libraries
/// only when they have something to complain about, unless traced.
///
/// *Because* names and levels are all that anybody asks for, this is no `EnvFilter`, which brings regular expressions.
fn filter(asked: Option<&str>, level: LevelFilter) -> Targets {
    if let Some(asked) = asked.and_then(|asked| asked.parse().ok()) {
        return asked;
    }
    if level >= LevelFilter::TRACE {
        return Targets::new().with_default(level);
    }
    let ours = [
        "gcl_sweep",
        "coordinator",
        "worker",
        "gcl",
        "datasets",
        "proto",
        "reports",
    ];
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_targets(ours.map(|name| (name, level)))
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
    fn what_is_written_is_ours_or_a_complaint_or_what_was_asked_for() {
        use tracing::Level;
        let usual = filter(None, LevelFilter::INFO);
        assert!(usual.would_enable("coordinator::engine", &Level::INFO));
        assert!(!usual.would_enable("coordinator::engine", &Level::DEBUG));
        assert!(usual.would_enable("h2::proto", &Level::WARN));
        assert!(!usual.would_enable("h2::proto", &Level::INFO));
        assert!(filter(None, LevelFilter::TRACE).would_enable("h2", &Level::TRACE));

        let asked = filter(Some("warn,worker=debug"), LevelFilter::INFO);
        assert!(asked.would_enable("worker::lease", &Level::DEBUG));
        assert!(!asked.would_enable("coordinator", &Level::INFO));
        assert!(filter(Some("info"), LevelFilter::WARN).would_enable("h2", &Level::INFO));
        // What cannot be understood changes nothing.
        assert_eq!(filter(Some("worker=loud"), LevelFilter::INFO), usual);
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
