#include "tests/support/layers.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "tests/support/support.h"

static void set_option(struct ls_layer_spec *spec, const char *name, const char *text) {
    const struct ls_field *field = ls_fields_find(spec->layer->fields, name);
    ck_assert_msg(field != NULL, "layer %s has no option '%s'", spec->layer->name, name);
    ls_require(ls_field_parse(field, text, spec->options, &ls_test_error));
}

struct ls_layer_spec *ls_test_layer(struct ls_layer_list *list, const char *layer_name, ...) {
    const struct ls_layer *layer = ls_layer_find(layer_name);
    ck_assert_msg(layer != NULL, "no layer '%s'", layer_name);
    int number = 1;
    for (int i = 0; i < list->count; i++)
        number += list->items[i].layer == layer;
    list->items = ls_realloc(list->items, (size_t)list->count + 1, sizeof *list->items);
    struct ls_layer_spec *spec = &list->items[list->count++];
    char name[64];
    snprintf(name, sizeof name, "%s%d", layer_name, number);
    ls_layer_spec_init(spec, layer, name);

    va_list arguments;
    va_start(arguments, layer_name);
    for (const char *option; (option = va_arg(arguments, const char *));) {
        const char *text = va_arg(arguments, const char *);
        if (!strcmp(option, "name"))
            snprintf(spec->name, sizeof spec->name, "%s", text);
        else if (ls_layer_input_key(layer, option))
            ls_layer_spec_refer(spec, option, text);
        else
            set_option(spec, option, text);
    }
    va_end(arguments);
    return spec;
}

enum ls_status ls_test_model_create(struct ls_test_model *made, const struct ls_layer_list *layers,
                                    enum ls_task_kind kind, struct ls_shape input,
                                    int64_t rows_max) {
    struct ls_task_options task;
    ls_fields_reset(ls_task_fields, &task);
    ls_fields_reset(ls_loss_fields, &task);
    task.kind = (int)kind;
    *made = (struct ls_test_model){.parameters = ls_parameters_create()};
    ls_require(ls_task_losses(&task, &made->losses, &ls_test_error));
    const struct ls_networks networks = {.count = 1, .items[0].layers = *layers};
    const struct ls_feed feeds[] = {{.name = "inputs", .shape = input},
                                    {.name = "targets", .shape.rank = LS_FEED_OPEN}};
    const struct ls_model_options options = {.networks = &networks,
                                             .task = ls_task_of((int)kind),
                                             .losses = &made->losses,
                                             .feeds = feeds,
                                             .feed_count = 2,
                                             .variant = ls_variant_best(),
                                             .rows_max = rows_max};
    const enum ls_status status =
        ls_model_create(&made->model, &options, 0, made->parameters, &ls_test_error);
    if (status != LS_OK)
        return status;
    const size_t bytes = (size_t)made->parameters->total * sizeof(float);
    made->weights = ls_memory_map(bytes);
    made->gradients = ls_memory_map(bytes);
    ls_parameters_initialise(made->parameters, 1, made->weights);
    return LS_OK;
}

void ls_test_model_destroy(struct ls_test_model *made) {
    const size_t bytes = (size_t)made->parameters->total * sizeof(float);
    ls_memory_unmap(made->weights, bytes);
    ls_memory_unmap(made->gradients, bytes);
    ls_model_destroy(&made->model);
    ls_parameters_destroy(made->parameters);
    ls_layer_list_clear(&made->losses);
}

double ls_test_model_run(struct ls_test_model *made, int64_t rows, int64_t microbatch_rows,
                         uint64_t step) {
    uint64_t *ids = ls_calloc((size_t)rows, sizeof *ids);
    for (int64_t i = 0; i < rows; i++)
        ids[i] = (uint64_t)i;
    const struct ls_run run = {.training = true,
                               .rows = rows,
                               .microbatch_rows = microbatch_rows,
                               .microbatches =
                                   (int)((rows + microbatch_rows - 1) / microbatch_rows),
                               .seed = 1,
                               .step = step,
                               .row_ids = ids};
    ls_graph_prepare(made->model.graph, made->weights);
    ls_graph_forward(made->model.graph, &run, made->gradients);
    const float *losses = made->model.loss->data;
    double loss = 0, weight = 0;
    for (int64_t i = 0; i < rows; i++) {
        loss += (double)losses[2 * i];
        weight += (double)losses[2 * i + 1];
    }
    ls_graph_backward(made->model.graph, &run, made->gradients, NULL, NULL);
    free(ids);
    return loss / weight;
}

void ls_test_model_descend(struct ls_test_model *made, double rate, int64_t rows) {
    for (int p = 0; p < made->parameters->count; p++) {
        const struct ls_parameter *parameter = made->parameters->items[p];
        if (parameter->kind != LS_PARAMETER_WEIGHT)
            continue;
        for (int64_t i = parameter->offset; i < parameter->offset + parameter->count; i++)
            made->weights[i] -= (float)rate * made->gradients[i] / (float)rows;
    }
}
