//! A value of a job's parameter, as it is written in a sweep file, shown in a table and hashed into a job's id.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A value of a job's parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number with a fraction. Parameters of kind float hold this even when the file says `1`.
    Float(f64),
    /// A choice, a name.
    Text(String),
    /// A list, such as the widths of a network.
    List(Vec<Value>),
    /// A table, such as a threshold's rule with its number.
    Table(BTreeMap<String, Value>),
}

impl Value {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The whole number, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self {
            Some(*number)
        } else {
            None
        }
    }

    /// The number, whole or not.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            Self::Integer(number) => Some(*number as f64),
            _ => None,
        }
    }

    /// What the value is, for a message: "a number", "a table".
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// Appends the canonical encoding: a tag, a length where there is one, little-endian numbers.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Boolean(value) => out.extend([b'b', u8::from(*value)]),
            Self::Integer(value) => {
                out.push(b'i');
                out.extend(value.to_le_bytes());
            }
            Self::Float(value) => {
                out.push(b'f');
                // −0 and 0 are the same setting.
                out.extend((if *value == 0.0 { 0.0 } else { *value }).to_le_bytes());
            }
            Self::Text(value) => {
                out.push(b't');
                encode_text(value, out);
            }
            Self::List(values) => {
                out.push(b'l');
                out.extend((values.len() as u64).to_le_bytes());
                for value in values {
                    value.encode(out);
                }
            }
            Self::Table(entries) => {
                out.push(b'm');
                out.extend((entries.len() as u64).to_le_bytes());
                for (key, value) in entries {
                    encode_text(key, out);
                    value.encode(out);
                }
            }
        }
    }
}

pub(crate) fn encode_text(text: &str, out: &mut Vec<u8>) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// How a person reads it: `mean-std k=1` for a threshold, `2e-5` for a small number, `64-32` for widths.
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(formatter),
            Self::Integer(value) => value.fmt(formatter),
            Self::Float(value) if *value != 0.0 && (value.abs() < 1e-3 || value.abs() >= 1e6) => {
                write!(formatter, "{value:e}")
            }
            Self::Float(value) => value.fmt(formatter),
            Self::Text(value) => value.fmt(formatter),
            Self::List(values) => {
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        formatter.write_str("-")?;
                    }
                    value.fmt(formatter)?;
                }
                Ok(())
            }
            Self::Table(entries) => {
                let mut separator = "";
                if let Some(rule) = entries.get("rule") {
                    rule.fmt(formatter)?;
                    separator = " ";
                }
                for (key, value) in entries.iter().filter(|(key, _)| *key != "rule") {
                    write!(formatter, "{separator}{key}={value}")?;
                    separator = " ";
                }
                Ok(())
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_a_person_writes_them() {
        assert_eq!(Value::Float(2e-5).to_string(), "2e-5");
        assert_eq!(Value::Float(1.0).to_string(), "1");
        assert_eq!(Value::List(vec![64.into(), 32.into()]).to_string(), "64-32");
        let threshold =
            Value::Table([("rule".into(), "mean-std".into()), ("k".into(), 1.0.into())].into());
        assert_eq!(threshold.to_string(), "mean-std k=1");
    }

    #[test]
    fn json_keeps_whole_and_broken_numbers_apart() {
        for value in [
            Value::Integer(1),
            Value::Float(1.0),
            Value::Float(0.1),
            Value::Boolean(true),
        ] {
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(
                serde_json::from_str::<Value>(&text).unwrap(),
                value,
                "{text}"
            );
        }
    }
}
