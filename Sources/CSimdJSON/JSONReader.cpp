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
    // Parsed as a DOM, not on demand: the whole record is then checked, ignored fields included, and
    // simdjson chooses the fastest kernel of this processor at run time.
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
    const char *parse(const uint8_t *bytes, size_t count, dom::object &object);
    const uint8_t *text() const { return parser.doc.string_buf.get(); }
    json_value scalar(dom::element element) const;
    json_value value(dom::element element);
    dom::element fill(dom::object object, KeyTable &table, uint32_t wanted);
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
    if (!padded || !elements || parser.allocate(wanted) || parser.doc.allocate(wanted)) return false;
    capacity = wanted;
    return true;
}

const char *json_reader::parse(const uint8_t *bytes, size_t count, dom::object &object) {
    if (!reserve(count)) return "no memory for it";
    std::memcpy(padded, bytes, count);
    std::memset(padded + count, 0, simdjson::SIMDJSON_PADDING);

    dom::element root;
    simdjson::error_code error = parser.parse(padded, count, false).get(root);
    if (error == simdjson::NUMBER_ERROR && rewrite_out_of_range_numbers(padded, count))
        error = parser.parse(padded, count, false).get(root);
    if (error) return simdjson::error_message(error);
    return root.get(object) ? "The record is not an object." : nullptr;
}

json_value json_reader::scalar(dom::element element) const {
    switch (element.type()) {
    case dom::element_type::STRING: {
        std::string_view string = element.get_string().value_unsafe();
        const auto start = reinterpret_cast<const uint8_t *>(string.data()) - text();
        return {string.size(), static_cast<uint32_t>(start), json_string};
    }
    case dom::element_type::INT64:
        return {static_cast<uint64_t>(element.get_int64().value_unsafe()), 0, json_signed};
    case dom::element_type::UINT64:
        return {element.get_uint64().value_unsafe(), 0, json_unsigned};
    case dom::element_type::DOUBLE: {
        const double number = element.get_double().value_unsafe();
        uint64_t bits;
        std::memcpy(&bits, &number, sizeof bits);
        return {bits, 0, json_double};
    }
    case dom::element_type::BOOL: return {0, 0, json_boolean};
    case dom::element_type::NULL_VALUE: return {0, 0, json_null};
    case dom::element_type::ARRAY: return {0, 0, json_list};
    case dom::element_type::OBJECT: return {0, 0, json_object};
    }
    return {0, 0, json_object};
}

json_value json_reader::value(dom::element element) {
    json_value result = scalar(element);
    if (result.kind != json_list) return result;
    result.start = element_count;
    for (dom::element item : element.get_array().value_unsafe())
        elements[element_count++] = scalar(item);
    result.bits = element_count - result.start;
    return result;
}

// Fills the slots of `table`'s keys; returns the element of the slot `wanted`.
dom::element json_reader::fill(dom::object object, KeyTable &table, uint32_t wanted) {
    dom::element found;
    size_t position = 0;
    for (dom::key_value_pair field : object) {
        const uint32_t slot = table.find(field.key, position++);
        if (slot == KeyTable::none) continue;
        values[slot] = value(field.value);
        if (slot == wanted) found = field.value;
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
    dom::object object;
    record.error = reader->parse(bytes, count, object);
    if (record.error) return record;

    for (json_value &value : reader->values) value = {0, 0, json_absent};
    reader->element_count = 0;
    const uint32_t parent = reader->nested_parent;
    const dom::element nested = reader->fill(object, reader->keys, parent);
    if (parent != KeyTable::none && reader->values[parent].kind == json_object)
        reader->fill(nested.get_object().value_unsafe(), reader->nested_keys, KeyTable::none);

    record.elements = reader->elements;
    record.text = reader->text();
    return record;
}
