#pragma once

#include <cstdint>
#include <cstring>

// Eight bytes of text at once. The first byte is the lowest.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "texts are read as little-endian words");

inline uint64_t load_word(const void *text) {
    uint64_t word;
    std::memcpy(&word, text, sizeof word);
    return word;
}

// Whether `count` bytes (more than 0) are equal. Both can be read 8 bytes further.
inline bool equal_words(const void *a, const void *b, size_t count) {
    const auto *left = static_cast<const char *>(a);
    const auto *right = static_cast<const char *>(b);
    for (; count > 8; count -= 8, left += 8, right += 8)
        if (load_word(left) != load_word(right)) return false;
    return (load_word(left) ^ load_word(right)) << (64 - 8 * count) == 0;
}
