//! Files of framed records, with their checksums: TensorBoard's and W&B's.

use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, Crc};

static CASTAGNOLI: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
static PLAIN: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// The records of a file, and whether its end is torn: a writer that was killed leaves half a record.
pub(super) struct Records {
    /// Their bytes, in order.
    pub records: Vec<Vec<u8>>,
    /// Whether something followed that is no whole record.
    pub torn: bool,
}

/// Why a file cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The checksum of the record at that byte is another.
    Damaged(usize),
    /// It is no file of that program.
    NotOf(&'static str),
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// TensorFlow's records: length (u64), its checksum, the bytes, theirs. Checksums are Castagnoli's, masked.
pub(super) fn tensorflow(bytes: &[u8]) -> Result<Records, Unreadable> {
    let masked = |bytes: &[u8]| {
        let sum = CASTAGNOLI.checksum(bytes);
        sum.rotate_right(15).wrapping_add(0xa282_ead8)
    };
    let mut records = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let Some(head) = bytes.get(at..at + 12) else {
            return Ok(Records {
                records,
                torn: true,
            });
        };
        if word(head, 8) != Some(masked(&head[..8])) {
            return Err(Unreadable::Damaged(at));
        }
        let mut length = [0; 8];
        length.copy_from_slice(&head[..8]);
        let whole = usize::try_from(u64::from_le_bytes(length))
            .ok()
            .and_then(|length| Some((length, bytes.get(at + 12..(at + 16).checked_add(length)?)?)));
        let Some((length, rest)) = whole else {
            return Ok(Records {
                records,
                torn: true,
            });
        };
        let data = &rest[..length];
        if word(rest, length) != Some(masked(data)) {
            return Err(Unreadable::Damaged(at));
        }
        records.push(data.to_vec());
        at += 16 + length;
    }
    Ok(Records {
        records,
        torn: false,
    })
}

/// Bytes of a block of W&B's files.
const BLOCK: usize = 32 << 10;
/// `:W&B`, 0xBEE1, version 0.
const W_AND_B: [u8; 7] = [b':', b'W', b'&', b'B', 0xe1, 0xbe, 0];
const HEAD: usize = 7;

/// W&B's records: blocks of 32 KiB as LevelDB's log has them, checksum, length (u16), kind (whole, first, middle, last), bytes.
pub(super) fn w_and_b(bytes: &[u8]) -> Result<Records, Unreadable> {
    if !bytes.starts_with(&W_AND_B) {
        return Err(Unreadable::NotOf("W&B"));
    }
    let mut records = Vec::new();
    let mut part: Option<Vec<u8>> = None;
    let mut at = W_AND_B.len();
    while at < bytes.len() {
        let left = BLOCK - at % BLOCK;
        if left < HEAD {
            // What is too short for a head is filled up.
            at += left;
            continue;
        }
        let Some(head) = bytes.get(at..at + HEAD) else {
            return Ok(Records {
                records,
                torn: true,
            });
        };
        let length = usize::from(u16::from_le_bytes([head[4], head[5]]));
        let Some(data) = bytes.get(at + HEAD..at + HEAD + length) else {
            return Ok(Records {
                records,
                torn: true,
            });
        };
        let mut sum = PLAIN.digest();
        sum.update(&head[6..]);
        sum.update(data);
        if word(head, 0) != Some(sum.finalize()) {
            return Err(Unreadable::Damaged(at));
        }
        at += HEAD + length;
        match (head[6], part.take()) {
            (1, None) => records.push(data.to_vec()),
            (2, None) => part = Some(data.to_vec()),
            (3, Some(before)) => part = Some([before, data.to_vec()].concat()),
            (4, Some(before)) => records.push([before, data.to_vec()].concat()),
            _ => return Err(Unreadable::Damaged(at)),
        }
    }
    Ok(Records {
        records,
        torn: part.is_some(),
    })
}

/// The bytes of a W&B file with these records.
pub(super) fn write_w_and_b(records: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut bytes = W_AND_B.to_vec();
    for record in records {
        let mut rest = record.as_slice();
        let mut is_first = true;
        loop {
            let mut left = BLOCK - bytes.len() % BLOCK;
            if left < HEAD {
                bytes.resize(bytes.len() + left, 0);
                left = BLOCK;
            }
            let taken = rest.len().min(left - HEAD);
            let (data, after) = rest.split_at(taken);
            let kind = match (is_first, after.is_empty()) {
                (true, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
                (false, true) => 4,
            };
            let mut sum = PLAIN.digest();
            sum.update(&[kind]);
            sum.update(data);
            bytes.extend(sum.finalize().to_le_bytes());
            bytes.extend((taken as u16).to_le_bytes());
            bytes.push(kind);
            bytes.extend(data);
            (rest, is_first) = (after, false);
            if rest.is_empty() {
                break;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_across_blocks() {
        let records: Vec<Vec<u8>> = [0, 10, BLOCK - 30, 3, 5 * BLOCK, 1]
            .into_iter()
            .map(|length| (0..length).map(|byte| byte as u8).collect())
            .collect();
        let bytes = write_w_and_b(records.clone());
        let read = w_and_b(&bytes).unwrap();
        assert_eq!((read.records, read.torn), (records, false));
        let torn = w_and_b(&bytes[..bytes.len() - 2]).unwrap();
        assert!(torn.torn);
        let mut damaged = bytes;
        damaged[20] ^= 1;
        assert!(matches!(w_and_b(&damaged), Err(Unreadable::Damaged(_))));
        assert!(matches!(w_and_b(b"PK"), Err(Unreadable::NotOf(_))));
    }
}
