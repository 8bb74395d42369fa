#define SIMDJSON_EXCEPTIONS 0
#include "CSimdJSON.h"

#include <simdjson.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "Hash.hpp"
#include "KeyTable.hpp"
#include "RecordText.hpp"

struct json_reader : RecordText {
    // Names the faults of bad records.
    simdjson::dom::parser parser;
    KeyTable keys;
    KeyTable nested_keys;
    uint32_t nested_parent = KeyTable::none;
    std::vector<uint32_t> nested_slots;
    // By slot.
    std::vector<json_value> values;
    std::vector<uint64_t> seeds;

    // Room for a record and for the elements of its lists.
    size_t capacity = 0;
    json_value *elements = nullptr;
    uint32_t element_count = 0;
    // For each list or object around a value that is passed over, whether it is an object.
    bool is_object[simdjson::DEFAULT_MAX_DEPTH];

    ~json_reader() {
        std::free(text);
        std::free(elements);
    }

    bool reserve(size_t count);
    const char *read(const uint8_t *bytes, size_t count);
    const char *explain(const uint8_t *bytes, size_t count);

    // These read or check what is at a position and return the one behind it: NULL after an `error`.
    template <bool is_nested> Position read_object(Position at, KeyTable &table, uint32_t depth);
    Position read_key(Position at, KeyTable &table, uint32_t &slot);
    template <bool is_hashed> Position read_value(Position at, uint32_t slot, uint32_t depth);
    template <bool is_hashed> Position read_list(Position at, uint32_t slot, uint32_t depth);
    Position pass(Position at, uint32_t outside);
    Position pass_key(Position at);
    Position pass_colon(Position at);

    void forget_nested();
    void hash(json_value &value, uint64_t seed) const;
};

bool json_reader::reserve(size_t count) {
    if (count <= capacity && text) return true;
    size_t wanted = 4096;
    while (wanted < count) wanted *= 2;
    std::free(text);
    std::free(elements);
    capacity = 0;
    text = static_cast<uint8_t *>(std::malloc(wanted + padding));
    // An element takes two bytes at least, itself and its comma or bracket.
    elements = static_cast<json_value *>(std::malloc((wanted / 2 + 1) * sizeof(json_value)));
    if (!text || !elements || parser.allocate(wanted)) return false;
    capacity = wanted;
    return true;
}

[[gnu::always_inline]] inline void json_reader::hash(json_value &value, uint64_t seed) const {
    if (value.kind == json_string)
        value.hash = hash_text(text + value.start, value.bits, seed);
    else if (value.kind == json_signed || value.kind == json_unsigned)
        value.hash = hash_text(text + value.start, value.digits, seed);
}

// A list's elements are read, but not what is in those that are lists or objects.
template <bool is_hashed>
[[gnu::always_inline]] inline Position json_reader::read_list(Position at, uint32_t slot, uint32_t depth) {
    const uint32_t start = element_count;
    at = skip_space(at + 1);
    if (*at == ']') {
        at++;
    } else {
        for (uint8_t c = ','; c != ']'; c = *at++) {
            if (c != ',') return fail(simdjson::TAPE_ERROR);
            json_value &element = elements[element_count++];
            at = skip_space(at);
            switch (*at) {
            case '[': element = {0, 0, 0, json_list, 0}; at = pass(at, depth + 1); break;
            case '{': element = {0, 0, 0, json_object, 0}; at = pass(at, depth + 1); break;
            default: at = read_scalar(at, element);
            }
            if (!at) return nullptr;
            if (is_hashed) hash(element, seeds[slot]);
            at = skip_space(at);
        }
    }
    values[slot] = {element_count - start, 0, start, json_list, 0};
    return at;
}

template <bool is_hashed>
[[gnu::always_inline]] inline Position json_reader::read_value(Position at, uint32_t slot, uint32_t depth) {
    json_value &value = values[slot];
    switch (*at) {
    case '[': return read_list<is_hashed>(at, slot, depth);
    case '{': value = {0, 0, 0, json_object, 0}; return pass(at, depth);
    default:
        at = read_scalar(at, value);
        if (is_hashed && at) hash(value, seeds[slot]);
        return at;
    }
}

// Behind a key.
inline Position json_reader::pass_colon(Position at) {
    at = skip_space(at);
    return *at == ':' ? skip_space(at + 1) : fail(simdjson::TAPE_ERROR);
}

// The slot of the key, or `none`.
[[gnu::always_inline]] inline Position json_reader::read_key(
    Position at, KeyTable &table, uint32_t &slot) {
    if (*at != '"') return fail(simdjson::TAPE_ERROR);
    if (const size_t count = table.take_expected(at + 1, slot)) return pass_colon(at + 1 + count);
    json_value key;
    at = read_string(at, key);
    if (!at) return nullptr;
    slot = table.find({reinterpret_cast<const char *>(text) + key.start, key.bits});
    return pass_colon(at);
}

// Reads an object's fields, those of `table`'s keys, into their slots. `depth` lists and objects are
// around it.
template <bool is_nested>
Position json_reader::read_object(Position at, KeyTable &table, uint32_t depth) {
    table.begin();
    at = skip_space(at + 1);
    if (*at == '}') return at + 1;
    for (uint8_t c = ','; c != '}'; c = *at++) {
        if (c != ',') return fail(simdjson::TAPE_ERROR);
        uint32_t slot;
        at = read_key(skip_space(at), table, slot);
        if (!at) return nullptr;
        if (slot == KeyTable::none) {
            at = pass(at, depth + 1);
        } else if (is_nested || slot != nested_parent) {
            at = read_value<is_nested>(at, slot, depth + 1);
        } else {
            forget_nested();
            values[slot] = {0, 0, 0, json_object, 0};
            at = *at == '{' ? read_object<true>(at, nested_keys, depth + 1)
                            : read_value<false>(at, slot, depth + 1);
        }
        if (!at) return nullptr;
        at = skip_space(at);
    }
    return at;
}

// Of several values under the key of the nested object, the last one counts.
inline void json_reader::forget_nested() {
    if (values[nested_parent].kind == json_absent) return;
    for (const uint32_t slot : nested_slots) values[slot] = {0, 0, 0, json_absent, 0};
}

Position json_reader::pass_key(Position at) {
    json_value key;
    if (*at != '"') return fail(simdjson::TAPE_ERROR);
    at = read_string(at, key);
    return at ? pass_colon(at) : nullptr;
}

// Passes over a value that `outside` lists and objects are around.
Position json_reader::pass(Position at, const uint32_t outside) {
    json_value ignored;
    for (uint32_t depth = outside;;) {
        at = skip_space(at);
        if (depth > outside && is_object[depth] && !(at = pass_key(at))) return nullptr;
        const uint8_t opening = *at;
        if (opening != '{' && opening != '[') {
            at = read_scalar(at, ignored);
            if (!at) return nullptr;
        } else if (at = skip_space(at + 1); *at == closing(opening)) {
            at++;
        } else {
            if (++depth == simdjson::DEFAULT_MAX_DEPTH) return fail(simdjson::DEPTH_ERROR);
            is_object[depth] = opening == '{';
            continue;
        }
        for (;;) {
            if (depth == outside) return at;
            at = skip_space(at);
            const uint8_t c = *at++;
            if (c == ',') break;
            if (c != (is_object[depth] ? '}' : ']')) return fail(simdjson::TAPE_ERROR);
            depth--;
        }
    }
}

// Returns NULL, or why the bytes are not one JSON object.
const char *json_reader::read(const uint8_t *bytes, size_t count) {
    if (!reserve(count)) return "no memory for it";
    std::memcpy(text, bytes, count);
    std::memset(text + count, 0, padding);
    text[count] = ' ';
    for (json_value &value : values) value = {0, 0, 0, json_absent, 0};
    element_count = 0;
    has_unicode = false;

    const Position first = skip_space(text);
    const bool is_record = *first == '{';
    Position at = is_record ? read_object<false>(first, keys, 0) : pass(first, 0);
    if (at && skip_space(at) != text + count + 1) at = fail(simdjson::TAPE_ERROR);
    const bool is_utf8 = !has_unicode ||
        simdjson::validate_utf8(reinterpret_cast<const char *>(bytes), count);
    if (!at || !is_utf8) return explain(bytes, count);
    return is_record ? nullptr : "The record is not an object.";
}

// Of several faults the whole record's go first: bytes that are not UTF-8, an open string, no end.
const char *json_reader::explain(const uint8_t *bytes, size_t count) {
    std::memcpy(text, bytes, count);
    auto &stages = *parser.implementation;
    const simdjson::error_code fault = stages.stage1(text, count, simdjson::stage1_mode::regular);
    if (fault) return simdjson::error_message(fault);
    const uint32_t *const indices = stages.structural_indexes.get();
    const uint8_t opening = text[indices[0]];
    const uint8_t last = text[indices[stages.n_structural_indexes - 1]];
    if ((opening == '{' || opening == '[') && last != closing(opening)) error = simdjson::TAPE_ERROR;
    return simdjson::error_message(error);
}

json_reader *json_reader_create(void) { return new json_reader; }

void json_reader_destroy(json_reader *reader) { delete reader; }

static size_t add(
    json_reader *reader, KeyTable &table, const uint8_t *name, size_t count, uint64_t seed) {
    const std::string_view key(reinterpret_cast<const char *>(name), count);
    const uint32_t slot = table.add(key, static_cast<uint32_t>(reader->values.size()));
    if (slot == reader->values.size()) {
        reader->values.push_back({0, 0, 0, json_absent, 0});
        reader->seeds.push_back(seed);
    }
    return slot;
}

size_t json_reader_add_key(json_reader *reader, const uint8_t *name, size_t count) {
    return add(reader, reader->keys, name, count, 0);
}

size_t json_reader_add_nested_key(
    json_reader *reader, size_t parent_slot, const uint8_t *name, size_t count, uint64_t seed) {
    reader->nested_parent = static_cast<uint32_t>(parent_slot);
    const size_t slot = add(reader, reader->nested_keys, name, count, seed);
    reader->nested_slots.push_back(static_cast<uint32_t>(slot));
    return slot;
}

json_record json_reader_read(json_reader *reader, const uint8_t *bytes, size_t count) {
    const char *const error = reader->read(bytes, count);
    return {reader->values.data(), reader->elements, reader->element_count, reader->text, error};
}
