#ifndef CCACHELINE_H
#define CCACHELINE_H

#include <stdint.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Asks for the cache line of an address, which need not be a valid one. It changes nothing.
static inline void cprefetch(const void *address) {
    __builtin_prefetch(address, 1);
}

/// Which of eight values, 32-byte aligned, are equal to one: a bit each.
static inline uint32_t cmatches(const uint32_t *values, uint32_t value) {
#if defined(__SSE2__)
    const __m128i *halves = (const __m128i *)values;
    const __m128i wanted = _mm_set1_epi32((int)value);
    const __m128i low = _mm_cmpeq_epi32(_mm_load_si128(halves), wanted);
    const __m128i high = _mm_cmpeq_epi32(_mm_load_si128(halves + 1), wanted);
    const int lowBits = _mm_movemask_ps(_mm_castsi128_ps(low));
    const int highBits = _mm_movemask_ps(_mm_castsi128_ps(high));
    return (uint32_t)(lowBits | highBits << 4);
#else
    uint32_t bits = 0;
    for (int index = 0; index < 8; index++) bits |= (uint32_t)(values[index] == value) << index;
    return bits;
#endif
}

#endif
