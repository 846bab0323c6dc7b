#include "io/zip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/memory.h"
#include "io/file.h"

enum {
    END_BYTES = 22,
    LOCATOR_BYTES = 20,
    END64_BYTES = 56,
    ENTRY_BYTES = 46,
    LOCAL_BYTES = 30,
    TAIL_BYTES = END_BYTES + 65535 + LOCATOR_BYTES,
    DIRECTORY_MAX = 64 << 20,
    BUFFER_BYTES = 256 << 10
};

struct ls_zip_member {
    int file;      /* owned */
    uint64_t left; /* packed bytes that were not read */
    uint64_t size, delivered;
    uint32_t expected, checksum;
    bool stored, ended;
    z_stream inflate;
    unsigned char *buffer; /* [BUFFER_BYTES] owned */
};

static uint64_t number(const unsigned char *bytes, int count) {
    uint64_t value = 0;
    for (int i = count - 1; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

static enum ls_status damaged(const char *path, const char *what, struct ls_error *error) {
    return ls_fail(error, LS_INVALID, "%s: not a ZIP archive, or damaged: %s", path, what);
}

static bool read_at(int file, uint64_t offset, void *bytes, size_t count) {
    return ls_file_read_at(file, bytes, count, offset) == (int64_t)count;
}

struct directory {
    uint64_t entries, bytes, offset;
};

/* The end record lies behind everything but a comment; sizes that do not fit it are in another. */
static enum ls_status find_directory(int file, uint64_t size, const char *path,
                                     struct directory *directory, struct ls_error *error) {
    const size_t tail = size < TAIL_BYTES ? (size_t)size : TAIL_BYTES;
    unsigned char *bytes = ls_calloc(tail + 1, 1), *end = NULL;
    enum ls_status status = LS_OK;
    if (!read_at(file, size - tail, bytes, tail))
        status = damaged(path, "it cannot be read", error);
    for (size_t at = tail >= END_BYTES ? tail - END_BYTES + 1 : 0; at-- > 0 && !end;)
        if (number(bytes + at, 4) == 0x06054b50)
            end = bytes + at;
    if (status == LS_OK && !end)
        status = damaged(path, "it has no end record", error);
    if (status == LS_OK) {
        *directory =
            (struct directory){number(end + 10, 2), number(end + 12, 4), number(end + 16, 4)};
        unsigned char end64[END64_BYTES];
        const unsigned char *locator = end - bytes >= LOCATOR_BYTES ? end - LOCATOR_BYTES : NULL;
        if (locator && number(locator, 4) == 0x07064b50 &&
            read_at(file, number(locator + 8, 8), end64, sizeof end64) &&
            number(end64, 4) == 0x06064b50)
            *directory = (struct directory){number(end64 + 32, 8), number(end64 + 40, 8),
                                            number(end64 + 48, 8)};
        if (directory->bytes > DIRECTORY_MAX || directory->offset > size ||
            directory->bytes > size - directory->offset ||
            directory->entries > directory->bytes / ENTRY_BYTES)
            status = damaged(path, "its directory does not fit it", error);
    }
    free(bytes);
    return status;
}

/* Sizes of 64 bits stand behind the name, those that do not fit 32, in this order. */
static void widen(struct ls_zip_entry *entry, const unsigned char *extra, size_t length) {
    uint64_t *const wide[] = {&entry->size, &entry->packed, &entry->offset};
    for (size_t at = 0; at + 4 <= length;) {
        const size_t bytes = (size_t)number(extra + at + 2, 2);
        size_t field = at + 4;
        const size_t end = field + bytes;
        for (int i = 0; i < 3 && number(extra + at, 2) == 1 && end <= length; i++)
            if (*wide[i] == UINT32_MAX && field + 8 <= end) {
                *wide[i] = number(extra + field, 8);
                field += 8;
            }
        at = end;
    }
}

static enum ls_status read_entries(struct ls_zip *zip, const unsigned char *bytes, size_t count,
                                   struct ls_error *error) {
    for (size_t at = 0; at + ENTRY_BYTES <= count;) {
        const unsigned char *record = bytes + at;
        const size_t name = (size_t)number(record + 28, 2), extra = (size_t)number(record + 30, 2);
        const size_t length = ENTRY_BYTES + name + extra + (size_t)number(record + 32, 2);
        if (number(record, 4) != 0x02014b50 || length > count - at)
            return damaged(zip->path, "its directory is", error);
        zip->entries = ls_realloc(zip->entries, (size_t)zip->count + 1, sizeof *zip->entries);
        struct ls_zip_entry *entry = &zip->entries[zip->count++];
        *entry = (struct ls_zip_entry){.name = ls_calloc(name + 1, 1),
                                       .offset = number(record + 42, 4),
                                       .packed = number(record + 20, 4),
                                       .size = number(record + 24, 4),
                                       .checksum = (uint32_t)number(record + 16, 4),
                                       .method = (int)number(record + 10, 2),
                                       .encrypted = record[8] & 1};
        memcpy(entry->name, record + ENTRY_BYTES, name);
        widen(entry, record + ENTRY_BYTES + name, extra);
        at += length;
    }
    return LS_OK;
}

enum ls_status ls_zip_open(struct ls_zip *zip, const char *path, struct ls_error *error) {
    *zip = (struct ls_zip){.path = path};
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return ls_file_fail(error, "read", path, errno);
    struct stat info;
    enum ls_status status = LS_OK;
    if (fstat(file, &info) || !S_ISREG(info.st_mode))
        status = damaged(path, "it is not a regular file", error);
    struct directory directory = {0};
    if (status == LS_OK)
        status = find_directory(file, (uint64_t)info.st_size, path, &directory, error);
    unsigned char *bytes = ls_calloc(directory.bytes + 1, 1);
    if (status == LS_OK && !read_at(file, directory.offset, bytes, directory.bytes))
        status = damaged(path, "its directory cannot be read", error);
    if (status == LS_OK)
        status = read_entries(zip, bytes, directory.bytes, error);
    free(bytes);
    close(file);
    if (status != LS_OK)
        ls_zip_close(zip);
    return status;
}

void ls_zip_close(struct ls_zip *zip) {
    for (int i = 0; i < zip->count; i++)
        free(zip->entries[i].name);
    free(zip->entries);
    *zip = (struct ls_zip){0};
}

static enum ls_status find_bytes(const struct ls_zip *zip, const struct ls_zip_entry *entry,
                                 struct ls_zip_member *member, struct ls_error *error) {
    unsigned char local[LOCAL_BYTES];
    member->file = open(zip->path, O_RDONLY | O_CLOEXEC);
    if (member->file < 0)
        return ls_file_fail(error, "read", zip->path, errno);
    if (!read_at(member->file, entry->offset, local, sizeof local) ||
        number(local, 4) != 0x04034b50)
        return ls_fail(error, LS_INVALID, "%s: damaged: there is no %s where it should begin",
                       zip->path, entry->name);
    const uint64_t start =
        entry->offset + LOCAL_BYTES + number(local + 26, 2) + number(local + 28, 2);
    if (lseek(member->file, (off_t)start, SEEK_SET) < 0)
        return ls_file_fail(error, "read", zip->path, errno);
    return LS_OK;
}

enum ls_status ls_zip_stream(const struct ls_zip *zip, int at, struct ls_stream *stream,
                             struct ls_error *error) {
    const struct ls_zip_entry *entry = &zip->entries[at];
    *stream = (struct ls_stream){.path = zip->path};
    if (entry->encrypted || (entry->method != 0 && entry->method != Z_DEFLATED))
        return ls_fail(error, LS_INVALID, "%s: %s is %s; expected it stored or deflated", zip->path,
                       entry->name, entry->encrypted ? "encrypted" : "packed in another way");
    struct ls_zip_member *member = ls_calloc(1, sizeof *member);
    *member = (struct ls_zip_member){.file = -1,
                                     .left = entry->packed,
                                     .size = entry->size,
                                     .expected = entry->checksum,
                                     .stored = entry->method == 0,
                                     .buffer = ls_calloc(BUFFER_BYTES, 1)};
    LS_ASSERT(inflateInit2(&member->inflate, -MAX_WBITS) == Z_OK, "out of memory: %s", zip->path);
    const enum ls_status status = find_bytes(zip, entry, member, error);
    if (status == LS_OK)
        stream->member = member;
    else
        ls_zip_member_close(member);
    return status;
}

void ls_zip_member_close(struct ls_zip_member *member) {
    inflateEnd(&member->inflate);
    if (member->file >= 0)
        close(member->file);
    free(member->buffer);
    free(member);
}

/* Packed bytes into the buffer, where it is empty. */
static bool fill(struct ls_zip_member *member) {
    if (member->inflate.avail_in || !member->left)
        return true;
    const size_t room = member->left < BUFFER_BYTES ? (size_t)member->left : BUFFER_BYTES;
    ssize_t got;
    while ((got = read(member->file, member->buffer, room)) < 0 && errno == EINTR)
        ;
    if (got <= 0)
        return false;
    member->left -= (uint64_t)got;
    member->inflate.next_in = member->buffer;
    member->inflate.avail_in = (unsigned)got;
    return true;
}

/* Some bytes of what follows; 0 at the end, -1 where it is damaged. */
static int64_t unpack(struct ls_zip_member *member, void *bytes, unsigned room) {
    z_stream *from = &member->inflate;
    from->next_out = bytes;
    from->avail_out = room;
    while (from->avail_out == room && !member->ended) {
        if (!fill(member) || !from->avail_in)
            return member->stored && !member->left && !from->avail_in ? 0 : -1;
        if (member->stored) {
            const unsigned count = from->avail_in < room ? from->avail_in : room;
            memcpy(from->next_out, from->next_in, count);
            from->next_in += count;
            from->avail_in -= count;
            from->avail_out -= count;
            continue;
        }
        const int code = inflate(from, Z_NO_FLUSH);
        member->ended = code == Z_STREAM_END;
        if (code != Z_OK && code != Z_STREAM_END)
            return -1;
    }
    const unsigned count = room - from->avail_out;
    member->checksum = (uint32_t)crc32(member->checksum, bytes, count);
    member->delivered += count;
    return count;
}

enum ls_status ls_zip_member_read(struct ls_zip_member *member, const char *path, void *bytes,
                                  uint64_t count, uint64_t *got, struct ls_error *error) {
    *got = 0;
    while (*got < count) {
        const uint64_t left = count - *got;
        const int64_t done =
            unpack(member, (char *)bytes + *got, left < 1 << 30 ? (unsigned)left : 1u << 30);
        const bool over = done == 0;
        if (done < 0 || member->delivered > member->size ||
            (over && (member->delivered != member->size || member->checksum != member->expected)))
            return ls_fail(error, LS_INVALID,
                           "%s: damaged ZIP data: behind %llu of %llu bytes of a member", path,
                           (unsigned long long)member->delivered, (unsigned long long)member->size);
        if (over)
            break;
        *got += (uint64_t)done;
    }
    return LS_OK;
}
