#include "OutOfRangeNumbers.hpp"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The end of the JSON number that begins at `text`, or `text` if it is none.
static const char *end_of_number(const char *text, bool &is_integer) {
    const char *p = text;
    if (*p == '-') p++;
    if (!is_digit(*p)) return text;
    if (*p == '0') p++;
    else while (is_digit(*p)) p++;
    is_integer = true;
    if (*p == '.') {
        is_integer = false;
        if (!is_digit(*++p)) return text;
        while (is_digit(*p)) p++;
    }
    if (*p == 'e' || *p == 'E') {
        is_integer = false;
        p++;
        if (*p == '+' || *p == '-') p++;
        if (!is_digit(*p)) return text;
        while (is_digit(*p)) p++;
    }
    return p;
}

static bool fits_64_bits(const char *text) {
    errno = 0;
    if (*text == '-') (void)strtoll(text, nullptr, 10);
    else (void)strtoull(text, nullptr, 10);
    return errno != ERANGE;
}

static bool rewrite(char *text, const char *end, bool is_integer) {
    // Shorter ones fit: 9e308 is the shortest that is infinite. (So none begins with "0x" either.)
    if (end - text < 5 || (is_integer && fits_64_bits(text))) return false;
    const double value = strtod(text, nullptr);
    if (std::isinf(value)) {
        std::memset(text, ' ', end - text);
        std::memcpy(text, "1e308", 5);
        return true;
    }
    if (!is_integer) return false;
    // 1.<13 digits>e+20 is no longer than the 20 digits, or sign and 19 digits, that do not fit.
    char scientific[32];
    const auto result = std::to_chars(
        scientific, scientific + sizeof scientific, value, std::chars_format::scientific, 13);
    std::memset(text, ' ', end - text);
    std::memcpy(text, scientific, result.ptr - scientific);
    return true;
}

bool rewrite_out_of_range_numbers(char *text, size_t count) {
    bool rewritten = false;
    const char *const limit = text + count;
    while (text < limit) {
        if (*text == '"') {
            for (text++; text < limit && *text != '"'; text++)
                if (*text == '\\') text++;
            text++;
        } else if (*text == '-' || is_digit(*text)) {
            bool is_integer = false;
            const char *const end = end_of_number(text, is_integer);
            if (end > text) rewritten |= rewrite(text, end, is_integer);
            text = end > text ? text + (end - text) : text + 1;
        } else {
            text++;
        }
    }
    return rewritten;
}
