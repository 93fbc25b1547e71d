//! On candle's CPU device: what a GPU would be sent.

use super::*;
use crate::goldens::{naive, pattern};

fn cpu(unfolded: usize) -> Candle {
    Candle {
        unfolded,
        ..Candle::new(Candled::Cpu, String::new())
    }
}

fn fused(channels: usize, groups: usize, kernel: [usize; 3]) -> FusedConv {
    let shape = Shape {
        out: channels,
        input: channels,
        groups,
        kernel,
        stride: [1, 2, 2],
        padding: kernel.map(|k| (k / 2, k / 2)),
    };
    FusedConv {
        shape,
        weights: pattern(shape.weights().iter().product(), 1),
        bias: pattern(channels, 2),
        activation: Activation::Relu6,
    }
}

fn clips(channels: usize, clips: usize) -> Activations {
    let mut activations = Activations::zeros(channels, clips, [4, 6, 5]);
    activations.values = pattern(activations.values.len(), 3);
    activations
}

/// One group, some, and as many as channels.
#[test]
fn launches_do_not_depend_on_the_number_of_groups() {
    for kernel in [[3, 3, 3], [1, 5, 5]] {
        let launches = [2, 4, 8, 24].map(|groups| {
            let engine = cpu(UNFOLDED);
            let conv = engine.pack(&fused(24, groups, kernel)).unwrap();
            let x = engine.upload(clips(24, 2)).unwrap();
            let before = engine.launches.load(Ordering::Relaxed);
            engine.convolve(&conv, &x).unwrap();
            engine.launches.load(Ordering::Relaxed) - before
        });
        assert!(launches[0] <= 8, "{launches:?}");
        assert_eq!(launches, [launches[0]; 4]);
    }
}

/// Five clips at once, and in parts of one, two and three: right all the same. The last bits are the library's, which
/// chooses the order of a sum by the sizes of a product; that is why parts and lots follow from the network alone.
#[test]
fn parts_are_put_together_rightly() {
    for groups in [1, 4, 24] {
        let conv = fused(24, groups, [3, 3, 3]);
        let x = clips(24, 5);
        let one = largest_batch(&conv.shape, x.size, usize::MAX)
            .map(|most| usize::MAX / most)
            .unwrap();
        let expected = naive(&conv, &x);
        for fitting in [5, 1, 2, 3] {
            let engine = cpu(one * fitting);
            let parts = largest_batch(&conv.shape, x.size, engine.unfolded);
            assert_eq!(parts, Some(fitting));
            let conv = engine.pack(&conv).unwrap();
            let x = engine.upload(x.clone()).unwrap();
            let found = engine.convolve(&conv, &x).unwrap();
            let found = engine.download(&found).unwrap();
            assert_eq!(found.values.len(), expected.values.len());
            for (found, expected) in found.values.iter().zip(&expected.values) {
                assert!((found - expected).abs() < 1e-4, "{found} {expected}");
            }
        }
    }
}

/// A table is made once, however often it is used.
#[test]
fn tables_are_kept() {
    let engine = cpu(UNFOLDED);
    let conv = engine.pack(&fused(8, 2, [3, 3, 3])).unwrap();
    for _ in 0..3 {
        let x = engine.upload(clips(8, 2)).unwrap();
        engine.convolve(&conv, &x).unwrap();
    }
    assert_eq!(engine.tables.lock().unwrap().len(), 2);
}
