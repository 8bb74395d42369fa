#pragma once

#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "CSimdJSON.h"
#include "Words.hpp"

// Numbers of a record whose text can be read 8 bytes beyond its end.

// Whether a number or name may end before `c`: at white space and at what structures a record.
inline bool ends_scalar(uint8_t c) {
    switch (c) {
    case ' ': case '\t': case '\n': case '\r':
    case ',': case ':': case '[': case ']': case '{': case '}': return true;
    default: return false;
    }
}

inline bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

// Reads digits, moving `text` behind them; the value is right if it is less than 2^64.
inline uint64_t read_digits(const uint8_t *&text) {
    static constexpr uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000,
                                          100000000};
    uint64_t value = 0;
    for (;;) {
        // Per byte 0...9 for a digit; the lowest byte with its high bit set in `others` is none.
        uint64_t digits = load_word(text) ^ 0x3030303030303030;
        const uint64_t others = ((digits + 0x7676767676767676) | digits) & 0x8080808080808080;
        const int count = others ? __builtin_ctzll(others) >> 3 : 8;
        if (count == 0) return value;
        // Leading zeros make it eight digits; pairs, fours and eights of them are then summed.
        digits <<= 64 - 8 * count;
        digits = digits * 10 + (digits >> 8);
        digits = ((digits & 0x000000FF000000FF) * (100 + (UINT64_C(1000000) << 32)) +
                  ((digits >> 16) & 0x000000FF000000FF) * (1 + (UINT64_C(10000) << 32))) >> 32;
        value = value * powers[count] + digits;
        text += count;
        if (count < 8) return value;
    }
}

// The Double of a number's text, whose grammar is known to be right.
inline double read_double(const uint8_t *text, const uint8_t *end) {
    double value = 0;
    const auto result = std::from_chars(
        reinterpret_cast<const char *>(text), reinterpret_cast<const char *>(end), value);
    if (result.ec != std::errc()) value = std::strtod(reinterpret_cast<const char *>(text), nullptr);
    // Infinite as a Float, which is how it will be refused.
    return std::isinf(value) ? 1e308 : value;
}

// A number that is no integer of 64 bits; `at`, behind its integer part, moves behind it.
[[gnu::noinline]] inline simdjson::error_code read_fraction(
    const uint8_t *number, uint8_t *&at, json_value &value) {
    const uint8_t *text = at;
    if (*text == '.') {
        const uint8_t *const digits = ++text;
        (void)read_digits(text);
        if (text == digits) return simdjson::NUMBER_ERROR;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        if (*text == '+' || *text == '-') text++;
        const uint8_t *const digits = text;
        (void)read_digits(text);
        if (text == digits) return simdjson::NUMBER_ERROR;
    }
    if (!ends_scalar(*text)) return simdjson::NUMBER_ERROR;
    const double result = read_double(number, text);
    value.kind = json_double;
    std::memcpy(&value.bits, &result, sizeof result);
    at += text - at;
    return simdjson::SUCCESS;
}

// Reads the number at `at`, which moves behind it.
[[gnu::always_inline]] inline simdjson::error_code read_number(
    const uint8_t *record, uint8_t *&at, json_value &value) {
    const uint8_t *const number = at;
    const bool is_negative = *number == '-';
    const uint8_t *const digits = number + is_negative;
    const uint8_t *text = digits;
    const uint64_t magnitude = read_digits(text);
    const auto count = text - digits;
    if (count == 0 || (*digits == '0' && count > 1)) return simdjson::NUMBER_ERROR;
    at += text - number;
    if (!ends_scalar(*text)) return read_fraction(number, at, value);
    if (count > 18) {
        // 20 digits are less than 2^64 if they begin with 1 and the value has not wrapped.
        const bool fits = count < 20 ||
            (count == 20 && *digits == '1' && magnitude >= UINT64_C(10000000000000000000));
        if (!fits || (is_negative && magnitude > UINT64_C(1) << 63))
            return read_fraction(number, at, value);
    }
    value.bits = is_negative ? 0 - magnitude : magnitude;
    value.kind = !is_negative && magnitude > INT64_MAX ? json_unsigned : json_signed;
    // The text of -0 is that of 0.
    const uint8_t *const start = number + (is_negative && magnitude == 0);
    value.start = static_cast<uint32_t>(start - record);
    value.digits = static_cast<uint8_t>(text - start);
    return simdjson::SUCCESS;
}
