//! What was taken, left out and changed, counted by reason: said at the end of a run, and kept in `dataset.toml`.

use std::collections::BTreeMap;

/// Names that are written out for a reason; the others are counted.
const MOST_NAMES: usize = 20;
/// Characters of a name that are written out.
const LONGEST_NAME: usize = 200;

/// Names by reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account(BTreeMap<String, Names>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Names {
    count: usize,
    first: Vec<String>,
    /// How many have no name here.
    unsaid: usize,
}

impl Account {
    /// One more for that reason, said with its name.
    pub fn add(&mut self, reason: &str, name: &str) {
        let names = self.of(reason);
        names.count += 1;
        if names.first.len() < MOST_NAMES {
            names.first.push(shown(name));
        } else {
            names.unsaid += 1;
        }
    }

    /// So many more for that reason, said together.
    pub(crate) fn add_several(&mut self, reason: &str, name: &str, count: usize) {
        let names = self.of(reason);
        names.count += count;
        names.unsaid += count;
        if names.first.len() < MOST_NAMES {
            names.unsaid -= count;
            names.first.push(format!("{} {count}", shown(name)));
        }
    }

    fn of(&mut self, reason: &str) -> &mut Names {
        if !self.0.contains_key(reason) {
            self.0.insert(reason.to_owned(), Names::default());
        }
        self.0.entry(reason.to_owned()).or_default()
    }

    /// A line for each reason: `left out, pictures beside videos (2): a.jpg, b.jpg`.
    pub fn lines(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|(reason, names)| {
                let more = match names.unsaid {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!(
                    "{reason} ({}): {}{more}",
                    names.count,
                    names.first.join(", ")
                )
            })
            .collect()
    }
}

/// A name on one line, and not longer than one.
fn shown(name: &str) -> String {
    let mut text: String = name
        .chars()
        .map(|letter| {
            if letter.is_control() {
                '\u{fffd}'
            } else {
                letter
            }
        })
        .take(LONGEST_NAME)
        .collect();
    if text.len() < name.len() && name.chars().count() > LONGEST_NAME {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_a_line_with_its_count_and_first_names() {
        let mut account = Account::default();
        account.add("left out, sound", "song\n.mp4");
        for number in 0..23 {
            account.add("left out, hidden", &format!("._{number}"));
        }
        account.add_several("left out, other endings", ".txt", 4);
        let lines = account.lines();
        assert!(lines[0].starts_with("left out, hidden (23): ._0, ._1, "));
        assert!(lines[0].ends_with(", ._19 and 3 more"), "{}", lines[0]);
        assert_eq!(
            lines[1..],
            [
                "left out, other endings (4): .txt 4",
                "left out, sound (1): song\u{fffd}.mp4"
            ]
        );
    }
}
