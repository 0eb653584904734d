#pragma once
/// SQLite's C API as Debian ships it, with the few things that Swift cannot reach by itself.
#include <sqlite3.h>

/// Binds text that SQLite copies: SQLITE_TRANSIENT is a cast macro that Swift does not import.
int csqlite_bind_text(sqlite3_stmt *statement, int index, const char *text, int length);

/// Gives a file real blocks beyond its end without changing its size (fallocate(2), FALLOC_FL_KEEP_SIZE), so
/// that it can still grow on a full file system.
/// Returns 0, or errno.
int csqlite_reserve(const char *path, long long bytes);
