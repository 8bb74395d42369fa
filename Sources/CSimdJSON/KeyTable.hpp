#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The keys that are asked for in one object, and the slot of each.
//
// Producers write their keys in the same order record after record. So the table remembers which
// key came at which position, and usually needs one comparison; only a surprise is looked up by
// hash.
class KeyTable {
public:
    static constexpr uint32_t none = UINT32_MAX;

    // The slot of `name`, which becomes `slot` if the name is new.
    uint32_t add(std::string_view name, uint32_t slot);

    // The slot of the key at `position` of its object, or `none`.
    uint32_t find(std::string_view key, size_t position) {
        if (position < expected_.size()) {
            const uint32_t entry = expected_[position];
            if (entry != none && entries_[entry].name == key) return entries_[entry].slot;
        }
        return find_by_hash(key, position);
    }

private:
    struct Entry {
        std::string name;
        uint32_t slot;
    };

    uint32_t find_by_hash(std::string_view key, size_t position);

    std::vector<Entry> entries_;
    // Open addressing, a power of two, at most a quarter full: indices of entries or `none`.
    std::vector<uint32_t> buckets_;
    std::vector<uint32_t> expected_;
};
