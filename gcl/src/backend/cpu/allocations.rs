//! After the first steps nothing is allocated, except by `gemm` for the panels that it packs.

use kernels::testing::{CountingAllocator, allocations, use_tiles_only};

use crate::data::matrix::Matrix;
use crate::measure::Stepper;

#[global_allocator]
static COUNTING: CountingAllocator = CountingAllocator;

#[test]
fn a_step_allocates_nothing_after_the_first() {
    // Small products are made by `gemm`, large ones by our tiles.
    use_tiles_only();
    for (dimension, batch) in [(48, 100), (512, 512)] {
        let values = (0..3 * batch * dimension).map(|i| (i * 7919 % 2003) as f32 / 2003.0);
        let data = Matrix::new(values.collect(), dimension).into();
        let mut stepper = Stepper::new(&data, batch, 1, 1).unwrap();
        let mut counts = Vec::new();
        // Three epochs of three steps: orders are drawn again in between.
        for _ in 0..9 {
            let before = allocations();
            stepper.step().unwrap();
            counts.push(allocations() - before);
        }
        assert!(
            counts[0] > 0,
            "the first step makes its buffers: {counts:?}"
        );
        assert_eq!(counts[1..], [0; 8], "dimension {dimension}");
    }
}
