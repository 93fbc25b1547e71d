//! Enums that own their words: a choice that a sweep file offers exists in the code, or does not compile.

/// An enum whose variants are words of a sweep file. The registry offers [`WORDS`](Self::WORDS), and whoever acts on
/// a choice matches on the variants: a new one must be handled everywhere before anything compiles.
pub trait Choice: Copy + 'static {
    /// The words, in the order of [`ALL`](Self::ALL).
    const WORDS: &'static [&'static str];
    /// Every variant, in the order in which `gcl-sweep params` shows them.
    const ALL: &'static [Self];

    /// This variant's word.
    fn word(self) -> &'static str;

    /// The variant of that word.
    fn of_word(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|choice| choice.word() == word)
    }
}

/// Declares an enum with its words and makes it a [`Choice`].
macro_rules! choices {
    ($($(#[$meta:meta])* $visibility:vis enum $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $visibility enum $name { $($(#[$about])* $variant,)+ }

        impl $crate::choice::Choice for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    )+};
}
pub(crate) use choices;

#[cfg(test)]
mod tests {
    use super::*;

    choices! {
        /// Two of them.
        enum Pair {
            First = "first",
            Second = "the-second",
        }
    }

    #[test]
    fn a_word_is_its_variant_and_back() {
        assert_eq!(Pair::WORDS, ["first", "the-second"]);
        assert!(
            Pair::ALL
                .iter()
                .all(|choice| Pair::of_word(choice.word()) == Some(*choice))
        );
        assert!(Pair::of_word("second").is_none() && Pair::of_word("").is_none());
    }
}
