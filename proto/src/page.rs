//! Lists in pages of bounded bytes, and texts of bounded bytes.

use prost::Message;

use crate::limits::PAGE_BYTES;

/// The first items of a list, as many as fit [`PAGE_BYTES`], and at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether more follow.
    pub more: bool,
}

impl<T: Message> Page<T> {
    /// Takes items while they fit.
    pub fn of(items: impl IntoIterator<Item = T>) -> Self {
        Self::within(PAGE_BYTES, items)
    }

    fn within(bytes: usize, items: impl IntoIterator<Item = T>) -> Self {
        let mut page = Self {
            items: Vec::new(),
            more: false,
        };
        let mut left = bytes;
        for item in items {
            let size = framed(&item);
            if size > left && !page.items.is_empty() {
                page.more = true;
                return page;
            }
            left = left.saturating_sub(size);
            page.items.push(item);
        }
        page
    }
}

/// Bytes of a message inside another: its own, its tag and its length.
fn framed(message: &impl Message) -> usize {
    message.encoded_len() + 12
}

/// The text if it has at most that many bytes, else its beginning and `…`.
pub fn cut(text: &str, bytes: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes.saturating_sub(MARK.len()));
    let mut cut = text[..end].to_owned();
    if bytes >= MARK.len() {
        cut.push_str(MARK);
    }
    cut
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire;

    proptest! {
        #[test]
        fn a_cut_text_fits_and_a_short_one_is_whole(text in "\\PC{0,40}", bytes in 0_usize..60) {
            let short = cut(&text, bytes);
            prop_assert!(short.len() <= bytes);
            if text.len() <= bytes {
                prop_assert_eq!(short, text);
            } else if bytes >= 3 {
                prop_assert!(short.ends_with('…'), "{}", short);
            }
        }

        #[test]
        fn pages_hold_every_item_once(sizes in prop::collection::vec(0_usize..300, 0..60), bytes in 1_usize..500) {
            let items: Vec<wire::ArtifactChunk> =
                sizes.iter().map(|size| wire::ArtifactChunk { data: vec![7; *size] }).collect();
            let mut read = Vec::new();
            loop {
                let page = Page::within(bytes, items[read.len()..].iter().cloned());
                let size: usize = page.items.iter().map(framed).sum();
                prop_assert!(size <= bytes || page.items.len() == 1);
                prop_assert!(!page.more || !page.items.is_empty());
                read.extend(page.items);
                if !page.more {
                    break;
                }
            }
            prop_assert_eq!(read, items);
        }
    }
}
