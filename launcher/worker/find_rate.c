/* The learning-rate finder (Smith 2017, section 3.3): a few steps of rising rates show where the
 * loss falls fastest, and where it no longer falls. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "launcher/worker/run_parts.h"

enum { STEPS = 120, SHOWN_EVERY = 6 };
static const double rate_least = 1e-6, rate_most = 10, keep = 0.9, diverged = 4;

struct search {
    double rates[STEPS], losses[STEPS]; /* smoothed: a mean with weights that fade */
    int count;
    int least; /* index of the least loss so far */
};

/* One more step's loss; returns whether to go on. */
static bool note_loss(struct search *search, double rate, double loss) {
    const int i = search->count;
    const double weight = (1 - keep) / (1 - pow(keep, i + 1));
    const double before = i ? search->losses[i - 1] : 0;
    if (!isfinite(loss))
        return false;
    search->rates[i] = rate;
    search->losses[i] = before + weight * (loss - before);
    search->count++;
    if (search->losses[i] < search->losses[search->least])
        search->least = i;
    /* losses may be below zero: what counts is how far they have risen above the least */
    const double noise = 0.1 * fabs(search->losses[0]); /* what single batches differ by */
    const double fallen = fmax(search->losses[0] - search->losses[search->least], noise);
    const double risen = search->losses[i] - search->losses[search->least];
    return risen <= diverged * fallen;
}

static enum ls_status run_steps(struct run *run, struct search *search, struct ls_error *error) {
    struct ls_worker *worker = &run->worker;
    double *sums = ls_calloc((size_t)ls_worker_sum_count(worker, false) + 1, sizeof *sums);
    enum ls_status status = LS_OK;
    bool on = true;
    ls_loader_seek(run->loaders[LS_SOURCE_TRAIN], 0, 0, UINT64_MAX);
    for (uint64_t i = 0; i < STEPS && on; i++) {
        struct ls_batch batch;
        struct ls_step step = {.step = i, .sums = sums};
        const double rate = rate_least * pow(rate_most / rate_least, (double)i / (STEPS - 1));
        if ((status = ls_loader_next(run->loaders[LS_SOURCE_TRAIN], &batch, error)) != LS_OK)
            break;
        step.phases[0].learning_rate = rate;
        ls_worker_step(worker, &batch, &step);
        const double loss = ls_worker_metrics(worker, sums, false).items[0].value;
        on = isfinite(step.phases[0].gradient_norm) && note_loss(search, rate, loss);
    }
    free(sums);
    return status;
}

/* Where the loss falls fastest over a ninth of the range, before it is least; -1: it never falls.
 */
static int find_steepest(const struct search *search) {
    enum { WIDTH = STEPS / 9 };
    int steepest = -1;
    double most = 0;
    for (int i = WIDTH; i <= search->least; i++) {
        const double fall = search->losses[i - WIDTH] - search->losses[i];
        if (fall > most) {
            most = fall;
            steepest = i - WIDTH / 2;
        }
    }
    return steepest;
}

static void print_search(const struct search *search) {
    printf("learning rate   loss\n");
    for (int i = 0; i < search->count; i++)
        if (i % SHOWN_EVERY == 0 || i + 1 == search->count)
            printf("%13.3g   %.6g\n", search->rates[i], search->losses[i]);
    const int steepest = find_steepest(search);
    if (steepest < 0)
        printf("no suggestion: the loss never falls\n");
    else
        printf("suggested: optimizer.learning_rate: %.2g (there it falls fastest; it is least at "
               "%.2g)\n",
               search->rates[steepest], search->rates[search->least]);
}

enum ls_status ls_find_rate(struct ls_communicator *communicator, const struct ls_config *config,
                            struct ls_error *error) {
    const struct ls_run_request request = {.config = config};
    struct run run = {
        .request = &request, .config = config, .communicator = communicator, .leader = true};
    struct search search = {.count = 0};
    enum ls_status status = LS_OK;
    if (config->phase_count > 1)
        return ls_fail(error, LS_INVALID,
                       "--find-rate: a task of %d phases has a learning rate for each",
                       config->phase_count);
    status = ls_run_open(&run, error);
    if (status == LS_OK)
        status = ls_run_learn(&run, false, error);
    if (status == LS_OK)
        status = run_steps(&run, &search, error);
    if (status == LS_OK)
        print_search(&search);
    ls_run_close(&run);
    return status;
}
