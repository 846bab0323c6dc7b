/* The learning rate of a step: a pure function of the step. */
#ifndef LS_OPTIM_SCHEDULE_H
#define LS_OPTIM_SCHEDULE_H

#include "core/base/field.h"

enum ls_schedule_kind {
    LS_SCHEDULE_CONSTANT,
    LS_SCHEDULE_STEP,
    LS_SCHEDULE_EXPONENTIAL,
    LS_SCHEDULE_COSINE
};

/* The `schedule` section of a config. */
struct ls_schedule_options {
    int name;             /* enum ls_schedule_kind */
    int64_t steps;        /* length; 0: epochs x steps per epoch */
    int64_t warmup_steps; /* linear from learning_rate / warmup_steps up */
    struct ls_real_list
        milestones; /* step: fractions of the length at which the rate is multiplied */
    double factor;  /* step: multiplied in; exponential: the rate at the end as a fraction */
    double minimum; /* cosine: the rate at the end as a fraction */
};
extern const struct ls_fields ls_schedule_fields;

/* step counts from 0; `steps` is the length to use where options->steps is 0. */
double ls_schedule_rate(const struct ls_schedule_options *options, double learning_rate,
                        int64_t steps, int64_t step);

#endif
