// The kernels one number at a time, as their definitions say: the slow reference that the others are
// held against, and what their speed is measured by.

#include "paths.h"

#include <math.h>

#pragma clang fp contract(off)

#define ONE_BY_ONE _Pragma("clang loop vectorize(disable) interleave(disable) unroll(disable)")

ALWAYS_INLINE float dot(const float *a, const float *b, size_t count) {
    float sum = 0;
    ONE_BY_ONE
    for (size_t i = 0; i < count; ++i) sum += a[i] * b[i];
    return sum;
}

ALWAYS_INLINE void add_scaled(float *sum, const float *values, float scale, size_t count) {
    ONE_BY_ONE
    for (size_t i = 0; i < count; ++i) sum[i] += scale * values[i];
}

ALWAYS_INLINE void copy(float *to, const float *from, size_t count) {
    ONE_BY_ONE
    for (size_t i = 0; i < count; ++i) to[i] = from[i];
}

ALWAYS_INLINE void update_one(const CUpdateMethod method, const CUpdateRule *rule, CParameters p,
                              float g) {
    switch (method) {
    case CUpdateMethodSGD: *p.weights -= rule->rate * g; break;
    case CUpdateMethodAdagrad:
        *p.first = fminf(*p.first + g * g, rule->accumulator_max);
        *p.weights -= rule->rate * g / sqrtf(*p.first + rule->epsilon);
        break;
    case CUpdateMethodFTRL: {
        // sqrt(n + g^2) - sqrt(n) as g^2 / (sqrt(n + g^2) + sqrt(n)), which does not cancel.
        float before = sqrtf(*p.second);
        *p.second += g * g;
        float root = sqrtf(*p.second);
        float sigma = g == 0 ? 0 : g * g / (rule->rate * (root + before));
        *p.first += g - sigma * *p.weights;
        float beyond = fabsf(*p.first) - rule->l1;
        float denominator = (rule->beta + root) / rule->rate + rule->l2;
        *p.weights = beyond <= 0 ? 0 : -copysignf(beyond, *p.first) / denominator;
        break;
    }
    }
}

ALWAYS_INLINE void update(const CUpdateMethod method, const CUpdateRule *rule, CParameters p,
                          const float *gradient, float scale, size_t count) {
    ONE_BY_ONE
    for (size_t i = 0; i < count; ++i) {
        update_one(method, rule, advanced(p, i), scale * gradient[i]);
    }
}

void scalar_forward(const CDenseLayer *layer, const float *input, float *output) {
    const size_t inputs = layer->inputs;
    for (size_t row = 0; row < layer->outputs; ++row) {
        float sum = dot(layer->weights.weights + row * inputs, input, inputs);
        if (layer->bias.weights) sum += layer->bias.weights[row];
        output[row] = layer->has_relu && sum < 0 ? 0 : sum;
    }
}

void scalar_forward_pair(const CDenseLayer *layer, const float *a, const float *b, float *output_a,
                         float *output_b) {
    scalar_forward(layer, a, output_a);
    scalar_forward(layer, b, output_b);
}

void scalar_backward(const CUpdateRule *rule, const CDenseLayer *layer, const float *input,
                     const float *output, float *d_output, float *d_input) {
    const size_t inputs = layer->inputs;
    for (size_t row = 0; row < layer->outputs; ++row) {
        if (layer->has_relu && !(output[row] > 0)) d_output[row] = 0;
        const float slope = d_output[row];
        CParameters weights = advanced(layer->weights, row * inputs);
        add_scaled(d_input, weights.weights, slope, inputs);
#define UPDATE(method)                                                                             \
    update(method, rule, weights, input, slope, inputs);                                           \
    if (layer->bias.weights) update(method, rule, advanced(layer->bias, row), &slope, 1, 1)
        FOR_METHOD_OF(rule, UPDATE)
#undef UPDATE
    }
}

#define PATH(name) scalar_##name
#include "rows.inc"
#include "mixture.inc"
