#include "paths.h"

#if HAS_AVX2_PATH
#define DISPATCH(name, ...)                                                                        \
    if (path == CKernelPathAVX2) {                                                                 \
        avx2_##name(__VA_ARGS__);                                                                  \
    } else {                                                                                       \
        portable_##name(__VA_ARGS__);                                                              \
    }
#else
#define DISPATCH(name, ...)                                                                        \
    (void)path;                                                                                    \
    portable_##name(__VA_ARGS__);
#endif

bool ckernels_supports(CKernelPath path) {
    if (path == CKernelPathPortable) return true;
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

void ckernels_multiply(CKernelPath path, const float *weights, const float *bias,
                       const float *input, float *output, size_t outputs, size_t inputs) {
    DISPATCH(multiply, weights, bias, input, output, outputs, inputs)
}

void ckernels_backward(CKernelPath path, const CUpdateRule *rule, CParameters parameters,
                       const float *input, const float *d_output, float *d_input,
                       size_t outputs, size_t inputs) {
    DISPATCH(backward, rule, parameters, input, d_output, d_input, outputs, inputs)
}

void ckernels_update(CKernelPath path, const CUpdateRule *rule, CParameters parameters,
                     const float *gradient, float scale, size_t count) {
    DISPATCH(update, rule, parameters, gradient, scale, count)
}

void ckernels_add_scaled(CKernelPath path, float *sum, const float *values, float scale,
                         size_t count) {
    DISPATCH(add_scaled, sum, values, scale, count)
}

void ckernels_relu(CKernelPath path, float *values, size_t count) {
    DISPATCH(relu, values, count)
}

void ckernels_relu_backward(CKernelPath path, float *d_values, const float *outputs,
                            size_t count) {
    DISPATCH(relu_backward, d_values, outputs, count)
}
