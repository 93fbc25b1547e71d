//! Numbers of bytes.

/// `12 kB`, `640 MB`, `6.4 GB`.
pub fn size(bytes: u64) -> String {
    let value = bytes as f64;
    match value {
        _ if value < 1e6 => format!("{:.0} kB", value / 1e3),
        _ if value < 1e9 => format!("{:.0} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_size_has_the_unit_that_people_would_take() {
        let said = [1_000, 64_000_000, 6_400_000_000].map(size);
        assert_eq!(said, ["1 kB", "64 MB", "6.4 GB"]);
    }
}
