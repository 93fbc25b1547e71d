//! Texts that leave this worker: without control characters, and lines of logs no longer than is kept. Pure.
//!
//! *Because* the texts come from videos' names, decoders and libraries, and end on people's terminals.

use proto::fit_text;
use proto::limits::LOG_LINE_BYTES;
use sweeps::{Failure, Outcome};

/// Lines that one text of a log becomes at most.
const LINES: usize = 50;

/// The lines of a text, clean and bounded.
pub(crate) fn log_lines(text: &str) -> Vec<String> {
    text.lines()
        .take(LINES)
        .map(|line| fit_text(clean(line), LOG_LINE_BYTES))
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

/// The result with warnings in one line each. How many and how long they may be, [`proto::fit`] says.
pub(crate) fn clean_warnings(outcome: &mut Outcome) {
    for warning in &mut outcome.warnings {
        for text in [&mut warning.code, &mut warning.message] {
            *text = clean(text);
        }
    }
}

/// The failure in one line.
pub(crate) fn clean_failure(failure: &Failure) -> Failure {
    Failure::new(failure.class, clean(&failure.message))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sweeps::Warning;

    use super::*;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(
            log_lines("\u{1b}[2Jred\u{7}\ta\u{202e}b\r\nnext\u{9b}31m"),
            ["\\u{1b}[2Jred\\u{7} a\\u{202e}b", "next\\u{9b}31m"]
        );
        assert_eq!(clean("two\nlines"), "two\\u{a}lines");
    }

    #[test]
    fn warnings_are_cleaned() {
        let mut outcome = Outcome {
            warnings: vec![Warning {
                code: "a\nb".into(),
                message: "\u{1b}[2J".into(),
            }],
            ..Outcome::default()
        };
        clean_warnings(&mut outcome);
        let warning = &outcome.warnings[0];
        assert_eq!(
            (&*warning.code, &*warning.message),
            ("a\\u{a}b", "\\u{1b}[2J")
        );
        // A second pass, on another worker's copy, changes nothing.
        let once = outcome.clone();
        clean_warnings(&mut outcome);
        assert_eq!(outcome, once);
    }

    proptest! {
        #[test]
        fn every_line_is_clean_and_bounded(text in ".{0,6000}|(\u{1b}|é|\n|\r|\t|\u{9b}|a){0,5000}") {
            let lines = log_lines(&text);
            prop_assert!(lines.len() <= LINES);
            for line in lines {
                prop_assert!(line.len() <= LOG_LINE_BYTES);
                prop_assert!(!line.chars().any(char::is_control));
            }
        }
    }
}
