//! A mixture of two Gaussians in the plane, by expectation and maximisation: how C2FPL and CLAP tell anomalous videos from normal
//! ones. Means of settings and bounds as in scikit-learn's `GaussianMixture` (from k-means, tol 1e-3, reg_covar 1e-6), which
//! their authors use; nothing is drawn.

/// Rounds at most.
const ROUNDS: usize = 150;
/// The mean log-likelihood that a round must add for another one.
const TOLERANCE: f64 = 1e-3;
/// Added to variances.
const RIDGE: f64 = 1e-6;

/// A video, as two numbers.
pub(crate) type Point = [f64; 2];

/// What a component's covariance may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One variance for both numbers.
    Spherical,
    /// Any.
    Full,
}

/// One Gaussian: its share, mean, and covariance as xx, xy, yy.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Component {
    share: f64,
    mean: Point,
    covariance: [f64; 3],
}

/// Two Gaussians.
pub(crate) struct Mixture([Component; 2]);

impl Mixture {
    /// Of `points`, which must not be none.
    pub(crate) fn fit(points: &[Point], shape: Shape) -> Self {
        let mut second: Vec<f64> = split(points).into_iter().map(f64::from).collect();
        let mut last = f64::NEG_INFINITY;
        let mut mixture = Self::of(points, &second, shape);
        for _ in 0..ROUNDS {
            let mut total = 0.0;
            for (point, second) in points.iter().zip(&mut second) {
                let [one, two] = mixture.logs(point);
                let both = log_sum(one, two);
                total += both;
                *second = libm::exp(two - both);
            }
            mixture = Self::of(points, &second, shape);
            let mean = total / points.len() as f64;
            if (mean - last).abs() < TOLERANCE {
                break;
            }
            last = mean;
        }
        mixture
    }

    /// The log-likelihood of a point.
    pub(crate) fn log_likelihood(&self, point: &Point) -> f64 {
        let [one, two] = self.logs(point);
        log_sum(one, two)
    }

    /// Whether a point is rather the second component's.
    pub(crate) fn is_second(&self, point: &Point) -> bool {
        let [one, two] = self.logs(point);
        two > one
    }

    /// The components by how far each point is the second one's.
    fn of(points: &[Point], second: &[f64], shape: Shape) -> Self {
        let component = |weight: &dyn Fn(f64) -> f64| {
            let weights: Vec<f64> = second.iter().map(|second| weight(*second)).collect();
            let total = weights.iter().sum::<f64>() + 10.0 * f64::EPSILON;
            let mean = [0, 1].map(|axis| {
                let values = points.iter().zip(&weights);
                values.map(|(point, w)| w * point[axis]).sum::<f64>() / total
            });
            let moment = |a: usize, b: usize| {
                let values = points.iter().zip(&weights);
                values
                    .map(|(point, w)| w * (point[a] - mean[a]) * (point[b] - mean[b]))
                    .sum::<f64>()
                    / total
            };
            let (xx, yy) = (moment(0, 0) + RIDGE, moment(1, 1) + RIDGE);
            Component {
                share: total / points.len() as f64,
                mean,
                covariance: match shape {
                    Shape::Spherical => [f64::midpoint(xx, yy), 0.0, f64::midpoint(xx, yy)],
                    Shape::Full => [xx, moment(0, 1), yy],
                },
            }
        };
        Self([
            component(&|second| 1.0 - second),
            component(&|second| second),
        ])
    }

    /// ln(share · density) of both.
    fn logs(&self, point: &Point) -> [f64; 2] {
        self.0.map(|component| {
            let [xx, xy, yy] = component.covariance;
            let (x, y) = (point[0] - component.mean[0], point[1] - component.mean[1]);
            // By Cholesky's factor [[a, 0], [b, c]].
            let a = xx.sqrt();
            let b = xy / a;
            let c = (yy - b * b).max(f64::MIN_POSITIVE).sqrt();
            let (u, v) = (x / a, (y - b * x / a) / c);
            libm::log(component.share)
                - libm::log(std::f64::consts::TAU)
                - libm::log(a)
                - libm::log(c)
                - 0.5 * (u * u + v * v)
        })
    }
}

/// ln(eᵃ + eᵇ).
fn log_sum(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY {
        high
    } else {
        high + libm::log1p(libm::exp(low - high))
    }
}

/// k-means with two means: whether each point belongs to the second. From several starts, of which the one with the least sum of
/// squared distances is kept, the first of equals.
fn split(points: &[Point]) -> Vec<bool> {
    let count = points.len() as f64;
    let mean = [0, 1].map(|axis| points.iter().map(|point| point[axis]).sum::<f64>() / count);
    let far = |from: Point| {
        let mut best = (-1.0, from);
        for point in points {
            let distance = squared(*point, from);
            if distance > best.0 {
                best = (distance, *point);
            }
        }
        best.1
    };
    let one = far(mean);
    let mut starts = vec![(one, far(one)), (mean, one)];
    for axis in 0..2 {
        let mut sorted = points.to_vec();
        sorted.sort_by(|left, right| left[axis].total_cmp(&right[axis]));
        let last = sorted.len() - 1;
        starts.push((sorted[last / 4], sorted[last - last / 4]));
    }
    let mut best = (f64::INFINITY, vec![false; points.len()]);
    for (first, second) in starts {
        let (sum, found) = lloyd(points, [first, second]);
        if sum < best.0 {
            best = (sum, found);
        }
    }
    best.1
}

/// Lloyd's rounds from these means; the sum of squared distances, and who belongs to the second.
fn lloyd(points: &[Point], mut means: [Point; 2]) -> (f64, Vec<bool>) {
    let mut second = vec![false; points.len()];
    for round in 0.. {
        let next: Vec<bool> = points
            .iter()
            .map(|point| squared(*point, means[1]) < squared(*point, means[0]))
            .collect();
        let settled = round > 0 && next == second;
        second = next;
        if settled || round == 2 * ROUNDS {
            break;
        }
        for (index, mean) in means.iter_mut().enumerate() {
            let own = points.iter().zip(&second);
            let own: Vec<&Point> = own
                .filter(|(_, second)| usize::from(**second) == index)
                .map(|(point, _)| point)
                .collect();
            if !own.is_empty() {
                *mean = [0, 1].map(|axis| {
                    own.iter().map(|point| point[axis]).sum::<f64>() / own.len() as f64
                });
            }
        }
    }
    let sum = points
        .iter()
        .zip(&second)
        .map(|(point, second)| squared(*point, means[usize::from(*second)]))
        .sum();
    (sum, second)
}

fn squared(left: Point, right: Point) -> f64 {
    (left[0] - right[0]).powi(2) + (left[1] - right[1]).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two clouds, of 30 and of 10 points.
    fn clouds() -> Vec<Point> {
        let cloud = |count: usize, at: Point| {
            (0..count).map(move |i| {
                let angle = i as f64 * 2.4;
                let radius = ((i % 7) as f64 + 1.0) / 7.0;
                [at[0] + radius * angle.cos(), at[1] + radius * angle.sin()]
            })
        };
        cloud(30, [0.0, 0.0]).chain(cloud(10, [6.0, 4.0])).collect()
    }

    #[test]
    fn clouds_are_told_apart() {
        let points = clouds();
        for shape in [Shape::Spherical, Shape::Full] {
            let mixture = Mixture::fit(&points, shape);
            let of: Vec<bool> = points
                .iter()
                .map(|point| mixture.is_second(point))
                .collect();
            assert!(of[..30].iter().all(|second| *second == of[0]), "{shape:?}");
            assert!(of[30..].iter().all(|second| *second != of[0]), "{shape:?}");
        }
    }

    /// Against scikit-learn 1.9, `GaussianMixture(2, covariance_type=…, max_iter=150).fit(points).score_samples`.
    #[test]
    fn likelihoods_are_those_of_scikit_learn() {
        let points = clouds();
        for (shape, expected) in EXPECTED {
            let mixture = Mixture::fit(&points, shape);
            for (place, expected) in expected {
                let found = mixture.log_likelihood(&points[place]);
                assert!(
                    (found - expected).abs() < 1e-6,
                    "{shape:?} {place}: {found}"
                );
            }
        }
    }
    const EXPECTED: [(Shape, [(usize, f64); 3]); 2] = [
        (
            Shape::Spherical,
            [
                (0, -0.523_433_016_8),
                (12, -2.463_879_280_4),
                (35, -4.026_947_983_3),
            ],
        ),
        (
            Shape::Full,
            [
                (0, -0.520_889_023_2),
                (12, -2.608_960_427_6),
                (35, -3.483_738_505_2),
            ],
        ),
    ];

    #[test]
    fn points_that_are_all_equal_do_no_harm() {
        let mixture = Mixture::fit(&[[2.0, 3.0]; 5], Shape::Full);
        assert!(mixture.log_likelihood(&[2.0, 3.0]).is_finite());
        assert!(
            Mixture::fit(&[[2.0, 3.0]], Shape::Spherical)
                .log_likelihood(&[9.0, 3.0])
                .is_finite()
        );
    }
}
