#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "Words.hpp"

// XXH64 of a text that can be read 8 bytes beyond its end.
//
// Feature values are a few bytes long, of lengths that no branch predictor foresees. The library takes
// a branch per byte of an end; here they become choices between two results.
[[gnu::always_inline]] inline uint64_t hash_text(const uint8_t *text, size_t count, uint64_t seed) {
    constexpr uint64_t prime1 = 0x9E3779B185EBCA87, prime2 = 0xC2B2AE3D27D4EB4F,
                       prime3 = 0x165667B19E3779F9, prime4 = 0x85EBCA77C2B2AE63,
                       prime5 = 0x27D4EB2F165667C5;
    if (count >= 32) return XXH64(text, count, seed);
    const auto rotated = [](uint64_t x, int bits) { return x << bits | x >> (64 - bits); };

    uint64_t hash = seed + prime5 + count;
    for (size_t words = count / 8; words > 0; words--, text += 8)
        hash = rotated(hash ^ rotated(load_word(text) * prime2, 31) * prime1, 27) * prime1 + prime4;
    uint64_t rest = load_word(text);
    const uint64_t four = rotated(hash ^ (rest & 0xFFFFFFFF) * prime1, 23) * prime2 + prime3;
    const bool has_four = count & 4;
    hash = __builtin_unpredictable(has_four) ? four : hash;
    rest = __builtin_unpredictable(has_four) ? rest >> 32 : rest;
    for (size_t bytes = 0; bytes < 3; bytes++, rest >>= 8) {
        const uint64_t one = rotated(hash ^ (rest & 0xFF) * prime5, 11) * prime1;
        hash = __builtin_unpredictable(bytes < (count & 3)) ? one : hash;
    }
    hash = (hash ^ hash >> 33) * prime2;
    hash = (hash ^ hash >> 29) * prime3;
    return hash ^ hash >> 32;
}
