#include "CBenchmark.h"

// Eight independent vectors of eight floats: enough to hide latency, with whatever registers there
// are. Clang makes AVX2 of it where it is told to, and two SSE or NEON operations elsewhere.
typedef float vector __attribute__((vector_size(32), aligned(4)));
enum { lanes = 8, vectors = 8, block = lanes * vectors };

#if defined(__x86_64__)
#define FAST __attribute__((target("avx2,fma")))
#else
#define FAST
#endif

FAST float cbenchmark_read(const float *values, size_t count) {
    vector sums[vectors] = {0};
    for (size_t i = 0; i + block <= count; i += block) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; ++v) sums[v] += *(const vector *)(values + i + v * lanes);
    }
    float sum = 0;
    for (size_t v = 0; v < vectors; ++v) {
        for (size_t lane = 0; lane < lanes; ++lane) sum += sums[v][lane];
    }
    return sum;
}

FAST void cbenchmark_update(float *values, size_t count) {
    for (size_t i = 0; i + block <= count; i += block) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; ++v) *(vector *)(values + i + v * lanes) *= 0.999999f;
    }
}

FAST float cbenchmark_multiply_add(size_t count) {
    enum { chains = 12 };
    vector sums[chains];
    for (size_t v = 0; v < chains; ++v) sums[v] = (vector){0} + (float)v;
    const vector factor = (vector){0} + 0.999f, term = (vector){0} + 0.001f;
    for (size_t i = 0; i < count; ++i) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < chains; ++v) sums[v] = sums[v] * factor + term;
    }
    float sum = 0;
    for (size_t v = 0; v < chains; ++v) sum += sums[v][0];
    return sum;
}
