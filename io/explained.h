/* FOLDER/METHOD.h5 of `lockstep explain`, read again: what was explained, and how strongly each
 * value of a sample speaks. */
#ifndef LS_IO_EXPLAINED_H
#define LS_IO_EXPLAINED_H

#include <stdint.h>

#include "core/base/status.h"

enum ls_explained_note {
    LS_EXPLAINED_METHOD,
    LS_EXPLAINED_OPTIONS,
    LS_EXPLAINED_STEP,
    LS_EXPLAINED_DIGEST, /* of the parameters */
    LS_EXPLAINED_WEIGHTS,
    LS_EXPLAINED_PART,
    LS_EXPLAINED_TARGET,
    LS_EXPLAINED_LAYER,
    LS_EXPLAINED_NOTES
};

struct ls_explained {
    char *notes[LS_EXPLAINED_NOTES]; /* owned; "": the file does not say */
    bool attributions;               /* there are some, in whatever shape */
    uint64_t samples;                /* that /attributions is of; 0: of none, but of each value */
    int64_t width;                   /* values of a sample; 0: there are no attributions of them */
    double *strengths;               /* [width] owned; the mean size of their attributions */
    /* How answers change where concepts are set. */
    struct ls_explained_change {
        uint64_t samples, changed; /* samples 0: it is not about that */
        bool judged;               /* the right answers are known: */
        uint64_t right_before, right_after;
        int64_t sizes;     /* 0 .. concepts of them put right; 0: not known */
        double *corrected; /* [sizes] owned; shares of right answers */
    } change;
};

/* A file of another kind is LS_INVALID. ls_explained_clear, also after an error. */
LS_MUST_USE enum ls_status ls_explained_load(struct ls_explained *explained, const char *path,
                                             struct ls_error *error);
void ls_explained_clear(struct ls_explained *explained);

#endif
