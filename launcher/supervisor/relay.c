/* What mpirun prints, on its way to where we print. It is read to its end whether or not anybody
 * reads ours, because mpirun gives up a job whose output it cannot write.
 *
 * mpirun's own texts stand between two lines of dashes. They are long and about exit codes, so they
 * are kept back: for a job that fails before a rank can say why, they are all there is. So are the
 * lines of its error log: Open MPI 4.1 writes one now and then when it loses the text of an
 * MPI_Abort, of which the verdict speaks anyway. That it passes a signal on, which we sent it for
 * that, is nobody's business. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "launcher/supervisor/internal.h"

enum {
    DASHES_MIN = 40,
    BLOCK_MAX = 16 << 10, /* longer: somebody else's line of dashes, and no text of mpirun */
    KEPT_MAX = 64 << 10,
    PATIENCE_S = 5,
    NOISE_SIZE = 300
};

/* How the lines of Open MPI's error log begin; '*' is a word's end: "[host:pid] [[7,0],0] ORTE...".
 */
static const char *const log_lines[] = {
    "[* [* ORTE_ERROR_LOG: ", "[* [* PRTE_ERROR_LOG: ", "[* PMIX ERROR: ", "[* PRTE ERROR: "};

struct text {
    size_t count;
    char *bytes; /* owned; ends with NUL */
};

struct stream {
    int from, to;
    bool filtered;
    atomic_bool muted;
    char noise[NOISE_SIZE]; /* how mpirun begins the lines that nobody wants */
    pthread_t thread;
    bool started;
    bool in_block, line_began; /* since the last newline, something was taken */
    struct text line;          /* the beginning of one that may be mpirun's own, or all of it */
    struct text block, kept;
};

struct ls_relay {
    struct stream streams[2];
};

/* Set once, by the event loop. */
static bool is_muted(const struct stream *stream) {
    return atomic_load_explicit(&stream->muted, memory_order_relaxed);
}

static void text_add(struct text *text, const char *bytes, size_t count) {
    text->bytes = ls_realloc(text->bytes, text->count + count + 1, 1);
    memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
    text->bytes[text->count] = '\0';
}

static void text_clear(struct text *text) {
    free(text->bytes);
    *text = (struct text){0};
}

/* A reader that has gone away, or a full disk, is no reason to end a job: what cannot be written is
 * dropped. */
static void pass(const struct stream *stream, const char *bytes, size_t count) {
    while (count && !is_muted(stream)) {
        const ssize_t put = write(stream->to, bytes, count);
        if (put > 0) {
            bytes += put;
            count -= (size_t)put;
        } else if (put < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){.fd = stream->to, .events = POLLOUT}, 1, -1);
        } else if (put == 0 || errno != EINTR) {
            return;
        }
    }
}

/* Ranks that fail alike bring the same text each: it is kept once. */
static void keep(struct stream *stream, const struct text *text) {
    struct text *kept = &stream->kept;
    if (kept->count + text->count < KEPT_MAX && text->count &&
        !(kept->bytes && strstr(kept->bytes, text->bytes)))
        text_add(kept, text->bytes, text->count);
}

/* Of somebody else, or the inside of a block. */
static void take(struct stream *stream, const char *bytes, size_t count) {
    if (!stream->in_block) {
        pass(stream, bytes, count);
        return;
    }
    text_add(&stream->block, bytes, count);
    if (stream->block.count > BLOCK_MAX) {
        pass(stream, stream->block.bytes, stream->block.count);
        text_clear(&stream->block);
        stream->in_block = false;
    }
}

static bool all_dashes(const struct text *text) {
    return strspn(text->bytes, "-") == text->count;
}

/* Whether a line that begins with text begins as pattern does, as far as both go. */
static bool begins_like(const struct text *text, const char *pattern, bool *whole) {
    const char *at = text->bytes;
    while (*at && *pattern) {
        if (*pattern == '*') {
            at += strcspn(at, " ");
            pattern++;
        } else if (*at++ != *pattern++) {
            return false;
        }
    }
    *whole = !*pattern;
    return true;
}

enum kind { SOMEBODY_ELSES, UNDECIDED, NOISE, DASHES, LOG_LINE };

/* What a line is that begins with text. */
static enum kind kind_of(const struct stream *stream, const struct text *text) {
    bool whole = false;
    if (all_dashes(text))
        return text->count >= DASHES_MIN ? DASHES : UNDECIDED;
    if (begins_like(text, stream->noise, &whole))
        return whole ? NOISE : UNDECIDED;
    for (size_t i = 0; i < sizeof log_lines / sizeof *log_lines; i++)
        if (begins_like(text, log_lines[i], &whole))
            return whole ? LOG_LINE : UNDECIDED;
    return SOMEBODY_ELSES;
}

/* A line of dashes: the first opens a block, the second closes it. */
static void end_dashes(struct stream *stream) {
    if (stream->in_block)
        keep(stream, &stream->block);
    text_clear(&stream->block);
    stream->in_block = !stream->in_block;
}

/* The next byte of a line that may still be mpirun's own. */
static void take_begin(struct stream *stream, char byte) {
    struct text *line = &stream->line;
    if (byte == '\0') /* mpirun of Open MPI 5 ends its texts with it */
        return;
    const enum kind kind = line->count ? kind_of(stream, line) : UNDECIDED;
    text_add(line, &byte, 1);
    if (byte != '\n' && kind_of(stream, line) != SOMEBODY_ELSES)
        return;
    if (byte == '\n' && kind == DASHES) {
        end_dashes(stream);
    } else if (byte == '\n' && kind == LOG_LINE) {
        keep(stream, line);
    } else if (byte != '\n' || kind != NOISE) {
        take(stream, line->bytes, line->count);
        stream->line_began = byte != '\n';
    }
    text_clear(line);
}

static void filter(struct stream *stream, const char *bytes, size_t count) {
    while (count) {
        size_t taken = 1;
        if (stream->line_began) {
            const char *end = memchr(bytes, '\n', count);
            taken = end ? (size_t)(end - bytes) + 1 : count;
            take(stream, bytes, taken);
            stream->line_began = !end;
        } else {
            take_begin(stream, *bytes);
        }
        bytes += taken;
        count -= taken;
    }
}

static void *relay(void *context) {
    struct stream *stream = context;
    char bytes[4096];
    ssize_t got;
    while ((got = read(stream->from, bytes, sizeof bytes)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        if (stream->filtered)
            filter(stream, bytes, (size_t)got);
        else
            pass(stream, bytes, (size_t)got);
    }
    if (stream->line.count)
        take(stream, stream->line.bytes, stream->line.count);
    text_clear(&stream->line);
    if (stream->block.count) { /* mpirun closes its blocks: this is somebody else's text */
        pass(stream, stream->block.bytes, stream->block.count);
        text_clear(&stream->block);
    }
    return NULL;
}

/* With all signals blocked: they are the event loop's. */
static int start(struct stream *stream) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int number = pthread_create(&stream->thread, NULL, relay, stream);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    stream->started = number == 0;
    return number;
}

enum ls_status ls_relay_create(struct ls_relay **result, struct ls_mpirun *mpirun,
                               struct ls_error *error) {
    struct ls_relay *relay = *result = ls_calloc(1, sizeof *relay);
    const char *slash = strrchr(mpirun->arguments[0], '/');
    const char *name = slash ? slash + 1 : mpirun->arguments[0];
    int number = 0;
    for (int i = 0; i < 2; i++) {
        int ends[2] = {-1, -1};
        if (!number && pipe2(ends, O_CLOEXEC))
            number = errno;
        mpirun->outputs[i] = ends[1];
        relay->streams[i] = (struct stream){
            .from = ends[0], .to = i ? STDERR_FILENO : STDOUT_FILENO, .filtered = i == 1};
        snprintf(relay->streams[i].noise, NOISE_SIZE, "%.250s: Forwarding signal ", name);
        if (!number)
            number = start(&relay->streams[i]);
    }
    if (!number)
        return LS_OK;
    return ls_fail(error, LS_SYSTEM, "cannot start mpirun: %s", strerror(number));
}

void ls_relay_mute(struct ls_relay *relay) {
    atomic_store_explicit(&relay->streams[1].muted, true, memory_order_relaxed);
}

/* Whether its thread has come to the end; it may wait for whoever reads our output. */
static bool join(struct stream *stream, bool patient) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    if (patient)
        return pthread_join(stream->thread, NULL) == 0;
    if (pthread_timedjoin_np(stream->thread, NULL, &until) == 0)
        return true;
    pthread_detach(stream->thread);
    return false;
}

char *ls_relay_finish(struct ls_relay *relay, bool patient) {
    char *kept = NULL;
    bool all = true;
    for (int i = 1; i >= 0; i--) { /* what is told, then what came out */
        struct stream *stream = &relay->streams[i];
        if (stream->started && !join(stream, patient)) {
            all = false;
            continue;
        }
        if (stream->from >= 0)
            close(stream->from);
        if (stream->filtered)
            kept = stream->kept.bytes;
    }
    if (all) /* else a thread that nobody waits for still has it, until this process ends */
        free(relay);
    return kept ? kept : ls_strdup("");
}
