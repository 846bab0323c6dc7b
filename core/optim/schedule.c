#include "core/optim/schedule.h"

#include <math.h>

/* By enum ls_schedule_kind. */
static const char *const names[] = {"constant", "step", "exponential", "cosine", NULL};

#define SCHEDULE(member) offsetof(struct ls_schedule_options, member)

static const struct ls_field items[] = {
    {.name = "name",
     .kind = LS_FIELD_CHOICE,
     .offset = SCHEDULE(name),
     .initial = "constant",
     .choices = names,
     .help = "how the learning rate falls"},
    {.name = "steps",
     .kind = LS_FIELD_INTEGER,
     .offset = SCHEDULE(steps),
     .initial = "0",
     .max = 1e15,
     .unit = "optimiser steps",
     .help = "length, warm-up included; 0: epochs x steps per epoch of the first start; may be "
             "extended when a run continues",
     .resume_free = true},
    {.name = "warmup_steps",
     .kind = LS_FIELD_INTEGER,
     .offset = SCHEDULE(warmup_steps),
     .initial = "0",
     .max = 1e15,
     .unit = "optimiser steps",
     .help = "at first the rate rises linearly; the schedule covers the steps after it"},
    {.name = "milestones",
     .kind = LS_FIELD_LIST,
     .offset = SCHEDULE(milestones),
     .initial = "[0.5, 0.75]",
     .max = 1,
     .help = "step: shares of the length at which the rate is multiplied by factor"},
    {.name = "factor",
     .kind = LS_FIELD_REAL,
     .offset = SCHEDULE(factor),
     .initial = "0.1",
     .max = 1e6,
     .help = "step: multiplied in at each milestone; exponential: share of the rate at the end"},
    {.name = "minimum",
     .kind = LS_FIELD_REAL,
     .offset = SCHEDULE(minimum),
     .initial = "0",
     .max = 1,
     .help = "cosine: share of the rate at the end"},
};

const struct ls_fields ls_schedule_fields = {items, sizeof items / sizeof *items};

/* A share of a length as steps: a product that only rounding keeps from a whole number, such as 0.55
 * of 100, which is 55.000000000000007, is that number. */
static double steps_of(double share, double length) {
    const double steps = share * length, whole = round(steps);
    return fabs(steps - whole) <= 1e-9 * whole ? whole : steps;
}

static double step_share(const struct ls_schedule_options *options, double length, double at) {
    double share = 1;
    for (int i = 0; i < options->milestones.count; i++)
        if (at >= steps_of(options->milestones.values[i], length))
            share *= options->factor;
    return share;
}

/* Cosine: Loshchilov & Hutter 2017, one period. Warm-up: Goyal et al. 2017. */
double ls_schedule_rate(const struct ls_schedule_options *options, double learning_rate,
                        int64_t steps, int64_t step) {
    const int64_t warmup = options->warmup_steps;
    if (step < warmup)
        return learning_rate * (double)(step + 1) / (double)warmup;
    const double length = (double)((options->steps ? options->steps : steps) - warmup);
    const double at = (double)(step - warmup);
    const double progress = at < length ? at / length : 1;
    switch ((enum ls_schedule_kind)options->name) {
    case LS_SCHEDULE_CONSTANT:
        return learning_rate;
    case LS_SCHEDULE_STEP:
        return learning_rate * step_share(options, length, at);
    case LS_SCHEDULE_EXPONENTIAL:
        return learning_rate * pow(options->factor, progress);
    case LS_SCHEDULE_COSINE:
        return learning_rate *
               (options->minimum + (1 - options->minimum) * 0.5 * (1 + cos(M_PI * progress)));
    }
    return learning_rate;
}
