//! Filters: `column:value` words, as they stand in the address of the page.
//!
//! Words of different columns must all hold, of the words of one column any. A word without a colon is looked for in the
//! variant's name. A value may end in `*`. Case does not count.

/// What a cell says of itself.
pub trait Filtered {
    /// Its value in a column; `None`: it has no such column, or nothing in it.
    fn value(&self, column: &str) -> Option<String>;
}

/// A filter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// By column, the wanted values.
    wanted: Vec<(String, Vec<String>)>,
    /// Parts of the variant's name.
    parts: Vec<String>,
}

impl Filter {
    /// Reads what a person typed; nothing that is typed is an error.
    pub fn parse(text: &str) -> Self {
        let mut filter = Self::default();
        for word in text.split_whitespace() {
            let word = word.to_lowercase();
            match word.split_once(':') {
                Some((column, value)) if !column.is_empty() => {
                    let column = match column {
                        "state" => "status",
                        other => other,
                    };
                    match filter.wanted.iter_mut().find(|(name, _)| name == column) {
                        Some((_, values)) => values.push(value.to_owned()),
                        None => filter
                            .wanted
                            .push((column.to_owned(), vec![value.to_owned()])),
                    }
                }
                _ => filter.parts.push(word),
            }
        }
        filter
    }

    /// Whether it takes everything.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.parts.is_empty()
    }

    /// Whether a cell is wanted.
    pub fn takes(&self, cell: &impl Filtered) -> bool {
        let holds = |column: &str, values: &[String]| {
            let found = cell.value(column).unwrap_or_default().to_lowercase();
            values.iter().any(|value| match value.strip_suffix('*') {
                Some(beginning) => found.starts_with(beginning),
                None => found == *value,
            })
        };
        let variant = || cell.value("variant").unwrap_or_default().to_lowercase();
        self.wanted
            .iter()
            .all(|(column, values)| holds(column, values))
            && (self.parts.is_empty()
                || self
                    .parts
                    .iter()
                    .all(|part| variant().contains(part.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Cell(&'static [(&'static str, &'static str)]);
    impl Filtered for Cell {
        fn value(&self, column: &str) -> Option<String> {
            let found = self.0.iter().find(|(name, _)| *name == column);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn words_of_a_column_are_alternatives_and_columns_all_hold() {
        let cell = Cell(&[
            ("variant", "GCL_B"),
            ("status", "failed"),
            ("seed", "3"),
            ("learning_rate", "1e-4"),
        ]);
        for (text, takes) in [
            ("", true),
            ("gcl", true),
            ("gcl_c", false),
            ("status:failed", true),
            ("state:FAILED seed:3", true),
            ("status:done", false),
            ("status:done status:failed", true),
            ("seed:4 status:failed", false),
            ("learning_rate:1e*", true),
            ("unheard:1", false),
            (":x", false),
            ("unheard:", true),
        ] {
            assert_eq!(Filter::parse(text).takes(&cell), takes, "{text}");
        }
        assert!(Filter::parse("  ").is_empty());
    }
}
