#pragma once

#include <cstdint>

// Replaces the escapes of a JSON string by what they stand for, in place. Returns the end, or NULL
// where one of them is wrong.
uint8_t *unescape(uint8_t *text, const uint8_t *end);
