#include "paths.h"

#if HAS_AVX2_PATH
#define DISPATCH(name, ...)                                                                        \
    switch (path) {                                                                                \
    case CKernelPathScalar: scalar_##name(__VA_ARGS__); break;                                     \
    case CKernelPathPortable: portable_##name(__VA_ARGS__); break;                                 \
    case CKernelPathAVX2: avx2_##name(__VA_ARGS__); break;                                         \
    }
#else
#define DISPATCH(name, ...)                                                                        \
    if (path == CKernelPathScalar) {                                                               \
        scalar_##name(__VA_ARGS__);                                                                \
    } else {                                                                                       \
        portable_##name(__VA_ARGS__);                                                              \
    }
#endif

bool ckernels_supports(CKernelPath path) {
    if (path != CKernelPathAVX2) return true;
#if HAS_AVX2_PATH
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
#else
    return false;
#endif
}

uint32_t ckernels_reciprocal_root_signature(void) {
#if HAS_AVX2_PATH
    if (ckernels_supports(CKernelPathAVX2)) return avx2_reciprocal_root_signature();
#endif
    return 0;
}

static bool has_rows(const CTable *tables, const uint32_t *rows, size_t count) {
    bool has_all = true;
    for (size_t i = 0; i < count; ++i) has_all &= rows[i] < tables[i].rows;
    return has_all;
}

static bool has_pooled_rows(CTable table, const uint32_t *rows, size_t count) {
    bool has_all = true;
    for (size_t i = 0; i < count; ++i) has_all &= rows[i] < table.rows;
    return has_all;
}

static void prefetch(const float *row, size_t dimension) {
    enum { floats_per_line = 16 };
    for (size_t i = 0; i < dimension; i += floats_per_line) __builtin_prefetch(row + i, 1);
}

bool ckernels_prefetch_rows(CParameters parameters, const CTable *tables, const uint32_t *rows,
                            size_t count, size_t dimension) {
    if (!has_rows(tables, rows, count)) return false;
    for (size_t i = 0; i < count; ++i) {
        CParameters row = advanced(parameters, tables[i].offset + rows[i] * dimension);
        prefetch(row.weights, dimension);
        if (row.first) prefetch(row.first, dimension);
        if (row.second) prefetch(row.second, dimension);
    }
    return true;
}

bool ckernels_prefetch_pooled_rows(CParameters parameters, CTable table, const uint32_t *rows,
                                   size_t count, size_t dimension) {
    if (!has_pooled_rows(table, rows, count)) return false;
    for (size_t i = 0; i < count; ++i) {
        ckernels_prefetch_rows(parameters, &table, rows + i, 1, dimension);
    }
    return true;
}

bool ckernels_copy_rows(CKernelPath path, const float *parameters, const CTable *tables,
                        const uint32_t *rows, float *output, size_t count, size_t dimension) {
    if (!has_rows(tables, rows, count)) return false;
    DISPATCH(copy_rows, parameters, tables, rows, output, count, dimension)
    return true;
}

bool ckernels_update_rows(CKernelPath path, const CUpdateRule *rule, CParameters parameters,
                          const CTable *tables, const uint32_t *rows, const float *gradient,
                          size_t count, size_t dimension) {
    if (!has_rows(tables, rows, count)) return false;
    DISPATCH(update_rows, rule, parameters, tables, rows, gradient, count, dimension)
    return true;
}

bool ckernels_pool_rows(CKernelPath path, const float *parameters, CTable table,
                        const uint32_t *rows, float scale, float *output, size_t count,
                        size_t dimension) {
    if (!has_pooled_rows(table, rows, count)) return false;
    DISPATCH(pool_rows, parameters, table, rows, scale, output, count, dimension)
    return true;
}

bool ckernels_update_pooled_rows(CKernelPath path, const CUpdateRule *rule, CParameters parameters,
                                 CTable table, const uint32_t *rows, const float *scales,
                                 const float *gradient, size_t count, size_t dimension) {
    if (!has_pooled_rows(table, rows, count)) return false;
    DISPATCH(update_pooled_rows, rule, parameters, table, rows, scales, gradient, count, dimension)
    return true;
}

void ckernels_forward(CKernelPath path, const CDenseLayer *layer, const float *input,
                      float *output) {
    DISPATCH(forward, layer, input, output)
}

void ckernels_forward_pair(CKernelPath path, const CDenseLayer *layer, const float *a,
                           const float *b, float *output_a, float *output_b) {
    DISPATCH(forward_pair, layer, a, b, output_a, output_b)
}

void ckernels_backward(CKernelPath path, const CUpdateRule *rule, const CDenseLayer *layer,
                       const float *input, const float *output, float *d_output, float *d_input) {
    DISPATCH(backward, rule, layer, input, output, d_output, d_input)
}

void ckernels_mix(CKernelPath path, const float *experts, const float *gate, float *mixture,
                  size_t count, size_t size) {
    DISPATCH(mix, experts, gate, mixture, count, size)
}

void ckernels_mix_backward(CKernelPath path, const float *experts, const float *gate,
                           const float *d_mixture, float *d_experts, float *d_gate, size_t count,
                           size_t size) {
    DISPATCH(mix_backward, experts, gate, d_mixture, d_experts, d_gate, count, size)
}
