/* FOLDER/METHOD.h5 of `lockstep explain`, read again: what was explained, and how strongly each
 * value of a sample speaks. */
#ifndef LS_IO_EXPLAINED_H
#define LS_IO_EXPLAINED_H

#include <stdint.h>

#include "core/base/status.h"
#include "core/tensor/shape.h"

enum ls_finding_note {
    LS_FINDING_METHOD,
    LS_FINDING_OPTIONS,
    LS_FINDING_STEP,
    LS_FINDING_DIGEST, /* of the parameters */
    LS_FINDING_WEIGHTS,
    LS_FINDING_PART,
    LS_FINDING_TARGET,
    LS_FINDING_LAYER,
    LS_FINDING_METRIC, /* what the attributions are losses of */
    LS_FINDING_NOTES
};

struct ls_finding {
    char *notes[LS_FINDING_NOTES]; /* owned; "": the file does not say */
    double metric_value;           /* of the metric as it is; NAN: the file does not say */
    double metric_samples;         /* that it was measured on; NAN: likewise */
    char *datasets;                /* owned: "distances [16, 5], samples [16]" */
    bool attributions;             /* there are some, in whatever shape */
    uint64_t samples;              /* that /attributions is of; 0: of none, but of each value */
    struct ls_shape shape;         /* of a sample's: [values], or [positions, channels] */
    int64_t width;                 /* values of a sample; 0: they have another shape */
    double *strengths;             /* [width] owned; the mean size of their attributions */
    /* How far they can be trusted (--faithfulness): means over samples. */
    struct ls_finding_checks {
        int64_t points;               /* of the curves, evenly from 0 to all features; 0: none */
        double *deletion, *insertion; /* [points] owned */
        double noise_sensitivity;     /* NAN: not known, like the next */
        double random_weights_correlation;
    } checks;
    /* How answers change where concepts are set. */
    struct ls_finding_change {
        uint64_t samples, changed; /* samples 0: it is not about that */
        bool judged;               /* the right answers are known: */
        uint64_t right_before, right_after;
        int64_t sizes;     /* 0 .. concepts of them put right; 0: not known */
        double *corrected; /* [sizes] owned; shares of right answers */
    } change;
};

/* A file of another kind is LS_INVALID. ls_finding_clear, also after an error. */
LS_MUST_USE enum ls_status ls_finding_load(struct ls_finding *finding, const char *path,
                                           struct ls_error *error);
void ls_finding_clear(struct ls_finding *finding);

#endif
