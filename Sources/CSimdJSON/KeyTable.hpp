#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "Words.hpp"

// The keys that are asked for in one object, and the slot of each.
//
// Producers write their keys in the same order record after record. So the table remembers which
// key came after which, and usually needs one comparison; only a surprise is looked up by hash.
class KeyTable {
public:
    static constexpr uint32_t none = UINT32_MAX;

    // The slot of `name`, which becomes `slot` if the name is new.
    uint32_t add(std::string_view name, uint32_t slot);

    // An object begins.
    void begin() { previous_ = 0; }

    // Whether the key that begins at `text`, behind its quote, is the one that came here before: its
    // length with the quote that ends it, or 0. `text` can be read 8 bytes beyond its record.
    size_t take_expected(const uint8_t *text, uint32_t &slot) {
        const uint32_t index = entries_[previous_].next;
        const Entry &entry = entries_[index];
        const size_t count = entry.quoted.size();
        if (!entry.is_plain || !equal_words(text, entry.quoted.data(), count)) return 0;
        previous_ = index;
        slot = entry.slot;
        return count;
    }

    // The slot of a key, or `none`.
    uint32_t find(std::string_view key);

private:
    struct Entry {
        // The name and the quote that ends it.
        std::string quoted;
        uint32_t slot = none;
        // The entry that came after this one.
        uint32_t next = 0;
        // Whether JSON writes the name as it is, rather than with escapes.
        bool is_plain = false;

        std::string_view name() const { return {quoted.data(), quoted.size() - 1}; }
    };

    // The first one stands for the object's beginning.
    std::vector<Entry> entries_ = std::vector<Entry>(1);
    uint32_t previous_ = 0;
    // Open addressing, a power of two, at most a quarter full: indices of entries or `none`.
    std::vector<uint32_t> buckets_;
};
