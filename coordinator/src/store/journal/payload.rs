//! What a journal keeps.

/// What an entry says. A journal frames, numbers and hashes its bytes, and reads nothing into them.
pub trait Payload: Sized {
    /// Adds its bytes to `out`.
    ///
    /// *Invariant:* they hold no 512 zeros in a row, and neither begin nor end with a zero. *Because* the end of a journal
    /// is judged by zeros: they are what a power cut leaves of sectors that were not written.
    ///
    /// # Errors
    /// Why it has no bytes.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String>;
    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// Why this version cannot read it.
    fn decode(bytes: &[u8]) -> Result<Self, String>;
    /// Whether it is the last one of a snapshot: a snapshot that ends with another one was not written to its end.
    fn ends_snapshot(&self) -> bool;
}
