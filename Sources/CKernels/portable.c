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

void portable_forward(const CDenseLayer *layer, const float *input, float *output) {
    const size_t inputs = layer->inputs;
    const float *bias = layer->bias.weights;
    for (size_t row = 0; row < layer->outputs; ++row) {
        float sum = dot(layer->weights.weights + row * inputs, input, inputs);
        sum += bias ? bias[row] : 0;
        output[row] = layer->has_relu && sum < 0 ? 0 : sum;
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

// Moves weights by the gradient scale * values.
ALWAYS_INLINE void update(const CUpdateMethod method, const CUpdateRule *shared, CParameters p,
                          const float *restrict values, float scale, size_t count) {
    // A copy, which no store can change.
    const CUpdateRule rule = *shared;
    float *restrict w = p.weights, *restrict first = p.first, *restrict second = p.second;
    switch (method) {
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

ALWAYS_INLINE void add_scaled(float *sum, const float *values, float scale, size_t count) {
    for (size_t i = 0; i < count; ++i) sum[i] += scale * values[i];
}

ALWAYS_INLINE void copy(float *to, const float *from, size_t count) {
    for (size_t i = 0; i < count; ++i) to[i] = from[i];
}

void portable_forward_pair(const CDenseLayer *layer, const float *a, const float *b, float *output_a,
                           float *output_b) {
    portable_forward(layer, a, output_a);
    portable_forward(layer, b, output_b);
}

void portable_backward(const CUpdateRule *rule, const CDenseLayer *layer, const float *input,
                       const float *output, float *d_output, float *d_input) {
    const size_t inputs = layer->inputs;
    for (size_t row = 0; row < layer->outputs; ++row) {
        if (layer->has_relu && !(output[row] > 0)) d_output[row] = 0;
        const float slope = d_output[row];
        if (slope == 0) continue;
        CParameters weights = advanced(layer->weights, row * inputs);
        add_scaled(d_input, weights.weights, slope, inputs);
#define UPDATE(method)                                                                             \
    update(method, rule, weights, input, slope, inputs);                                           \
    if (layer->bias.weights) update(method, rule, advanced(layer->bias, row), &slope, 1, 1)
        FOR_METHOD_OF(rule, UPDATE)
#undef UPDATE
    }
}

#define PATH(name) portable_##name
#include "rows.inc"
#include "mixture.inc"
