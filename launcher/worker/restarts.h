/* RUN/starts.jsonl: a line for each start of a run, and one for its end, so that restarts can be
 * told later. Nothing depends on it: a line that cannot be written is left out, one that cannot be
 * read is passed over. */
#ifndef LS_LAUNCHER_RESTARTS_H
#define LS_LAUNCHER_RESTARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct ls_begun {
    uint64_t number; /* the incarnation; 0: no launcher counted it */
    int ranks, threads;
    uint64_t from_step; /* of the checkpoint that it went on from; 0: it began anew */
};
/* By rank 0, when it is known where training begins. */
void ls_starts_begin(const char *run, const struct ls_begun *start);
struct ls_ended {
    int exit_code;
    const char *why; /* how it lost a rank, in words; "": it lost none */
    bool again;      /* the launcher starts it again by itself */
};
/* By the launcher, with what rank 0 has left in RUN/ranks. */
void ls_starts_end(const char *run, uint64_t number, const struct ls_ended *end);
/* By a command that has given the run its first parameters, out of a file, and trains nothing. */
void ls_starts_give(const char *run, uint64_t number, const char *command, const char *file);

/* An array of the starts in order, owned by the caller; each {start, time, ranks, threads, host,
 * from_step}, and where its end is known `end`: {time, exit_code, step, message, why, again}, or
 * `given`: {time, command, file}. One that ended before it could begin has no more than
 * start, time and end. */
json_t *ls_starts_read(const char *run);
enum { LS_ENDING_MAX = 1024 };
/* How a start ended, in words: "done (at step 24)", ...; last: no other came after it. Returns
 * text. */
char *ls_starts_ending(const json_t *start, bool last, char text[LS_ENDING_MAX]);

#endif
