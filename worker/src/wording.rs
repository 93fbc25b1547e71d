//! Texts that leave this worker: without control characters, and within the limits of the wire. Pure.
//!
//! *Because* the texts come from videos' names, decoders and libraries, and end on people's terminals.

use proto::limits::{NAME_BYTES, TEXT_BYTES, WARNINGS};
use sweeps::{Failure, Outcome, Warning};

/// Lines that one text of a log becomes at most.
const LINES: usize = 50;
/// Bytes of one line of a log: the coordinator keeps no more.
const LINE_BYTES: usize = 2_000;

/// The lines of a text, clean and bounded.
pub(crate) fn log_lines(text: &str) -> Vec<String> {
    text.lines()
        .take(LINES)
        .map(|line| bounded(clean(line), LINE_BYTES))
        .collect()
}

/// The text in one line: control characters, and those that turn the direction of writing, are written out.
pub fn clean(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\t' => line.push(' '),
            _ if letter.is_control() || turns(letter) => line.extend(letter.escape_unicode()),
            _ => line.push(letter),
        }
    }
    line
}

/// Whether the character changes how the text around it is shown, and nothing else.
fn turns(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The beginning of the text that has at most so many bytes.
pub(crate) fn bounded(mut text: String, bytes: usize) -> String {
    const CUT: &str = " …";
    if text.len() > bytes {
        let mut end = bytes.saturating_sub(CUT.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(CUT);
    }
    text
}

/// The result with warnings that the coordinator takes: a training of days is not refused for what it says beside.
pub(crate) fn within_limits(outcome: &mut Outcome) {
    let surplus = outcome.warnings.len().saturating_sub(WARNINGS);
    if surplus > 0 {
        outcome.warnings.truncate(WARNINGS - 1);
        outcome.warnings.push(Warning {
            code: "more-warnings".to_owned(),
            message: format!("{} more warnings are left out", surplus + 1),
        });
    }
    for warning in &mut outcome.warnings {
        let take = |text: &mut String, bytes| {
            *text = bounded(clean(text), bytes);
        };
        take(&mut warning.code, NAME_BYTES);
        take(&mut warning.message, TEXT_BYTES);
    }
}

/// The failure in one line.
pub(crate) fn clean_failure(failure: &Failure) -> Failure {
    Failure::new(failure.class, clean(&failure.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(
            log_lines("\u{1b}[2Jred\u{7}\ta\u{202e}b\r\nnext\u{9b}31m"),
            ["\\u{1b}[2Jred\\u{7} a\\u{202e}b", "next\\u{9b}31m"]
        );
        assert_eq!(clean("two\nlines"), "two\\u{a}lines");
    }

    #[test]
    fn too_many_and_too_long_warnings_are_cut() {
        let warning = |number: usize| Warning {
            code: format!("w{number}"),
            message: "é".repeat(TEXT_BYTES),
        };
        let mut outcome = Outcome {
            warnings: (0..WARNINGS + 44).map(warning).collect(),
            ..Outcome::default()
        };
        within_limits(&mut outcome);
        assert_eq!(outcome.warnings.len(), WARNINGS);
        assert_eq!(
            outcome.warnings[WARNINGS - 1].message,
            "45 more warnings are left out"
        );
        assert!(
            outcome
                .warnings
                .iter()
                .all(|warning| warning.message.len() <= TEXT_BYTES)
        );
        // A second pass, on another worker's copy, changes nothing.
        let once = outcome.clone();
        within_limits(&mut outcome);
        assert_eq!(outcome, once);
    }

    proptest! {
        #[test]
        fn every_line_is_clean_and_bounded(text in ".{0,6000}|(\u{1b}|é|\n|\r|\t|\u{9b}|a){0,5000}") {
            let lines = log_lines(&text);
            prop_assert!(lines.len() <= LINES);
            for line in lines {
                prop_assert!(line.len() <= LINE_BYTES);
                prop_assert!(!line.chars().any(char::is_control));
            }
        }
    }
}
