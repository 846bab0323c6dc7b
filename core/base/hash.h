/* XXH64 with seed 0 (libxxhash), the one 64-bit digest used for parameters and files. */
#ifndef LS_BASE_HASH_H
#define LS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define LS_HASH_NAME "xxh64"
enum { LS_HASH_TEXT_MAX = 17 }; /* 16 lower-case hex digits and NUL */

struct ls_hash; /* a running digest */

struct ls_hash *ls_hash_create(void);
void ls_hash_add(struct ls_hash *hash, const void *bytes, size_t count);
uint64_t ls_hash_value(const struct ls_hash *hash);
void ls_hash_destroy(struct ls_hash *hash);

uint64_t ls_hash_bytes(const void *bytes, size_t count);
void ls_hash_text(uint64_t value, char text[LS_HASH_TEXT_MAX]);

#endif
