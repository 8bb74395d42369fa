#define SIMDJSON_EXCEPTIONS 0
#include "CSimdJSON.h"

#include <simdjson.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "KeyTable.hpp"
#include "OutOfRangeNumbers.hpp"

namespace dom = simdjson::dom;

struct json_reader {
    // Parsed as a DOM, not on demand: the whole record is then checked, ignored fields included,
    // and simdjson chooses the fastest kernel of this processor at run time.
    dom::parser parser;
    KeyTable keys;
    KeyTable nested_keys;
    uint32_t nested_parent = KeyTable::none;
    std::vector<json_value> values;

    // The record with the padding that simdjson reads into, and room for the elements of its lists.
    size_t capacity = 0;
    char *padded = nullptr;
    json_value *elements = nullptr;
    uint32_t element_count = 0;

    ~json_reader() {
        std::free(padded);
        std::free(elements);
    }

    bool reserve(size_t count);
    const char *parse(const uint8_t *bytes, size_t count);
    json_value read_value(const uint64_t *&entry);
    json_value read_item(const uint64_t *&entry) const;
    const uint64_t *fill(const uint64_t *object, KeyTable &table, uint32_t wanted);
};

bool json_reader::reserve(size_t count) {
    if (count <= capacity && padded) return true;
    size_t wanted = 4096;
    while (wanted < count) wanted *= 2;
    std::free(padded);
    std::free(elements);
    capacity = 0;
    padded = static_cast<char *>(std::malloc(wanted + simdjson::SIMDJSON_PADDING));
    // An element takes two bytes at least, itself and its comma or bracket.
    elements = static_cast<json_value *>(std::malloc((wanted / 2 + 1) * sizeof(json_value)));
    if (!padded || !elements) return false;
    if (parser.allocate(wanted) || parser.doc.allocate(wanted)) return false;
    capacity = wanted;
    return true;
}

const char *json_reader::parse(const uint8_t *bytes, size_t count) {
    if (!reserve(count)) return "no memory for it";
    std::memcpy(padded, bytes, count);
    std::memset(padded + count, 0, simdjson::SIMDJSON_PADDING);

    dom::element root;
    simdjson::error_code error = parser.parse(padded, count, false).get(root);
    if (error == simdjson::NUMBER_ERROR && rewrite_out_of_range_numbers(padded, count))
        error = parser.parse(padded, count, false).get(root);
    if (error) return simdjson::error_message(error);
    return root.is_object() ? nullptr : "The record is not an object.";
}

// What simdjson leaves of a document (its doc/tape.md): an entry of 64 bits per value, the type
// above and a payload below. Numbers have a second entry. A list or object says where it ends.
enum class Entry : uint8_t {
    string = '"',
    signed_ = 'l',
    unsigned_ = 'u',
    double_ = 'd',
    null = 'n',
    list = '[',
    list_end = ']',
    object = '{',
    object_end = '}',
};

static Entry type(uint64_t entry) { return static_cast<Entry>(entry >> 56); }

// The value at `entry`, which moves on to the next; of a list only that it is one.
inline json_value json_reader::read_item(const uint64_t *&entry) const {
    const uint64_t word = *entry++;
    const auto payload = static_cast<uint32_t>(word);
    switch (type(word)) {
    case Entry::string: {
        uint32_t count;
        std::memcpy(&count, parser.doc.string_buf.get() + payload, sizeof count);
        return {count, payload + static_cast<uint32_t>(sizeof count), json_string};
    }
    case Entry::signed_: return {*entry++, 0, json_signed};
    case Entry::unsigned_: return {*entry++, 0, json_unsigned};
    case Entry::double_: return {*entry++, 0, json_double};
    case Entry::null: return {0, 0, json_null};
    case Entry::list: entry = parser.doc.tape.get() + payload; return {0, 0, json_list};
    case Entry::object: entry = parser.doc.tape.get() + payload; return {0, 0, json_object};
    default: return {0, 0, json_boolean};
    }
}

// The same, with the elements of a list.
inline json_value json_reader::read_value(const uint64_t *&entry) {
    const uint64_t *item = entry + 1;
    json_value value = read_item(entry);
    if (value.kind != json_list) return value;
    value.start = element_count;
    while (type(*item) != Entry::list_end) elements[element_count++] = read_item(item);
    value.bits = element_count - value.start;
    return value;
}

// Fills the slots of `table`'s keys from an object; returns the entry of the slot `wanted`'s value.
const uint64_t *json_reader::fill(const uint64_t *object, KeyTable &table, uint32_t wanted) {
    const auto *text = reinterpret_cast<const char *>(parser.doc.string_buf.get());
    const uint64_t *found = nullptr;
    const uint64_t *entry = object + 1;
    for (size_t position = 0; type(*entry) != Entry::object_end; position++) {
        const json_value key = read_item(entry);
        const uint32_t slot = table.find({text + key.start, key.bits}, position);
        if (slot == KeyTable::none) {
            (void)read_item(entry);
            continue;
        }
        if (slot == wanted) found = entry;
        values[slot] = read_value(entry);
    }
    return found;
}

json_reader *json_reader_create(void) { return new json_reader; }

void json_reader_destroy(json_reader *reader) { delete reader; }

static size_t add(json_reader *reader, KeyTable &table, const uint8_t *name, size_t count) {
    const std::string_view key(reinterpret_cast<const char *>(name), count);
    const uint32_t slot = table.add(key, static_cast<uint32_t>(reader->values.size()));
    if (slot == reader->values.size()) reader->values.push_back({0, 0, json_absent});
    return slot;
}

size_t json_reader_add_key(json_reader *reader, const uint8_t *name, size_t count) {
    return add(reader, reader->keys, name, count);
}

size_t json_reader_add_nested_key(
    json_reader *reader, size_t parent_slot, const uint8_t *name, size_t count) {
    reader->nested_parent = static_cast<uint32_t>(parent_slot);
    return add(reader, reader->nested_keys, name, count);
}

json_record json_reader_read(json_reader *reader, const uint8_t *bytes, size_t count) {
    json_record record = {reader->values.data(), nullptr, nullptr, nullptr};
    record.error = reader->parse(bytes, count);
    if (record.error) return record;

    for (json_value &value : reader->values) value = {0, 0, json_absent};
    reader->element_count = 0;
    // The first entry is the document's, the second its object's.
    const uint64_t *const object = reader->parser.doc.tape.get() + 1;
    const uint32_t parent = reader->nested_parent;
    const uint64_t *const nested = reader->fill(object, reader->keys, parent);
    if (nested && reader->values[parent].kind == json_object)
        reader->fill(nested, reader->nested_keys, KeyTable::none);

    record.elements = reader->elements;
    record.text = reader->parser.doc.string_buf.get();
    return record;
}
