// What bounds the learner: how fast this core reads and changes memory of a size, and multiplies;
// and how often memory is allocated.

#ifndef CBENCHMARK_H
#define CBENCHMARK_H

#include <stddef.h>
#include <stdint.h>

// The sum of `count` floats, read as fast as the core can; `count` is a multiple of 64.
float cbenchmark_read(const float *values, size_t count);

// Multiplies `count` floats, a multiple of 64, by a number: each is read and written.
void cbenchmark_update(float *values, size_t count);

// `count` times 96 multiplications and additions that do not wait for each other.
float cbenchmark_multiply_add(size_t count);

// Seconds of `events` forward and backward passes of a layer on one thread, or with its rows divided
// between two, which wait for each other twice an event by spinning; negative if there is no thread.
double cbenchmark_layer(size_t outputs, size_t inputs, size_t events, int threads);

// Calls of malloc, calloc, realloc and their like in this process so far, on all threads.
uint64_t cbenchmark_allocations(void);

#endif
