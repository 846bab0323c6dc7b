/* Where the time of training goes, as this rank sees it: what it waits for counts as what it waits
 * in. */
#ifndef LS_LAUNCHER_TIMES_H
#define LS_LAUNCHER_TIMES_H

#include <stddef.h>

enum ls_time {
    LS_TIME_DATA,       /* waiting for the next batch to be read */
    LS_TIME_FORWARD,    /* with the losses */
    LS_TIME_BACKWARD,   /* with what is added up and sent meanwhile */
    LS_TIME_AVERAGE,    /* the rest of averaging: waiting for the other ranks */
    LS_TIME_UPDATE,     /* the optimiser, and gathering the parameters */
    LS_TIME_CHECKPOINT, /* the part of saving that training waits for */
    LS_TIMES
};

extern const char *const ls_time_names[LS_TIMES]; /* "data", "forward", ... */

struct ls_times {
    double seconds[LS_TIMES]; /* since training began */
    double last;              /* when the last of them ended, by ls_seconds */
};

/* What passed since `last` belongs to `which`. */
void ls_times_add(struct ls_times *times, enum ls_time which);

/* Shares of the time between two looks at the same times; what is missing to 1 went elsewhere
 * (measuring on validation data, writing lines). */
void ls_times_shares(const struct ls_times *before, const struct ls_times *now,
                     double shares[LS_TIMES]);

/* "data 2%  forward 31%  ..." */
char *ls_times_print(const double shares[LS_TIMES], char *text, size_t size);

#endif
