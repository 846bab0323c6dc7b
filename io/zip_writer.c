#include "io/zip_writer.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/base/memory.h"

enum {
    LOCAL_BYTES = 30,
    ENTRY_BYTES = 46,
    END_BYTES = 22,
    VERSION = 20,
    NAMES_ARE_UTF8 = 1 << 11,
    FIRST_DAY = 1 << 5 | 1 /* 1 January 1980: the same parameters are the same bytes */
};

/* Little-endian. */
static unsigned char *put(unsigned char *to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++)
        *to++ = (unsigned char)(value >> 8 * i);
    return to;
}

/* What a member's own header and its record in the directory have in common. */
static unsigned char *put_member(unsigned char *to, uint32_t checksum, uint32_t bytes,
                                 size_t name_bytes) {
    to = put(to, VERSION, 2);
    to = put(to, NAMES_ARE_UTF8, 2);
    to = put(to, 0, 2); /* stored */
    to = put(to, 0, 2); /* time */
    to = put(to, FIRST_DAY, 2);
    to = put(to, checksum, 4);
    to = put(to, bytes, 4);
    to = put(to, bytes, 4);
    to = put(to, (uint32_t)name_bytes, 2);
    return put(to, 0, 2);
}

static void note(struct ls_zip_writer *zip, const char *name, uint32_t checksum, uint32_t bytes) {
    const size_t name_bytes = strlen(name);
    zip->directory = ls_realloc(zip->directory, zip->directory_bytes + ENTRY_BYTES + name_bytes, 1);
    unsigned char *at = zip->directory + zip->directory_bytes;
    memset(at, 0, ENTRY_BYTES);
    at = put(put(at, 0x02014b50, 4), VERSION, 2);
    at = put_member(at, checksum, bytes, name_bytes);
    at = put(at, 0, 6); /* no comment, first disk, no attributes for programs */
    at = put(at, 0, 4); /* nor for systems */
    at = put(at, zip->offset, 4);
    memcpy(at, name, name_bytes);
    zip->directory_bytes += ENTRY_BYTES + name_bytes;
    zip->count++;
}

bool ls_zip_writer_add(struct ls_zip_writer *zip, const char *name, const struct ls_zip_part *parts,
                       int part_count) {
    const size_t name_bytes = strlen(name);
    unsigned char local[LOCAL_BYTES];
    uint32_t checksum = 0, bytes = 0;
    for (int i = 0; i < part_count; i++) {
        checksum = (uint32_t)crc32_z(checksum, parts[i].bytes, parts[i].count);
        bytes += (uint32_t)parts[i].count;
    }
    put_member(put(local, 0x04034b50, 4), checksum, bytes, name_bytes);
    note(zip, name, checksum, bytes);
    bool good = fwrite(local, LOCAL_BYTES, 1, zip->out) == 1 &&
                fwrite(name, 1, name_bytes, zip->out) == name_bytes;
    for (int i = 0; i < part_count && good; i++)
        good = fwrite(parts[i].bytes, 1, parts[i].count, zip->out) == parts[i].count;
    zip->offset += (uint32_t)(LOCAL_BYTES + name_bytes) + bytes;
    return good;
}

bool ls_zip_writer_finish(struct ls_zip_writer *zip) {
    unsigned char end[END_BYTES] = {0};
    unsigned char *at = put(put(end, 0x06054b50, 4), 0, 4);
    at = put(put(at, (uint32_t)zip->count, 2), (uint32_t)zip->count, 2);
    put(put(at, (uint32_t)zip->directory_bytes, 4), zip->offset, 4);
    const bool good =
        fwrite(zip->directory, 1, zip->directory_bytes, zip->out) == zip->directory_bytes &&
        fwrite(end, END_BYTES, 1, zip->out) == 1;
    free(zip->directory);
    zip->directory = NULL;
    return good;
}
