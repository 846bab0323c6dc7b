/* Every case of every op but losses, as a model of ONNX of its own. With LS_ONNX_CASES=FOLDER they
 * stay there, FOLDER/K.onnx, each with FOLDER/K.bin, its inputs and then what the op makes of them,
 * and a line of JSON about it in FOLDER/cases.json: integration/onnx_models_answer_like_predict.py
 * runs them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
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

LS_SUITE(all_but_losses_have_a_translation)
