/* The learning rate of a step: a pure function of the step; and for plateaus of how often it was
 * reduced. */
#ifndef LS_OPTIM_SCHEDULE_H
#define LS_OPTIM_SCHEDULE_H

#include "core/base/field.h"

enum ls_schedule_kind {
    LS_SCHEDULE_CONSTANT,
    LS_SCHEDULE_STEP,
    LS_SCHEDULE_EXPONENTIAL,
    LS_SCHEDULE_COSINE,
    LS_SCHEDULE_ONE_CYCLE, /* Smith & Topin 2018, with cosines as PyTorch has them */
    LS_SCHEDULE_RESTARTS,  /* Loshchilov & Hutter 2017 */
    LS_SCHEDULE_PLATEAU    /* constant between reductions */
};

/* The `schedule` section of a config. */
struct ls_schedule_options {
    int name;             /* enum ls_schedule_kind */
    int64_t steps;        /* length; 0: epochs x steps per epoch */
    int64_t warmup_steps; /* linear from learning_rate / warmup_steps up */
    struct ls_real_list
        milestones; /* step: fractions of the length at which the rate is multiplied */
    double
        factor; /* step, plateau: multiplied in; exponential: the rate at the end as a fraction */
    double minimum;       /* cosine, one_cycle, restarts, plateau: the least rate as a fraction */
    double initial;       /* one_cycle: the rate at the beginning as a fraction */
    double rise;          /* one_cycle: share of the length until the peak */
    int64_t period_steps; /* restarts: of the first period */
    int64_t growth;       /* restarts: a period's length by that of the one before */
    int64_t patience;     /* plateau: epochs without a better metric before a reduction */
};
extern const struct ls_fields ls_schedule_fields;

/* step counts from 0; `steps` is the length to use where options->steps is 0. */
double ls_schedule_rate(const struct ls_schedule_options *options, double learning_rate,
                        int64_t steps, int64_t step);

/* What plateaus have reduced it to so far: factor^reductions, at least minimum; 1 for others. */
double ls_schedule_reduction(const struct ls_schedule_options *options, int64_t reductions);

/* Whether it has an end, behind which the rate stays. */
bool ls_schedule_ends(const struct ls_schedule_options *options);

#endif
