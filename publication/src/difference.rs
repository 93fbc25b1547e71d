//! Where two texts or two JSON values differ, for people.

use serde_json::Value;

/// Where two files first differ: line and column of texts, the offset of other bytes.
pub fn of_bytes(told: &[u8], found: &[u8]) -> Option<String> {
    let position = told.iter().zip(found).position(|(a, b)| a != b);
    let position = match position {
        Some(position) => position,
        None if told.len() == found.len() => return None,
        None => told.len().min(found.len()),
    };
    if std::str::from_utf8(told).is_err() || std::str::from_utf8(found).is_err() {
        return Some(format!("byte {position}"));
    }
    let before = &told[..position];
    let line = before.split(|byte| *byte == b'\n').count();
    let column = position
        - before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1)
        + 1;
    Some(format!("line {line}, column {column}"))
}

/// The first value that differs: its path, what is told, what was found.
pub fn of_values(told: &Value, found: &Value) -> Option<(String, Value, Value)> {
    walk(told, found, &mut String::new())
}

fn walk(told: &Value, found: &Value, path: &mut String) -> Option<(String, Value, Value)> {
    let length = path.len();
    match (told, found) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: std::collections::BTreeSet<&String> =
                left.keys().chain(right.keys()).collect();
            for key in keys {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                let found = walk(
                    left.get(key).unwrap_or(&Value::Null),
                    right.get(key).unwrap_or(&Value::Null),
                    path,
                );
                if found.is_some() {
                    return found;
                }
                path.truncate(length);
            }
            None
        }
        (Value::Array(left), Value::Array(right)) => {
            for index in 0..left.len().max(right.len()) {
                path.push_str(&format!("[{index}]"));
                let found = walk(
                    left.get(index).unwrap_or(&Value::Null),
                    right.get(index).unwrap_or(&Value::Null),
                    path,
                );
                if found.is_some() {
                    return found;
                }
                path.truncate(length);
            }
            None
        }
        _ if told == found => None,
        _ => Some((path.clone(), told.clone(), found.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_a_place() {
        assert_eq!(of_bytes(b"ab\ncd", b"ab\ncd"), None);
        assert_eq!(of_bytes(b"ab\ncd", b"ab\ncx").unwrap(), "line 2, column 2");
        assert_eq!(of_bytes(b"ab", b"ab\n").unwrap(), "line 1, column 3");
        assert_eq!(of_bytes(b"\xff\x00", b"\xff\x01").unwrap(), "byte 1");
        let told = serde_json::json!({"a": 1, "curve": [{"auc": 0.5}, {"auc": 0.6}]});
        let found = serde_json::json!({"a": 1, "curve": [{"auc": 0.5}, {"auc": 0.7}]});
        let (path, told, found) = of_values(&told, &found).unwrap();
        assert_eq!(path, "curve[1].auc");
        assert_eq!((told, found), (0.6.into(), 0.7.into()));
    }
}
