//! The few smallest of many numbers, with where each was found.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A number and its place; of equal numbers the earlier is the smaller.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry {
    value: f64,
    place: u32,
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_value = self.value.total_cmp(&other.value);
        by_value.then(self.place.cmp(&other.place))
    }
}

/// The `capacity` smallest numbers that were offered.
#[derive(Debug, Clone)]
pub(crate) struct Smallest {
    capacity: usize,
    /// The largest on top.
    kept: BinaryHeap<Entry>,
}

impl Smallest {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            kept: BinaryHeap::with_capacity(capacity),
        }
    }

    /// Keeps the number where it is among the smallest so far. Which ones are kept does not depend on the order of offers.
    pub(crate) fn offer(&mut self, value: f64, place: u32) {
        let entry = Entry { value, place };
        if self.kept.len() < self.capacity {
            self.kept.push(entry);
        } else if let Some(mut top) = self.kept.peek_mut()
            && entry < *top
        {
            *top = entry;
        }
    }

    /// No number that was left out is below this; infinite where none was.
    pub(crate) fn bound(&self) -> f64 {
        match self.kept.peek() {
            Some(top) if self.kept.len() == self.capacity => top.value,
            _ => f64::INFINITY,
        }
    }

    /// The places of the kept numbers, in no order.
    pub(crate) fn places(&self) -> impl Iterator<Item = u32> + '_ {
        self.kept.iter().map(|entry| entry.place)
    }

    /// The kept numbers, ascending.
    pub(crate) fn values(self) -> Vec<f64> {
        let sorted = self.kept.into_sorted_vec();
        sorted.into_iter().map(|entry| entry.value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_smallest_are_those_of_a_sorted_list(
            numbers in prop::collection::vec(-4_i32..4, 0..40),
            capacity in 1_usize..8,
        ) {
            let mut smallest = Smallest::new(capacity);
            let mut list: Vec<(f64, u32)> =
                numbers.iter().map(|number| f64::from(*number)).zip(0..).collect();
            for (value, place) in &list {
                smallest.offer(*value, *place);
            }
            list.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
            list.truncate(capacity);
            let bound = list.get(capacity - 1).map_or(f64::INFINITY, |last| last.0);
            prop_assert_eq!(smallest.bound(), bound);
            let mut places: Vec<u32> = smallest.places().collect();
            let mut expected: Vec<u32> = list.iter().map(|(_, place)| *place).collect();
            places.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(places, expected);
            let values: Vec<f64> = list.iter().map(|(value, _)| *value).collect();
            prop_assert_eq!(smallest.values(), values);
        }
    }
}
