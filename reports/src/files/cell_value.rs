//! What a cell of a table means, by the parameter of its column.

use sweeps::parameter::Kind;
use sweeps::{Value, registry, spelling};

/// How pandas and Excel write that there is nothing. `none` is not among them: parameters have that word.
const NOTHING: [&str; 10] = [
    "NaN", "nan", "<NA>", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "None",
];

/// A swept value as its text says: of a parameter of numbers the number, whatever its spelling; of others a number where it reads as one and shows
/// the same again, a text otherwise.
pub(crate) fn cell_value(column: &str, text: &str, delimiter: u8) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    let kind = registry::find_column(column).map(|parameter| parameter.kind);
    let text = if kind.is_some() { text.trim() } else { text };
    if let Some(Kind::Choice(words)) = kind
        && let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(text))
    {
        return Some(Value::Text((*word).to_owned()));
    }
    if NOTHING.contains(&text) {
        return None;
    }
    let known = match kind {
        Some(Kind::Integer { .. }) => spelling::whole_in(text, delimiter).map(Value::Integer),
        Some(Kind::Float(_)) => spelling::number(text, delimiter)
            .filter(|number| number.is_finite())
            .map(Value::Float),
        Some(Kind::Choice(_) | Kind::Widths | Kind::Threshold { .. } | Kind::LabelRule) | None => {
            None
        }
    };
    Some(known.unwrap_or_else(|| as_it_shows(text)))
}

fn as_it_shows(text: &str) -> Value {
    let candidates = [
        text.parse().ok().map(Value::Boolean),
        text.parse().ok().map(Value::Integer),
        text.parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(Value::Float),
    ];
    let shown_alike = candidates
        .into_iter()
        .flatten()
        .find(|value| value.to_string() == text);
    shown_alike
        .or_else(|| respelt(text))
        .unwrap_or_else(|| Value::Text(text.to_owned()))
}

/// A number or a truth as other programs write it: `33.0`, `1e-05`, `True`. What begins like a code, such as `007`, stays a text.
fn respelt(text: &str) -> Option<Value> {
    match text {
        "True" | "TRUE" => return Some(Value::Boolean(true)),
        "False" | "FALSE" => return Some(Value::Boolean(false)),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'));
    let code = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    let number: f64 = text
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())?;
    (plain && !code && digits.starts_with(|first: char| first.is_ascii_digit()))
        .then_some(Value::Float(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_number_in_any_spelling() {
        for text in ["1e-4", "0.0001", "1e-04", "1E-04", " 0.0001 "] {
            let value = cell_value("learning_rate", text, b',');
            assert_eq!(value, Some(Value::Float(1e-4)), "{text}");
        }
        for text in ["0,0001", "1,00E-04"] {
            let value = cell_value("learning_rate", text, b';');
            assert_eq!(value, Some(Value::Float(1e-4)), "{text}");
        }
        for text in ["15", "15.0", "1.5e1"] {
            assert_eq!(
                cell_value("epochs", text, b','),
                Some(Value::Integer(15)),
                "{text}"
            );
        }
        assert_eq!(cell_value("epochs", "NaN", b','), None);
        assert_eq!(cell_value("learning_rate", "", b','), None);
    }

    #[test]
    fn words_stay_words() {
        let none = Some(Value::Text("none".into()));
        assert_eq!(cell_value("negative_learning.target", "none", b','), none);
        assert_eq!(cell_value("odd", "007", b','), Some("007".into()));
        assert_eq!(cell_value("odd", "True", b','), Some(Value::Boolean(true)));
        assert_eq!(
            cell_value("network.generator", "64-32", b','),
            Some("64-32".into())
        );
    }
}
