#include "KeyTable.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint32_t KeyTable::add(std::string_view name, uint32_t slot) {
    for (size_t index = 1; index < entries_.size(); index++)
        if (entries_[index].name() == name) return entries_[index].slot;
    Entry added;
    added.quoted = std::string(name) + '"';
    // What is compared word by word may be read to its last word's end.
    added.quoted.reserve(added.quoted.size() + sizeof(uint64_t));
    added.slot = slot;
    added.is_plain = true;
    for (const unsigned char c : name) added.is_plain &= c >= ' ' && c != '"' && c != '\\';
    entries_.push_back(std::move(added));

    size_t capacity = 16;
    while (capacity < 4 * entries_.size()) capacity *= 2;
    buckets_.assign(capacity, none);
    for (uint32_t index = 1; index < entries_.size(); index++) {
        const std::string_view key = entries_[index].name();
        size_t bucket = XXH3_64bits(key.data(), key.size()) & (capacity - 1);
        while (buckets_[bucket] != none) bucket = (bucket + 1) & (capacity - 1);
        buckets_[bucket] = index;
    }
    return slot;
}

uint32_t KeyTable::find(std::string_view key) {
    if (buckets_.empty()) return none;
    const size_t mask = buckets_.size() - 1;
    size_t bucket = XXH3_64bits(key.data(), key.size()) & mask;
    while (buckets_[bucket] != none) {
        const uint32_t index = buckets_[bucket];
        if (entries_[index].name() == key) {
            entries_[previous_].next = index;
            previous_ = index;
            return entries_[index].slot;
        }
        bucket = (bucket + 1) & mask;
    }
    return none;
}
