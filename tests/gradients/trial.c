#include "tests/gradients/trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/ops/options.h"
#include "tests/support/support.h"

static const struct ls_op *const *const tables[LS_VARIANT_COUNT] = {
    [LS_F32_PORTABLE] = ls_ops_f32_portable,
#if defined __x86_64__
    [LS_F32_AVX2] = ls_ops_f32_avx2,
    [LS_F32_AVX512] = ls_ops_f32_avx512,
#endif
    [LS_F64] = ls_ops_f64};

static bool exact(const struct trial *trial) {
    return trial->variant == LS_F64;
}

/* Reals of the variant from and to double. */
static void put(const struct trial *trial, void *to, const double *from, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (exact(trial))
            ((double *)to)[i] = from[i];
        else
            ((float *)to)[i] = (float)from[i];
}

static void get(const struct trial *trial, double *to, const void *from, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        to[i] = exact(trial) ? ((const double *)from)[i] : (double)((const float *)from)[i];
}

/* Keeps a value away from the kinks at multiples of input->kink. */
static double avoid_kink(const struct ls_op_case_input *input, double value) {
    const double kink =
        input->kink > 0 ? round(value / input->kink) * input->kink : value + 2 * input->gap;
    return fabs(value - kink) < input->gap ? kink + copysign(input->gap, value - kink) : value;
}

/* Values as the case asks for, rounded to float so that every variant starts from the same. */
static double *draw(const struct ls_op_case_input *input, int index) {
    const int64_t count = ls_shape_count(input->shape);
    const int64_t row = input->parameter ? count : ls_shape_row_count(input->shape);
    double *values = ls_calloc((size_t)count, sizeof *values);
    for (int64_t i = 0; i < count; i++) {
        const struct ls_random_key key = ls_random_key(7, (uint32_t)index, 0, (uint64_t)(i / row));
        const double span = input->high - input->low;
        if (input->integer)
            values[i] = input->low + ls_random_below(key, (uint64_t)(i % row), (uint32_t)span + 1);
        else if (input->distinct)
            values[i] =
                input->low +
                span * (0.5 + (double)ls_random_permute(key, (uint64_t)(i % row), (uint64_t)row)) /
                    (double)row;
        else
            values[i] =
                avoid_kink(input, input->low + span * ls_random_uniform(key, (uint64_t)(i % row)));
        values[i] = (double)(float)values[i];
    }
    ck_assert_msg(!input->distinct || (input->high - input->low) / (double)row >= input->gap,
                  "the case asks for %lld distinct values %g apart in %g", (long long)row,
                  input->gap, input->high - input->low);
    return values;
}

static enum ls_parameter_kind kind_of(const struct ls_op_case_input *input) {
    if (!input->constant)
        return LS_PARAMETER_WEIGHT;
    return input->statistic ? LS_PARAMETER_STATISTIC : LS_PARAMETER_CONSTANT;
}

static void record_input(struct trial *trial, int i) {
    const struct ls_op_case_input *input = &trial->example->inputs[i];
    char name[16];
    snprintf(name, sizeof name, "input%d", i);
    if (input->absent)
        return;
    if (input->parameter)
        trial->inputs[i] =
            ls_graph_parameter(trial->graph, name, input->shape, input->layout, kind_of(input),
                               false, 0.1, (struct ls_initialiser){.kind = LS_INIT_ZEROS});
    else
        trial->inputs[i] = ls_graph_input(trial->graph, name, ls_shape_of_row(input->shape),
                                          input->integer ? LS_TYPE_INT32 : LS_TYPE_REAL);
    trial->values[i] = draw(input, i);
    if (!input->constant)
        trial->by_input[i] = ls_calloc((size_t)trial_count(trial, i), sizeof(double));
    else if (input->parameter && kind_of(input) == LS_PARAMETER_STATISTIC)
        trial->statistics[i] = ls_calloc((size_t)trial_count(trial, i), sizeof(double));
    if (!input->constant && !input->parameter)
        ls_graph_want_gradient(trial->graph, trial->inputs[i]);
}

/* Output and batched inputs, flattened, side by side. */
static struct ls_value *join(struct trial *trial) {
    struct ls_value *parts[1 + LS_CASE_INPUTS_MAX];
    int count = 0;
    const struct ls_concat_options options = {.axis = 1};
    parts[count++] = ls_graph_node(trial->graph, LS_OP_flatten, &trial->output, 1, NULL, 0);
    for (int i = 0; i < trial->example->input_count; i++)
        if (trial->by_input[i] && !trial->example->inputs[i].parameter)
            parts[count++] =
                ls_graph_node(trial->graph, LS_OP_flatten, &trial->inputs[i], 1, NULL, 0);
    return ls_graph_node(trial->graph, LS_OP_concat, parts, count, &options, sizeof options);
}

static double *draw_slopes(int index, int64_t count, int64_t row) {
    double *slopes = ls_calloc((size_t)count, sizeof *slopes);
    for (int64_t i = 0; i < count; i++) {
        const struct ls_random_key key = ls_random_key(11, (uint32_t)index, 0, (uint64_t)(i / row));
        slopes[i] = (double)(float)(2 * ls_random_uniform(key, (uint64_t)(i % row)) - 1);
    }
    return slopes;
}

static void *own_memory(size_t bytes) {
    return aligned_alloc(LS_ALIGNMENT, ls_round_up(bytes ? bytes : 1, LS_ALIGNMENT));
}

static void plan(struct trial *trial) {
    const size_t size = exact(trial) ? sizeof(double) : sizeof(float);
    ls_require(ls_graph_plan(trial->graph, &ls_test_error));
    for (int i = 0; i < ls_graph_node_count(trial->graph); i++)
        if (ls_graph_node_at(trial->graph, i)->output == trial->output)
            trial->node = (struct ls_node *)ls_graph_node_at(trial->graph, i);
    /* The graph keeps every value (it has no loss), so it fuses nothing: the case does. Memory of
     * its own lets the sanitizers see a step beyond what infer() asked for. */
    trial->node->activation = trial->example->activation;
    trial->node->saved = own_memory(trial->node->saved_bytes);
    trial->node->scratch = own_memory(trial->node->scratch_bytes);
    trial->parameters = ls_memory_map(((size_t)trial->set->total + 16) * size);
    trial->gradients = ls_memory_map(((size_t)trial->set->total + 16) * size);
}

struct trial *trial_create(enum ls_op_id id, const struct ls_op_case *example,
                           enum ls_variant variant, bool joined) {
    struct trial *trial = ls_calloc(1, sizeof *trial);
    *trial = (struct trial){
        .variant = variant, .op = tables[variant][id], .example = example, .joined = joined};
    trial->rows = example->rows;
    for (int i = example->input_count - 1; i >= 0; i--)
        if (!example->inputs[i].absent && !example->inputs[i].parameter)
            trial->rows = example->inputs[i].shape.dims[0];
    const int microbatches = example->microbatches ? example->microbatches : 1;
    trial->microbatch_rows = (trial->rows + microbatches - 1) / microbatches;
    ck_assert_msg(trial_microbatches(trial) == microbatches, "%s: %lld rows cannot be cut into %d",
                  trial_name(trial), (long long)trial->rows, microbatches);
    trial->set = ls_parameters_create();
    trial->graph = ls_graph_create(&(const struct ls_graph_options){.variant = variant,
                                                                    .rows_max = trial->rows + 1,
                                                                    .parameters = trial->set,
                                                                    .winograd = example->winograd});
    for (int i = 0; i < example->input_count; i++)
        record_input(trial, i);
    trial->output = ls_graph_node(trial->graph, id, trial->inputs, example->input_count,
                                  example->options, example->options_size);
    if (ls_graph_failed(trial->graph))
        ls_require(ls_graph_plan(trial->graph, &ls_test_error));
    trial->end = joined ? join(trial) : trial->output;
    plan(trial);
    const int64_t outputs = trial_output_count(trial),
                  row = ls_shape_row_count(trial->output->shape);
    trial->result = ls_calloc((size_t)outputs, sizeof(double));
    trial->slopes = draw_slopes(-1, outputs, row);
    if (trial->op->loss) /* column 1 is the weight */
        for (int64_t n = 0; n < trial->rows; n++)
            trial->slopes[2 * n + 1] = 0;
    for (int i = 0; i < example->input_count; i++)
        if (joined && trial->by_input[i] && !example->inputs[i].parameter)
            trial->side_slopes[i] =
                draw_slopes(i, trial_count(trial, i), ls_shape_row_count(example->inputs[i].shape));
    trial->row_ids = ls_calloc((size_t)trial->rows, sizeof *trial->row_ids);
    for (int64_t n = 0; n < trial->rows; n++)
        trial->row_ids[n] = (uint64_t)(1000 + 37 * n);
    return trial;
}

void trial_destroy(struct trial *trial) {
    const size_t size = exact(trial) ? sizeof(double) : sizeof(float);
    ls_memory_unmap(trial->parameters, ((size_t)trial->set->total + 16) * size);
    ls_memory_unmap(trial->gradients, ((size_t)trial->set->total + 16) * size);
    free(trial->node->saved);
    free(trial->node->scratch);
    ls_graph_destroy(trial->graph);
    ls_parameters_destroy(trial->set);
    for (int i = 0; i < LS_CASE_INPUTS_MAX; i++) {
        free(trial->values[i]);
        free(trial->by_input[i]);
        free(trial->statistics[i]);
        free(trial->side_slopes[i]);
    }
    free(trial->slopes);
    free(trial->row_ids);
    free(trial->result);
    free(trial);
}

int64_t trial_count(const struct trial *trial, int i) {
    return trial->example->inputs[i].absent ? 0 : ls_shape_count(trial->example->inputs[i].shape);
}

int64_t trial_output_count(const struct trial *trial) {
    return trial->rows * ls_shape_row_count(trial->output->shape);
}

int trial_microbatches(const struct trial *trial) {
    return (int)((trial->rows + trial->microbatch_rows - 1) / trial->microbatch_rows);
}

const char *trial_name(const struct trial *trial) {
    static char text[160];
    snprintf(text, sizeof text, "%s, case '%s', %s", trial->op->name, trial->example->name,
             ls_variant_name(trial->variant));
    return text;
}

static char *slot(const struct trial *trial, void *flat, int i) {
    const size_t size = exact(trial) ? sizeof(double) : sizeof(float);
    return (char *)flat + (size_t)trial->inputs[i]->parameter->offset * size;
}

static void put_parameter(struct trial *trial, int i) {
    const int64_t count = trial_count(trial, i);
    void *plain = ls_calloc((size_t)count, sizeof(double));
    put(trial, plain, trial->values[i], count);
    if (exact(trial))
        ls_parameter_store_f64(trial->inputs[i]->parameter, plain,
                               (double *)slot(trial, trial->parameters, i));
    else
        ls_parameter_store(trial->inputs[i]->parameter, plain,
                           (float *)slot(trial, trial->parameters, i));
    free(plain);
}

static void get_parameter_gradient(struct trial *trial, int i, double *to) {
    const int64_t count = trial_count(trial, i);
    void *plain = ls_calloc((size_t)count, sizeof(double));
    if (exact(trial))
        ls_parameter_fetch_f64(trial->inputs[i]->parameter,
                               (double *)slot(trial, trial->gradients, i), plain);
    else
        ls_parameter_fetch(trial->inputs[i]->parameter, (float *)slot(trial, trial->gradients, i),
                           plain);
    get(trial, to, plain, count);
    free(plain);
}

static void put_input(struct trial *trial, int i, int64_t first, int64_t rows) {
    const int64_t row = ls_shape_row_count(trial->example->inputs[i].shape);
    const double *from = trial->values[i] + first * row;
    if (!trial->example->inputs[i].integer)
        put(trial, trial->inputs[i]->data, from, rows * row);
    else
        for (int64_t k = 0; k < rows * row; k++)
            ((int32_t *)trial->inputs[i]->data)[k] = (int32_t)from[k];
}

/* Slopes of the rows of a run to where backward starts. */
static void put_slopes(struct trial *trial, int64_t first, int64_t rows) {
    const int64_t row = ls_shape_row_count(trial->output->shape),
                  wide = ls_shape_row_count(trial->end->shape);
    const size_t size = exact(trial) ? sizeof(double) : sizeof(float);
    for (int64_t n = 0; n < rows; n++) {
        char *to = (char *)trial->end->gradient + (size_t)(n * wide) * size;
        put(trial, to, trial->slopes + (first + n) * row, row);
        to += (size_t)row * size;
        for (int i = 0; i < trial->example->input_count; i++) {
            if (!trial->side_slopes[i])
                continue;
            const int64_t columns = ls_shape_row_count(trial->example->inputs[i].shape);
            put(trial, to, trial->side_slopes[i] + (first + n) * columns, columns);
            to += (size_t)columns * size;
        }
    }
}

static void get_gradients(struct trial *trial, int64_t first, int64_t rows) {
    for (int i = 0; i < trial->example->input_count; i++) {
        const int64_t row = ls_shape_row_count(trial->example->inputs[i].shape);
        if (trial->by_input[i] && trial->example->inputs[i].parameter)
            get_parameter_gradient(trial, i, trial->by_input[i]);
        else if (trial->by_input[i])
            get(trial, trial->by_input[i] + first * row, trial->inputs[i]->gradient, rows * row);
        else if (trial->statistics[i])
            get_parameter_gradient(trial, i, trial->statistics[i]);
    }
}

/* What must not be read before it is written holds NaN. */
static void spoil(struct trial *trial, bool saved) {
    const size_t size = exact(trial) ? sizeof(double) : sizeof(float);
    memset(trial->node->scratch, 0xff, trial->node->scratch_bytes);
    if (!saved)
        return;
    memset(trial->node->saved, 0xff, trial->node->saved_bytes);
    memset(trial->gradients, 0xff, (size_t)trial->set->total * size);
    for (int i = 0; i < trial->example->input_count; i++)
        if (trial->by_input[i] && !trial->example->inputs[i].parameter)
            memset(trial->inputs[i]->gradient, 0xff,
                   (size_t)ls_shape_count(trial->inputs[i]->shape) * size);
}

void trial_run(struct trial *trial, int first, int count, bool backward) {
    const int64_t row = first * trial->microbatch_rows, left = trial->rows - row;
    const int64_t most = count * trial->microbatch_rows, rows = left < most ? left : most;
    const struct ls_run run = {.training = !trial->example->evaluation,
                               .mean_only = trial->mean_only,
                               .term_factors = trial->term_factors,
                               .rows = rows,
                               .microbatch_rows = trial->microbatch_rows,
                               .microbatches = count,
                               .seed = 3,
                               .step = 5,
                               .row_ids = trial->row_ids + row,
                               .row_first = (uint64_t)row};
    for (int i = 0; i < trial->example->input_count; i++)
        if (trial->inputs[i] && trial->example->inputs[i].parameter)
            put_parameter(trial, i);
        else if (trial->inputs[i])
            put_input(trial, i, row, rows);
    ls_graph_prepare(trial->graph, trial->parameters);
    spoil(trial, true);
    ls_graph_forward(trial->graph, &run, trial->gradients);
    const int64_t outputs = ls_shape_row_count(trial->output->shape);
    get(trial, trial->result + row * outputs, trial->output->data, rows * outputs);
    if (!backward || !trial->end->wants_gradient)
        return;
    put_slopes(trial, row, rows);
    spoil(trial, false);
    ls_graph_backward_from(trial->graph, trial->end, &run, trial->gradients);
    get_gradients(trial, row, rows);
}

double trial_check(struct trial *trial) {
    double sum = 0;
    trial_run(trial, 0, trial_microbatches(trial), false);
    for (int64_t i = 0; i < trial_output_count(trial); i++)
        sum += trial->slopes[i] * trial->result[i];
    for (int i = 0; i < trial->example->input_count; i++)
        for (int64_t k = 0; trial->side_slopes[i] && k < trial_count(trial, i); k++)
            sum += trial->side_slopes[i][k] * trial->values[i][k];
    return sum;
}
