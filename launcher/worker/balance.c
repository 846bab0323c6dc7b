/* Weights of classes that follow from how often their labels occur in the training part. */
#include <stdlib.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "launcher/worker/data.h"

/* How often each label occurs; what the term ignores does not count. */
struct counting {
    const struct ls_feed_use *use;
    double *counts;
};

static void count_labels(void *context, const void *values, int64_t count) {
    const struct counting *counting = context;
    const struct ls_feed_use *use = counting->use;
    const int32_t *labels = values;
    for (int64_t i = 0; i < count; i++)
        if (!use->ignores || labels[i] != use->ignored)
            counting->counts[labels[i]] += 1;
}

/* Samples / (classes x samples of the class); 0 where there are none. */
static void weigh(double *counts, int64_t classes, float *weights) {
    double total = 0;
    for (int64_t k = 0; k < classes; k++)
        total += counts[k];
    for (int64_t k = 0; k < classes; k++)
        weights[k] = counts[k] > 0 ? (float)(total / ((double)classes * counts[k])) : 0;
}

static void say_absent(const double *counts, int64_t classes) {
    int64_t first = -1, absent = 0;
    for (int64_t k = classes - 1; k >= 0; k--)
        if (counts[k] <= 0) {
            first = k;
            absent++;
        }
    if (absent)
        ls_log(LS_LOG_WARNING,
               "class_weights: balanced: the training part has no sample of %lld of the %lld "
               "classes (the first: %lld); their samples in other parts have no weight",
               (long long)absent, (long long)classes, (long long)first);
}

/* The number, among the worker's inputs, of the feed that a value of a phase's model is. */
static int input_of(const struct ls_worker *worker, int phase, const struct ls_value *value) {
    const struct ls_model *model = &worker->models[phase];
    for (int i = 0; i < model->input_count; i++)
        for (int use = 0; model->inputs[i].value == value && use < worker->input_count; use++)
            if (worker->inputs[use].feed == model->inputs[i].feed)
                return use;
    return -1;
}

static enum ls_status balance(const struct ls_data *data, const struct ls_worker *worker, int phase,
                              const struct ls_term *term, struct ls_error *error) {
    struct ls_feed_use uses[LS_FEEDS_MAX];
    const struct ls_parameter *parameter = term->balanced->parameter;
    const int64_t classes = ls_parameter_plain_count(parameter);
    const int use = input_of(worker, phase, term->target);
    LS_ASSERT(use >= 0, "%s: labels that are no feed", parameter->name);
    ls_data_uses(data, LS_SOURCE_TRAIN, worker, uses);
    double *counts = ls_calloc((size_t)classes, sizeof *counts);
    float *weights = ls_calloc((size_t)classes, sizeof *weights);
    struct counting counting = {&uses[use], counts};
    const enum ls_status status =
        ls_part_pass(&data->parts[LS_SOURCE_TRAIN], &uses[use], count_labels, &counting, error);
    weigh(counts, classes, weights);
    if (status == LS_OK)
        say_absent(counts, classes);
    if (status == LS_OK)
        ls_parameter_store(parameter, weights, worker->flat + parameter->offset);
    free(counts);
    free(weights);
    return status;
}

bool ls_worker_balances(const struct ls_worker *worker) {
    for (int p = 0; p < worker->phase_count; p++)
        for (int i = 0; i < worker->models[p].terms.count; i++)
            if (worker->models[p].terms.items[i].balanced)
                return true;
    return false;
}

enum ls_status ls_data_balance(const struct ls_data *data, const struct ls_worker *worker,
                               struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (int p = 0; p < worker->phase_count && status == LS_OK; p++)
        for (int i = 0; i < worker->models[p].terms.count && status == LS_OK; i++)
            if (worker->models[p].terms.items[i].balanced)
                status = balance(data, worker, p, &worker->models[p].terms.items[i], error);
    return status;
}
