//! Names of files and folders that are not whole yet.

/// A word that no other process uses, on this host or another.
///
/// *Because* folders of data are shared between hosts and containers, whose process numbers are equal sooner or later.
pub(crate) fn word() -> String {
    let mut bytes = [0; 8];
    // Where there is no randomness, the process number has to do.
    let _ = getrandom::fill(&mut bytes);
    format!("{}-{:016x}", std::process::id(), u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_word_comes_twice() {
        assert_ne!(super::word(), super::word());
    }
}
