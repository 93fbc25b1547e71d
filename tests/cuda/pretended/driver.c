// A libcuda.so.1 without a GPU: memory is the host's, everything is done at once, and a launch runs the kernel's body on the
// processor (gcl/cuda/kernels.cu as C). It checks nothing of what CUDA does on a GPU; it checks all that a program does around
// it: arguments, sizes, order, and what it says when something fails.
//
// PRETENDED_CUDA_FAILS="cuInit=100 cuMemAllocAsync=2@40": from its 40th call on a function returns that code.
// PRETENDED_CUDA_LOG=FILE: at the end, how often each function was called.
#define _GNU_SOURCE
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.cu"

#define API __attribute__((visibility("default"))) int
#define MOST_FUNCTIONS 256

static struct {
    const char *name;
    long calls;
} calls[MOST_FUNCTIONS];

static void write_log(void) {
    const char *path = getenv("PRETENDED_CUDA_LOG");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    for (int place = 0; place < MOST_FUNCTIONS && calls[place].name; ++place)
        fprintf(file, "%s %ld\n", calls[place].name, calls[place].calls);
    fclose(file);
}

// The code that a function shall return at this call; 0 if it shall work.
int pretended_failure(const char *function);
__attribute__((visibility("default"))) int pretended_failure(const char *function) {
    int place = 0;
    while (place < MOST_FUNCTIONS - 1 && calls[place].name && strcmp(calls[place].name, function) != 0) ++place;
    if (place == 0 && !calls[0].name) atexit(write_log);
    calls[place].name = function;
    const long call = ++calls[place].calls;
    const char *wish = getenv("PRETENDED_CUDA_FAILS");
    const size_t length = strlen(function);
    while (wish && (wish = strstr(wish, function))) {
        if (wish[length] == '=') {
            char *end;
            const long code = strtol(wish + length + 1, &end, 10), from = *end == '@' ? strtol(end + 1, NULL, 10) : 1;
            return call >= from ? (int)code : 0;
        }
        wish += length;
    }
    return 0;
}

#define BEGIN                                                                                                         \
    do {                                                                                                              \
        const int failure = pretended_failure(__func__);                                                              \
        if (failure) return failure;                                                                                  \
    } while (0)

API cuInit(unsigned flags) { (void)flags; BEGIN; return 0; }
API cuDriverGetVersion(int *version) { BEGIN; *version = 13000; return 0; }
API cuDeviceGetCount(int *count) { BEGIN; *count = 1; return 0; }
API cuDeviceGet(int *device, int ordinal) { BEGIN; *device = ordinal; return ordinal == 0 ? 0 : 101; }
API cuDeviceGetName(char *name, int length, int device) {
    (void)device;
    BEGIN;
    snprintf(name, (size_t)length, "Pretended GPU");
    return 0;
}
API cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void)device;
    BEGIN;
    switch (attribute) {
        case 16: *value = 4; break;   // multiprocessors
        case 75: *value = 9; break;   // compute capability, major
        case 76: *value = 0; break;   // minor
        default: *value = 1;          // memory pools, and whatever else may be asked for
    }
    return 0;
}
API cuDeviceGetMemPool(void **pool, int device) { (void)device; BEGIN; *pool = calls; return 0; }
API cuMemPoolSetAttribute(void *pool, int attribute, void *value) {
    (void)pool;
    BEGIN;
    // The release threshold, and all of it.
    return attribute == 4 && *(const uint64_t *)value == UINT64_MAX ? 0 : 1;
}
// The pool keeps all that it ever had, as the program asks of it.
#define ALL_MEMORY ((uint64_t)1 << 30)
static _Atomic uint64_t pool_used, pool_reserved;
static void pool_takes(uint64_t bytes) {
    const uint64_t used = pool_used += bytes;
    uint64_t reserved = pool_reserved;
    while (used > reserved && !atomic_compare_exchange_weak(&pool_reserved, &reserved, used)) {}
}
API cuMemPoolGetAttribute(void *pool, int attribute, void *value) {
    (void)pool;
    BEGIN;
    // What is reserved, and what is used of it.
    if (attribute != 5 && attribute != 7) return 1;
    *(uint64_t *)value = attribute == 5 ? pool_reserved : pool_used;
    return 0;
}
API cuDevicePrimaryCtxRetain(void **context, int device) { (void)device; BEGIN; *context = calls; return 0; }
API cuDevicePrimaryCtxRelease_v2(int device) { (void)device; BEGIN; return 0; }

// A thread computes where it said it would.
static _Thread_local void *current;
API cuCtxSetCurrent(void *context) { BEGIN; current = context; return 0; }
API cuCtxGetCurrent(void **context) { BEGIN; *context = current; return 0; }
#define BOUND                                                                                                         \
    BEGIN;                                                                                                            \
    if (!current) return 201 /* CUDA_ERROR_INVALID_CONTEXT */

API cuCtxSynchronize(void) { BOUND; return 0; }
API cuStreamCreate(void **stream, unsigned flags) { (void)flags; BOUND; *stream = malloc(1); return 0; }
API cuStreamDestroy_v2(void *stream) { BEGIN; free(stream); return 0; }
API cuStreamSynchronize(void *stream) { (void)stream; BOUND; return 0; }
API cuStreamIsCapturing(void *stream, int *status) { (void)stream; BEGIN; *status = 0; return 0; }

API cuMemGetInfo_v2(size_t *unused, size_t *all) {
    BOUND;
    *all = ALL_MEMORY;
    *unused = pool_reserved < ALL_MEMORY ? ALL_MEMORY - pool_reserved : 0;
    return 0;
}
static int allocate(void **at, size_t bytes) {
    if (bytes == 0) return 1;
    *at = aligned_alloc(256, (bytes + 255) / 256 * 256);
    // What nobody wrote is no zero.
    if (*at) memset(*at, 0xfe, bytes);
    return *at ? 0 : 2;
}
API cuMemAllocAsync(void **at, size_t bytes, void *stream) {
    (void)stream;
    BOUND;
    const int failed = allocate(at, bytes);
    if (!failed) pool_takes(malloc_usable_size(*at));
    return failed;
}
API cuMemFreeAsync(void *at, void *stream) {
    (void)stream;
    BOUND;
    if (at) pool_used -= malloc_usable_size(at);
    free(at);
    return 0;
}
API cuMemHostAlloc(void **at, size_t bytes, unsigned flags) { (void)flags; BOUND; return allocate(at, bytes); }
API cuMemFreeHost(void *at) { BOUND; free(at); return 0; }
API cuMemsetD8Async(void *at, unsigned char value, size_t bytes, void *stream) {
    (void)stream;
    BOUND;
    memset(at, value, bytes);
    return 0;
}
API cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t bytes, void *stream) {
    (void)stream;
    BOUND;
    memcpy(to, from, bytes);
    return 0;
}
API cuMemcpyDtoHAsync_v2(void *to, const void *from, size_t bytes, void *stream) {
    (void)stream;
    BOUND;
    memcpy(to, from, bytes);
    return 0;
}
API cuMemcpyDtoDAsync_v2(void *to, const void *from, size_t bytes, void *stream) {
    (void)stream;
    BOUND;
    memcpy(to, from, bytes);
    return 0;
}

API cuModuleLoadData(void **module, const void *image) { (void)image; BOUND; *module = calls; return 0; }
API cuModuleUnload(void *module) { (void)module; BEGIN; return 0; }

// candle's y = mul * x + add, of contiguous values: what a device is probed with.
static void affine_f32(void **arguments, u32 blocks_x, u32 blocks_y) {
    (void)blocks_x, (void)blocks_y;
    const size_t count = *(size_t *)arguments[0];
    const float *in = *(float **)arguments[3], mul = *(float *)arguments[5], add = *(float *)arguments[6];
    float *out = *(float **)arguments[4];
    for (size_t place = 0; place < count; ++place) out[place] = (in ? in[place] : out[place]) * mul + add;
}

// candle's copy of d1 rows of d2 values into another matrix: how features are put on a device.
static void copy_rows(void **arguments, size_t bytes) {
    const char *from = *(const char **)arguments[0];
    char *to = *(char **)arguments[1];
    const u32 rows = *(u32 *)arguments[2], width = *(u32 *)arguments[3];
    const u32 from_stride = *(u32 *)arguments[4], to_stride = *(u32 *)arguments[5];
    for (size_t row = 0; row < rows; ++row)
        memcpy(to + row * to_stride * bytes, from + row * from_stride * bytes, width * bytes);
}
static void copy2d_f32(void **arguments, u32 blocks_x, u32 blocks_y) {
    (void)blocks_x, (void)blocks_y;
    copy_rows(arguments, 4);
}
static void copy2d_f16(void **arguments, u32 blocks_x, u32 blocks_y) {
    (void)blocks_x, (void)blocks_y;
    copy_rows(arguments, 2);
}

struct function {
    const char *name;
    void (*run)(void **arguments, u32 blocks_x, u32 blocks_y);
    unsigned threads;
};
static struct function functions[] = {
    {"affine_f32", affine_f32, 0},
    {"copy2d_f32", copy2d_f32, 0},
    {"copy2d_f16", copy2d_f16, 0},
#define OURS(name) {#name, name, THREADS},
#include "names.h"
};

API cuModuleGetFunction(struct function **function, void *module, const char *name) {
    (void)module;
    BOUND;
    for (size_t place = 0; place < sizeof functions / sizeof *functions; ++place)
        if (strcmp(functions[place].name, name) == 0) {
            *function = &functions[place];
            return 0;
        }
    return 500; // CUDA_ERROR_NOT_FOUND
}
API cuLaunchKernel(struct function *function, u32 x, u32 y, u32 z, u32 threads_x, u32 threads_y, u32 threads_z,
                   unsigned shared, void *stream, void **arguments, void **extra) {
    (void)shared, (void)stream, (void)extra;
    BOUND;
    if (x == 0 || y == 0 || y > 65535 || z != 1 || threads_y != 1 || threads_z != 1) return 1;
    if (function->threads && threads_x != function->threads) return 1;
    function->run(arguments, x, y);
    return 0;
}

static const char *text_of(int code) {
    switch (code) {
        case 1: return "invalid argument";
        case 2: return "out of memory";
        case 100: return "no CUDA-capable device is detected";
        case 101: return "invalid device ordinal";
        case 201: return "invalid device context";
        case 222: return "the provided PTX was compiled with an unsupported toolchain.";
        case 700: return "an illegal memory access was encountered";
        case 803: return "system has unsupported display driver / cuda driver combination";
        default: return "unknown error";
    }
}
API cuGetErrorString(int code, const char **text) { BEGIN; *text = text_of(code); return 0; }
API cuGetErrorName(int code, const char **text) { BEGIN; *text = text_of(code); return 0; }
