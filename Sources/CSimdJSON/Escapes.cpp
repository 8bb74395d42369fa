#include "Escapes.hpp"

// The four hexadecimal digits at `text`, or -1.
static int32_t read_hexadecimal(const uint8_t *text, const uint8_t *end) {
    if (end - text < 4) return -1;
    int32_t value = 0;
    for (int place = 0; place < 4; place++) {
        const uint8_t c = text[place];
        const uint8_t letter = c | 0x20;
        if (c >= '0' && c <= '9') value = value * 16 + (c - '0');
        else if (letter >= 'a' && letter <= 'f') value = value * 16 + (letter - 'a' + 10);
        else return -1;
    }
    return value;
}

// Reads what follows "\u", a pair of surrogates whole; -1 where it is no character.
static int32_t read_code_point(const uint8_t *&text, const uint8_t *end) {
    const int32_t first = read_hexadecimal(text, end);
    text += 4;
    if (first < 0xD800 || first > 0xDFFF) return first;
    if (first > 0xDBFF || end - text < 2 || text[0] != '\\' || text[1] != 'u') return -1;
    const int32_t second = read_hexadecimal(text + 2, end);
    text += 6;
    if (second < 0xDC00 || second > 0xDFFF) return -1;
    return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

static uint8_t *write_utf8(int32_t c, uint8_t *to) {
    const auto continuation = [](int32_t bits) { return static_cast<uint8_t>(0x80 | (bits & 0x3F)); };
    if (c < 0x80) {
        *to++ = static_cast<uint8_t>(c);
    } else if (c < 0x800) {
        *to++ = static_cast<uint8_t>(0xC0 | c >> 6);
        *to++ = continuation(c);
    } else if (c < 0x10000) {
        *to++ = static_cast<uint8_t>(0xE0 | c >> 12);
        *to++ = continuation(c >> 6);
        *to++ = continuation(c);
    } else {
        *to++ = static_cast<uint8_t>(0xF0 | c >> 18);
        *to++ = continuation(c >> 12);
        *to++ = continuation(c >> 6);
        *to++ = continuation(c);
    }
    return to;
}

uint8_t *unescape(uint8_t *text, const uint8_t *end) {
    uint8_t *to = text;
    for (const uint8_t *from = text; from < end;) {
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        if (end - from < 2) return nullptr;
        const uint8_t kind = from[1];
        from += 2;
        switch (kind) {
        case '"': case '\\': case '/': *to++ = kind; break;
        case 'b': *to++ = '\b'; break;
        case 'f': *to++ = '\f'; break;
        case 'n': *to++ = '\n'; break;
        case 'r': *to++ = '\r'; break;
        case 't': *to++ = '\t'; break;
        case 'u': {
            const int32_t c = read_code_point(from, end);
            if (c < 0) return nullptr;
            to = write_utf8(c, to);
            break;
        }
        default: return nullptr;
        }
    }
    return to;
}
