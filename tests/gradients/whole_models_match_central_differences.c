/* The gradient of a whole model of configs/, in double: every layer, reference, term and phase of
 * it together. Some elements of each parameter against central differences. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/models/model.h"
#include "launcher/config/config.h"
#include "tests/support/support.h"

enum { ROWS = 2, ELEMENTS = 1 /* of each parameter */ };
/* So short that hardly any of the many thousand units passes the kink of its activation. */
static const double STEP = 1e-7;

struct whole {
    struct ls_config config;
    struct ls_parameter_set *parameters;
    struct ls_model models[LS_PHASES_MAX];
    double *flat, *gradients;
    int phase;
};

static const struct ls_feed text_feeds[] = {
    {.name = "inputs", .shape = {.rank = 1, .dims = {64}}, .integer = true, .limit = 65},
    {.name = "targets", .shape = {.rank = 1, .dims = {64}}, .integer = true, .limit = 65}};
static const struct ls_feed image_feeds[] = {
    {.name = "inputs", .shape = {.rank = 3, .dims = {28, 28, 1}}}};

/* Embeddings that read the weight of the last layer, one of them by its own name. */
static const char tied_gpt[] =
    "task: language_model\n"
    "data: {train: x.h5, window: 64}\n"
    "model:\n"
    "  - sequential: {name: first, body: [embedding: {width: 12, name: tokens, init_scale: 0.3}]}\n"
    "  - position\n"
    "  - dropout: 0.1\n"
    "  - repeat:\n"
    "      name: blocks\n"
    "      times: 2\n"
    "      body:\n"
    "        - residual: {activation: none, body: [layer_norm, attention: {heads: 2, causal: "
    "true}]}\n"
    "        - residual: {activation: none, body: [layer_norm, linear: 20, gelu, linear: 12]}\n"
    "  - layer_norm: {name: done}\n"
    "  - embedding: {weight_of: first.tokens, from: inputs, name: again}\n"
    "  - add: {of: [done, again]}\n"
    "  - linear: {weight_of: again, bias: false}\n";

/* The config of that name, or the text itself. */
static void read_config(struct ls_config *config, const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/configs/%s.yaml", getenv("LOCKSTEP_SOURCE"), name);
    if (strchr(name, '\n'))
        ls_require(ls_config_parse(config, name, strlen(name), "x.yaml", NULL, 0, &ls_test_error));
    else
        ls_require(ls_config_read(config, path, NULL, 0, &ls_test_error));
}

static void open_whole(struct whole *whole, const char *name, const struct ls_feed *feeds,
                       int feed_count) {
    *whole = (struct whole){.parameters = ls_parameters_create()};
    read_config(&whole->config, name);
    struct ls_model_options options = ls_config_model(&whole->config, LS_F64, ROWS);
    options.feeds = feeds;
    options.feed_count = feed_count;
    ls_require(ls_models_create(whole->models, &options, whole->parameters, &ls_test_error));
    const size_t count = (size_t)whole->parameters->total;
    float *start = ls_memory_map(count * sizeof *start);
    whole->flat = ls_memory_map(count * sizeof(double));
    whole->gradients = ls_memory_map(count * sizeof(double));
    ls_parameters_initialise(whole->parameters, 3, start);
    for (size_t i = 0; i < count; i++)
        whole->flat[i] = (double)start[i];
    ls_memory_unmap(start, count * sizeof *start);
}

static void close_whole(struct whole *whole) {
    const size_t bytes = (size_t)whole->parameters->total * sizeof(double);
    ls_memory_unmap(whole->flat, bytes);
    ls_memory_unmap(whole->gradients, bytes);
    ls_models_destroy(whole->models, whole->config.phase_count);
    ls_parameters_destroy(whole->parameters);
    ls_config_clear(&whole->config);
}

static void fill_inputs(const struct ls_model *model) {
    for (int i = 0; i < model->input_count; i++) {
        const struct ls_value *value = model->inputs[i].value;
        const struct ls_random_key key = ls_random_key(9, (uint32_t)model->inputs[i].feed, 0, 0);
        const int64_t count = ROWS * ls_shape_row_count(value->shape);
        for (int64_t k = 0; value->data && k < count; k++)
            if (value->type == LS_TYPE_INT32)
                ((int32_t *)value->data)[k] = (int32_t)ls_random_below(key, (uint64_t)k, 65);
            else
                ((double *)value->data)[k] = ls_random_uniform(key, (uint64_t)k);
    }
}

/* The sum of the phase's weighted losses; backward, too, if asked. */
static double run(struct whole *whole, bool backward) {
    const struct ls_model *model = &whole->models[whole->phase];
    static const uint64_t ids[ROWS] = {5, 11};
    const struct ls_run step = {.training = true,
                                .rows = ROWS,
                                .microbatch_rows = ROWS,
                                .microbatches = 1,
                                .seed = 4,
                                .step = 7,
                                .row_ids = ids};
    ls_graph_prepare(model->graph, whole->flat);
    fill_inputs(model);
    ls_graph_forward(model->graph, &step, whole->gradients);
    const double *losses = model->loss->data;
    double sum = 0;
    for (int n = 0; n < ROWS; n++)
        sum += losses[2 * n];
    if (backward)
        ls_graph_backward(model->graph, &step, whole->gradients, NULL, NULL);
    return sum;
}

static double slope_at(struct whole *whole, int64_t element, double step) {
    const double before = whole->flat[element];
    whole->flat[element] = before + step;
    const double above = run(whole, false);
    whole->flat[element] = before - step;
    const double below = run(whole, false);
    whole->flat[element] = before;
    return (above - below) / (2 * step);
}

static void check_parameter(struct whole *whole, const struct ls_parameter *parameter,
                            const double *gradients) {
    const int64_t plain = ls_parameter_plain_count(parameter);
    const struct ls_random_key key = ls_random_key(2, 0, 0, (uint64_t)parameter->order);
    for (int i = 0; i < ELEMENTS; i++) {
        /* Plain storage, or the first panel, begins with elements that are no padding. */
        const int64_t most = parameter->layout == LS_LAYOUT_PLAIN ? plain
                             : ls_shape_last(parameter->shape) < LS_PANEL
                                 ? ls_shape_last(parameter->shape)
                                 : parameter->unit;
        const int64_t element =
            parameter->offset + ls_random_below(key, (uint64_t)i, (uint32_t)most);
        const double slope = slope_at(whole, element, STEP);
        const double found = gradients[element];
        ck_assert_msg(fabs(found - slope) <= 1e-5 * (1 + fabs(slope)),
                      "phase %d, %s, element %lld: gradient %.9g, slope %.9g", whole->phase,
                      parameter->name, (long long)(element - parameter->offset), found, slope);
    }
}

static void check(const char *name, const struct ls_feed *feeds, int feed_count) {
    struct whole whole;
    open_whole(&whole, name, feeds, feed_count);
    const size_t bytes = (size_t)whole.parameters->total * sizeof(double);
    double *gradients = ls_memory_map(bytes);
    for (whole.phase = 0; whole.phase < whole.config.phase_count; whole.phase++) {
        int checked = 0;
        run(&whole, true);
        memcpy(gradients, whole.gradients, bytes);
        for (int i = 0; i < whole.parameters->count; i++) {
            const struct ls_parameter *parameter = whole.parameters->items[i];
            if (parameter->group != whole.phase || parameter->kind != LS_PARAMETER_WEIGHT)
                continue;
            check_parameter(&whole, parameter, gradients);
            checked++;
        }
        ck_assert_int_gt(checked, 3);
    }
    ls_memory_unmap(gradients, bytes);
    close_whole(&whole);
}

START_TEST(a_recurrent_language_model) {
    check("shakespeare-lstm", text_feeds, 2);
}
END_TEST

START_TEST(a_gpt) {
    check("shakespeare-gpt", text_feeds, 2);
}
END_TEST

START_TEST(a_gpt_whose_embeddings_are_its_last_layer) {
    check(tied_gpt, text_feeds, 2);
}
END_TEST

START_TEST(a_variational_autoencoder) {
    check("mnist-vae", image_feeds, 1);
}
END_TEST

START_TEST(a_gan_in_both_phases) {
    check("fashion-mnist-dcgan", image_feeds, 1);
}
END_TEST

LS_SUITE(a_recurrent_language_model, a_gpt, a_gpt_whose_embeddings_are_its_last_layer,
         a_variational_autoencoder, a_gan_in_both_phases)
