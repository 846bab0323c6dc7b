#include "io/events.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "io/file.h"

enum { PATH_SIZE = 4096, WAITING_MAX = 16 << 20 };
#define PREFIX "events.out.tfevents."

/* A protocol buffer that is being written. */
struct message {
    unsigned char *bytes; /* owned */
    size_t count, room;
};

struct ls_events {
    int file;
    char *path; /* owned */
    uint64_t bytes;
    char *waiting; /* owned; records that are not written yet */
    size_t waiting_bytes, waiting_room;
    uint32_t table[256];                         /* of the CRC */
    struct message event, summary, value, image; /* one inside the other; kept for their room */
};

/* Castagnoli's polynomial, reflected (RFC 3720, B.4). */
static void make_table(uint32_t table[256]) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
        table[byte] = crc;
    }
}

/* "Masked", as TFRecord keeps it. */
static uint32_t checksum(const struct ls_events *events, const void *bytes, size_t count) {
    const unsigned char *at = bytes;
    uint32_t crc = ~0u;
    for (size_t i = 0; i < count; i++)
        crc = crc >> 8 ^ events->table[(crc ^ at[i]) & 255];
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

/* ---- protocol buffers: what an Event of one scalar takes ---- */

static void put(struct message *message, const void *bytes, size_t count) {
    if (message->count + count > message->room) {
        message->room = 2 * (message->count + count);
        message->bytes = ls_realloc(message->bytes, message->room, 1);
    }
    memcpy(message->bytes + message->count, bytes, count);
    message->count += count;
}

static void put_varint(struct message *message, uint64_t value) {
    do {
        const unsigned char byte = (unsigned char)((value & 127) | (value > 127 ? 128 : 0));
        put(message, &byte, 1);
    } while (value >>= 7);
}

enum wire { VARINT = 0, EIGHT_BYTES = 1, COUNTED = 2, FOUR_BYTES = 5 };

static void put_key(struct message *message, int field, enum wire wire) {
    put_varint(message, (uint64_t)(field << 3 | (int)wire));
}

static void put_counted(struct message *message, int field, const void *bytes, size_t count) {
    put_key(message, field, COUNTED);
    put_varint(message, count);
    put(message, bytes, count);
}

/* Event: wall_time 1, step 2, file_version 3, summary 5. */
static struct message *begin_event(struct ls_events *events, double time, uint64_t step) {
    struct message *event = &events->event;
    event->count = 0;
    put_key(event, 1, EIGHT_BYTES);
    put(event, &time, sizeof time);
    put_key(event, 2, VARINT);
    put_varint(event, step);
    return event;
}

static void append(struct ls_events *events, const struct message *message) {
    const uint64_t length = message->count;
    const uint32_t of_length = checksum(events, &length, sizeof length);
    const uint32_t of_data = checksum(events, message->bytes, message->count);
    const size_t all = message->count + 16;
    if (events->waiting_bytes + all > events->waiting_room) {
        events->waiting_room = 2 * (events->waiting_bytes + all);
        events->waiting = ls_realloc(events->waiting, events->waiting_room, 1);
    }
    char *to = events->waiting + events->waiting_bytes;
    memcpy(to, &length, 8);
    memcpy(to + 8, &of_length, 4);
    memcpy(to + 12, message->bytes, message->count);
    memcpy(to + 12 + message->count, &of_data, 4);
    events->waiting_bytes += all;
}

/* Those of before are not continued: a run that goes on from a checkpoint writes all anew. */
static enum ls_status remove_old(const char *folder, struct ls_error *error) {
    DIR *listing = opendir(folder);
    if (!listing)
        return ls_file_fail(error, "read", folder, errno);
    for (struct dirent *entry; (entry = readdir(listing));)
        if (!strncmp(entry->d_name, PREFIX, strlen(PREFIX)))
            (void)!unlinkat(dirfd(listing), entry->d_name, 0);
    closedir(listing);
    return LS_OK;
}

enum ls_status ls_events_open(struct ls_events **events, const char *folder,
                              struct ls_error *error) {
    static const char version[] = "brain.Event:2";
    char path[PATH_SIZE], host[256] = "";
    *events = NULL;
    enum ls_status status = ls_folder_create(folder, error);
    if (status == LS_OK)
        status = remove_old(folder, error);
    if (status != LS_OK)
        return status;
    (void)!gethostname(host, sizeof host - 1);
    snprintf(path, sizeof path, "%s/" PREFIX "%010lld.%s", folder, (long long)time(NULL), host);
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0)
        return ls_file_fail(error, "write", path, errno);
    *events = ls_calloc(1, sizeof **events);
    **events = (struct ls_events){.file = file, .path = ls_strdup(path)};
    make_table((*events)->table);
    struct message *event = begin_event(*events, (double)time(NULL), 0);
    put_counted(event, 3, version, sizeof version - 1);
    append(*events, event);
    return ls_events_flush(*events, error);
}

/* Summary.Value: tag 1, simple_value 2, image 4. */
static struct message *begin_value(struct ls_events *events, const char *tag) {
    events->value.count = 0;
    put_counted(&events->value, 1, tag, strlen(tag));
    return &events->value;
}

/* Summary: value 1. A disk that is full for so long that much waits gets no more. */
static void end_value(struct ls_events *events, double time, uint64_t step) {
    const struct message *value = &events->value;
    struct message *summary = &events->summary, *event = begin_event(events, time, step);
    summary->count = 0;
    put_counted(summary, 1, value->bytes, value->count);
    put_counted(event, 5, summary->bytes, summary->count);
    if (events->waiting_bytes < WAITING_MAX)
        append(events, event);
}

void ls_events_add(struct ls_events *events, double time, uint64_t step, const char *tag,
                   double value) {
    const float single = (float)value;
    struct message *message = begin_value(events, tag);
    put_key(message, 2, FOUR_BYTES);
    put(message, &single, sizeof single);
    end_value(events, time, step);
}

void ls_events_add_image(struct ls_events *events, uint64_t step, const char *tag,
                         const struct ls_events_image *image) {
    struct message *message = begin_value(events, tag), *inner = &events->image;
    const uint64_t sizes[] = {(uint64_t)image->height, (uint64_t)image->width,
                              (uint64_t)image->channels};
    inner->count = 0;
    for (int i = 0; i < 3; i++) { /* Summary.Image: height 1, width 2, colorspace 3, the file 4 */
        put_key(inner, i + 1, VARINT);
        put_varint(inner, sizes[i]);
    }
    put_counted(inner, 4, image->png, image->png_bytes);
    put_counted(message, 4, inner->bytes, inner->count);
    end_value(events, (double)time(NULL), step);
}

enum ls_status ls_events_flush(struct ls_events *events, struct ls_error *error) {
    ssize_t written = 0;
    if (!events->waiting_bytes)
        return LS_OK;
    do
        written = write(events->file, events->waiting, events->waiting_bytes);
    while (written < 0 && errno == EINTR);
    if (written == (ssize_t)events->waiting_bytes) {
        events->bytes += events->waiting_bytes;
        events->waiting_bytes = 0;
        return LS_OK;
    }
    const int number = written < 0 ? errno : ENOSPC;
    if (written > 0)
        (void)!ftruncate(events->file, (off_t)events->bytes);
    return ls_file_fail(error, "write", events->path, number);
}

void ls_events_close(struct ls_events *events) {
    if (!events)
        return;
    close(events->file);
    free(events->path);
    free(events->waiting);
    free(events->event.bytes);
    free(events->summary.bytes);
    free(events->value.bytes);
    free(events->image.bytes);
    free(events);
}
