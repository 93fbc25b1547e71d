// The passes between the products. Rows lie one after the other, `width` f32 each; places are 64 bits wide, so that no matrix is
// too long. Every sum has an order that neither the device nor timing changes: a thread adds what is THREADS apart, a tree the
// threads' sums. No atomic addition.
//
// Compiled without contraction (-fmad=false): a product and a sum are rounded one by one, as on the processor.

#include "portable.h"

// ---------------------------------------------------------------------------------------------------------------- gathering

INLINE float widened(unsigned short half) {
    union { u32 bits; float value; } out;
    const u32 sign = (u32)(half & 0x8000u) << 16, exponent = (half >> 10) & 31u, mantissa = half & 1023u;
    if (exponent == 0) {
        // Zero and numbers below 2^-14: the product is exact.
        out.value = (float)mantissa * 5.9604644775390625e-8f;
        out.bits |= sign;
    } else {
        out.bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112u) << 23) | mantissa << 13;
    }
    return out.value;
}

// out[row] = the row rows[row], scaled, where that row is one of those that lie in `features`: `count` from the row `first` on. A
// block a row.
struct gather_arguments {
    float *out;
    const void *features;
    const u32 *rows;
    // Per column, or none: (x - offset) * factor, and 0 where the factor is 0.
    const double *offset;
    const double *factor;
    // Per row of all, or none: x / norm.
    const double *norms;
    u32 first;
    u32 count;
    u32 width;
    // Whether `features` are halves.
    u32 half;
};

KERNEL(gather) {
    const u32 from = a.rows[BLOCK_X];
    if (from < a.first || from - a.first >= a.count) return;
    const u64 source = (u64)(from - a.first) * a.width, target = (u64)BLOCK_X * a.width;
    EACH_THREAD(t) {
        for (u32 column = t; column < a.width; column += THREADS) {
            float value = a.half ? widened(((const unsigned short *)a.features)[source + column])
                                 : ((const float *)a.features)[source + column];
            if (a.norms) {
                value = (float)((double)value / a.norms[from]);
            } else if (a.factor) {
                const double factor = a.factor[column];
                value = factor == 0.0 ? 0.0f : (float)(((double)value - a.offset[column]) * factor);
            }
            a.out[target + column] = value;
        }
    }
}

// ------------------------------------------------------------------------------------------------------------------- layers

// z = z + bias, then max(z, 0) where `relu` is set, then times `mask` where there is one. A block a row.
struct bias_relu_arguments {
    float *z;
    const float *bias;
    const float *mask;
    u32 width;
    u32 relu;
};

KERNEL(bias_relu) {
    const u64 row = (u64)BLOCK_X * a.width;
    EACH_THREAD(t) {
        for (u32 column = t; column < a.width; column += THREADS) {
            float value = a.z[row + column] + a.bias[column];
            // A NaN survives: it compares with nothing.
            if (a.relu && value <= 0.0f) value = 0.0f;
            if (a.mask) value *= a.mask[row + column];
            a.z[row + column] = value;
        }
    }
}

// Rows that one thread adds up: a matrix is cut into pieces of so many, whose sums are added in order.
#define PIECE 32u

// Backward through a layer's end: the activation's place takes the gradient with respect to what the layer's product gave, and
// `sums`, [pieces, width], its column sums per piece. A block is THREADS columns (x) of a piece of rows (y).
struct gate_arguments {
    float *activation;
    const float *gradient;
    // Of a layer without a ReLU, or none.
    const float *mask;
    double *sums;
    u32 rows;
    u32 width;
    u32 relu;
    float scale;
};

KERNEL(gate) {
    EACH_THREAD(t) {
        const u32 column = BLOCK_X * THREADS + t, first = BLOCK_Y * PIECE;
        if (column >= a.width) continue;
        double sum = 0.0;
        for (u32 row = first; row < first + PIECE && row < a.rows; ++row) {
            const u64 place = (u64)row * a.width + column;
            float value = a.gradient[place] * a.scale;
            if (a.relu) {
                value = a.activation[place] > 0.0f ? value : 0.0f;
            } else if (a.mask) {
                value *= a.mask[place];
            }
            a.activation[place] = value;
            sum += (double)value;
        }
        a.sums[(u64)BLOCK_Y * a.width + column] = sum;
    }
}

// The column sums of a piece of rows: as above, without a gate.
struct column_sums_arguments {
    const float *gradient;
    double *sums;
    u32 rows;
    u32 width;
};

KERNEL(column_sums) {
    EACH_THREAD(t) {
        const u32 column = BLOCK_X * THREADS + t, first = BLOCK_Y * PIECE;
        if (column >= a.width) continue;
        double sum = 0.0;
        for (u32 row = first; row < first + PIECE && row < a.rows; ++row)
            sum += (double)a.gradient[(u64)row * a.width + column];
        a.sums[(u64)BLOCK_Y * a.width + column] = sum;
    }
}

// out = the sums of all pieces, in order. A block is THREADS columns.
struct add_pieces_arguments {
    float *out;
    const double *sums;
    u32 pieces;
    u32 width;
};

KERNEL(add_pieces) {
    EACH_THREAD(t) {
        const u32 column = BLOCK_X * THREADS + t;
        if (column >= a.width) continue;
        double sum = 0.0;
        for (u32 piece = 0; piece < a.pieces; ++piece) sum += a.sums[(u64)piece * a.width + column];
        a.out[column] = (float)sum;
    }
}

// ------------------------------------------------------------------------------------------------------------------- scores

// The reconstruction error from the sum of its squares (Eq. 1): the norm, or the mean of the squares.
INLINE float error_of(double sum, u32 width, u32 mean_square) {
    return mean_square ? (float)(sum / (double)width) : (float)sqrt(sum);
}

// errors[row] = the error of a row (Eq. 1). A block a row.
struct row_errors_arguments {
    float *errors;
    const float *y;
    const float *x;
    u32 width;
    u32 mean_square;
};

KERNEL(row_errors) {
    SHARED double sums[THREADS];
    const u64 row = (u64)BLOCK_X * a.width;
    EACH_THREAD(t) {
        float sum = 0.0f;
        for (u32 column = t; column < a.width; column += THREADS) {
            const float difference = a.y[row + column] - a.x[row + column];
            sum += difference * difference;
        }
        sums[t] = (double)sum;
    }
    BARRIER;
    REDUCE(sums, left, right, left + right)
    EACH_THREAD(t) {
        if (t == 0) a.errors[BLOCK_X] = error_of(sums[0], a.width, a.mean_square);
    }
}

INLINE double sigmoid_of(double z) { return 1.0 / (1.0 + exp(-z)); }

// p = sigmoid(logits). THREADS values a block.
struct sigmoid_arguments {
    float *p;
    const float *logits;
    u32 count;
};

KERNEL(sigmoid) {
    EACH_THREAD(t) {
        const u64 place = (u64)BLOCK_X * THREADS + t;
        if (place < a.count) a.p[place] = (float)sigmoid_of((double)a.logits[place]);
    }
}

// ------------------------------------------------------------------------------------------------------------------- labels

// What is known of a batch's labels besides themselves, on the host and here.
#define THRESHOLD 0
#define DEGENERATE 1
#define FINITE 2
#define FACTS 3

// Labels of scores (Eqs. 2 and 4). One block.
struct label_arguments {
    float *labels;
    // [FACTS]
    double *facts;
    const float *scores;
    u32 count;
    // Whether the threshold is `value`, instead of mean + value * standard deviation.
    u32 fixed;
    // Whether labels are (e - min) / (max - min).
    u32 soft;
    double value;
};

KERNEL(label) {
    SHARED double sums[THREADS], squares[THREADS], low[THREADS], high[THREADS], finite[THREADS];
    const double count = (double)a.count;
    EACH_THREAD(t) {
        double sum = 0.0, least = INFINITY, greatest = -INFINITY, whole = 1.0;
        for (u32 place = t; place < a.count; place += THREADS) {
            const double score = (double)a.scores[place];
            sum += score;
            if (score < least) least = score;
            if (score > greatest) greatest = score;
            if (!(fabs(score) < INFINITY)) whole = 0.0;
        }
        sums[t] = sum;
        low[t] = least;
        high[t] = greatest;
        finite[t] = whole;
    }
    BARRIER;
    REDUCE(sums, left, right, left + right)
    REDUCE(low, left, right, left < right ? left : right)
    REDUCE(high, left, right, left > right ? left : right)
    REDUCE(finite, left, right, left * right)
    EACH_THREAD(t) {
        const double mean = sums[0] / count;
        double square = 0.0;
        for (u32 place = t; place < a.count; place += THREADS) {
            const double difference = (double)a.scores[place] - mean;
            square += difference * difference;
        }
        squares[t] = square;
    }
    BARRIER;
    REDUCE(squares, left, right, left + right)
    EACH_THREAD(t) {
        const double mean = sums[0] / count, deviation = sqrt(squares[0] / count);
        const double threshold = a.fixed ? a.value : mean + a.value * deviation;
        const u32 degenerate = !a.fixed && deviation <= 1e-6 * fabs(mean);
        double range = high[0] - low[0];
        // Values that are all equal are all normal.
        if (range < 1e-12) range = 1e-12;
        for (u32 place = t; place < a.count; place += THREADS) {
            const double score = (double)a.scores[place];
            a.labels[place] = a.soft ? (float)((score - low[0]) / range)
                                     : (!degenerate && score >= threshold ? 1.0f : 0.0f);
        }
        if (t == 0) {
            a.facts[THRESHOLD] = threshold;
            a.facts[DEGENERATE] = (double)degenerate;
            a.facts[FINITE] = finite[0];
        }
    }
}

// What a known label of a video does to labels (Fig. 9), in two parts, for rows that the host has sorted by video. A normal video
// has no positive: labels[places[i]] = 0. A thread a row.
struct clear_labels_arguments {
    float *labels;
    const u32 *places;
    u32 count;
};

KERNEL(clear_labels) {
    EACH_THREAD(t) {
        const u64 place = (u64)BLOCK_X * THREADS + t;
        if (place < a.count) a.labels[a.places[place]] = 0.0f;
    }
}

// The best-scored row of the batch, the first of equals, of every anomalous video at 1. A block a video: its rows are
// places[begins[video]] to places[begins[video + 1]], without the last.
struct keep_top_arguments {
    float *labels;
    const float *scores;
    const u32 *places;
    const u32 *begins;
};

KERNEL(keep_top) {
    SHARED double best[THREADS], first[THREADS];
    const u32 begin = a.begins[BLOCK_X], end = a.begins[BLOCK_X + 1];
    EACH_THREAD(t) {
        double greatest = -INFINITY;
        for (u32 row = begin + t; row < end; row += THREADS) {
            const double score = (double)a.scores[a.places[row]];
            if (score > greatest) greatest = score;
        }
        best[t] = greatest;
    }
    BARRIER;
    REDUCE(best, left, right, left > right ? left : right)
    EACH_THREAD(t) {
        double least = INFINITY;
        for (u32 row = begin + t; row < end; row += THREADS) {
            const u32 place = a.places[row];
            if ((double)a.scores[place] == best[0] && (double)place < least) least = (double)place;
        }
        first[t] = least;
    }
    BARRIER;
    REDUCE(first, left, right, left < right ? left : right)
    EACH_THREAD(t) {
        // None where no score is a number.
        if (t == 0 && first[0] < INFINITY) a.labels[(u32)first[0]] = 1.0f;
    }
}

// ------------------------------------------------------------------------------------------------------------------- losses

// Eq. 3 on logits: the mean loss, and in the logits' place its gradient with respect to them, whose sum is that of the last
// bias. One block.
struct discriminator_loss_arguments {
    float *logits;
    const float *labels;
    float *bias_gradient;
    double *loss;
    u32 count;
};

KERNEL(discriminator_loss) {
    SHARED double losses[THREADS], gradients[THREADS];
    const double count = (double)a.count;
    EACH_THREAD(t) {
        double loss = 0.0, sum = 0.0;
        for (u32 place = t; place < a.count; place += THREADS) {
            const double z = (double)a.logits[place], y = (double)a.labels[place];
            loss += (z > 0.0 ? z : 0.0) - z * y + log1p(exp(-fabs(z)));
            const float gradient = (float)((sigmoid_of(z) - y) / count);
            a.logits[place] = gradient;
            sum += (double)gradient;
        }
        losses[t] = loss;
        gradients[t] = sum;
    }
    BARRIER;
    REDUCE(losses, left, right, left + right)
    REDUCE(gradients, left, right, left + right)
    EACH_THREAD(t) {
        if (t == 0) {
            a.loss[0] = losses[0] / count;
            a.bias_gradient[0] = (float)gradients[0];
        }
    }
}

#define TARGET_INPUT 0u
#define TARGET_ONES 1u
#define TARGET_REPLACE 2u
#define TARGET_NOISE 3u
#define TARGET_WITHOUT 4u

// Eq. 5 with the targets of Eq. 6: G's output becomes the gradient of the loss with respect to it, and losses[row] the error of a
// row (0 of one that is left out). The gradient of the norm at zero is zero. A block a row.
struct generator_loss_arguments {
    float *y;
    float *losses;
    const float *x;
    // Above one half means anomalous: of ONES and WITHOUT.
    const float *labels;
    // Of REPLACE: the row of the batch that is a row's target. Of NOISE: a row's place in `noise`, or none of them.
    const u32 *sources;
    const float *noise;
    u32 width;
    u32 target;
    u32 mean_square;
    float sigma;
    // 1 / rows that are kept.
    float weight;
};

#define NO_NOISE 0xffffffffu

KERNEL(generator_loss) {
    SHARED double sums[THREADS];
    const u64 row = (u64)BLOCK_X * a.width;
    const u32 positive = a.labels && a.labels[BLOCK_X] > 0.5f;
    const u32 left_out = a.target == TARGET_WITHOUT && positive;
    const u64 source = a.target == TARGET_REPLACE ? (u64)a.sources[BLOCK_X] * a.width : row;
    const u32 noise = a.target == TARGET_NOISE ? a.sources[BLOCK_X] : NO_NOISE;
    EACH_THREAD(t) {
        float sum = 0.0f;
        for (u32 column = t; column < a.width; column += THREADS) {
            float target = a.x[source + column];
            if (a.target == TARGET_ONES && positive) target = 1.0f;
            if (noise != NO_NOISE) target += a.sigma * a.noise[(u64)noise * a.width + column];
            const float difference = left_out ? 0.0f : a.y[row + column] - target;
            a.y[row + column] = difference;
            sum += difference * difference;
        }
        sums[t] = (double)sum;
    }
    BARRIER;
    REDUCE(sums, left, right, left + right)
    EACH_THREAD(t) {
        const float error = error_of(sums[0], a.width, a.mean_square);
        const float factor = a.mean_square ? 2.0f * a.weight / (float)a.width
                             : error == 0.0f ? 0.0f
                                             : a.weight / error;
        for (u32 column = t; column < a.width; column += THREADS) a.y[row + column] *= factor;
        if (t == 0) a.losses[BLOCK_X] = error;
    }
}

// out = the sum of `losses` over the rows that are kept. One block.
struct mean_loss_arguments {
    double *out;
    const float *losses;
    u32 count;
    u32 kept;
};

KERNEL(mean_loss) {
    SHARED double sums[THREADS];
    EACH_THREAD(t) {
        double sum = 0.0;
        for (u32 place = t; place < a.count; place += THREADS) sum += (double)a.losses[place];
        sums[t] = sum;
    }
    BARRIER;
    REDUCE(sums, left, right, left + right)
    EACH_THREAD(t) {
        if (t == 0) a.out[0] = sums[0] / (double)a.kept;
    }
}

// --------------------------------------------------------------------------------------------------------------- optimizers

// One step of RMSprop as PyTorch makes it, on all parameters of a network, which lie one after the other. THREADS values a
// block.
struct rms_prop_arguments {
    float *value;
    float *square;
    float *momentum;
    const float *gradient;
    u64 count;
    float alpha;
    // 1 - alpha.
    float rest;
    float mu;
    float epsilon;
    float rate;
};

KERNEL(rms_prop) {
    EACH_THREAD(t) {
        const u64 place = (u64)BLOCK_X * THREADS + t;
        if (place >= a.count) continue;
        const float gradient = a.gradient[place];
        const float square = a.alpha * a.square[place] + a.rest * (gradient * gradient);
        const float momentum = a.mu * a.momentum[place] + gradient / (sqrtf(square) + a.epsilon);
        a.square[place] = square;
        a.momentum[place] = momentum;
        a.value[place] -= a.rate * momentum;
    }
}

// One step of Adagrad, likewise.
struct adagrad_arguments {
    float *value;
    float *square;
    const float *gradient;
    u64 count;
    float rate;
    float decay;
    float epsilon;
};

KERNEL(adagrad) {
    EACH_THREAD(t) {
        const u64 place = (u64)BLOCK_X * THREADS + t;
        if (place >= a.count) continue;
        const float value = a.value[place], gradient = a.gradient[place] + a.decay * value;
        const float square = a.square[place] + gradient * gradient;
        a.square[place] = square;
        a.value[place] = value - a.rate * gradient / (sqrtf(square) + a.epsilon);
    }
}
