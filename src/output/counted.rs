//! Numbers of things.

use std::fmt::Display;

/// `1 cell`, `2 cells`: the thing's name is in the singular, and takes an `s`.
pub fn counted(number: impl Display, thing: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_not_many() {
        assert_eq!(counted(1, "cell"), "1 cell");
        assert_eq!(
            (counted(0, "job"), counted(21, "job")),
            ("0 jobs".into(), "21 jobs".into())
        );
    }
}
