// One dense layer trained by one thread, or its rows divided between two that spin for each other.

#include "CBenchmark.h"
#include "CKernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { rounds_per_event = 2, alignment = 64 };

typedef struct Half {
    CKernelPath path;
    CDenseLayer layer;
    const float *input;
    float *output, *d_output, *d_input;
} Half;

typedef struct Shared {
    Half half;
    size_t rounds;
    // Counts of the rounds begun and finished, each alone in its cache line.
    _Alignas(alignment) _Atomic size_t begun;
    _Alignas(alignment) _Atomic size_t finished;
} Shared;

static void work(Half *half, size_t round) {
    const CUpdateRule rule = {.method = CUpdateMethodSGD, .rate = 1e-6f};
    if (round % rounds_per_event == 0) {
        ckernels_forward(half->path, &half->layer, half->input, half->output);
        return;
    }
    // About half of the rows have a gradient.
    for (size_t row = 0; row < half->layer.outputs; ++row) half->d_output[row] = 0.5f * (row & 1);
    ckernels_backward(half->path, &rule, &half->layer, half->input, half->output, half->d_output,
                      half->d_input);
}

static void *help(void *argument) {
    Shared *shared = argument;
    for (size_t round = 0; round < shared->rounds; ++round) {
        while (atomic_load_explicit(&shared->begun, memory_order_acquire) <= round) {}
        work(&shared->half, round);
        atomic_store_explicit(&shared->finished, round + 1, memory_order_release);
    }
    return NULL;
}

static float *floats(size_t count, float value) {
    size_t bytes = (count * sizeof(float) + alignment - 1) / alignment * alignment;
    float *values = aligned_alloc(alignment, bytes);
    for (size_t i = 0; values && i < count; ++i) values[i] = value;
    return values;
}

static Half make_half(CKernelPath path, size_t outputs, size_t inputs) {
    Half half = {.path = path, .layer = {.outputs = outputs, .inputs = inputs}};
    half.layer.weights.weights = floats(outputs * inputs, 0.01f);
    half.input = floats(inputs, 0.1f);
    half.output = floats(outputs, 0);
    half.d_output = floats(outputs, 0);
    half.d_input = floats(inputs, 0);
    return half;
}

static void release(Half *half) {
    free(half->layer.weights.weights);
    free((void *)half->input);
    free(half->output);
    free(half->d_output);
    free(half->d_input);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double cbenchmark_layer(size_t outputs, size_t inputs, size_t events, int threads) {
    const CKernelPath path =
        ckernels_supports(CKernelPathAVX2) ? CKernelPathAVX2 : CKernelPathPortable;
    const size_t rounds = events * rounds_per_event;
    Half own = make_half(path, threads == 2 ? outputs / 2 : outputs, inputs);
    Shared shared = {.rounds = rounds};
    pthread_t helper;
    if (threads == 2) {
        shared.half = make_half(path, outputs - outputs / 2, inputs);
        if (pthread_create(&helper, NULL, help, &shared) != 0) return -1;
    }
    const double start = now();
    for (size_t round = 0; round < rounds; ++round) {
        if (threads == 2) atomic_store_explicit(&shared.begun, round + 1, memory_order_release);
        work(&own, round);
        while (threads == 2 &&
               atomic_load_explicit(&shared.finished, memory_order_acquire) <= round) {}
    }
    const double seconds = now() - start;
    if (threads == 2) {
        pthread_join(helper, NULL);
        release(&shared.half);
    }
    release(&own);
    return seconds;
}
