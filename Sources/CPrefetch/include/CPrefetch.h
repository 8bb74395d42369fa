#ifndef CPREFETCH_H
#define CPREFETCH_H

/// Asks for the cache line of an address, which need not be a valid one. It changes nothing.
static inline void cprefetch(const void *address) {
    __builtin_prefetch(address, 1);
}

#endif
