#pragma once

#include <simdjson.h>

#include <cstring>

#include "CSimdJSON.h"
#include "Escapes.hpp"
#include "Number.hpp"

// A position in the record, which is followed by a space, so that a number may end there, and by zero
// bytes, which are never part of JSON: nothing is read beyond them.
using Position = uint8_t *;

// Bytes behind a record: many more than are read at once, for simdjson's sake.
static constexpr size_t padding = simdjson::SIMDJSON_PADDING;

// The bracket or brace that goes with an opening one.
inline uint8_t closing(uint8_t opening) { return opening + 2; }

inline Position skip_space(Position at) {
    if (*at > ' ') return at;
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t') at++;
    return at;
}

// A record's text, and how its strings, numbers and names are read: each function returns the
// position behind what it read, or NULL after an `error`.
struct RecordText {
    uint8_t *text = nullptr;
    // Whether a string had a byte beyond ASCII.
    bool has_unicode = false;
    simdjson::error_code error = simdjson::SUCCESS;

    Position read_scalar(Position at, json_value &value);
    Position read_string(Position at, json_value &value);
    Position read_name(Position at, const char *name, json_kind kind, json_value &value,
                       simdjson::error_code otherwise);
    Position fail(simdjson::error_code code) {
        error = code;
        return nullptr;
    }
};

// Eight bytes are looked at in one: `special` has the high bit of the first quote, backslash, control
// character or byte beyond ASCII, and none before it.
[[gnu::always_inline]] inline Position RecordText::read_string(Position at, json_value &value) {
    constexpr uint64_t ones = 0x0101010101010101, highs = ones << 7;
    const Position start = ++at;
    bool has_escapes = false;
    for (;;) {
        const uint64_t word = load_word(at);
        const uint64_t quotes = word ^ ones * '"', escapes = word ^ ones * '\\';
        const uint64_t special = (((quotes - ones) & ~quotes) | ((escapes - ones) & ~escapes) |
                                  ((word - ones * ' ') & ~word) | (has_unicode ? 0 : word)) & highs;
        if (!special) {
            at += 8;
            continue;
        }
        at += __builtin_ctzll(special) >> 3;
        if (*at == '"') break;
        if (*at == '\\') {
            has_escapes = true;
            at += 2;
        } else if (*at >= 0x80) {
            has_unicode = true;
        } else {
            return fail(simdjson::UNESCAPED_CHARS);
        }
    }
    Position end = at;
    if (has_escapes && !(end = unescape(start, at))) return fail(simdjson::STRING_ERROR);
    value = {static_cast<uint64_t>(end - start), 0, static_cast<uint32_t>(start - text), json_string,
             0};
    return at + 1;
}

inline Position RecordText::read_name(Position at, const char *name, json_kind kind,
                                       json_value &value, simdjson::error_code otherwise) {
    const size_t count = std::strlen(name);
    if (std::memcmp(at, name, count) != 0 || !ends_scalar(at[count])) return fail(otherwise);
    value = {0, 0, 0, kind, 0};
    return at + count;
}

[[gnu::always_inline]] inline Position RecordText::read_scalar(Position at, json_value &value) {
    if (*at == '"') return read_string(at, value);
    if (is_digit(*at) || *at == '-') {
        error = read_number(text, at, value);
        return error ? nullptr : at;
    }
    switch (*at) {
    case 't': return read_name(at, "true", json_boolean, value, simdjson::T_ATOM_ERROR);
    case 'f': return read_name(at, "false", json_boolean, value, simdjson::F_ATOM_ERROR);
    case 'n': return read_name(at, "null", json_null, value, simdjson::N_ATOM_ERROR);
    default: return fail(simdjson::TAPE_ERROR);
    }
}
