#include "launcher/worker/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/file.h"

enum { SHOWN_MAX = 4 };

bool ls_start_vocabulary(const struct ls_config *config, const char *run, char path[LS_TEXT_MAX]) {
    char other[LS_TEXT_MAX];
    uint64_t step;
    if (!config->start.from[0])
        return false;
    if (run && ls_file_exists(ls_vocabulary_path(run, path)))
        return true;
    ls_saved_run_split(config->start.from, other, &step);
    return ls_file_exists(ls_vocabulary_path(other, path));
}

/* The parameters of the other run, laid out as it has them. */
static enum ls_status lay_out(struct ls_start *start, struct ls_error *error) {
    start->parameters = ls_parameters_create();
    const enum ls_status status = ls_saved_run_lay_out(&start->saved, start->parameters, error);
    return status == LS_OK
               ? LS_OK
               : ls_fail_context(error, "the model of %s cannot be built again: ", start->run);
}

/* Where two parameters of one name cannot stand for each other. A table that a linear layer shares
 * is stored as its transpose. */
static bool same_shape(const struct ls_parameter *wanted, const struct ls_parameter *found) {
    struct ls_shape shape = found->shape;
    if (wanted->layout != found->layout && shape.rank == 2)
        shape = LS_SHAPE(found->shape.dims[1], found->shape.dims[0]);
    return ls_shape_equal(shape, wanted->shape);
}

/* Lines of an error: the first few things that do not fit, and how many more. */
struct misfits {
    char text[1024];
    int count;
};

static void add_misfit(struct misfits *misfits, const struct ls_parameter *wanted,
                       const struct ls_parameter *found) {
    char expected[LS_SHAPE_TEXT_MAX], there[LS_SHAPE_TEXT_MAX];
    const size_t used = strlen(misfits->text);
    if (misfits->count++ < SHOWN_MAX)
        snprintf(misfits->text + used, sizeof misfits->text - used,
                 "\n  %s: expected %s, as this model has it, found %s", wanted->name,
                 ls_shape_print(wanted->shape, expected),
                 found ? ls_shape_print(found->shape, there) : "none of that name");
}

static enum ls_status fail_misfits(const struct ls_start *start, const struct ls_config *config,
                                   enum ls_config_place place, const struct misfits *misfits,
                                   struct ls_error *error) {
    char more[32] = "";
    if (misfits->count > SHOWN_MAX)
        snprintf(more, sizeof more, "\n  and %d more", misfits->count - SHOWN_MAX);
    return ls_config_fail(config, place, error, "%s does not fit this model:%s%s\n%s",
                          start->saved.checkpoint.path, misfits->text, more,
                          place == LS_PLACE_NEED
                              ? "name another run, or need less"
                              : "start.except leaves parameters out: they begin as without start");
}

/* Which parameters are taken. */
static enum ls_status match(struct ls_start *start, const struct ls_data *data,
                            const struct ls_worker *worker, struct ls_error *error) {
    const struct ls_start_options *options = &worker->config->start;
    const struct ls_parameter_set *set = worker->parameters;
    struct misfits misfits = {0};
    int taken = 0;
    start->taken = ls_calloc((size_t)set->count + 1, sizeof *start->taken);
    for (int i = 0; i < set->count; i++) {
        const struct ls_parameter *wanted = set->items[i];
        const struct ls_parameter *found = ls_parameters_find(start->parameters, wanted->name);
        if (!found || ls_patterns_find(&options->except, wanted->name) >= 0 ||
            (wanted->kind == LS_PARAMETER_CONSTANT && !ls_data_scales(data, wanted->name)))
            continue;
        if (found->kind != wanted->kind || !same_shape(wanted, found))
            add_misfit(&misfits, wanted, found);
        start->taken[i] = found;
        taken++;
    }
    if (misfits.count)
        return fail_misfits(start, worker->config, LS_PLACE_START, &misfits, error);
    if (!taken)
        return ls_config_fail(worker->config, LS_PLACE_START, error,
                              "%s has no parameter of a name that this model has and "
                              "start.except leaves",
                              start->saved.checkpoint.path);
    return LS_OK;
}

static enum ls_status check_needs(const struct ls_start *start, const struct ls_worker *worker,
                                  struct ls_error *error) {
    const struct ls_config *config = worker->config;
    const struct ls_parameter_set *set = worker->parameters;
    struct misfits misfits = {0};
    enum ls_status status =
        ls_config_check_patterns(config, LS_PLACE_NEED, &config->start.need, set, error);
    if (status == LS_OK)
        status =
            ls_config_check_patterns(config, LS_PLACE_EXCEPT, &config->start.except, set, error);
    for (int i = 0; i < set->count && status == LS_OK; i++) {
        const char *name = set->items[i]->name;
        if (start->taken[i] || ls_patterns_find(&config->start.need, name) < 0 ||
            set->items[i]->kind == LS_PARAMETER_CONSTANT)
            continue;
        if (ls_patterns_find(&config->start.except, name) >= 0)
            return ls_config_fail(config, LS_PLACE_NEED, error,
                                  "%s is needed, but start.except leaves it out", name);
        add_misfit(&misfits, set->items[i], NULL);
    }
    if (status == LS_OK && misfits.count)
        status = fail_misfits(start, config, LS_PLACE_NEED, &misfits, error);
    return status;
}

/* Whether a table of words is taken. */
static bool takes_words(const struct ls_start *start, const struct ls_worker *worker) {
    for (int p = 0; p < worker->phase_count; p++)
        for (int n = 0; n < ls_graph_node_count(worker->models[p].graph); n++) {
            const struct ls_node *node = ls_graph_node_at(worker->models[p].graph, n);
            for (int i = 0; i < worker->parameters->count && !strcmp(node->op->name, "embedding");
                 i++)
                if (start->taken[i] && node->inputs[1]->parameter == worker->parameters->items[i])
                    return true;
        }
    return false;
}

enum ls_status ls_start_open(struct ls_start *start, const struct ls_data *data,
                             const struct ls_worker *worker, struct ls_error *error) {
    const struct ls_config *config = worker->config;
    *start = (struct ls_start){0};
    enum ls_status status =
        ls_saved_run_choose(&start->saved, config->start.from, start->run, error);
    if (status == LS_OK)
        status = lay_out(start, error);
    if (status != LS_OK) {
        const struct ls_error why = *error;
        return ls_config_fail(config, LS_PLACE_START, error, "%s", why.text);
    }
    if ((status = match(start, data, worker, error)) == LS_OK)
        status = check_needs(start, worker, error);
    if (status == LS_OK && takes_words(start, worker) &&
        ls_data_check_vocabularies(data, LS_SOURCE_TRAIN, (struct ls_meaning){start->run, true},
                                   error) != LS_OK) {
        const struct ls_error why = *error;
        status = ls_config_fail(config, LS_PLACE_START, error,
                                "%s\nraw texts without --vocabulary are read with the words of the "
                                "run that is started from",
                                why.text);
    }
    return status;
}

void ls_start_close(struct ls_start *start) {
    ls_saved_run_close(&start->saved);
    ls_parameters_destroy(start->parameters);
    free(start->taken);
    *start = (struct ls_start){0};
}

/* The values of one parameter in plain order, turned where it is stored as the transpose. */
static void copy_values(const struct ls_parameter *found, const float *from,
                        const struct ls_parameter *wanted, float *to) {
    const int64_t count = ls_parameter_plain_count(found);
    float *plain = ls_calloc(2 * (size_t)count, sizeof *plain), *turned = plain + count;
    ls_parameter_fetch(found, from, plain);
    if (found->layout != wanted->layout && found->shape.rank == 2) {
        const int64_t rows = found->shape.dims[0], columns = found->shape.dims[1];
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < columns; c++)
                turned[c * rows + r] = plain[r * columns + c];
        ls_parameter_store(wanted, turned, to);
    } else {
        ls_parameter_store(wanted, plain, to);
    }
    free(plain);
}

enum ls_status ls_start_load(const struct ls_start *start,
                             const struct ls_parameter_set *parameters, float *flat,
                             struct ls_error *error) {
    const size_t bytes = (size_t)start->parameters->total * sizeof(float);
    float *values = ls_memory_map(bytes);
    const enum ls_status status =
        ls_saved_run_load(&start->saved, start->parameters, values, error);
    for (int i = 0; i < parameters->count && status == LS_OK; i++) {
        const struct ls_parameter *found = start->taken[i], *wanted = parameters->items[i];
        if (found)
            copy_values(found, values + found->offset, wanted, flat + wanted->offset);
    }
    ls_memory_unmap(values, bytes);
    return status;
}
