//! `SHA256SUMS`: the hash of every file, in the form that `sha256sum -c` reads on any machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// A file's hash and length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSum {
    /// SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// Its length in bytes.
    pub bytes: u64,
}

impl FileSum {
    /// Of a file's content.
    pub fn of(content: &[u8]) -> Self {
        let mut sha256 = String::with_capacity(64);
        for byte in Sha256::digest(content) {
            let _ = write!(sha256, "{byte:02x}");
        }
        Self {
            sha256,
            bytes: content.len() as u64,
        }
    }
}

/// The sums of files, by their paths.
pub type Sums = BTreeMap<String, FileSum>;

/// The text of `SHA256SUMS`.
pub fn write(sums: &Sums) -> String {
    let mut text = String::new();
    for (path, sum) in sums {
        let _ = writeln!(text, "{}  {path}", sum.sha256);
    }
    text
}

/// Reads `SHA256SUMS`: hashes by path, or what is wrong with which line.
///
/// # Errors
/// Which line, and why.
pub fn read(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut sums = BTreeMap::new();
    for (position, line) in text.lines().enumerate() {
        let fault = |what: &str| format!("line {}: {what}", position + 1);
        let (hash, path) = line
            .split_once("  ")
            .ok_or_else(|| fault("a hash, two spaces and a path are expected"))?;
        let is_hash = hash.len() == 64
            && hash
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if !is_hash {
            return Err(fault("it does not begin with a SHA-256 hash"));
        }
        if !crate::layout::is_inside(path) {
            return Err(fault("its path leaves the box"));
        }
        if sums.insert(path.to_owned(), hash.to_owned()).is_some() {
            return Err(fault("it names a file for the second time"));
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_read_back_and_faults_have_a_line() {
        let sums: Sums = [
            ("b/c".to_owned(), FileSum::of(b"")),
            ("a".to_owned(), FileSum::of(b"x")),
        ]
        .into();
        let text = write(&sums);
        assert!(
            text.ends_with(
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b/c\n"
            )
        );
        let read_back = read(&text).unwrap();
        assert_eq!(read_back["a"], sums["a"].sha256);
        assert!(
            read(&text.replace("b/c", "../c"))
                .unwrap_err()
                .contains("line 2")
        );
        assert!(
            read(&text.replacen("e3b0", "E3b0", 1))
                .unwrap_err()
                .contains("line 2")
        );
        assert!(
            read(&(text.clone() + &text))
                .unwrap_err()
                .contains("line 3")
        );
    }
}
