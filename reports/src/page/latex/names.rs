//! Names of macros, which have letters alone: `GCL_B gaussian 1.5` is `BGaussianOnePointFive`.

use std::collections::BTreeSet;

const DIGITS: [&str; 10] = [
    "Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine",
];

/// The letters of a name. What the paper calls GCL_PT is `PT`.
pub(super) fn letters(text: &str) -> String {
    let text = text.strip_prefix("GCL_").unwrap_or(text);
    let mut name = String::new();
    let mut begins = true;
    let letters: Vec<char> = text.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let next_is_digit = letters.get(at + 1).is_some_and(char::is_ascii_digit);
        let after_digit = at > 0 && letters[at - 1].is_ascii_digit();
        match letter {
            letter if letter.is_ascii_alphabetic() && begins => {
                name.push(letter.to_ascii_uppercase());
                begins = false;
            }
            letter if letter.is_ascii_alphabetic() => name.push(*letter),
            digit if digit.is_ascii_digit() => {
                name += DIGITS[digit.to_digit(10).unwrap_or(0) as usize];
                begins = true;
            }
            '.' if after_digit && next_is_digit => name += "Point",
            '-' if next_is_digit && !after_digit => name += "Minus",
            '%' => name += "Percent",
            '+' => name += "Plus",
            '→' => {
                name += "To";
                begins = true;
            }
            _ => begins = true,
        }
    }
    name
}

/// A name that no other has: letters are added where two would be the same.
pub(super) fn unlike(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut unlike = name.to_owned();
    let mut tries = 0_u32;
    while !taken.insert(unlike.clone()) {
        tries += 1;
        let mut number = tries;
        name.clone_into(&mut unlike);
        unlike.push('X');
        while number > 0 {
            unlike.push(char::from(b'a' + ((number - 1) % 26) as u8));
            number = (number - 1) / 26;
        }
    }
    unlike
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_letters_alone_and_say_what_they_mean() {
        for (text, name) in [
            ("GCL_PT", "PT"),
            ("AE_AllData", "AEAllData"),
            ("GCL_w/oNL", "WONL"),
            ("GCL_B gaussian 1.5", "BGaussianOnePointFive"),
            ("AE→D", "AEToD"),
            ("learning_rate=1e-4", "LearningRateOneEMinusFour"),
            ("GCL_WS 33%", "WSThreeThreePercent"),
            ("日本", ""),
        ] {
            assert_eq!(letters(text), name, "{text}");
        }
        let mut taken = BTreeSet::new();
        let names: Vec<String> = (0..60).map(|_| unlike("A", &mut taken)).collect();
        assert_eq!(
            (names[0].as_str(), names[1].as_str(), names[27].as_str()),
            ("A", "AXa", "AXaa")
        );
        assert!(
            names
                .iter()
                .all(|name| name.chars().all(|letter| letter.is_ascii_alphabetic()))
        );
        assert_eq!(taken.len(), 60);
    }
}
