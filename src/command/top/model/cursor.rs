//! The selected line of a list, and the part of it that is shown.

/// A position in a list of `of` things.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The selected one, below `of` unless there is none.
    pub at: usize,
    of: usize,
    first: usize,
}

impl Cursor {
    /// The list has so many now.
    pub fn bound(&mut self, of: usize) {
        self.of = of;
        self.at = self.at.min(of.saturating_sub(1));
    }

    /// So many further, or back.
    pub fn step(&mut self, by: isize) {
        self.at = self
            .at
            .saturating_add_signed(by)
            .min(self.of.saturating_sub(1));
    }

    /// What is shown where `room` have room, with the selected one in it; it moves no further than it must.
    pub fn window(&mut self, room: usize) -> std::ops::Range<usize> {
        let room = room.max(1);
        let last = self.of.saturating_sub(room);
        self.first = self
            .first
            .clamp((self.at + 1).saturating_sub(room), self.at);
        self.first = self.first.min(last);
        self.first..(self.first + room).min(self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_one_is_always_shown() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.window(3), 0..0);
        cursor.bound(10);
        for (step, shown) in [
            (0, 0..3),
            (2, 0..3),
            (1, 1..4),
            (100, 7..10),
            (-1, 7..10),
            (-3, 5..8),
        ] {
            cursor.step(step);
            assert_eq!(cursor.window(3), shown);
            assert!(shown.contains(&cursor.at));
        }
        cursor.bound(4);
        assert_eq!((cursor.at, cursor.window(3)), (3, 1..4));
        assert_eq!(cursor.window(0), 3..4);
    }
}
