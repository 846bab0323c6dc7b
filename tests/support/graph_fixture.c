#include "tests/support/graph_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/ops.h"
#include "tests/support/support.h"

const char *const ls_fixture_names[LS_FIXTURE_COUNT] = {"mlp", "cnn", "residual", "branches",
                                                        "recurrent"};

enum { CLASSES = 5 };

static struct ls_value *weight(struct ls_graph *graph, const char *name, struct ls_shape shape) {
    return ls_graph_parameter(graph, name, shape, LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT, true, 0,
                              (struct ls_initialiser){.kind = LS_INIT_HE_NORMAL});
}

static struct ls_value *vector(struct ls_graph *graph, const char *name, int64_t size, double value,
                               enum ls_parameter_kind kind) {
    return ls_graph_parameter(graph, name, LS_SHAPE(size), LS_LAYOUT_PLAIN, kind, false, 0.1,
                              (struct ls_initialiser){.kind = LS_INIT_CONSTANT, .scale = value});
}

static struct ls_value *linear(struct ls_graph *graph, const char *name, struct ls_value *x,
                               int64_t out) {
    ls_graph_push(graph, name);
    struct ls_value *w = weight(graph, "weight", LS_SHAPE(ls_shape_last(x->shape), out));
    struct ls_value *b = vector(graph, "bias", out, 0.125, LS_PARAMETER_WEIGHT);
    struct ls_value *y = ls_linear(graph, x, w, b);
    ls_graph_pop(graph);
    return y;
}

static struct ls_value *conv(struct ls_graph *graph, const char *name, struct ls_value *x,
                             int64_t out, int64_t stride) {
    const struct ls_conv2d_options options = {.stride = {stride, stride}, .padding = {1, 1, 1, 1}};
    ls_graph_push(graph, name);
    struct ls_value *w = weight(graph, "weight", LS_SHAPE(3, 3, ls_shape_last(x->shape), out));
    struct ls_value *y = ls_conv2d(graph, x, w, NULL, &options);
    ls_graph_pop(graph);
    return y;
}

static struct ls_value *batch_norm(struct ls_graph *graph, const char *name, struct ls_value *x) {
    const int64_t channels = ls_shape_last(x->shape);
    const struct ls_norm_options options = {0};
    ls_graph_push(graph, name);
    struct ls_value *gain = vector(graph, "gain", channels, 1, LS_PARAMETER_WEIGHT);
    struct ls_value *offset = vector(graph, "offset", channels, 0, LS_PARAMETER_WEIGHT);
    struct ls_value *mean = vector(graph, "mean", channels, 0, LS_PARAMETER_STATISTIC);
    struct ls_value *variance = vector(graph, "variance", channels, 1, LS_PARAMETER_STATISTIC);
    struct ls_value *y = ls_batch_norm(graph, x, gain, offset, mean, variance, &options);
    ls_graph_pop(graph);
    return y;
}

static struct ls_value *mlp(struct ls_graph *graph, struct ls_value *x) {
    x = ls_standardise(graph, x, vector(graph, "input.mean", 12, 0.25, LS_PARAMETER_CONSTANT),
                       vector(graph, "input.scale", 12, 2, LS_PARAMETER_CONSTANT));
    x = ls_relu(graph, linear(graph, "hidden1", x, 40));
    x = ls_dropout(graph, x, 0.25);
    x = ls_gelu(graph, linear(graph, "hidden2", x, 33));
    x = ls_relu(graph, linear(graph, "hidden3", x, 17));
    return linear(graph, "out", x, CLASSES);
}

static struct ls_value *cnn(struct ls_graph *graph, struct ls_value *x) {
    const struct ls_pool_options pool = {.window = {2, 2}};
    x = ls_relu(graph, batch_norm(graph, "norm1", conv(graph, "conv1", x, 16, 1)));
    x = ls_max_pool(graph, x, &pool);
    x = ls_relu(graph, conv(graph, "conv2", x, 24, 1));
    x = ls_average_pool(graph, x, &pool);
    x = ls_relu(graph, linear(graph, "dense", ls_flatten(graph, x), 32));
    x = ls_dropout(graph, x, 0.5);
    return linear(graph, "out", x, CLASSES);
}

static struct ls_value *block(struct ls_graph *graph, const char *name, struct ls_value *x,
                              int64_t channels, int64_t stride) {
    ls_graph_push(graph, name);
    struct ls_value *y =
        ls_relu(graph, batch_norm(graph, "norm1", conv(graph, "conv1", x, channels, stride)));
    y = batch_norm(graph, "norm2", conv(graph, "conv2", y, channels, 1));
    if (stride > 1)
        x = ls_shortcut(graph, x, stride, channels);
    y = ls_relu(graph, ls_add(graph, y, x));
    ls_graph_pop(graph);
    return y;
}

static struct ls_value *residual(struct ls_graph *graph, struct ls_value *x) {
    x = ls_relu(graph, batch_norm(graph, "norm", conv(graph, "conv", x, 16, 1)));
    x = block(graph, "block0", x, 16, 1);
    x = block(graph, "block1", x, 16, 1);
    x = block(graph, "block2", x, 32, 2);
    return linear(graph, "out", ls_global_average_pool(graph, x), CLASSES);
}

static struct ls_value *branches(struct ls_graph *graph, struct ls_value *x) {
    const struct ls_norm_options options = {0};
    struct ls_value *h = linear(graph, "stem", x, 16);
    struct ls_value *a = ls_sigmoid(graph, h), *b = ls_tanh(graph, h);
    struct ls_value *both = ls_concat(graph, (struct ls_value *[]){a, b, h}, 3, -1);
    struct ls_value *square = ls_multiply(graph, b, b);
    struct ls_value *flat = ls_flatten(graph, ls_reshape(graph, both, LS_SHAPE(6, 8)));
    struct ls_value *gain = vector(graph, "norm.gain", 48, 1, LS_PARAMETER_WEIGHT);
    struct ls_value *offset = vector(graph, "norm.offset", 48, 0, LS_PARAMETER_WEIGHT);
    flat = ls_add(graph, ls_layer_norm(graph, flat, gain, offset, &options), both);
    struct ls_value *left = linear(graph, "left", flat, 16);
    struct ls_value *doubled = ls_add(graph, left, left);
    struct ls_value *gated = ls_multiply(graph, ls_relu(graph, left), ls_silu(graph, square));
    struct ls_value *sum = ls_add(graph, ls_add(graph, gated, a), doubled);
    vector(graph, "unused", 3, 1, LS_PARAMETER_WEIGHT);
    return linear(graph, "out", ls_elu(graph, ls_add(graph, sum, left), 1), CLASSES);
}

/* Weights and bias of a recurrence of 5 units. */
static struct ls_recurrence_values recurrence(struct ls_graph *graph, const char *name,
                                              const struct ls_value *x, int64_t gates) {
    ls_graph_push(graph, name);
    const struct ls_recurrence_values values = {
        .weight = weight(graph, "weight", LS_SHAPE(ls_shape_last(x->shape), gates * 5)),
        .recurrent_weight = weight(graph, "recurrent_weight", LS_SHAPE(5, gates * 5)),
        .bias = vector(graph, "bias", gates * 5, 0.125, LS_PARAMETER_WEIGHT),
    };
    ls_graph_pop(graph);
    return values;
}

/* Only sums read the outputs, which keep nothing for backward: the recurrences must do so. */
static struct ls_value *recurrent(struct ls_graph *graph, struct ls_value *x) {
    const struct ls_recurrence_options forward = {0}, reverse = {.reverse = true};
    struct ls_value *start = linear(graph, "start", x, 5), *cell = linear(graph, "cell", x, 5);
    struct ls_value *end = linear(graph, "end", x, 5);
    x = ls_reshape(graph, x, LS_SHAPE(4, 3));
    struct ls_recurrence_values values = recurrence(graph, "lstm", x, 4);
    values.state = start;
    values.cell = cell;
    struct ls_value *ahead = ls_lstm(graph, x, &values, &forward);
    values = recurrence(graph, "gru", x, 3);
    values.state = end;
    values.candidate_bias = vector(graph, "gru.candidate_bias", 5, 0.25, LS_PARAMETER_WEIGHT);
    struct ls_value *sum = ls_add(graph, ahead, ls_gru(graph, x, &values, &reverse));
    values = recurrence(graph, "rnn", sum, 1);
    sum = ls_add(graph, ls_rnn(graph, sum, &values, &forward), sum);
    return linear(graph, "out", ls_flatten(graph, sum), CLASSES);
}

void ls_fixture_record(struct ls_fixture *fixture, enum ls_fixture_model model) {
    struct ls_graph *graph = fixture->graph;
    /* Large enough that a convolution takes fewer images at once than a microbatch has. */
    const struct ls_shape row = model == LS_FIXTURE_RESIDUAL ? LS_SHAPE(28, 28, 3)
                                : model == LS_FIXTURE_CNN    ? LS_SHAPE(8, 8, 3)
                                                             : LS_SHAPE(12);
    struct ls_value *x = ls_graph_input(graph, "input", row, LS_TYPE_REAL);
    fixture->input = x;
    struct ls_value *(*const record[])(struct ls_graph *, struct ls_value *) = {
        mlp, cnn, residual, branches, recurrent};
    fixture->output = record[model](graph, x);
    if (model == LS_FIXTURE_BRANCHES) {
        fixture->target = ls_graph_input(graph, "target", LS_SHAPE(CLASSES), LS_TYPE_REAL);
        fixture->loss = ls_squared_error(graph, fixture->output, fixture->target, NULL, NULL);
    } else {
        const struct ls_cross_entropy_options options = {.smoothing = 0.1};
        fixture->target =
            ls_graph_input(graph, "target", (struct ls_shape){.rank = 0}, LS_TYPE_INT32);
        fixture->loss =
            ls_softmax_cross_entropy(graph, fixture->output, fixture->target, NULL, NULL, &options);
    }
    if (!ls_graph_failed(graph)) {
        ls_graph_keep(graph, fixture->output);
        ls_graph_set_loss(graph, fixture->loss);
    }
}

struct ls_fixture ls_fixture_create(enum ls_fixture_model model, struct ls_graph_options options,
                                    struct ls_parameter_set *set) {
    struct ls_fixture fixture = {.set = set ? set : ls_parameters_create(), .owns_set = !set};
    options.variant = ls_variant_best();
    options.parameters = fixture.set;
    fixture.graph = ls_graph_create(&options);
    ls_fixture_record(&fixture, model);
    ls_require(ls_graph_plan(fixture.graph, &ls_test_error));
    fixture.parameters = ls_calloc((size_t)fixture.set->total, sizeof *fixture.parameters);
    fixture.gradients = ls_memory_map((size_t)fixture.set->total * sizeof *fixture.gradients);
    fixture.row_ids = ls_calloc((size_t)options.rows_max, sizeof *fixture.row_ids);
    ls_parameters_initialise(fixture.set, 7, fixture.parameters);
    ls_graph_prepare(fixture.graph, fixture.parameters);
    return fixture;
}

void ls_fixture_destroy(struct ls_fixture *fixture) {
    ls_memory_unmap(fixture->gradients, (size_t)fixture->set->total * sizeof *fixture->gradients);
    free(fixture->parameters);
    free(fixture->row_ids);
    ls_graph_destroy(fixture->graph);
    if (fixture->owns_set)
        ls_parameters_destroy(fixture->set);
}

struct ls_run ls_fixture_rows(struct ls_fixture *fixture, int64_t first, int64_t rows,
                              int64_t microbatch_rows, bool training) {
    const int64_t row = ls_shape_row_count(fixture->input->shape);
    const int64_t target_row = ls_shape_row_count(fixture->target->shape);
    float *input = fixture->input->data, *target = fixture->target->data;
    int32_t *label = fixture->target->data;
    for (int64_t n = 0; n < rows; n++) {
        const struct ls_random_key key =
            ls_random_key(3, LS_STREAM_SYNTHETIC, 0, (uint64_t)(first + n));
        fixture->row_ids[n] = (uint64_t)(first + n);
        for (int64_t i = 0; i < row; i++)
            input[n * row + i] = (float)ls_random_normal(key, (uint64_t)i);
        for (int64_t i = 0; i < target_row; i++)
            if (fixture->target->type == LS_TYPE_INT32)
                label[n] = (int32_t)ls_random_below(key, 1000, CLASSES);
            else
                target[n * target_row + i] = (float)ls_random_normal(key, (uint64_t)(1000 + i));
    }
    return (struct ls_run){.training = training,
                           .rows = rows,
                           .microbatch_rows = microbatch_rows,
                           .microbatches = (int)((rows + microbatch_rows - 1) / microbatch_rows),
                           .seed = 11,
                           .step = 5,
                           .row_ids = fixture->row_ids,
                           .row_first = (uint64_t)first};
}
