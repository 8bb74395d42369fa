#pragma once

/// Lets two paths change places at once (Linux: renameat2 with RENAME_EXCHANGE, which Swift's C library
/// does not show). 0, or -1 with errno set.
int rename_exchange(const char *first, const char *second);
