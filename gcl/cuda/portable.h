// What the kernels are written in: the subset that CUDA's compiler and any C compiler take.
//
// A kernel is a sequence of phases. Within EACH_THREAD(t) { ... } every thread of a block does its part, `t` being its number;
// BARRIER stands between any two phases; REDUCE ends with one. Nothing lives from phase to phase but what is SHARED. On a
// processor the threads of a block take turns within a phase, and the blocks of a launch one after the other: the same sums in the
// same order, and so the same bits. With BACKWARDS they take turns from the last to the first: where a thread reads what another
// one writes in the same phase, or a block what another one writes, the bits are others, and a test says so.
//
// Arguments are one structure, so that a launch cannot mix up their order.
#ifndef PORTABLE_H
#define PORTABLE_H

typedef unsigned int u32;
typedef unsigned long long u64;

// Threads of every block: reductions are trees over so many values.
#define THREADS 256u

#ifdef __CUDACC__

#define KERNEL(name) extern "C" __global__ void __launch_bounds__(THREADS) name(const struct name##_arguments a)
#define INLINE static __device__ __forceinline__
#define SHARED __shared__
#define EACH_THREAD(t) for (u32 t = threadIdx.x, once = 1; once; once = 0)
#define BARRIER __syncthreads()
#define BLOCK_X blockIdx.x
#define BLOCK_Y blockIdx.y

#else

#include <math.h>
#include <stddef.h>

struct block { u32 x, y; };

// Not every kernel asks which block it is.
#ifdef __GNUC__
#define MAYBE_UNUSED __attribute__((unused))
#else
#define MAYBE_UNUSED
#endif

// Whose turn it is after `turn` others of `count`.
#ifdef BACKWARDS
#define TURN(turn, count) ((count) - 1 - (turn))
#else
#define TURN(turn, count) (turn)
#endif

// A C compiler makes of each kernel a function that runs a whole launch of `blocks_x` · `blocks_y` blocks. `arguments` is what a
// launch of CUDA takes: pointers to the arguments, of which there is one.
#define KERNEL(name)                                                                                                  \
    static void name##_block(struct name##_arguments a, struct block block_index MAYBE_UNUSED);                       \
    void name(void **arguments, u32 blocks_x, u32 blocks_y);                                                          \
    void name(void **arguments, u32 blocks_x, u32 blocks_y) {                                                         \
        for (u32 y = 0; y < blocks_y; ++y)                                                                            \
            for (u32 x = 0; x < blocks_x; ++x) {                                                                      \
                const struct block at = {TURN(x, blocks_x), TURN(y, blocks_y)};                                       \
                name##_block(*(const struct name##_arguments *)arguments[0], at);                                     \
            }                                                                                                         \
    }                                                                                                                 \
    static void name##_block(struct name##_arguments a, struct block block_index MAYBE_UNUSED)
#define INLINE static inline
#define SHARED
#define EACH_THREAD(t) \
    for (u32 turn = 0, t = TURN(0, THREADS); turn < THREADS; ++turn, t = TURN(turn, THREADS))
#define BARRIER ((void)0)
#define BLOCK_X block_index.x
#define BLOCK_Y block_index.y

#endif

// values[0] = the sum (the least, the greatest) of all, by halves: an order that nothing changes.
#define REDUCE(values, left, right, combined)                                                                         \
    for (u32 half = THREADS / 2; half > 0; half /= 2) {                                                               \
        EACH_THREAD(t) {                                                                                              \
            if (t < half) {                                                                                           \
                const double left = values[t], right = values[t + half];                                              \
                values[t] = combined;                                                                                 \
            }                                                                                                         \
        }                                                                                                             \
        BARRIER;                                                                                                      \
    }

#endif
