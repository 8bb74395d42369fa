#include "KeyTable.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

// Positions beyond this are always looked up by hash, which bounds the memory.
static constexpr size_t expected_count_max = 4096;

uint32_t KeyTable::add(std::string_view name, uint32_t slot) {
    for (const Entry &entry : entries_)
        if (entry.name == name) return entry.slot;
    entries_.push_back({std::string(name), slot});

    size_t capacity = 16;
    while (capacity < 4 * entries_.size()) capacity *= 2;
    buckets_.assign(capacity, none);
    for (uint32_t index = 0; index < entries_.size(); index++) {
        const std::string &key = entries_[index].name;
        size_t bucket = XXH3_64bits(key.data(), key.size()) & (capacity - 1);
        while (buckets_[bucket] != none) bucket = (bucket + 1) & (capacity - 1);
        buckets_[bucket] = index;
    }
    expected_.assign(entries_.size() < expected_count_max ? expected_count_max : 0, none);
    return slot;
}

uint32_t KeyTable::find_by_hash(std::string_view key, size_t position) {
    if (buckets_.empty()) return none;
    const size_t mask = buckets_.size() - 1;
    size_t bucket = XXH3_64bits(key.data(), key.size()) & mask;
    while (buckets_[bucket] != none) {
        const uint32_t index = buckets_[bucket];
        if (entries_[index].name == key) {
            if (position < expected_.size()) expected_[position] = index;
            return entries_[index].slot;
        }
        bucket = (bucket + 1) & mask;
    }
    return none;
}
