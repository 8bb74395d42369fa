// The loops in which nearly all of the training time goes: embedding rows, dense layers, the mixture
// of experts, and the updates of all of them.
//
// Every function takes the path to run on: AVX2 with FMA, portable C that gives the same results to
// rounding, or scalar C, which says what is meant and is what the others are held against. All
// matrices are row-major [outputs, inputs]. No pointer needs any alignment, no array is read or
// written beyond its stated size, and the arrays of one call do not overlap.

#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum __attribute__((enum_extensibility(closed))) CKernelPath {
    CKernelPathScalar,
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

// output = relu(weights input + bias), with or without bias and ReLU.
typedef struct CDenseLayer {
    CParameters weights;  // [outputs, inputs]
    CParameters bias;     // [outputs]; its weights are NULL if there is none
    size_t outputs;
    size_t inputs;
    bool has_relu;
} CDenseLayer;

// An embedding table [rows, dimension] among the parameters, from `offset` on.
typedef struct CTable {
    size_t offset;
    size_t rows;
} CTable;

// Whether this processor can run the path.
bool ckernels_supports(CKernelPath path);

// A checksum of the processor's approximate reciprocal square root. Processors of different makers
// approximate differently, so that Adagrad on AVX2 is the same to the bit only where this is.
uint32_t ckernels_reciprocal_root_signature(void);

// Asks for row rows[i] of tables[i] to be brought to the cache, with its optimizer state.
// Returns whether every row is in its table; only those are asked for.
bool ckernels_prefetch_rows(CParameters parameters, const CTable *tables, const uint32_t *rows,
                            size_t count, size_t dimension);

// Likewise of rows of one table.
bool ckernels_prefetch_pooled_rows(CParameters parameters, CTable table, const uint32_t *rows,
                                   size_t count, size_t dimension);

// output[i, :] = row rows[i] of tables[i]. Returns false, and does nothing, unless every row is in
// its table; so do the next three.
bool ckernels_copy_rows(CKernelPath path, const float *parameters, const CTable *tables,
                        const uint32_t *rows, float *output, size_t count, size_t dimension);

// Row rows[i] of tables[i], which are different tables, moves by gradient[i, :].
bool ckernels_update_rows(CKernelPath path, const CUpdateRule *rule, CParameters parameters,
                          const CTable *tables, const uint32_t *rows, const float *gradient,
                          size_t count, size_t dimension);

// output = scale * the sum of the rows of one table.
bool ckernels_pool_rows(CKernelPath path, const float *parameters, CTable table,
                        const uint32_t *rows, float scale, float *output, size_t count,
                        size_t dimension);

// Row rows[i] of one table moves by scales[i] * gradient; the rows differ.
bool ckernels_update_pooled_rows(CKernelPath path, const CUpdateRule *rule, CParameters parameters,
                                 CTable table, const uint32_t *rows, const float *scales,
                                 const float *gradient, size_t count, size_t dimension);

// The layer's output. A NaN stays one.
void ckernels_forward(CKernelPath path, const CDenseLayer *layer, const float *input,
                      float *output);

// Two outputs of a layer from two inputs, in one pass over the weights; the same as
// `ckernels_forward` of each, to the bit.
void ckernels_forward_pair(CKernelPath path, const CDenseLayer *layer, const float *a,
                           const float *b, float *output_a, float *output_b);

// The backward pass of a layer and its update, in one pass over the weights: d_output becomes 0
// where a ReLU is closed; then for each row of the weights d_input += d_output[row] * row, and the
// row moves by the gradient d_output[row] * input, its bias by d_output[row].
// A row whose d_output is 0 is not touched, but on the scalar path.
void ckernels_backward(CKernelPath path, const CUpdateRule *rule, const CDenseLayer *layer,
                       const float *input, const float *output, float *d_output, float *d_input);

// mixture = sum over i of gate[i] * experts[i, :], experts being [count, size].
void ckernels_mix(CKernelPath path, const float *experts, const float *gate, float *mixture,
                  size_t count, size_t size);

// d_gate[i] += experts[i, :] . d_mixture, d_experts[i, :] += gate[i] * d_mixture.
void ckernels_mix_backward(CKernelPath path, const float *experts, const float *gate,
                           const float *d_mixture, float *d_experts, float *d_gate, size_t count,
                           size_t size);

#endif
