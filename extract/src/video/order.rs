//! The order of names with numbers in them.

/// `frame2` before `frame10`.
pub(super) fn in_order(mut names: Vec<String>) -> Vec<Box<str>> {
    names.sort_by_cached_key(|name| (natural_key(name), name.clone()));
    names.into_iter().map(String::into_boxed_str).collect()
}

/// Runs of digits compare as numbers: each is written with its length in front.
pub(super) fn natural_key(name: &str) -> String {
    let mut key = String::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            let number = rest[..digits].trim_start_matches('0');
            // A letter that sorts where digits do, then the length, then the digits.
            key.push_str(&format!("0{:05}{number}", number.len()));
            rest = &rest[digits..];
        }
        let others = rest
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(rest.len());
        key.push_str(&rest[..others]);
        rest = &rest[others..];
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count() {
        let mut names = [
            "f10",
            "f2",
            "f002b",
            "f2a",
            "f1",
            "g",
            "f",
            "f100000000000000000000",
        ];
        names.sort_by_key(|name| natural_key(name));
        assert_eq!(
            names,
            [
                "f",
                "f1",
                "f2",
                "f2a",
                "f002b",
                "f10",
                "f100000000000000000000",
                "g"
            ]
        );
    }
}
