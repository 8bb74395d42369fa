// The loops in which nearly all of the training time goes: dense layers and parameter updates.
//
// Every function takes the path to run on: AVX2 with FMA, or portable C that gives the same results
// to rounding. All matrices are row-major [outputs, inputs]. No pointer needs any alignment, no
// array is read or written beyond its stated size, and the arrays of one call do not overlap.

#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum __attribute__((enum_extensibility(closed))) CKernelPath {
    CKernelPathPortable,
    CKernelPathAVX2,
} CKernelPath;

typedef enum __attribute__((enum_extensibility(closed))) CUpdateMethod {
    CUpdateMethodSGD,
    CUpdateMethodAdagrad,
    CUpdateMethodFTRL,
} CUpdateMethod;

// How a weight w moves by its gradient g, `rate` being the learning rate:
//   SGD      w -= rate g
//   Adagrad  n = min(n + g^2, accumulator_max), w -= rate g / sqrt(n + epsilon)
//   FTRL     z += g - (sqrt(n + g^2) - sqrt(n)) / rate * w, n += g^2,
//            w = |z| <= l1 ? 0 : -(z - sign(z) l1) / ((beta + sqrt(n)) / rate + l2)
typedef struct CUpdateRule {
    CUpdateMethod method;
    float rate;
    float epsilon;
    float accumulator_max;
    float beta;
    float l1;
    float l2;
} CUpdateRule;

// Weights and their optimizer state, all of one size. SGD uses neither state, Adagrad has n in
// `first`, FTRL has z in `first` and n in `second`.
typedef struct CParameters {
    float *weights;
    float *first;
    float *second;
} CParameters;

// Whether this processor can run the path.
bool ckernels_supports(CKernelPath path);

// A checksum of the processor's approximate reciprocal square root. Processors of different makers
// approximate differently, so that Adagrad on AVX2 is the same to the bit only where this is.
uint32_t ckernels_reciprocal_root_signature(void);

// Asks for the first bytes of weights and state to be brought to the cache.
static inline void ckernels_prefetch(CParameters parameters) {
    __builtin_prefetch(parameters.weights, 1);
    if (parameters.first) __builtin_prefetch(parameters.first, 1);
    if (parameters.second) __builtin_prefetch(parameters.second, 1);
}

// output = weights input + bias; `bias` may be NULL.
void ckernels_multiply(CKernelPath path, const float *weights, const float *bias,
                       const float *input, float *output, size_t outputs, size_t inputs);

// The backward pass of output = weights input and the update, in one pass over the weights. Per row:
// d_input += d_output[row] * row, then the row moves by the gradient d_output[row] * input.
// Rows whose d_output is exactly 0 are skipped.
void ckernels_backward(CKernelPath path, const CUpdateRule *rule, CParameters parameters,
                       const float *input, const float *d_output, float *d_input,
                       size_t outputs, size_t inputs);

// Moves `count` weights by the gradient scale * gradient.
void ckernels_update(CKernelPath path, const CUpdateRule *rule, CParameters parameters,
                     const float *gradient, float scale, size_t count);

// sum += scale * values
void ckernels_add_scaled(CKernelPath path, float *sum, const float *values, float scale,
                         size_t count);

// values = max(values, 0); a NaN stays one.
void ckernels_relu(CKernelPath path, float *values, size_t count);

// d_values = 0 where the ReLU's output is not positive.
void ckernels_relu_backward(CKernelPath path, float *d_values, const float *outputs, size_t count);

#endif
