//! What a terminal would obey instead of showing is escaped: names, messages and log lines come from outside.
//!
//! *Invariant:* no character for which [`is_obeyed`] holds reaches a terminal, unless this program put it there.

use std::borrow::Cow;
use std::fmt::Write;

/// A text of several lines: line breaks and tabs stay, every other character that a terminal obeys is escaped.
pub fn text(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| {
        is_obeyed(letter) && !matches!(letter, '\n' | '\t')
    })
}

/// A text that stays on its line, such as a name: line breaks and tabs are escaped too.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_obeyed)
}

/// A line of a log: tabs stay.
pub fn log_line(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| is_obeyed(letter) && letter != '\t')
}

/// JSON that says the same: what JSON itself leaves as it is (DEL, C1, directions of writing) is written `\uXXXX`.
pub fn json(text: &str) -> Cow<'_, str> {
    // JSON has control characters below DEL as white space alone, where they mean nothing else.
    let hidden = |letter| is_obeyed(letter) && letter >= '\u{7f}';
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if hidden(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}

fn escaped(text: &str, is_hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_hidden(letter) {
            safe.extend(letter.escape_default());
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}

/// Whether a terminal obeys the character, or shows nothing where it stands: control characters (C0, DEL, C1), separators
/// of lines and paragraphs, directions of writing, characters without width.
pub fn is_obeyed(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{70f}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str =
        "\u{1b}]0;owned\u{7}\u{1b}[31mred\u{1b}[2J\r\u{9b}2J\u{7f}\u{202e}live\u{200b}\u{e0041}";

    #[test]
    fn no_command_of_a_terminal_is_left() {
        for safe in [
            text(EVIL),
            line(EVIL),
            log_line(EVIL),
            json(&serde_json::json!(EVIL).to_string()),
        ] {
            assert!(!safe.contains(is_obeyed), "{safe:?}");
        }
        assert_eq!(line("\u{1b}[31mred"), "\\u{1b}[31mred");
        assert_eq!(line("a\nb\tc\r"), "a\\nb\\tc\\r");
        assert_eq!(text("a\nb\tc\r"), "a\nb\tc\\r");
        assert_eq!(log_line("a\nb\tc\r"), "a\\nb\tc\\r");
    }

    #[test]
    fn what_a_terminal_shows_stays_as_it_is() {
        for plain in [
            "GCL_B seed 3",
            "AUC 81.00 ± 0.12 %",
            "données",
            "数据",
            "नमस्ते",
            "→ \\ \" '",
            "",
        ] {
            for safe in [text(plain), line(plain), log_line(plain), json(plain)] {
                assert!(
                    matches!(safe, Cow::Borrowed(same) if same == plain),
                    "{safe:?}"
                );
            }
        }
    }

    #[test]
    fn escaped_json_says_the_same() {
        let value = serde_json::json!({ "name": EVIL, "\u{9b}": ["\u{1d173}", 1, null] });
        for printed in [
            value.to_string(),
            serde_json::to_string_pretty(&value).unwrap(),
        ] {
            let safe = json(&printed);
            assert!(!safe.replace('\n', "").contains(is_obeyed), "{safe}");
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
                value
            );
        }
    }
}
