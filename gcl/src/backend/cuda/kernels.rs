//! The kernels of `cuda/kernels.cu`: the arguments of each, field by field as they stand there, and how many blocks it takes.
//! What they do is written beside their code.

/// An address in a device's memory; 0 is none.
pub(crate) type Address = u64;

/// Threads of every block.
pub(crate) const THREADS: usize = 256;
/// Rows that one thread of a column sum adds up.
pub(crate) const PIECE: usize = 32;
/// Numbers that are known of a batch's labels besides themselves: threshold, degenerate, finite.
pub(crate) const FACTS: usize = 3;

/// Blocks of a launch that CUDA takes at most, in x and in y.
pub(crate) const MOST_BLOCKS: (usize, usize) = (i32::MAX as usize, 65_535);

/// What a launch takes: one structure of arguments.
///
/// # Safety
/// The type must be laid out as `NAME_arguments` in `cuda/kernels.cu`, and its addresses be of the device.
#[allow(unsafe_code, reason = "a promise about a layout in another language")]
pub(crate) unsafe trait Kernel: Copy {
    /// The kernel's name.
    const NAME: &'static str;
}

/// Pieces that `rows` rows are cut into for column sums.
pub(crate) fn pieces(rows: usize) -> usize {
    rows.div_ceil(PIECE)
}

/// Blocks of a launch with one thread a value.
pub(crate) fn blocks(values: usize) -> usize {
    values.div_ceil(THREADS)
}

macro_rules! kernels {
    ($($(#[$doc:meta])* $kernel:ident = $name:literal { $($field:ident: $kind:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            #[repr(C)]
            pub(crate) struct $kernel {
                $(pub(crate) $field: $kind,)*
            }

            // SAFETY: `the_arguments_are_laid_out_as_in_c` compares every field with the C compiler's.
            #[allow(unsafe_code)]
            unsafe impl Kernel for $kernel {
                const NAME: &'static str = $name;
            }

        )*

        /// The names of all.
        pub(crate) const NAMES: &[&str] = &[$($name),*];

        /// C that fails to compile where a layout differs.
        #[cfg(test)]
        fn layout_checks() -> String {
            let mut text = String::new();
            $({
                let name = $name;
                text += &format!(
                    "_Static_assert(sizeof(struct {name}_arguments) == {}, \"{name}\");\n",
                    size_of::<$kernel>()
                );
                $(
                    text += &format!(
                        "_Static_assert(offsetof(struct {name}_arguments, {field}) == {}, \"{name}.{field}\");\n\
                         _Static_assert(sizeof(((struct {name}_arguments *)0)->{field}) == {}, \"{name}.{field}\");\n",
                        std::mem::offset_of!($kernel, $field),
                        size_of::<$kind>(),
                        field = stringify!($field),
                    );
                )*
            })*
            text
        }
    };
}

kernels! {
    /// Gathers and scales rows: a block a row of `out`.
    Gather = "gather" {
        out: Address, features: Address, rows: Address, offset: Address, factor: Address, norms: Address,
        first: u32, count: u32, width: u32, half: u32,
    }
    /// Bias, ReLU and dropout: a block a row.
    BiasRelu = "bias_relu" { z: Address, bias: Address, mask: Address, width: u32, relu: u32 }
    /// Backward through a layer's end, with column sums: [`blocks`] of the width times [`pieces`] of the rows.
    Gate = "gate" {
        activation: Address, gradient: Address, mask: Address, sums: Address, rows: u32, width: u32, relu: u32,
        scale: f32,
    }
    /// Column sums: blocks as [`Gate`].
    ColumnSums = "column_sums" { gradient: Address, sums: Address, rows: u32, width: u32 }
    /// The column sums of all pieces: [`blocks`] of the width.
    AddPieces = "add_pieces" { out: Address, sums: Address, pieces: u32, width: u32 }
    /// Eq. 1: a block a row.
    RowErrors = "row_errors" { errors: Address, y: Address, x: Address, width: u32, mean_square: u32 }
    /// σ: [`blocks`] of the count.
    Sigmoid = "sigmoid" { p: Address, logits: Address, count: u32 }
    /// Eqs. 2 and 4: one block.
    Label = "label" {
        labels: Address, facts: Address, scores: Address, count: u32, fixed: u32, soft: u32, value: f64,
    }
    /// Fig. 9, normal videos: [`blocks`] of the count.
    ClearLabels = "clear_labels" { labels: Address, places: Address, count: u32 }
    /// Fig. 9, anomalous videos: a block a video.
    KeepTop = "keep_top" { labels: Address, scores: Address, places: Address, begins: Address }
    /// Eq. 3: one block.
    DiscriminatorLoss = "discriminator_loss" {
        logits: Address, labels: Address, bias_gradient: Address, loss: Address, count: u32,
    }
    /// Eqs. 5 and 6: a block a row.
    GeneratorLoss = "generator_loss" {
        y: Address, losses: Address, x: Address, labels: Address, sources: Address, noise: Address, width: u32,
        target: u32, mean_square: u32, sigma: f32, weight: f32,
    }
    /// The mean of the rows' losses: one block.
    MeanLoss = "mean_loss" { out: Address, losses: Address, count: u32, kept: u32 }
    /// RMSprop: [`blocks`] of the count.
    RmsPropStep = "rms_prop" {
        value: Address, square: Address, momentum: Address, gradient: Address, count: u64, alpha: f32, rest: f32,
        mu: f32, epsilon: f32, rate: f32,
    }
    /// Adagrad: [`blocks`] of the count.
    AdagradStep = "adagrad" {
        value: Address, square: Address, gradient: Address, count: u64, rate: f32, decay: f32, epsilon: f32,
    }
}

/// Targets as [`GeneratorLoss`] numbers them.
pub(crate) mod target {
    pub(crate) const INPUT: u32 = 0;
    pub(crate) const ONES: u32 = 1;
    pub(crate) const REPLACE: u32 = 2;
    pub(crate) const NOISE: u32 = 3;
    pub(crate) const WITHOUT: u32 = 4;
}
/// The place in the noise of a row that gets none.
pub(crate) const NO_NOISE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cuda::shim;

    #[test]
    fn every_kernel_has_its_arguments_here() {
        let code = include_str!("../../../cuda/kernels.cu");
        let written: Vec<&str> = code
            .lines()
            .filter_map(|line| line.strip_prefix("KERNEL(")?.strip_suffix(") {"))
            .collect();
        assert_eq!(written, NAMES);
    }

    /// On a processor a phase ends before the next one begins, barrier or not: only the text shows that one is missing.
    #[test]
    fn a_barrier_stands_between_any_two_phases() {
        let code = include_str!("../../../cuda/kernels.cu");
        for (name, body) in kernels_of(code) {
            assert_eq!(phases_without_barrier(body), 0, "{name}");
        }
        let reduce = include_str!("../../../cuda/portable.h")
            .split_once("#define REDUCE(")
            .unwrap()
            .1;
        assert_eq!(phases_without_barrier(&reduce.repeat(2)), 0);
        assert_eq!(
            phases_without_barrier(
                "EACH_THREAD(t) {} EACH_THREAD(t) {} BARRIER; EACH_THREAD(t) {}"
            ),
            1
        );
        assert_eq!(
            phases_without_barrier("EACH_THREAD(t) {} REDUCE(a, l, r, l) EACH_THREAD(t) {}"),
            1,
            "REDUCE reads what a phase wrote"
        );
    }

    fn kernels_of(code: &str) -> impl Iterator<Item = (&str, &str)> {
        code.split("\nKERNEL(").skip(1).map(|text| {
            let (name, body) = text.split_once(')').unwrap();
            (name, body.split("\n}\n").next().unwrap())
        })
    }

    /// Phases, reductions among them, that begin without a barrier since the one before them. A reduction ends with a barrier.
    fn phases_without_barrier(body: &str) -> usize {
        let (mut open, mut missing) = (false, 0);
        let mut rest = body;
        let next = |rest: &str| {
            ["EACH_THREAD(", "REDUCE(", "BARRIER"]
                .iter()
                .filter_map(|word| Some((rest.find(word)?, *word)))
                .min()
        };
        while let Some((at, word)) = next(rest) {
            rest = &rest[at + word.len()..];
            if word != "BARRIER" {
                missing += usize::from(open);
            }
            open = word == "EACH_THREAD(";
        }
        missing
    }

    #[test]
    fn the_arguments_are_laid_out_as_in_c() {
        let code = format!("#include \"kernels.cu\"\n{}", layout_checks());
        match shim::compile(&code) {
            Ok(library) => drop(library),
            Err(shim::NoCompiler) => println!("skipped: there is no C compiler"),
        }
    }
}
