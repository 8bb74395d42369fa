// The kernels for AVX2 with FMA, 8 floats at a time. The last few of an array go through masked
// loads and stores, so that no size needs padding.

#include "paths.h"

#if HAS_AVX2_PATH

#include <float.h>
#include <immintrin.h>
#include <string.h>

// SGD's update is 10 % faster as a product and then a difference than in the fused form: the compiler
// must not fuse them. Sums of products, and Adagrad's update, which has products enough, are fused by hand.
#pragma clang fp contract(off)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2"))), apply_to = function)

enum {
    lanes = 8,
    vectors_max = 2,
    forward_group = 8,
    pair_group = 4,
    backward_group = 4,
    gathered_max = 512,
};

static const int32_t mask_bits[2 * lanes] = {-1, -1, -1, -1, -1, -1, -1, -1};

// All ones in the first `count` lanes.
ALWAYS_INLINE __m256i first_lanes(size_t count) {
    return _mm256_loadu_si256((const __m256i *)(mask_bits + lanes - count));
}

// 8 floats, or those that the mask names if this is the end of the array.
ALWAYS_INLINE __m256 load(const float *p, bool is_end, __m256i mask) {
    return is_end ? _mm256_maskload_ps(p, mask) : _mm256_loadu_ps(p);
}

ALWAYS_INLINE void store(float *p, __m256 value, bool is_end, __m256i mask) {
    if (is_end) {
        _mm256_maskstore_ps(p, mask, value);
    } else {
        _mm256_storeu_ps(p, value);
    }
}

// The sums of each of four vectors.
ALWAYS_INLINE __m128 sums(__m256 a, __m256 b, __m256 c, __m256 d) {
    __m256 quarters = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    return _mm_add_ps(_mm256_castps256_ps128(quarters), _mm256_extractf128_ps(quarters, 1));
}

typedef struct Constants {
    __m256 rate, half_rate, epsilon, accumulator_max, inverse_rate, beta, l1, l2;
} Constants;

ALWAYS_INLINE Constants constants(const CUpdateRule *rule) {
    return (Constants){
        .rate = _mm256_set1_ps(rule->rate),
        .half_rate = _mm256_set1_ps(0.5f * rule->rate),
        .epsilon = _mm256_set1_ps(rule->epsilon),
        .accumulator_max = _mm256_set1_ps(rule->accumulator_max),
        .inverse_rate = _mm256_set1_ps(1 / rule->rate),
        .beta = _mm256_set1_ps(rule->beta),
        .l1 = _mm256_set1_ps(rule->l1),
        .l2 = _mm256_set1_ps(rule->l2),
    };
}

// n + g^2, and rate g times 1 / sqrt(n + epsilon): of that the processor's 12 bits y
// and one Newton step, y (3 - v y^2) / 2, within 3e-7; the half is in `half_rate`.
ALWAYS_INLINE __m256 adagrad(const Constants *c, __m256 w, __m256 g, float *n, bool is_end,
                             __m256i mask) {
    __m256 sum = _mm256_fmadd_ps(g, g, load(n, is_end, mask));
    sum = _mm256_min_ps(sum, c->accumulator_max);
    store(n, sum, is_end, mask);
    __m256 v = _mm256_add_ps(sum, c->epsilon);
    __m256 y = _mm256_rsqrt_ps(v);
    __m256 correction = _mm256_fnmadd_ps(_mm256_mul_ps(v, y), y, _mm256_set1_ps(3));
    __m256 step = _mm256_mul_ps(_mm256_mul_ps(c->half_rate, g), y);
    return _mm256_fnmadd_ps(step, correction, w);
}

// sqrt(n + g^2) - sqrt(n) as g^2 / (sqrt(n + g^2) + sqrt(n)), which does not cancel.
ALWAYS_INLINE __m256 ftrl(const Constants *c, __m256 w, __m256 g, float *z, float *n, bool is_end,
                          __m256i mask) {
    __m256 square = _mm256_mul_ps(g, g);
    __m256 before = load(n, is_end, mask);
    __m256 sum = _mm256_add_ps(before, square);
    __m256 root = _mm256_sqrt_ps(sum);
    __m256 roots = _mm256_max_ps(_mm256_add_ps(root, _mm256_sqrt_ps(before)),
                                 _mm256_set1_ps(FLT_MIN));
    __m256 sigma = _mm256_div_ps(square, _mm256_mul_ps(c->rate, roots));
    store(n, sum, is_end, mask);
    __m256 moved = _mm256_add_ps(load(z, is_end, mask),
                                 _mm256_sub_ps(g, _mm256_mul_ps(sigma, w)));
    store(z, moved, is_end, mask);
    __m256 sign = _mm256_and_ps(moved, _mm256_set1_ps(-0.0f));
    __m256 beyond = _mm256_sub_ps(_mm256_xor_ps(moved, sign), c->l1);
    __m256 denominator =
        _mm256_add_ps(_mm256_mul_ps(_mm256_add_ps(c->beta, root), c->inverse_rate), c->l2);
    __m256 size = _mm256_div_ps(beyond, denominator);
    __m256 opposite = _mm256_xor_ps(sign, _mm256_set1_ps(-0.0f));
    __m256 is_zero = _mm256_cmp_ps(beyond, _mm256_setzero_ps(), _CMP_LE_OQ);
    return _mm256_andnot_ps(is_zero, _mm256_xor_ps(size, opposite));
}

// 8 weights moved by the gradient slope * x. The rate goes to the slope, which a whole row shares.
ALWAYS_INLINE __m256 moved(const CUpdateMethod method, const Constants *c, __m256 w, __m256 x,
                           __m256 slope, CParameters p, size_t i, bool is_end, __m256i mask) {
    if (method == CUpdateMethodSGD) {
        return _mm256_sub_ps(w, _mm256_mul_ps(_mm256_mul_ps(c->rate, slope), x));
    }
    __m256 g = _mm256_mul_ps(slope, x);
    if (method == CUpdateMethodAdagrad) return adagrad(c, w, g, p.first + i, is_end, mask);
    return ftrl(c, w, g, p.first + i, p.second + i, is_end, mask);
}

ALWAYS_INLINE void update(const CUpdateMethod method, const CUpdateRule *rule, CParameters p,
                          const float *gradient, float scale, size_t count) {
    Constants c = constants(rule);
    __m256 slope = _mm256_set1_ps(scale);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        __m256 w = _mm256_loadu_ps(p.weights + i);
        __m256 g = _mm256_loadu_ps(gradient + i);
        __m256 after = moved(method, &c, w, g, slope, p, i, false, _mm256_setzero_si256());
        _mm256_storeu_ps(p.weights + i, after);
    }
    if (i < count) {
        __m256i mask = first_lanes(count - i);
        __m256 w = _mm256_maskload_ps(p.weights + i, mask);
        __m256 g = _mm256_maskload_ps(gradient + i, mask);
        __m256 after = moved(method, &c, w, g, slope, p, i, true, mask);
        _mm256_maskstore_ps(p.weights + i, mask, after);
    }
}

// `count` rows (at most `forward_group`) at once, so that each load of the input serves all of them.
// Returns their sums of products, the absent ones 0.
ALWAYS_INLINE __m256 multiply_rows(const size_t count, const float *weights, const float *input,
                                   size_t inputs) {
    __m256 sum[forward_group];
    for (size_t row = 0; row < forward_group; ++row) sum[row] = _mm256_setzero_ps();
    size_t i = 0;
#pragma clang loop unroll_count(2)
    for (; i + lanes <= inputs; i += lanes) {
        __m256 x = _mm256_loadu_ps(input + i);
#pragma clang loop unroll(full)
        for (size_t row = 0; row < count; ++row) {
            sum[row] = _mm256_fmadd_ps(_mm256_loadu_ps(weights + row * inputs + i), x, sum[row]);
        }
    }
    if (i < inputs) {
        __m256i mask = first_lanes(inputs - i);
        __m256 x = _mm256_maskload_ps(input + i, mask);
#pragma clang loop unroll(full)
        for (size_t row = 0; row < count; ++row) {
            __m256 w = _mm256_maskload_ps(weights + row * inputs + i, mask);
            sum[row] = _mm256_fmadd_ps(w, x, sum[row]);
        }
    }
    return _mm256_set_m128(sums(sum[4], sum[5], sum[6], sum[7]),
                           sums(sum[0], sum[1], sum[2], sum[3]));
}

ALWAYS_INLINE __m256 activated(const CDenseLayer *layer, size_t row, __m256 sum, bool is_end,
                              __m256i mask) {
    if (layer->bias.weights) sum = _mm256_add_ps(sum, load(layer->bias.weights + row, is_end, mask));
    // The order of the operands lets a NaN through.
    return layer->has_relu ? _mm256_max_ps(_mm256_setzero_ps(), sum) : sum;
}

// The rows from `row` on that make no whole group.
static void forward_rest(const CDenseLayer *layer, const float *input, float *output, size_t row) {
    const size_t inputs = layer->inputs, left = layer->outputs - row;
    if (left == 0) return;
    float rest[forward_group] = {0};
    for (size_t k = 0; k < left; ++k) {
        __m256 one = multiply_rows(1, layer->weights.weights + (row + k) * inputs, input, inputs);
        rest[k] = _mm256_cvtss_f32(one);
    }
    const __m256i mask = first_lanes(left);
    __m256 result = activated(layer, row, _mm256_loadu_ps(rest), true, mask);
    _mm256_maskstore_ps(output + row, mask, result);
}

void avx2_forward(const CDenseLayer *layer, const float *input, float *output) {
    const size_t inputs = layer->inputs;
    size_t row = 0;
    for (; row + forward_group <= layer->outputs; row += forward_group) {
        __m256 sum =
            multiply_rows(forward_group, layer->weights.weights + row * inputs, input, inputs);
        sum = activated(layer, row, sum, false, _mm256_setzero_si256());
        _mm256_storeu_ps(output + row, sum);
    }
    forward_rest(layer, input, output, row);
}

// Four rows and two inputs at once: each load of a weight serves both.
ALWAYS_INLINE void multiply_pair(const float *weights, const float *a, const float *b,
                                 size_t inputs, __m128 *sum_a, __m128 *sum_b) {
    __m256 of_a[pair_group], of_b[pair_group];
    for (size_t row = 0; row < pair_group; ++row) of_a[row] = of_b[row] = _mm256_setzero_ps();
    size_t i = 0;
#define ADD(is_end, mask)                                                                          \
    __m256 in_a = load(a + i, is_end, mask), in_b = load(b + i, is_end, mask);                     \
    for (size_t row = 0; row < pair_group; ++row) {                                                \
        __m256 w = load(weights + row * inputs + i, is_end, mask);                                 \
        of_a[row] = _mm256_fmadd_ps(w, in_a, of_a[row]);                                           \
        of_b[row] = _mm256_fmadd_ps(w, in_b, of_b[row]);                                           \
    }
#pragma clang loop unroll_count(2)
    for (; i + lanes <= inputs; i += lanes) {
        ADD(false, _mm256_setzero_si256())
    }
    if (i < inputs) {
        const __m256i mask = first_lanes(inputs - i);
        ADD(true, mask)
    }
#undef ADD
    *sum_a = sums(of_a[0], of_a[1], of_a[2], of_a[3]);
    *sum_b = sums(of_b[0], of_b[1], of_b[2], of_b[3]);
}

// Each sum is added up in the order of `avx2_forward`, so that it is the same to the bit.
void avx2_forward_pair(const CDenseLayer *layer, const float *a, const float *b, float *output_a,
                       float *output_b) {
    const size_t inputs = layer->inputs;
    size_t row = 0;
    for (; row + forward_group <= layer->outputs; row += forward_group) {
        const float *weights = layer->weights.weights + row * inputs;
        __m128 low_a, low_b, high_a, high_b;
        multiply_pair(weights, a, b, inputs, &low_a, &low_b);
        multiply_pair(weights + pair_group * inputs, a, b, inputs, &high_a, &high_b);
        const __m256i none = _mm256_setzero_si256();
        __m256 sum_a = _mm256_set_m128(high_a, low_a), sum_b = _mm256_set_m128(high_b, low_b);
        _mm256_storeu_ps(output_a + row, activated(layer, row, sum_a, false, none));
        _mm256_storeu_ps(output_b + row, activated(layer, row, sum_b, false, none));
    }
    forward_rest(layer, a, output_a, row);
    forward_rest(layer, b, output_b, row);
}

// `vectors` times 8 columns of `count` rows that start at `starts`.
ALWAYS_INLINE void backward_columns(const CUpdateMethod method, const size_t count,
                                    const size_t vectors, const Constants *c, CParameters p,
                                    const size_t *starts, const __m256 *slopes, const float *input,
                                    float *d_input, size_t i, bool is_end, __m256i mask) {
    __m256 x[vectors_max], dx[vectors_max];
    for (size_t v = 0; v < vectors; ++v) {
        x[v] = load(input + i + v * lanes, is_end, mask);
        dx[v] = load(d_input + i + v * lanes, is_end, mask);
    }
#pragma clang loop unroll(full)
    for (size_t row = 0; row < count; ++row) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; ++v) {
            const size_t place = starts[row] + i + v * lanes;
            __m256 w = load(p.weights + place, is_end, mask);
            dx[v] = _mm256_fmadd_ps(slopes[row], w, dx[v]);
            __m256 after = moved(method, c, w, x[v], slopes[row], p, place, is_end, mask);
            store(p.weights + place, after, is_end, mask);
        }
    }
    for (size_t v = 0; v < vectors; ++v) store(d_input + i + v * lanes, dx[v], is_end, mask);
}

ALWAYS_INLINE void backward_rows(const CUpdateMethod method, const size_t count,
                                 const Constants *c, CParameters p, const size_t *rows,
                                 const float *input, const float *d_output, float *d_input,
                                 size_t inputs) {
    size_t starts[backward_group];
    __m256 slopes[backward_group];
    for (size_t row = 0; row < count; ++row) {
        starts[row] = rows[row] * inputs;
        slopes[row] = _mm256_set1_ps(d_output[rows[row]]);
    }
    // Whole cache lines of a row at once, where registers allow it.
    const size_t vectors = method == CUpdateMethodSGD ? vectors_max : 1;
    const __m256i none = _mm256_setzero_si256();
    size_t i = 0;
#pragma clang loop unroll_count(2)
    for (; i + vectors * lanes <= inputs; i += vectors * lanes) {
        backward_columns(method, count, vectors, c, p, starts, slopes, input, d_input, i, false,
                         none);
    }
    for (; i + lanes <= inputs; i += lanes) {
        backward_columns(method, count, 1, c, p, starts, slopes, input, d_input, i, false, none);
    }
    if (i < inputs) {
        backward_columns(method, count, 1, c, p, starts, slopes, input, d_input, i, true,
                         first_lanes(inputs - i));
    }
}

// Rows with a gradient are gathered, without a branch that would be mispredicted at every other row,
// and taken in groups, so that each load of the input and of its gradient serves several of them.
// The last row comes first: the forward pass has just read it, and the next one begins at the first.
ALWAYS_INLINE void backward(const CUpdateMethod method, const CUpdateRule *rule, CParameters p,
                            const float *input, const float *d_output, float *d_input,
                            size_t outputs, size_t inputs) {
    Constants c = constants(rule);
    size_t rows[gathered_max];
    for (size_t end = outputs; end > 0;) {
        size_t start = end < gathered_max ? 0 : end - gathered_max;
        size_t gathered = 0;
        for (size_t row = end; row > start; --row) {
            rows[gathered] = row - 1;
            gathered += d_output[row - 1] != 0;
        }
        size_t i = 0;
#define TAKE(count)                                                                                \
    for (; i + count <= gathered; i += count) {                                                    \
        backward_rows(method, count, &c, p, rows + i, input, d_output, d_input, inputs);           \
    }
        TAKE(backward_group)
        TAKE(2)
        TAKE(1)
#undef TAKE
        end = start;
    }
}

ALWAYS_INLINE void close(const float *output, float *d_output, size_t count) {
    for (size_t i = 0; i < count; ++i) d_output[i] = output[i] > 0 ? d_output[i] : 0;
}

// A weight that no gradient moves stays as it is, which is not so of FTRL's: the rows are chosen.
ALWAYS_INLINE void update_bias(const CUpdateMethod method, const CUpdateRule *rule,
                               const CDenseLayer *layer, const float *d_output) {
    if (!layer->bias.weights) return;
    if (method != CUpdateMethodFTRL) {
        return update(method, rule, layer->bias, d_output, 1, layer->outputs);
    }
    for (size_t row = 0; row < layer->outputs; ++row) {
        if (d_output[row] == 0) continue;
        update(method, rule, advanced(layer->bias, row), d_output + row, 1, 1);
    }
}

void avx2_backward(const CUpdateRule *rule, const CDenseLayer *layer, const float *input,
                   const float *output, float *d_output, float *d_input) {
    if (layer->has_relu) close(output, d_output, layer->outputs);
#define BACKWARD(method)                                                                           \
    update_bias(method, rule, layer, d_output);                                                    \
    backward(method, rule, layer->weights, input, d_output, d_input, layer->outputs, layer->inputs)
    FOR_METHOD_OF(rule, BACKWARD)
#undef BACKWARD
}

ALWAYS_INLINE void add_scaled(float *sum, const float *values, float scale, size_t count) {
    __m256 factor = _mm256_set1_ps(scale);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        __m256 more = _mm256_fmadd_ps(factor, _mm256_loadu_ps(values + i), _mm256_loadu_ps(sum + i));
        _mm256_storeu_ps(sum + i, more);
    }
    if (i < count) {
        __m256i mask = first_lanes(count - i);
        __m256 more = _mm256_fmadd_ps(factor, _mm256_maskload_ps(values + i, mask),
                                      _mm256_maskload_ps(sum + i, mask));
        _mm256_maskstore_ps(sum + i, mask, more);
    }
}

ALWAYS_INLINE void copy(float *to, const float *from, size_t count) {
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) _mm256_storeu_ps(to + i, _mm256_loadu_ps(from + i));
    if (i < count) {
        __m256i mask = first_lanes(count - i);
        _mm256_maskstore_ps(to + i, mask, _mm256_maskload_ps(from + i, mask));
    }
}

#define PATH(name) avx2_##name
#include "rows.inc"

// 8 numbers of the mixture.
ALWAYS_INLINE void mix_columns(const float *experts, const float *gate, float *mixture,
                               size_t count, size_t size, size_t i, bool is_end, __m256i mask) {
    __m256 sum = _mm256_setzero_ps();
    for (size_t expert = 0; expert < count; ++expert) {
        __m256 values = load(experts + expert * size + i, is_end, mask);
        sum = _mm256_fmadd_ps(_mm256_set1_ps(gate[expert]), values, sum);
    }
    store(mixture + i, sum, is_end, mask);
}

void avx2_mix(const float *experts, const float *gate, float *mixture, size_t count, size_t size) {
    size_t i = 0;
    for (; i + lanes <= size; i += lanes) {
        mix_columns(experts, gate, mixture, count, size, i, false, _mm256_setzero_si256());
    }
    if (i < size) {
        mix_columns(experts, gate, mixture, count, size, i, true, first_lanes(size - i));
    }
}

// An expert's product with the gradient, and its share of it, in one pass.
void avx2_mix_backward(const float *experts, const float *gate, const float *d_mixture,
                       float *d_experts, float *d_gate, size_t count, size_t size) {
    const __m256 zero = _mm256_setzero_ps();
    for (size_t expert = 0; expert < count; ++expert) {
        const float *values = experts + expert * size;
        float *gradient = d_experts + expert * size;
        const __m256 share = _mm256_set1_ps(gate[expert]);
        __m256 sum = zero;
#define TAKE(is_end, mask)                                                                         \
    __m256 d = load(d_mixture + i, is_end, mask);                                                  \
    sum = _mm256_fmadd_ps(load(values + i, is_end, mask), d, sum);                                 \
    store(gradient + i, _mm256_fmadd_ps(share, d, load(gradient + i, is_end, mask)), is_end, mask);
        size_t i = 0;
#pragma clang loop unroll_count(4)
        for (; i + lanes <= size; i += lanes) {
            TAKE(false, _mm256_setzero_si256())
        }
        if (i < size) {
            const __m256i mask = first_lanes(size - i);
            TAKE(true, mask)
        }
#undef TAKE
        d_gate[expert] += _mm_cvtss_f32(sums(sum, zero, zero, zero));
    }
}

// FNV-1a over the approximations of 2^13 numbers in [1, 4), which cover what the instruction sees
// of a mantissa and of the exponent's parity.
uint32_t avx2_reciprocal_root_signature(void) {
    uint32_t hash = 2166136261u;
    for (uint32_t step = 0; step < 1u << 13; ++step) {
        float value = (step & 1 ? 2.0f : 1.0f) * (1 + (float)(step >> 1) / 4096);
        float root = _mm_cvtss_f32(_mm_rsqrt_ss(_mm_set_ss(value)));
        uint32_t bits;
        memcpy(&bits, &root, sizeof bits);
        hash = (hash ^ bits) * 16777619u;
    }
    return hash;
}

#pragma clang attribute pop

#endif
