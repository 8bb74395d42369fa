// xxHash inlined, since ids and feature values are hashed on the path of every event. Its inline mode
// renames functions by macros, which Swift does not import: hence one plain name for each.
#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t xxhash_64(const void *bytes, size_t count, uint64_t seed) {
    return XXH64(bytes, count, seed);
}

static inline uint64_t xxhash3_64(const void *bytes, size_t count) {
    return XXH3_64bits(bytes, count);
}

typedef struct { uint64_t high, low; } xxhash3_128_value;

static inline xxhash3_128_value xxhash3_128(const void *bytes, size_t count) {
    XXH128_hash_t hash = XXH3_128bits(bytes, count);
    xxhash3_128_value value = {hash.high64, hash.low64};
    return value;
}

// The streaming form, behind an opaque handle.
static inline void *xxhash3_stream_create(void) {
    XXH3_state_t *state = XXH3_createState();
    if (state) XXH3_64bits_reset(state);
    return state;
}

static inline void xxhash3_stream_free(void *state) { XXH3_freeState((XXH3_state_t *)state); }

static inline void xxhash3_stream_update(void *state, const void *bytes, size_t count) {
    XXH3_64bits_update((XXH3_state_t *)state, bytes, count);
}

static inline uint64_t xxhash3_stream_digest(const void *state) {
    return XXH3_64bits_digest((const XXH3_state_t *)state);
}
