// Reads chosen keys of one JSON object, for Swift.
//
// A reader knows the keys it is asked for; each has a slot. One call checks all of a record (grammar,
// UTF-8, depth) in one pass and fills one value per slot. simdjson checks UTF-8 where there is more
// than ASCII, and says what is wrong with a bad record. No exception leaves it.
#ifndef CSIMDJSON_H
#define CSIMDJSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum : uint8_t {
    json_absent,
    json_null,
    json_boolean,
    json_signed,    // bits: the Int64; start, digits: its decimal text in `text`
    json_unsigned,  // bits: the UInt64, beyond Int64.max; start, digits: its decimal text in `text`
    json_double,    // bits: of the Double; also an integer beyond 64 bits, rounded
    json_string,    // start, bits: offset and length of the unescaped UTF-8 in `text`
    json_list,      // start, bits: first index and number of its values in `elements`
    json_object,
} json_kind;

typedef struct {
    uint64_t bits;
    // XXH64 of the text of a string or integer, with the seed of its key; of nested keys' values and
    // their lists' elements only.
    uint64_t hash;
    uint32_t start;
    json_kind kind;
    uint8_t digits;  // with the sign
} json_value;

// What one read found; valid until the next read.
typedef struct {
    const json_value *values;    // one per slot
    const json_value *elements;  // of all lists
    size_t element_count;
    const uint8_t *text;
    // NULL, or why the bytes are not one JSON object.
    const char *error;
} json_record;

typedef struct json_reader json_reader;

json_reader *json_reader_create(void);
void json_reader_destroy(json_reader *reader);

// Asks for a key of the record and returns its slot; the same key has the same slot.
size_t json_reader_add_key(json_reader *reader, const uint8_t *name, size_t count);

// Asks for a key of the object at `parent_slot` (one object for all such calls), whose values are to
// be hashed with `seed`.
size_t json_reader_add_nested_key(
    json_reader *reader, size_t parent_slot, const uint8_t *name, size_t count, uint64_t seed);

// Parses `count` bytes (less than 4 GiB). Of a repeated key the last value counts.
json_record json_reader_read(json_reader *reader, const uint8_t *bytes, size_t count);

#ifdef __cplusplus
}
#endif

#endif
