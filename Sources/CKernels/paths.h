// One declaration of every kernel for each path.

#ifndef PATHS_H
#define PATHS_H

#include "CKernels.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#define DECLARE_KERNELS(path)                                                                      \
    void path##_multiply(const float *weights, const float *bias, const float *input,              \
                         float *output, size_t outputs, size_t inputs);                            \
    void path##_backward(const CUpdateRule *rule, CParameters parameters, const float *input,      \
                         const float *d_output, float *d_input, size_t outputs, size_t inputs);    \
    void path##_update(const CUpdateRule *rule, CParameters parameters, const float *gradient,     \
                       float scale, size_t count);                                                 \
    void path##_add_scaled(float *sum, const float *values, float scale, size_t count);            \
    void path##_relu(float *values, size_t count);                                                 \
    void path##_relu_backward(float *d_values, const float *outputs, size_t count);

DECLARE_KERNELS(portable)

#if defined(__x86_64__)
#define HAS_AVX2_PATH 1
DECLARE_KERNELS(avx2)
uint32_t avx2_reciprocal_root_signature(void);
#else
#define HAS_AVX2_PATH 0
#endif

#endif
