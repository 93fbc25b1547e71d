// cuBLAS and cuRAND without a GPU, as far as a program of ours calls them. See driver.c.
#include <stddef.h>
#include <stdlib.h>

int pretended_failure(const char *function);

#define BEGIN                                                                                                         \
    do {                                                                                                              \
        const int failure = pretended_failure(__func__);                                                              \
        if (failure) return failure;                                                                                  \
    } while (0)

int cublasCreate_v2(void **handle) { BEGIN; *handle = malloc(1); return 0; }
int cublasDestroy_v2(void *handle) { BEGIN; free(handle); return 0; }
int cublasSetStream_v2(void *handle, void *stream) { (void)handle, (void)stream; BEGIN; return 0; }
int cublasGetVersion_v2(void *handle, int *version) { (void)handle; BEGIN; *version = 130001; return 0; }

// f32 alone: c = op(a) * op(b), column by column.
int cublasGemmEx(void *handle, int transposed_a, int transposed_b, int m, int n, int k, const float *alpha, const float *a,
                 int type_a, int lda, const float *b, int type_b, int ldb, const float *beta, float *c, int type_c, int ldc,
                 int compute, int algorithm) {
    (void)handle, (void)algorithm;
    BEGIN;
    // CUDA_R_32F; CUBLAS_COMPUTE_32F or _32F_FAST_TF32.
    if (type_a || type_b || type_c || (compute != 68 && compute != 77) || *alpha != 1.0f || *beta != 0.0f) return 15;
    if (lda < (transposed_a ? k : m) || ldb < (transposed_b ? n : k) || ldc < m) return 7;
    for (int column = 0; column < n; ++column) {
        float *out = c + (size_t)column * (size_t)ldc;
        for (int row = 0; row < m; ++row) {
            float sum = 0.0f;
            for (int inner = 0; inner < k; ++inner)
                sum += a[transposed_a ? (size_t)row * (size_t)lda + (size_t)inner : (size_t)inner * (size_t)lda + (size_t)row] *
                       b[transposed_b ? (size_t)inner * (size_t)ldb + (size_t)column
                                      : (size_t)column * (size_t)ldb + (size_t)inner];
            out[row] = sum;
        }
    }
    return 0;
}

int curandCreateGenerator(void **generator, int kind) { (void)kind; BEGIN; *generator = malloc(1); return 0; }
int curandDestroyGenerator(void *generator) { BEGIN; free(generator); return 0; }
int curandSetStream(void *generator, void *stream) { (void)generator, (void)stream; BEGIN; return 0; }
int curandSetPseudoRandomGeneratorSeed(void *generator, unsigned long long seed) { (void)generator, (void)seed; BEGIN; return 0; }
int curandSetGeneratorOffset(void *generator, unsigned long long offset) { (void)generator, (void)offset; BEGIN; return 0; }
