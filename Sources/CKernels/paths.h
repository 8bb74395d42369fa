// One declaration of every kernel for each path.

#ifndef PATHS_H
#define PATHS_H

#include "CKernels.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#define DECLARE_KERNELS(path)                                                                      \
    void path##_copy_rows(const float *parameters, const CTable *tables, const uint32_t *rows,     \
                          float *output, size_t count, size_t dimension);                          \
    void path##_update_rows(const CUpdateRule *rule, CParameters parameters, const CTable *tables, \
                            const uint32_t *rows, const float *gradient, size_t count,             \
                            size_t dimension);                                                     \
    void path##_pool_rows(const float *parameters, CTable table, const uint32_t *rows,             \
                          float scale, float *output, size_t count, size_t dimension);             \
    void path##_update_pooled_rows(const CUpdateRule *rule, CParameters parameters, CTable table,  \
                                   const uint32_t *rows, const float *scales,                      \
                                   const float *gradient, size_t count, size_t dimension);         \
    void path##_forward(const CDenseLayer *layer, const float *input, float *output);              \
    void path##_forward_pair(const CDenseLayer *layer, const float *a, const float *b,             \
                             float *output_a, float *output_b);                                    \
    void path##_backward(const CUpdateRule *rule, const CDenseLayer *layer, const float *input,    \
                         const float *output, float *d_output, float *d_input);                    \
    void path##_mix(const float *experts, const float *gate, float *mixture, size_t count,         \
                    size_t size);                                                                  \
    void path##_mix_backward(const float *experts, const float *gate, const float *d_mixture,      \
                             float *d_experts, float *d_gate, size_t count, size_t size);

DECLARE_KERNELS(scalar)
DECLARE_KERNELS(portable)

#if defined(__x86_64__)
#define HAS_AVX2_PATH 1
DECLARE_KERNELS(avx2)
uint32_t avx2_reciprocal_root_signature(void);
#else
#define HAS_AVX2_PATH 0
#endif

// A rule's method as a constant, so that each has a loop of its own.
#define FOR_METHOD_OF(rule, CALL)                                                                  \
    switch ((rule)->method) {                                                                      \
    case CUpdateMethodSGD: CALL(CUpdateMethodSGD); break;                                          \
    case CUpdateMethodAdagrad: CALL(CUpdateMethodAdagrad); break;                                  \
    case CUpdateMethodFTRL: CALL(CUpdateMethodFTRL); break;                                        \
    }

// The parameters from `offset` on.
ALWAYS_INLINE CParameters advanced(CParameters p, size_t offset) {
    return (CParameters){p.weights + offset, p.first ? p.first + offset : NULL,
                         p.second ? p.second + offset : NULL};
}

#endif
