//! Files with the digests of their bytes.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Copies a file, and answers the digest and the number of the bytes that were copied. It is on disk after
/// [`durable::sync_all_below`].
///
/// # Errors
/// What the operating system said.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<(sweeps::Digest, u64)> {
    let mut file = File::open(from)?;
    let mut out = File::create(to)?;
    hash(&mut file, &mut |bytes| out.write_all(bytes))
}

/// The digest and the number of the bytes that are left in a file, each of which is shown.
///
/// # Errors
/// What the operating system or `each` said.
pub(crate) fn hash(
    file: &mut impl io::Read,
    each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<(sweeps::Digest, u64)> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 << 10];
    let mut total = 0;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..read]);
        each(&buffer[..read])?;
        total += read as u64;
    }
    Ok((sweeps::Digest(*hasher.finalize().as_bytes()), total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_says_what_was_copied() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        std::fs::write(&from, b"two").unwrap();
        assert_eq!(copy(&from, &to).unwrap(), (sweeps::Digest::of(b"two"), 3));
        assert_eq!(std::fs::read(&to).unwrap(), b"two");
    }
}
