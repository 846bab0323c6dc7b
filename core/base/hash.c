#include "core/base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

#include "core/base/status.h"

struct ls_hash *ls_hash_create(void) {
    XXH64_state_t *state = XXH64_createState();
    LS_ASSERT(state, "out of memory: a hash state");
    XXH64_reset(state, 0);
    return (struct ls_hash *)state;
}

void ls_hash_add(struct ls_hash *hash, const void *bytes, size_t count) {
    if (count)
        XXH64_update((XXH64_state_t *)hash, bytes, count);
}

uint64_t ls_hash_value(const struct ls_hash *hash) {
    return XXH64_digest((const XXH64_state_t *)hash);
}

void ls_hash_destroy(struct ls_hash *hash) {
    XXH64_freeState((XXH64_state_t *)hash);
}

uint64_t ls_hash_bytes(const void *bytes, size_t count) {
    return XXH64(bytes, count, 0);
}

void ls_hash_text(uint64_t value, char text[LS_HASH_TEXT_MAX]) {
    snprintf(text, LS_HASH_TEXT_MAX, "%016" PRIx64, value);
}
