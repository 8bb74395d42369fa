#pragma once

#include <cstddef>

// simdjson refuses a document for one number that fits neither 64-bit integers nor Double, wherever
// it stands. JSON does not. This rewrites such numbers in place: an integer becomes a Double, to 14
// digits; what would be infinite becomes 1e308 (infinite as a Float). All else, malformed numbers
// included, stays. `text` is padded with zero bytes. Returns whether anything was rewritten.
bool rewrite_out_of_range_numbers(char *text, size_t count);
