// The kernels as plain loops. Their fixed groups of 8 let any compiler use the vectors it has
// without being allowed to reorder a sum.

#include "paths.h"

#include <float.h>
#include <math.h>

#pragma clang fp contract(off)

enum { lanes = 8 };

// Unlike sqrtf it sets no errno, so that loops over it can be vectorized.
ALWAYS_INLINE float square_root(float value) { return __builtin_elementwise_sqrt(value); }

ALWAYS_INLINE float dot(const float *a, const float *b, size_t count) {
    float sums[lanes] = {0};
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        for (size_t lane = 0; lane < lanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
    }
    for (size_t lane = 0; i + lane < count; ++lane) sums[lane] += a[i + lane] * b[i + lane];
    for (size_t half = lanes / 2; half > 0; half /= 2) {
        for (size_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
    }
    return sums[0];
}

void portable_multiply(const float *weights, const float *bias, const float *input, float *output,
                       size_t outputs, size_t inputs) {
    for (size_t row = 0; row < outputs; ++row) {
        output[row] = dot(weights + row * inputs, input, inputs) + (bias ? bias[row] : 0);
    }
}

ALWAYS_INLINE void sgd(const CUpdateRule rule, float *w, float g) { *w -= rule.rate * g; }

ALWAYS_INLINE void adagrad(const CUpdateRule rule, float *w, float *n, float g) {
    float sum = *n + g * g;
    sum = sum < rule.accumulator_max ? sum : rule.accumulator_max;
    *n = sum;
    *w -= rule.rate * g / square_root(sum + rule.epsilon);
}

// sqrt(n + g^2) - sqrt(n) as g^2 / (sqrt(n + g^2) + sqrt(n)), which does not cancel.
ALWAYS_INLINE void ftrl(const CUpdateRule rule, float *w, float *z, float *n, float g) {
    float square = g * g;
    float sum = *n + square;
    float root = square_root(sum);
    float roots = root + square_root(*n);
    float sigma = square / (rule.rate * (roots > FLT_MIN ? roots : FLT_MIN));
    *n = sum;
    *z += g - sigma * *w;
    float beyond = fabsf(*z) - rule.l1;
    float denominator = (rule.beta + root) / rule.rate + rule.l2;
    *w = beyond <= 0 ? 0 : -copysignf(beyond, *z) / denominator;
}

// Moves weights by the gradient scale * values. The rule is a copy, which no store can change.
ALWAYS_INLINE void update(const CUpdateRule rule, CParameters p, const float *restrict values,
                          float scale, size_t count) {
    float *restrict w = p.weights, *restrict first = p.first, *restrict second = p.second;
    switch (rule.method) {
    case CUpdateMethodSGD:
        for (size_t i = 0; i < count; ++i) sgd(rule, w + i, scale * values[i]);
        break;
    case CUpdateMethodAdagrad:
        for (size_t i = 0; i < count; ++i) adagrad(rule, w + i, first + i, scale * values[i]);
        break;
    case CUpdateMethodFTRL:
        for (size_t i = 0; i < count; ++i) {
            ftrl(rule, w + i, first + i, second + i, scale * values[i]);
        }
        break;
    }
}

void portable_backward(const CUpdateRule *rule, CParameters parameters, const float *input,
                       const float *d_output, float *d_input, size_t outputs, size_t inputs) {
    bool has_first = rule->method != CUpdateMethodSGD;
    bool has_second = rule->method == CUpdateMethodFTRL;
    for (size_t row = 0; row < outputs; ++row) {
        if (d_output[row] == 0) continue;
        size_t start = row * inputs;
        CParameters weights = {parameters.weights + start,
                               has_first ? parameters.first + start : NULL,
                               has_second ? parameters.second + start : NULL};
        portable_add_scaled(d_input, weights.weights, d_output[row], inputs);
        update(*rule, weights, input, d_output[row], inputs);
    }
}

void portable_update(const CUpdateRule *rule, CParameters parameters, const float *gradient,
                     float scale, size_t count) {
    update(*rule, parameters, gradient, scale, count);
}

void portable_add_scaled(float *sum, const float *values, float scale, size_t count) {
    for (size_t i = 0; i < count; ++i) sum[i] += scale * values[i];
}

void portable_relu(float *values, size_t count) {
    for (size_t i = 0; i < count; ++i) values[i] = values[i] < 0 ? 0 : values[i];
}

void portable_relu_backward(float *d_values, const float *outputs, size_t count) {
    for (size_t i = 0; i < count; ++i) d_values[i] = outputs[i] > 0 ? d_values[i] : 0;
}
