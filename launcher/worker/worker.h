/* A worker: model, parameters, reducer and optimiser of one rank, and the two things it can do
 * with a batch: one training step (step.c), and an evaluation (evaluate.c). It knows no files. */
#ifndef LS_LAUNCHER_WORKER_H
#define LS_LAUNCHER_WORKER_H

#include "core/optim/optimizer.h"
#include "dist/communicator.h"
#include "dist/reducer.h"
#include "io/loader.h"
#include "launcher/config/config.h"
#include "launcher/worker/share.h"
#include "launcher/worker/times.h"

/* A phase of training: the terms of one graph, and the group of the parameters that it updates. */
struct ls_phase {
    const struct ls_phase_options *options; /* borrowed from the config */
    char prefix[LS_PHASE_NAME_MAX + 1]; /* of its metrics: "generator.", or "" of a single one */
    int sums_first, sums;               /* among a step's sums */
    int detailed_first, detailed;       /* among an evaluation's */

    /* Training only. */
    struct ls_range range;          /* of the flat buffer: the group of this phase's number */
    struct ls_range slice;          /* of it: this rank's */
    struct ls_optimizer *optimizer; /* owned; of the slice */
    double *blocks;                 /* owned; sums of the gradient norm's blocks, all slices */
    /* owned; per parameter, the norm of its mean gradient in the last step, for log.gradient_norms;
     * else NULL */
    double *norms;
    struct ls_measures measures; /* owned; of parameters and steps, like the blocks; NULL unless the
                                    optimiser measures them */
    float *average; /* owned; of the slice's parameters over the steps; NULL: there is none */
};

struct ls_worker {
    const struct ls_config *config;       /* borrowed */
    struct ls_communicator *communicator; /* borrowed; NULL: this process alone, for evaluation */
    enum ls_variant variant;
    int microbatches;        /* of a global batch */
    int first, count;        /* this rank's */
    int64_t microbatch_rows; /* planned samples of one */
    int threads; /* compute.threads, but no more than this rank has microbatches: each has a share
                  */

    const struct ls_task *task; /* static */
    int phase_count;
    struct ls_phase phases[LS_PHASES_MAX];
    struct ls_parameter_set *parameters; /* owned, like all that follows */
    struct ls_share *shares;
    const struct ls_model *models; /* borrowed: the first share's, of each phase */
    /* The feeds that the models of all phases take, each once; batches carry them in this order. */
    struct ls_model_input inputs[LS_FEEDS_MAX];
    int input_count;
    float *flat; /* parameters->total elements; the reducer's when training, shared in a host */

    /* Training only. */
    struct ls_reducer *reducer;
    struct ls_join join;

    double *exchange;      /* [microbatches * sums + LS_EXCHANGE_EXTRA] */
    struct ls_times times; /* of training; its thread 0 */
};

enum { LS_EXCHANGE_RATE, LS_EXCHANGE_STOP, LS_EXCHANGE_SAVE, LS_EXCHANGE_EXTRA };

struct ls_worker_options {
    const struct ls_config *config;
    struct ls_communicator *communicator; /* NULL: evaluation only */
    const struct ls_feed *feeds; /* [feed_count] that the data offers; needed by create alone */
    int feed_count;
    bool answers;      /* evaluation only: outputs are wanted, no loss (ls_worker_predict) */
    const char *layer; /* a layer whose value is wanted, too: its path; NULL: none */
};

/* Collective when there is a communicator. Parameters have their initial values afterwards, from
 * rank 0. */
LS_MUST_USE enum ls_status ls_worker_create(struct ls_worker *worker,
                                            const struct ls_worker_options *options,
                                            struct ls_error *error);
void ls_worker_destroy(struct ls_worker *worker);

/* Every rank's slices of all parameters, the fixed ones too, to all ranks. Collective. */
void ls_worker_gather(struct ls_worker *worker);

/* With train.average: it begins with the present parameters; and the two change places, for an
 * evaluation (collective). */
void ls_worker_begin_average(struct ls_worker *worker);
void ls_worker_swap_average(struct ls_worker *worker);

/* Whether what the config names of the model is there: train.watch, train.frozen,
 * optimizer.factors. */
LS_MUST_USE enum ls_status ls_worker_check(const struct ls_worker *worker, struct ls_error *error);

/* Says so if some rank has too few microbatches for its threads, or this one too few cores. */
void ls_worker_note_threads(const struct ls_worker *worker);

/* Metrics from such sums, of all phases but those of several that did not run; and the one that
 * early stopping watches. */
struct ls_metrics ls_worker_metrics(const struct ls_worker *worker, const double *sums,
                                    bool detailed);
const char *ls_worker_watched(const struct ls_worker *worker);

/* The phase whose output is the model's answer: the last. */
int ls_worker_answering(const struct ls_worker *worker);

/* Sums per microbatch, and per batch after ls_worker_step / ls_worker_evaluate; each phase's begin
 * with a weighted loss and its weight, which is 0 where the phase did not run. */
int ls_worker_sum_count(const struct ls_worker *worker, bool detailed);

/* What a step is told, and what it found. Rank 0's rate counts; stop and save are ORed over ranks.
 */
struct ls_step {
    uint64_t step;   /* updates done before this one */
    bool stop, save; /* in: this rank asks; out: some rank asked */
    double *sums;    /* out: [ls_worker_sum_count(worker, false)], of the global batch */
    struct ls_step_phase {
        double learning_rate; /* in: rank 0's; out: everybody's */
        double gradient_norm; /* out: of the mean gradient; not finite: the update was left out */
        bool ran;             /* out */
    } phases[LS_PHASES_MAX];
};

/* A phase's gradient, summed up over the batch (step.c), and what becomes of it (update.c): its
 * norm into result->gradient_norm; unless that is not finite, the update of what the phase learns.
 * Collective. */
struct ls_summed {
    const float *gradients; /* of this rank's slice */
    double weight;          /* of the global batch; not 0 */
    uint64_t step;          /* of the phase, 1 for the first */
    int microbatches;       /* non-empty ones of the global batch */
};
struct ls_step_phase;
void ls_worker_update(struct ls_worker *worker, int phase, const struct ls_summed *summed,
                      struct ls_step_phase *result);

/* One training step. Collective. */
void ls_worker_step(struct ls_worker *worker, const struct ls_batch *batch, struct ls_step *step);

/* The sums of all batches of a loader (from its start, one epoch), detailed; sums has
 * ls_worker_sum_count(worker, true) elements. Collective. An error is this rank's own. */
LS_MUST_USE enum ls_status ls_worker_evaluate(struct ls_worker *worker, struct ls_loader *loader,
                                              double *sums, struct ls_error *error);

/* What a model says of some samples; borrowed until the next ones. */
struct ls_answer {
    int64_t rows;         /* at most those of a batch */
    const float *outputs; /* [rows, ...] */
    const float *layer;   /* [rows, ...] of the layer that the worker was asked for; else NULL */
    const struct ls_batch *batch; /* what it was said of */
};
/* Called by ls_worker_predict for each batch, in order. */
typedef enum ls_status ls_worker_output(void *context, const struct ls_answer *answer,
                                        struct ls_error *error);
/* Hands what the model says of each row of a loader (this process alone) to `output`. */
LS_MUST_USE enum ls_status ls_worker_predict(struct ls_worker *worker, struct ls_loader *loader,
                                             ls_worker_output *output, void *context,
                                             struct ls_error *error);

/* What all shares of a rank do with a batch, each on its own thread. */
struct ls_pass {
    struct ls_worker *worker;
    int phase;
    const struct ls_batch *batch;
    bool training, mean_only; /* of struct ls_run, as the next two */
    uint64_t step;
    const double *term_factors;
};

/* Row 0 of `node` among the rank's rows, and how many rows it has in this batch. */
int64_t ls_worker_rows(const struct ls_worker *worker, const struct ls_batch *batch,
                       struct ls_tree_node node, int64_t *first);
/* The rows of a batch from `first` on of the feed that an input takes; NULL if the batch has none.
 */
const void *ls_worker_feed(const struct ls_worker *worker, const struct ls_batch *batch,
                           const struct ls_model_input *input, int64_t first);

/* Forward of the microbatches `node` of a share. Returns false if they are empty. */
bool ls_share_forward(const struct ls_pass *pass, const struct ls_share *share,
                      struct ls_tree_node node, float *gradients, struct ls_run *run);

#endif
