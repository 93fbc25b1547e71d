// What a GPU gives for the products of a step at the paper's size, and what other ways to make them would give.
//
//   nvcc -O3 -std=c++17 -arch=sm_90 benches/speed/products.cu -o products -lcublas -lcublasLt && ./products
//
// Of each shape: cuBLAS in f32, in f32 without its own choices (pedantic), in TF32, and as three products in TF32 of inputs that are cut
// into two halves; a plain kernel with tiles in shared memory, in five sizes; every way that cublasLt knows. Milliseconds are the median of
// ten; the error is ‖c − c₆₄‖ / ‖c₆₄‖ over 600 entries computed in f64. The left factor is half zeros, as behind a ReLU.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cublasLt.h>
#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <vector>
#define CHECK(call)                                                                                                                        \
    do {                                                                                                                                   \
        auto code = (call);                                                                                                                \
        if ((int)code) {                                                                                                                   \
            printf("%s: %d, line %d\n", #call, (int)code, __LINE__);                                                                       \
            exit(1);                                                                                                                       \
        }                                                                                                                                  \
    } while (0)

// c[m,n] = op(a) op(b), row-major. TA: a is [k,m]; TB: b is [n,k].
template <bool TA, bool TB, int BM, int BN, int BK, int TM, int TN>
__global__ void __launch_bounds__((BM / TM) * (BN / TN), TM *TN > 64 ? 1 : 2)
    sgemm(const float *__restrict__ A, const float *__restrict__ B, float *__restrict__ C, int M, int N, int K) {
    constexpr int T = (BM / TM) * (BN / TN);
    __shared__ float As[2][BK][BM + 4];
    __shared__ float Bs[2][BK][BN + 4];
    const int t = threadIdx.x;
    // grouped tiles
    const int tiles_n = (N + BN - 1) / BN;
    const int tile_m = blockIdx.x / tiles_n, tile_n = blockIdx.x % tiles_n;
    const int m0 = tile_m * BM, n0 = tile_n * BN;
    constexpr int LA = BM * BK / 4 / T, LB = BN * BK / 4 / T;
    float4 ra[LA], rb[LB];
    const int tx = t % (BN / TN), ty = t / (BN / TN);
    float acc[TM][TN] = {};
    auto load = [&](int k0) {
#pragma unroll
        for (int i = 0; i < LA; ++i) {
            int e = t + i * T;
            if (TA) {
                int k = e / (BM / 4), m = e % (BM / 4) * 4;
                ra[i] = *(const float4 *)(A + (size_t)(k0 + k) * M + m0 + m);
            } else {
                int m = e / (BK / 4), k = e % (BK / 4) * 4;
                ra[i] = *(const float4 *)(A + (size_t)(m0 + m) * K + k0 + k);
            }
        }
#pragma unroll
        for (int i = 0; i < LB; ++i) {
            int e = t + i * T;
            if (!TB) {
                int k = e / (BN / 4), n = e % (BN / 4) * 4;
                rb[i] = *(const float4 *)(B + (size_t)(k0 + k) * N + n0 + n);
            } else {
                int n = e / (BK / 4), k = e % (BK / 4) * 4;
                rb[i] = *(const float4 *)(B + (size_t)(n0 + n) * K + k0 + k);
            }
        }
    };
    auto store = [&](int s) {
#pragma unroll
        for (int i = 0; i < LA; ++i) {
            int e = t + i * T;
            if (TA) {
                int k = e / (BM / 4), m = e % (BM / 4) * 4;
                *(float4 *)&As[s][k][m] = ra[i];
            } else {
                int m = e / (BK / 4), k = e % (BK / 4) * 4;
                As[s][k][m] = ra[i].x;
                As[s][k + 1][m] = ra[i].y;
                As[s][k + 2][m] = ra[i].z;
                As[s][k + 3][m] = ra[i].w;
            }
        }
#pragma unroll
        for (int i = 0; i < LB; ++i) {
            int e = t + i * T;
            if (!TB) {
                int k = e / (BN / 4), n = e % (BN / 4) * 4;
                *(float4 *)&Bs[s][k][n] = rb[i];
            } else {
                int n = e / (BK / 4), k = e % (BK / 4) * 4;
                Bs[s][k][n] = rb[i].x;
                Bs[s][k + 1][n] = rb[i].y;
                Bs[s][k + 2][n] = rb[i].z;
                Bs[s][k + 3][n] = rb[i].w;
            }
        }
    };
    load(0);
    store(0);
    __syncthreads();
    int s = 0;
    for (int k0 = 0; k0 < K; k0 += BK) {
        const bool more = k0 + BK < K;
        if (more)
            load(k0 + BK);
#pragma unroll
        for (int k = 0; k < BK; ++k) {
            float a[TM], b[TN];
#pragma unroll
            for (int i = 0; i < TM; i += 4)
                *(float4 *)&a[i] = *(const float4 *)&As[s][k][ty * 4 + i * (BM / TM)];
#pragma unroll
            for (int j = 0; j < TN; j += 4)
                *(float4 *)&b[j] = *(const float4 *)&Bs[s][k][tx * 4 + j * (BN / TN)];
#pragma unroll
            for (int i = 0; i < TM; ++i)
#pragma unroll
                for (int j = 0; j < TN; ++j)
                    acc[i][j] = fmaf(a[i], b[j], acc[i][j]);
        }
        if (more) {
            store(s ^ 1);
            __syncthreads();
            s ^= 1;
        }
    }
#pragma unroll
    for (int i = 0; i < TM; ++i)
#pragma unroll
        for (int j = 0; j < TN; j += 4) {
            int m = m0 + ty * 4 + (i / 4) * 4 * (BM / TM) + i % 4, n = n0 + tx * 4 + j * (BN / TN);
            *(float4 *)(C + (size_t)m * N + n) = make_float4(acc[i][j], acc[i][j + 1], acc[i][j + 2], acc[i][j + 3]);
        }
}

__global__ void split(const float4 *x, float4 *hi, float4 *lo, size_t count) {
    size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count)
        return;
    float4 v = x[i], h, l;
    auto one = [](float v, float &h, float &l) {
        unsigned r;
        asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(v));
        h = __uint_as_float(r);
        asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(v - h));
        l = __uint_as_float(r);
    };
    one(v.x, h.x, l.x);
    one(v.y, h.y, l.y);
    one(v.z, h.z, l.z);
    one(v.w, h.w, l.w);
    hi[i] = h;
    lo[i] = l;
}

cublasHandle_t handle;
cudaEvent_t e0, e1;
template <class F> double timed(F f, int n = 10) {
    f();
    f();
    std::vector<double> all;
    for (int i = 0; i < n; ++i) {
        cudaEventRecord(e0);
        f();
        cudaEventRecord(e1);
        cudaEventSynchronize(e1);
        float ms;
        cudaEventElapsedTime(&ms, e0, e1);
        all.push_back(ms);
    }
    CHECK(cudaGetLastError());
    std::sort(all.begin(), all.end());
    return all[n / 2];
}
void blas(const float *a, const float *b, float *c, int m, int n, int k, bool ta, bool tb, cublasComputeType_t type, float beta = 0) {
    float one = 1;
    CHECK(cublasGemmEx(handle, tb ? CUBLAS_OP_T : CUBLAS_OP_N, ta ? CUBLAS_OP_T : CUBLAS_OP_N, n, m, k, &one, b, CUDA_R_32F, tb ? k : n, a,
                       CUDA_R_32F, ta ? m : k, &beta, c, CUDA_R_32F, n, type, CUBLAS_GEMM_DEFAULT));
}
double error(const float *dc, const std::vector<float> &a, const std::vector<float> &b, int m, int n, int k, bool ta, bool tb) {
    std::vector<float> c((size_t)m * n);
    cudaMemcpy(c.data(), dc, c.size() * 4, cudaMemcpyDeviceToHost);
    double up = 0, down = 0;
    for (int q = 0; q < 600; ++q) {
        int i = (q * 7919) % m, j = (q * 104729) % n;
        double s = 0;
        for (int l = 0; l < k; ++l)
            s += (double)(ta ? a[(size_t)l * m + i] : a[(size_t)i * k + l]) * (double)(tb ? b[(size_t)j * k + l] : b[(size_t)l * n + j]);
        double d = c[(size_t)i * n + j] - s;
        up += d * d;
        down += s * s;
    }
    return sqrt(up / down);
}
template <int BM, int BN, int BK, int TM, int TN>
void own(const char *name, const float *a, const float *b, float *c, int m, int n, int k, bool ta, bool tb, double flop,
         const std::vector<float> &ha, const std::vector<float> &hb) {
    int grid = (m / BM) * (n / BN), threads = (BM / TM) * (BN / TN);
    if (m % BM || n % BN || k % BK)
        return;
    auto run = [&] {
        if (!ta && tb)
            sgemm<false, true, BM, BN, BK, TM, TN><<<grid, threads>>>(a, b, c, m, n, k);
        else if (!ta)
            sgemm<false, false, BM, BN, BK, TM, TN><<<grid, threads>>>(a, b, c, m, n, k);
        else
            sgemm<true, false, BM, BN, BK, TM, TN><<<grid, threads>>>(a, b, c, m, n, k);
    };
    cudaMemset(c, 0xff, (size_t)m * n * 4);
    double ms = timed(run);
    printf("   %-22s %8.3f ms %7.1f TFLOP/s  error %.2e\n", name, ms, flop / ms / 1e9, error(c, ha, hb, m, n, k, ta, tb));
}
void lt(const float *a, const float *b, float *c, int m, int n, int k, bool ta, bool tb, double flop) {
    cublasLtHandle_t h;
    CHECK(cublasLtCreate(&h));
    cublasLtMatmulDesc_t d;
    CHECK(cublasLtMatmulDescCreate(&d, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    cublasOperation_t oa = tb ? CUBLAS_OP_T : CUBLAS_OP_N, ob = ta ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasLtMatmulDescSetAttribute(d, CUBLASLT_MATMUL_DESC_TRANSA, &oa, sizeof oa);
    cublasLtMatmulDescSetAttribute(d, CUBLASLT_MATMUL_DESC_TRANSB, &ob, sizeof ob);
    cublasLtMatrixLayout_t la, lb, lc;
    cublasLtMatrixLayoutCreate(&la, CUDA_R_32F, tb ? k : n, tb ? n : k, tb ? k : n);
    cublasLtMatrixLayoutCreate(&lb, CUDA_R_32F, ta ? m : k, ta ? k : m, ta ? m : k);
    cublasLtMatrixLayoutCreate(&lc, CUDA_R_32F, n, m, n);
    cublasLtMatmulPreference_t p;
    cublasLtMatmulPreferenceCreate(&p);
    size_t ws = 64 << 20;
    void *w;
    cudaMalloc(&w, ws);
    cublasLtMatmulPreferenceSetAttribute(p, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &ws, sizeof ws);
    cublasLtMatmulHeuristicResult_t r[16];
    int got = 0;
    cublasLtMatmulAlgoGetHeuristic(h, d, la, lb, lc, lc, p, 16, r, &got);
    float one = 1, zero = 0;
    printf("   cublasLt %d ways:", got);
    for (int i = 0; i < got; ++i) {
        int tile = 0, id = 0, stages = 0, sk = 0;
        size_t wr;
        cublasLtMatmulAlgoConfigGetAttribute(&r[i].algo, CUBLASLT_ALGO_CONFIG_TILE_ID, &tile, 4, &wr);
        cublasLtMatmulAlgoConfigGetAttribute(&r[i].algo, CUBLASLT_ALGO_CONFIG_ID, &id, 4, &wr);
        cublasLtMatmulAlgoConfigGetAttribute(&r[i].algo, CUBLASLT_ALGO_CONFIG_STAGES_ID, &stages, 4, &wr);
        cublasLtMatmulAlgoConfigGetAttribute(&r[i].algo, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &sk, 4, &wr);
        double ms = timed([&] { cublasLtMatmul(h, d, &one, b, la, a, lb, &zero, c, lc, c, lc, &r[i].algo, w, ws, 0); }, 3);
        printf(" [id%d tile%d st%d sk%d %.1f]", id, tile, stages, sk, flop / ms / 1e9);
    }
    printf("\n");
    cudaFree(w);
}
int main() {
    CHECK(cublasCreate(&handle));
    cudaEventCreate(&e0);
    cudaEventCreate(&e1);
    int version;
    cublasGetVersion(handle, &version);
    printf("cublas %d\n", version);
    struct {
        int m, n, k;
        bool ta, tb;
    } shapes[] = {{8192, 1024, 2048, false, true}, {8192, 1024, 2048, false, false}, {1024, 2048, 8192, true, false},
                  {2048, 1024, 8192, true, false}, {8192, 2048, 1024, false, true},  {8192, 512, 2048, false, true},
                  {8192, 512, 1024, false, true},  {8192, 256, 512, false, true},    {512, 1024, 8192, true, false},
                  {512, 2048, 8192, true, false},  {8192, 8192, 8192, false, true}};
    for (auto s : shapes) {
        size_t na = (size_t)s.m * s.k, nb = (size_t)s.n * s.k, nc = (size_t)s.m * s.n;
        std::vector<float> ha(na), hb(nb);
        unsigned x = 12345;
        auto r = [&] {
            x = x * 1664525u + 1013904223u;
            return (float)(x >> 8) / 8388608.0f - 1.0f;
        };
        for (auto &v : ha) {
            float u = r();
            v = u > 0 ? u : 0;
        } // as after a ReLU
        for (auto &v : hb)
            v = r();
        float *a, *b, *c, *ah, *al, *bh, *bl;
        CHECK(cudaMalloc(&a, na * 4));
        CHECK(cudaMalloc(&b, nb * 4));
        CHECK(cudaMalloc(&c, nc * 4));
        CHECK(cudaMalloc(&ah, na * 4));
        CHECK(cudaMalloc(&al, na * 4));
        CHECK(cudaMalloc(&bh, nb * 4));
        CHECK(cudaMalloc(&bl, nb * 4));
        cudaMemcpy(a, ha.data(), na * 4, cudaMemcpyHostToDevice);
        cudaMemcpy(b, hb.data(), nb * 4, cudaMemcpyHostToDevice);
        double flop = 2.0 * s.m * s.n * s.k;
        printf("m %d n %d k %d %s%s\n", s.m, s.n, s.k, s.ta ? "T" : "N", s.tb ? "T" : "N");
        double ms = timed([&] { blas(a, b, c, s.m, s.n, s.k, s.ta, s.tb, CUBLAS_COMPUTE_32F); });
        printf("   %-22s %8.3f ms %7.1f TFLOP/s  error %.2e\n", "cublas f32", ms, flop / ms / 1e9,
               error(c, ha, hb, s.m, s.n, s.k, s.ta, s.tb));
        ms = timed([&] { blas(a, b, c, s.m, s.n, s.k, s.ta, s.tb, CUBLAS_COMPUTE_32F_PEDANTIC); });
        printf("   %-22s %8.3f ms %7.1f TFLOP/s\n", "cublas pedantic", ms, flop / ms / 1e9);
        ms = timed([&] { blas(a, b, c, s.m, s.n, s.k, s.ta, s.tb, CUBLAS_COMPUTE_32F_FAST_TF32); });
        printf("   %-22s %8.3f ms %7.1f TFLOP/s  error %.2e\n", "cublas tf32", ms, flop / ms / 1e9,
               error(c, ha, hb, s.m, s.n, s.k, s.ta, s.tb));
        auto splits = [&] {
            split<<<(na / 4 + 255) / 256, 256>>>((float4 *)a, (float4 *)ah, (float4 *)al, na / 4);
            split<<<(nb / 4 + 255) / 256, 256>>>((float4 *)b, (float4 *)bh, (float4 *)bl, nb / 4);
        };
        double ms_split = timed(splits);
        auto three = [&] {
            auto t = CUBLAS_COMPUTE_32F_FAST_TF32;
            blas(al, bh, c, s.m, s.n, s.k, s.ta, s.tb, t);
            blas(ah, bl, c, s.m, s.n, s.k, s.ta, s.tb, t, 1);
            blas(ah, bh, c, s.m, s.n, s.k, s.ta, s.tb, t, 1);
        };
        ms = timed(three);
        printf("   %-22s %8.3f ms %7.1f TFLOP/s  error %.2e, and splits %.3f ms\n", "three tf32", ms, flop / ms / 1e9,
               error(c, ha, hb, s.m, s.n, s.k, s.ta, s.tb), ms_split);
        own<128, 128, 8, 8, 8>("ours 128 128 8", a, b, c, s.m, s.n, s.k, s.ta, s.tb, flop, ha, hb);
        own<128, 128, 16, 8, 8>("ours 128 128 16", a, b, c, s.m, s.n, s.k, s.ta, s.tb, flop, ha, hb);
        own<128, 64, 16, 8, 8>("ours 128 64 16", a, b, c, s.m, s.n, s.k, s.ta, s.tb, flop, ha, hb);
        own<256, 128, 8, 16, 8>("ours 256 128 8 (16x8)", a, b, c, s.m, s.n, s.k, s.ta, s.tb, flop, ha, hb);
        own<128, 256, 8, 8, 16>("ours 128 256 8 (8x16)", a, b, c, s.m, s.n, s.k, s.ta, s.tb, flop, ha, hb);
        lt(a, b, c, s.m, s.n, s.k, s.ta, s.tb, flop);
        cudaFree(a);
        cudaFree(b);
        cudaFree(c);
        cudaFree(ah);
        cudaFree(al);
        cudaFree(bh);
        cudaFree(bl);
        fflush(stdout);
    }
}
