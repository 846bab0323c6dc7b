/* Every case of every op but losses, as a model of ONNX of its own. With LS_ONNX_CASES=FOLDER they
 * stay there, FOLDER/K.onnx, each with FOLDER/K.bin, its inputs and then what the op makes of them,
 * and a line of JSON about it in FOLDER/cases.json: integration/onnx_models_answer_like_predict.py
 * runs them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/graph/ops.h"
#include "launcher/onnx/list.h"
#include "launcher/onnx/model.h"
#include "tests/gradients/trial.h"
#include "tests/support/support.h"

static const char *folder;

static void print_shape(FILE *list, int64_t rows, struct ls_shape row) {
    fprintf(list, "[%" PRId64, rows);
    for (int i = 0; i < row.rank; i++)
        fprintf(list, ", %" PRId64, row.dims[i]);
    fprintf(list, "]");
}

static void write_numbers(FILE *to, const double *values, int64_t count, bool integer) {
    for (int64_t i = 0; i < count; i++) {
        const float real = (float)values[i];
        const int32_t whole = (int32_t)values[i];
        ck_assert_uint_eq(fwrite(integer ? (const void *)&whole : &real, 4, 1, to), 1);
    }
}

static void add_input(const struct trial *trial, FILE *list, const struct ls_value *value,
                      bool integer) {
    const char *name = trial->op->source ? trial->op->name : value->name;
    fprintf(list, "{\"name\": \"%s\", \"type\": \"%s\", \"shape\": ", name, integer ? "i4" : "f4");
    print_shape(list, trial->rows, ls_shape_of_row(value->shape));
    fprintf(list, "}");
}

/* Its inputs and its output, in the list and in the file of numbers. What an op draws is an input
 * of the model. */
static void write_values(const struct trial *trial, FILE *list, FILE *to) {
    const struct ls_op_case *example = trial->example;
    const char *between = "";
    fprintf(list, "\"inputs\": [");
    for (int i = 0; i < example->input_count; i++) {
        const struct ls_op_case_input *input = &example->inputs[i];
        if (input->absent || input->parameter)
            continue;
        fprintf(list, "%s", between);
        between = ", ";
        add_input(trial, list, trial->inputs[i], input->integer);
        write_numbers(to, trial->values[i], trial_count(trial, i), input->integer);
    }
    if (trial->op->source) {
        add_input(trial, list, trial->output, false);
        write_numbers(to, trial->result, trial_output_count(trial), false);
    }
    fprintf(list, "], \"output\": ");
    print_shape(list, trial->rows, ls_shape_of_row(trial->output->shape));
    write_numbers(to, trial->result, trial_output_count(trial), false);
}

static void export_case(enum ls_op_id id, const struct ls_op_case *given, FILE *list, int number) {
    struct ls_op_case example = *given;
    example.evaluation = true;
    struct trial *trial = trial_create(id, &example, ls_variant_best(), false);
    char path[4096];
    trial->mean_only = true;
    trial_run(trial, 0, trial_microbatches(trial), false);
    const struct ls_onnx_options options = {.output = trial->output,
                                            .parameters = trial->parameters,
                                            .name = trial->op->name,
                                            .output_name = "logits",
                                            .version = "0",
                                            .text = example.name};
    snprintf(path, sizeof path, "%s/%d.onnx", folder, number);
    ls_require(ls_onnx_write(&options, path, &ls_test_error));
    snprintf(path, sizeof path, "%s/%d.bin", folder, number);
    FILE *to = fopen(path, "wb");
    ck_assert_ptr_nonnull(to);
    fprintf(list, "{\"name\": \"%s, case '%s'\", ", trial->op->name, example.name);
    write_values(trial, list, to);
    fprintf(list, "}\n");
    ck_assert_int_eq(fclose(to), 0);
    trial_destroy(trial);
}

START_TEST(all_but_losses_have_a_translation) {
    char path[4096];
    int number = 0;
    folder = getenv("LS_ONNX_CASES") ? getenv("LS_ONNX_CASES") : ls_test_folder();
    snprintf(path, sizeof path, "%s/cases.json", folder);
    FILE *list = fopen(path, "w");
    ck_assert_ptr_nonnull(list);
    for (int id = 0; id < LS_OP_COUNT; id++) {
        const struct ls_op *op = ls_ops_f64[id];
        ck_assert_msg(op->loss || ls_onnx_find(op->name),
                      "%s: an op that answers needs a translation in launcher/onnx", op->name);
        for (int i = 0; i < op->case_count && !op->loss; i++)
            export_case((enum ls_op_id)id, &op->cases[i], list, number++);
    }
    ck_assert_int_eq(fclose(list), 0);
}
END_TEST

/* A graph of one layer, planned, whose output is refused with words that name why. */
static void refused(struct ls_graph *graph, struct ls_value *output, const char *first,
                    const char *second) {
    const struct ls_onnx_options options = {
        .output = output, .name = "", .output_name = "logits", .version = "", .text = ""};
    char path[4096];
    snprintf(path, sizeof path, "%s/refused.onnx", ls_test_folder());
    ls_graph_keep(graph, output);
    ls_require(ls_graph_plan(graph, &ls_test_error));
    ck_assert_int_eq(ls_onnx_write(&options, path, &ls_test_error), LS_INVALID);
    ck_assert_msg(strstr(ls_test_error.text, first) && strstr(ls_test_error.text, second),
                  "expected '%s' and '%s', found '%s'", first, second, ls_test_error.text);
    ck_assert_int_ne(access(path, F_OK), 0);
    ls_graph_destroy(graph);
}

static struct ls_graph *graph_of(struct ls_parameter_set *set) {
    struct ls_graph *graph = ls_graph_create(&(const struct ls_graph_options){
        .variant = ls_variant_best(), .rows_max = 1, .parameters = set, .inference = true});
    ls_graph_push(graph, "head");
    return graph;
}

START_TEST(what_has_no_form_there_is_refused) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_graph *graph = graph_of(set);
    struct ls_value *x = ls_graph_input(graph, "x", LS_SHAPE(3), LS_TYPE_REAL);
    refused(graph, ls_squared_error(graph, x, x, NULL, NULL), "head", "squared_error");
    ls_parameters_destroy(set);
}
END_TEST

/* No memory is taken for 2.7 GB of parameters. */
START_TEST(more_than_a_file_holds_is_refused) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_graph *graph = graph_of(set);
    struct ls_value *x = ls_graph_input(graph, "x", LS_SHAPE(1), LS_TYPE_INT32);
    struct ls_value *table =
        ls_graph_parameter(graph, "table", LS_SHAPE(1 << 24, 40), LS_LAYOUT_PLAIN,
                           LS_PARAMETER_WEIGHT, false, 0, (struct ls_initialiser){0});
    refused(graph, ls_embedding(graph, x, table), "2 GB", "2684354560 bytes");
    ls_parameters_destroy(set);
}
END_TEST

LS_SUITE(all_but_losses_have_a_translation, what_has_no_form_there_is_refused,
         more_than_a_file_holds_is_refused)
