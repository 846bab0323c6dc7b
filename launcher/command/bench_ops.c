/* Items of `lockstep bench kernels`: ops that wait for memory more than they compute. Each is the
 * only node of a graph, and is held against the same op in double. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/graph/ops.h"
#include "launcher/command/bench_kernels.h"

static struct ls_value *vector(struct ls_graph *graph, const char *name, int64_t count,
                               double value, enum ls_parameter_kind kind) {
    return ls_graph_parameter(graph, name, LS_SHAPE(count), LS_LAYOUT_PLAIN, kind, false, 0.1,
                              (struct ls_initialiser){.kind = LS_INIT_CONSTANT, .scale = value});
}

static struct ls_value *batch_norm(struct ls_graph *graph, struct ls_value *x) {
    const int64_t channels = ls_shape_last(x->shape);
    return ls_batch_norm(graph, x, vector(graph, "gain", channels, 1.5, LS_PARAMETER_WEIGHT),
                         vector(graph, "offset", channels, 0.1, LS_PARAMETER_WEIGHT),
                         vector(graph, "mean", channels, 0, LS_PARAMETER_STATISTIC),
                         vector(graph, "variance", channels, 1, LS_PARAMETER_STATISTIC),
                         &(struct ls_norm_options){0});
}

static struct ls_value *layer_norm(struct ls_graph *graph, struct ls_value *x) {
    const int64_t width = ls_shape_last(x->shape);
    return ls_layer_norm(graph, x, vector(graph, "gain", width, 1.5, LS_PARAMETER_WEIGHT),
                         vector(graph, "offset", width, 0.1, LS_PARAMETER_WEIGHT),
                         &(struct ls_norm_options){0});
}

static struct ls_value *cross_entropy(struct ls_graph *graph, struct ls_value *x) {
    struct ls_value *target =
        ls_graph_input(graph, "target", (struct ls_shape){.rank = 0}, LS_TYPE_INT32);
    return ls_softmax_cross_entropy(graph, x, target, NULL, NULL,
                                    &(struct ls_cross_entropy_options){0});
}

static struct ls_value *dropout(struct ls_graph *graph, struct ls_value *x) {
    return ls_dropout(graph, x, 0.5);
}

static struct ls_value *max_pool(struct ls_graph *graph, struct ls_value *x) {
    return ls_max_pool(graph, x, &(struct ls_pool_options){.window = {2, 2}});
}

static struct ls_value *attention(struct ls_graph *graph, struct ls_value *x) {
    return ls_attention(graph, x, NULL, NULL,
                        &(struct ls_attention_options){.heads = 4, .causal = true});
}

static const struct op_item {
    const char *name;
    struct ls_value *(*record)(struct ls_graph *graph, struct ls_value *x);
    int64_t rows;
    struct ls_shape row;
    bool relu; /* in its epilogue */
} items[] = {
    {"batch_norm_relu", batch_norm, 16, LS_CASE_SHAPE(32, 32, 16), true},
    {"layer_norm", layer_norm, 768, LS_CASE_SHAPE(128), false},
    {"softmax_cross_entropy", cross_entropy, 768, LS_CASE_SHAPE(65), false},
    {"dropout", dropout, 64, LS_CASE_SHAPE(9216), false},
    {"attention_causal", attention, 12, LS_CASE_SHAPE(64, 384), false},
    {"max_pool", max_pool, 64, LS_CASE_SHAPE(24, 24, 64), false},
    {"gelu", ls_gelu, 1024, LS_CASE_SHAPE(1024), false},
    {"tanh", ls_tanh, 1024, LS_CASE_SHAPE(1024), false},
    {"sigmoid", ls_sigmoid, 1024, LS_CASE_SHAPE(1024), false},
};

struct trial {
    struct ls_parameter_set *set;
    struct ls_graph *graph;
    struct ls_value *x, *y;
    struct ls_node node; /* a copy of the graph's, with the activation */
    struct ls_run run;
    uint64_t *row_ids;
    void *parameters, *gradients;
    bool f64;
};

static void run_forward(void *context) {
    struct trial *t = context;
    t->node.op->forward(&t->node, &t->run);
}

static void run_backward(void *context) {
    struct trial *t = context;
    t->node.op->backward(&t->node, &t->run);
}

static void set(const struct trial *t, void *to, int64_t i, double value) {
    if (t->f64)
        ((double *)to)[i] = value;
    else
        ((float *)to)[i] = (float)value;
}

static double get(const struct trial *t, const void *from, int64_t i) {
    return t->f64 ? ((const double *)from)[i] : (double)((const float *)from)[i];
}

static void fill(const struct trial *t, void *to, int64_t count, uint32_t stream) {
    struct ls_bench_array values = ls_bench_array(count, stream);
    for (int64_t i = 0; i < count; i++)
        set(t, to, i, 4 * (double)values.data[i]);
    ls_bench_array_destroy(values);
}

/* Weights, inputs, labels; both gradients bound by one run of the graph. */
static void start(struct trial *t, const struct op_item *item) {
    float *initial = ls_calloc((size_t)t->set->total + 1, sizeof *initial);
    t->parameters = ls_calloc((size_t)t->set->total + 1, sizeof(double));
    t->gradients = ls_calloc((size_t)t->set->total + 1, sizeof(double));
    ls_parameters_initialise(t->set, 1, initial);
    for (int64_t i = 0; i < t->set->total; i++)
        set(t, t->parameters, i, (double)initial[i]);
    free(initial);
    ls_graph_prepare(t->graph, t->parameters);
    t->row_ids = ls_calloc((size_t)item->rows, sizeof *t->row_ids);
    t->run = (struct ls_run){.training = true,
                             .rows = item->rows,
                             .microbatch_rows = item->rows,
                             .microbatches = 1,
                             .row_ids = t->row_ids};
    fill(t, t->x->data, ls_shape_count(t->x->shape), 1);
    for (int i = 1; i < t->node.input_count; i++)
        for (int64_t n = 0;
             t->node.inputs[i] && t->node.inputs[i]->type == LS_TYPE_INT32 && n < item->rows; n++)
            ((int32_t *)t->node.inputs[i]->data)[n] = (int32_t)(n * 31 % ls_shape_last(item->row));
}

static void create(struct trial *t, const struct op_item *item, enum ls_variant variant) {
    struct ls_error error;
    *t = (struct trial){.set = ls_parameters_create(), .f64 = variant == LS_F64};
    const struct ls_graph_options options = {
        .variant = variant, .rows_max = item->rows, .parameters = t->set, .keep_all = true};
    t->graph = ls_graph_create(&options);
    t->x = ls_graph_input(t->graph, "x", item->row, LS_TYPE_REAL);
    ls_graph_want_gradient(t->graph, t->x);
    t->y = item->record(t->graph, t->x);
    if (t->y)
        ls_graph_keep(t->graph, t->y);
    if (ls_graph_plan(t->graph, &error) != LS_OK)
        ls_bug(__FILE__, __LINE__, "plan", "%s", error.text);
    t->node = *ls_graph_node_at(t->graph, 0);
    t->node.activation = item->relu ? LS_ACTIVATION_RELU : LS_ACTIVATION_NONE;
    start(t, item);
}

static void destroy(struct trial *t) {
    free(t->row_ids);
    free(t->parameters);
    free(t->gradients);
    ls_graph_destroy(t->graph);
    ls_parameters_destroy(t->set);
}

/* A run of the graph binds the parameters' gradients; then the node alone, with its activation. */
static void forward(struct trial *t) {
    ls_graph_forward(t->graph, &t->run, t->gradients);
    run_forward(t);
}

static void backward(struct trial *t) {
    fill(t, t->y->gradient, ls_shape_count(t->y->shape), 2);
    ls_graph_backward_from(t->graph, t->y, &t->run, t->gradients);
    fill(t, t->y->gradient, ls_shape_count(t->y->shape), 2);
    run_backward(t);
}

/* |a - b| / |b| over all elements */
static double distance(const struct trial *a, const void *found, const struct trial *b,
                       const void *expected, int64_t count) {
    double difference = 0, size = 0;
    for (int64_t i = 0; i < count; i++) {
        const double e = get(b, expected, i), d = get(a, found, i) - e;
        difference += d * d;
        size += e * e;
    }
    return sqrt(difference / size);
}

static int64_t bytes_of(const struct ls_value *value) {
    return ls_shape_count(value->shape) * (int64_t)sizeof(float);
}

/* What backward must read and write at least. */
static int64_t backward_bytes(const struct ls_node *node) {
    int64_t bytes = bytes_of(node->output);
    if (node->op->backward_reads_output || node->activation != LS_ACTIVATION_NONE)
        bytes += bytes_of(node->output);
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i]) {
            bytes += node->op->backward_reads_inputs >> i & 1 ? bytes_of(node->inputs[i]) : 0;
            bytes += node->inputs[i]->gradient ? bytes_of(node->inputs[i]) : 0;
        }
    return bytes;
}

static void bench_op(struct ls_bench *bench, const struct op_item *it, const char *const names[2],
                     const char *shape) {
    struct trial t, reference;
    create(&t, it, bench->variant);
    create(&reference, it, LS_F64);
    struct ls_bench_item item = {
        .shape = shape, .elements = (double)ls_shape_count(t.x->shape), .tolerance = 1e-5};
    forward(&t);
    forward(&reference);
    item.kernel = names[0];
    item.bytes = (double)(bytes_of(t.x) + bytes_of(t.y));
    item.calls[0] = (struct ls_bench_call){run_forward, &t};
    item.error = distance(&t, t.y->data, &reference, reference.y->data, ls_shape_count(t.y->shape));
    if (ls_bench_wants(bench, names[0], shape))
        ls_bench_item(bench, &item);
    backward(&t);
    backward(&reference);
    item.kernel = names[1];
    item.bytes = (double)backward_bytes(&t.node);
    item.calls[0] = (struct ls_bench_call){run_backward, &t};
    item.error =
        distance(&t, t.x->gradient, &reference, reference.x->gradient, ls_shape_count(t.x->shape));
    if (ls_bench_wants(bench, names[1], shape))
        ls_bench_item(bench, &item);
    destroy(&t);
    destroy(&reference);
}

void ls_bench_ops(struct ls_bench *bench) {
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        char shape[LS_SHAPE_TEXT_MAX + 16], row[LS_SHAPE_TEXT_MAX], forward_name[64],
            backward_name[64];
        snprintf(shape, sizeof shape, "%dx%s", (int)items[i].rows,
                 ls_shape_print(items[i].row, row));
        snprintf(forward_name, sizeof forward_name, "%s", items[i].name);
        snprintf(backward_name, sizeof backward_name, "%s_backward", items[i].name);
        if (ls_bench_wants(bench, forward_name, shape) ||
            ls_bench_wants(bench, backward_name, shape))
            bench_op(bench, &items[i], (const char *const[]){forward_name, backward_name}, shape);
    }
}
