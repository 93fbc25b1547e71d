//! Cells and texts as other programs write them: pandas and Excel spell one number, one truth and one letter in many ways.

/// A whole number in any spelling: `15`, `+15`, `15.0`, `1.5e1`, `15,0`. `1,000` may be one or a thousand: it is none.
#[must_use]
pub fn whole(text: &str) -> Option<i64> {
    whole_in(text, b',')
}

/// [`whole`] in a table whose cells that delimiter separates: where no comma does, a comma is decimal.
#[must_use]
pub fn whole_in(text: &str, delimiter: u8) -> Option<i64> {
    if let Ok(number) = text.trim().parse() {
        return Some(number);
    }
    let number = number(text, delimiter)?;
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// A number in any spelling, in a table whose cells that delimiter separates: `0.85`, `8.5e-01`, `0,85`, `85 %`. In a table of commas `1,000` may be
/// one or a thousand: it is none.
#[must_use]
pub fn number(text: &str, delimiter: u8) -> Option<f64> {
    let text = text.trim();
    if let Some(percent) = text.strip_suffix('%') {
        return Some(number(percent, delimiter)? / 100.0);
    }
    if let Ok(number) = text.parse::<f64>() {
        return (!number.is_nan()).then_some(number);
    }
    let (before, after) = text.split_once(',')?;
    let digits = before.trim_start_matches(['-', '+']);
    let may_be_thousands = after.len() == 3 && !matches!(digits, "" | "0");
    if before.contains('.') || (delimiter == b',' && may_be_thousands) {
        return None;
    }
    let number = format!("{before}.{after}").parse::<f64>().ok()?;
    number.is_finite().then_some(number)
}

/// Whether a cell says that its value is not known: empty, or what pandas and R write for it.
#[must_use]
pub fn missing(text: &str) -> bool {
    let words = ["nan", "na", "n/a", "#n/a", "<na>", "none", "null"];
    let text = text.trim();
    text.is_empty() || words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A label: 1 or true for anomalous, 0 or false for normal, nothing where it is not known; `None` where it is no label.
#[must_use]
pub fn label(text: &str) -> Option<Option<bool>> {
    let text = text.trim();
    if missing(text) {
        return Some(None);
    }
    if text.eq_ignore_ascii_case("true") {
        return Some(Some(true));
    }
    if text.eq_ignore_ascii_case("false") {
        return Some(Some(false));
    }
    match whole(text)? {
        0 => Some(Some(false)),
        1 => Some(Some(true)),
        _ => None,
    }
}

/// Whether a file's first bytes are UTF-16, with or without its mark.
#[must_use]
pub fn is_utf16(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xFF, 0xFE, ..]
            | [0xFE, 0xFF, ..]
            | [1..=255, 0, 1..=255, 0, ..]
            | [0, 1..=255, 0, 1..=255, ..]
    )
}

/// A file's bytes as a text: UTF-8 or UTF-16, with or without a byte order mark.
///
/// # Errors
/// The first line that is no text, from 1.
pub fn decoded(bytes: &[u8]) -> Result<String, usize> {
    let of = |big: bool, bytes: &[u8]| {
        let letters = bytes.chunks_exact(2).map(|pair| {
            let pair = [pair[0], pair[1]];
            if big {
                u16::from_be_bytes(pair)
            } else {
                u16::from_le_bytes(pair)
            }
        });
        let mut text = String::with_capacity(bytes.len() / 2);
        for letter in char::decode_utf16(letters) {
            let letter = letter.map_err(|_| text.matches('\n').count() + 1)?;
            text.push(letter);
        }
        Ok(text)
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => of(false, rest),
        [0xFE, 0xFF, rest @ ..] => of(true, rest),
        // Half of it zeros: UTF-16 without its mark.
        [1..=255, 0, 1..=255, 0, ..] => of(false, bytes),
        [0, 1..=255, 0, 1..=255, ..] => of(true, bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            match std::str::from_utf8(bytes) {
                Ok(text) => Ok(text.to_owned()),
                Err(error) => Err(bytes[..error.valid_up_to()]
                    .split(|byte| *byte == b'\n')
                    .count()),
            }
        }
    }
}

/// What Excel may write as a table's first line, `sep=;`: it says what separates the cells, and is none of them.
#[must_use]
pub fn separator_line(text: &str) -> Option<u8> {
    let first = text.lines().next()?.trim().trim_matches('"');
    let separator = first.strip_prefix("sep=")?;
    match separator.as_bytes() {
        [] => Some(b'\t'),
        [separator] => Some(*separator),
        _ => None,
    }
}

/// What separates the cells of a table, told from its first line: Excel writes semicolons where commas are decimal.
#[must_use]
pub fn delimiter(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let first = first.unwrap_or("");
    [b',', b';', b'\t']
        .into_iter()
        .rev()
        .max_by_key(|delimiter| first.bytes().filter(|byte| byte == delimiter).count())
        .unwrap_or(b',')
}

/// Whether a column is the index that pandas writes: a counter without a name.
#[must_use]
pub fn is_index(column: &str) -> bool {
    let column = column.trim().to_ascii_lowercase();
    column.is_empty() || column == "index" || column.starts_with("unnamed:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_any_spelling_is_a_number() {
        for (text, number) in [
            ("15", 15),
            (" 15 ", 15),
            ("15.0", 15),
            ("15.", 15),
            ("1.5e1", 15),
            ("1.5E+01", 15),
            ("15,0", 15),
            ("+15", 15),
            ("-1.0", -1),
        ] {
            assert_eq!(whole(text), Some(number), "{text}");
        }
        for text in ["", "15.5", "1,000", "nan", "inf", "many", "1e300", "0x10"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn a_rate_in_any_spelling_is_a_number() {
        for (text, rate) in [
            ("0.0001", 1e-4),
            ("1e-04", 1e-4),
            ("1,00E-04", 1e-4),
            ("0,853", 0.853),
            ("-0,5", -0.5),
            ("85 %", 0.85),
            ("85,5%", 0.855),
        ] {
            assert_eq!(number(text, b','), Some(rate), "{text}");
            assert_eq!(number(text, b';'), Some(rate), "{text}");
        }
        assert_eq!(number("1,000", b','), None);
        assert_eq!(number("1,000", b';'), Some(1.0));
        assert_eq!(whole_in("12,000", b';'), Some(12));
        for text in ["", "nan", "1.000,5", "1,2,3", "many", "%", ",", "1e999,0"] {
            assert_eq!(number(text, b';'), None, "{text}");
        }
    }

    #[test]
    fn labels_come_back_from_other_programs() {
        for text in ["1", "1.0", "True", "TRUE", "1e0", "1,0"] {
            assert_eq!(label(text), Some(Some(true)), "{text}");
        }
        for text in ["0", "0.0", "False", "-0.0"] {
            assert_eq!(label(text), Some(Some(false)), "{text}");
        }
        for text in ["", "nan", "NaN", "<NA>", "None"] {
            assert_eq!(label(text), Some(None), "{text}");
        }
        for text in ["2", "yes", "0.5"] {
            assert_eq!(label(text), None, "{text}");
        }
    }

    #[test]
    fn texts_of_windows_are_texts() {
        let utf16: Vec<u8> = "a,é\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked: Vec<u8> = [&[0xFF, 0xFE], &utf16[..]].concat();
        let big: Vec<u8> = "\u{feff}a,é\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        for bytes in [marked, big, "\u{feff}a,é\n".into(), "a,é\n".into()] {
            assert_eq!(decoded(&bytes).unwrap(), "a,é\n");
        }
        assert_eq!(
            decoded(
                &"ab"
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect::<Vec<_>>()
            )
            .unwrap(),
            "ab"
        );
        assert_eq!(decoded(b"a\n\xff\n"), Err(2));
    }

    #[test]
    fn the_first_line_tells_what_separates() {
        assert_eq!(delimiter("a,b;c,d\n"), b',');
        assert_eq!(delimiter("a;b;c\n1,0;2;3\n"), b';');
        assert_eq!(delimiter("a\tb\n"), b'\t');
        assert_eq!(delimiter("a"), b',');
        assert_eq!(separator_line("sep=;\r\na;b\r\n"), Some(b';'));
        assert_eq!(separator_line("\"sep=,\"\na,b\n"), Some(b','));
        assert_eq!(separator_line("sep,a\n"), None);
    }
}
