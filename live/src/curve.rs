//! The curve of one job: a point an epoch, packed.

use sweeps::{EpochPoint, Phase};

/// Numbers of a point, in the order of [`EpochPoint::numbers`]; NaN: not known.
pub(crate) type Numbers = [f32; 8];

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) phase: Phase,
    pub(crate) epoch: u32,
    pub(crate) numbers: Numbers,
}

/// The points of a job in order, each epoch once.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Curve(Vec<Point>);

impl Curve {
    /// Takes a point over, in the place of an earlier one of its epoch. Says whether it is one more.
    pub(crate) fn put(&mut self, point: &EpochPoint) -> bool {
        let packed = Point {
            phase: point.phase,
            epoch: point.epoch,
            numbers: point
                .numbers()
                .map(|number| number.map_or(f32::NAN, |number| number as f32)),
        };
        let key = |point: &Point| (point.phase, point.epoch);
        match self.0.binary_search_by_key(&key(&packed), key) {
            Ok(at) => {
                self.0[at] = packed;
                false
            }
            Err(at) => {
                self.0.insert(at, packed);
                true
            }
        }
    }

    pub(crate) fn points(&self) -> &[Point] {
        &self.0
    }

    pub(crate) fn last(&self) -> Option<&Point> {
        self.0.last()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Keeps the last point alone.
    pub(crate) fn forget_all_but_the_last(&mut self) {
        if let Some(last) = self.0.last().copied() {
            self.0 = vec![last];
        }
    }
}

impl Point {
    /// A number by its place in [`EpochPoint::numbers`].
    pub(crate) fn number(&self, place: usize) -> Option<f64> {
        let number = f64::from(self.numbers[place]);
        (!number.is_nan()).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_that_is_told_again_counts_once() {
        let mut curve = Curve::default();
        let point = |phase, epoch, auc| EpochPoint {
            auc_d: Some(auc),
            ..EpochPoint::new(phase, epoch)
        };
        assert!(curve.put(&point(Phase::Train, 2, 0.6)));
        assert!(curve.put(&point(Phase::Train, 1, 0.5)));
        assert!(curve.put(&point(Phase::PretrainGenerator, 1, 0.4)));
        // A resumed attempt tells an epoch again.
        assert!(!curve.put(&point(Phase::Train, 2, 0.7)));
        let order: Vec<_> = curve.points().iter().map(|p| (p.phase, p.epoch)).collect();
        assert_eq!(
            order,
            [
                (Phase::PretrainGenerator, 1),
                (Phase::Train, 1),
                (Phase::Train, 2)
            ]
        );
        let last = curve.last().unwrap();
        assert!((last.number(0).unwrap() - 0.7).abs() < 1e-6);
        assert_eq!(last.number(1), None);
    }
}
