#include "core/optim/schedule.h"

#include <math.h>

/* By enum ls_schedule_kind. */
static const char *const names[] = {"constant",  "step",     "exponential", "cosine",
                                    "one_cycle", "restarts", "plateau",     NULL};

#define SCHEDULE(member) offsetof(struct ls_schedule_options, member)

static const struct ls_field items[] = {
    {.name = "name",
     .kind = LS_FIELD_CHOICE,
     .offset = SCHEDULE(name),
     .initial = "constant",
     .choices = names,
     .help = "how the learning rate falls; one_cycle: rises to it, then falls; restarts: a cosine "
             "again and again; plateau: where train.watch gets no better"},
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
     .help = "step, plateau: multiplied in at each milestone or reduction; exponential: share of "
             "the rate at the end"},
    {.name = "minimum",
     .kind = LS_FIELD_REAL,
     .offset = SCHEDULE(minimum),
     .initial = "0",
     .max = 1,
     .help = "cosine, one_cycle: share of the rate at the end; restarts: of a period; plateau: the "
             "least"},
    {.name = "initial",
     .kind = LS_FIELD_REAL,
     .offset = SCHEDULE(initial),
     .initial = "0.04",
     .max = 1,
     .help = "one_cycle: share of the rate at the beginning"},
    {.name = "rise",
     .kind = LS_FIELD_REAL,
     .offset = SCHEDULE(rise),
     .initial = "0.3",
     .max = 1,
     .help = "one_cycle: share of the length in which the rate rises"},
    {.name = "period_steps",
     .kind = LS_FIELD_INTEGER,
     .offset = SCHEDULE(period_steps),
     .initial = "0",
     .max = 1e15,
     .unit = "optimiser steps",
     .help = "restarts: the first period"},
    {.name = "growth",
     .kind = LS_FIELD_INTEGER,
     .offset = SCHEDULE(growth),
     .initial = "1",
     .min = 1,
     .max = 1000,
     .help = "restarts: how many times as long as the one before a period is"},
    {.name = "patience",
     .kind = LS_FIELD_INTEGER,
     .offset = SCHEDULE(patience),
     .initial = "10",
     .min = 1,
     .max = 1e9,
     .unit = "epochs",
     .help = "plateau: without a better metric (train.watch, train.improvement), then the rate is "
             "reduced"},
};

const struct ls_fields ls_schedule_fields = {items, sizeof items / sizeof *items};

/* A share of a length as steps: a product that only rounding keeps from a whole number, such as
 * 0.55 of 100, which is 55.000000000000007, is that number. */
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

/* From 1 down to `minimum` by half a cosine. */
static double cosine(double minimum, double progress) {
    return minimum + (1 - minimum) * 0.5 * (1 + cos(M_PI * progress));
}

/* The peak is step rise * length - 1, the end is step length - 1, as PyTorch's OneCycleLR has it.
 */
static double one_cycle_share(const struct ls_schedule_options *options, double length, double at) {
    const double peak = options->rise * length - 1, fall = length - 1 - peak;
    if (at < peak)
        return cosine(options->initial, 1 - at / peak);
    if (at <= peak)
        return 1;
    return cosine(options->minimum, at < length - 1 ? (at - peak) / fall : 1);
}

static double restarts_share(const struct ls_schedule_options *options, double at) {
    double period = (double)options->period_steps;
    if (options->growth == 1)
        at = fmod(at, period);
    for (; at >= period; period *= (double)options->growth)
        at -= period;
    return cosine(options->minimum, at / period);
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
        return learning_rate * cosine(options->minimum, progress);
    case LS_SCHEDULE_ONE_CYCLE:
        return learning_rate * one_cycle_share(options, length, at);
    case LS_SCHEDULE_RESTARTS:
        return learning_rate * restarts_share(options, at);
    case LS_SCHEDULE_PLATEAU:
        return learning_rate;
    }
    return learning_rate;
}

double ls_schedule_reduction(const struct ls_schedule_options *options, int64_t reductions) {
    if (options->name != LS_SCHEDULE_PLATEAU)
        return 1;
    const double share = pow(options->factor, (double)reductions);
    return share > options->minimum ? share : options->minimum;
}

bool ls_schedule_ends(const struct ls_schedule_options *options) {
    return options->name != LS_SCHEDULE_CONSTANT && options->name != LS_SCHEDULE_RESTARTS &&
           options->name != LS_SCHEDULE_PLATEAU;
}
