/* From the nodes of a graph to the model around theirs in ONNX. */
#include "launcher/onnx/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "launcher/onnx/internal.h"
#include "launcher/onnx/list.h"

ls_onnx_translation *ls_onnx_find(const char *op) {
    static const struct {
        const char *op;
        ls_onnx_translation *translation;
    } all[] = {
#define LS_ONNX_ENTRY(name) {#name, ls_onnx_op_##name},
        LS_VALUE_OP_LIST(LS_ONNX_ENTRY)
#undef LS_ONNX_ENTRY
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].op, op))
            return all[i].translation;
    return NULL;
}

/* How many of a node's inputs its translation reads: of a sample's distribution, the mean alone. */
static int inputs_read(const struct ls_node *node) {
    return strcmp(node->op->name, "sample_normal") ? node->input_count : 1;
}

static enum ls_status fail_size(int64_t bytes, struct ls_error *error) {
    return ls_fail(error, LS_INVALID,
                   "a file of ONNX holds less than 2 GB, and this model needs %" PRId64
                   " bytes; --format safetensors has no such limit",
                   bytes);
}

/* A model while it is made. */
struct making {
    const struct ls_onnx_options *options;
    struct ls_onnx *onnx;
    int64_t bytes; /* of parameters */
    struct ls_error *error;
};

/* Single values are [N, 1] here, and [N] where they come from. */
static void add_input(struct making *making, const struct ls_value *value) {
    const struct ls_onnx_options *options = making->options;
    struct ls_shape row = ls_shape_of_row(value->shape);
    for (int i = 0; i < options->feed_count; i++)
        if (!strcmp(options->feeds[i].name, value->name) && options->feeds[i].shape.rank == 0)
            row = (struct ls_shape){0};
    const enum ls_onnx_type type = value->type == LS_TYPE_INT32 ? LS_ONNX_INT32 : LS_ONNX_REAL;
    const char *name = ls_onnx_input(making->onnx, value->name, type, row);
    ls_onnx_set_layer(making->onnx, name);
    if (row.rank == 0 && value->shape.rank > 1)
        name = ls_onnx_reshape(making->onnx, name, LS_SHAPE(0, 1));
    ls_onnx_bind(making->onnx, value, ls_onnx_channels_last(name));
}

/* What the planner put behind a node goes behind its translation. */
static enum ls_status translate(struct making *making, const struct ls_node *node) {
    ls_onnx_translation *translation = ls_onnx_find(node->op->name);
    if (!translation)
        return ls_fail(making->error, LS_INVALID,
                       "the layer %s has no form in ONNX: the op %s (%s) has no translation",
                       node->name, node->op->name, node->op->formula);
    ls_onnx_set_layer(making->onnx, node->name);
    struct ls_onnx_tensor y = translation(making->onnx, node);
    if (node->activation == LS_ACTIVATION_RELU)
        y.name = LS_ONNX_NODE(making->onnx, "Relu", y.name);
    ls_onnx_bind(making->onnx, node->output, y);
    return LS_OK;
}

/* The value, after all that it is made of. Along producers and not through the nodes of the plan,
 * which drops those that only give another shape to what is kept. */
static enum ls_status make(struct making *making, const struct ls_value *value) {
    const struct ls_onnx_names *names = ls_onnx_names_of(making->onnx, value);
    const struct ls_node *node = value->producer;
    enum ls_status status = LS_OK;
    if (value->parameter && !names->last)
        making->bytes += ls_shape_count(value->shape) * (int64_t)sizeof(float);
    if (making->bytes > INT32_MAX)
        return fail_size(making->bytes, making->error);
    if (value->parameter || names->last || names->first)
        return LS_OK;
    if (!node) {
        add_input(making, value);
        return LS_OK;
    }
    for (int k = 0; k < inputs_read(node) && status == LS_OK; k++)
        if (node->inputs[k])
            status = make(making, node->inputs[k]);
    return status == LS_OK ? translate(making, node) : status;
}

/* Inputs are feeds and layers that draw; one of them may have the name of another, or of the
 * output. */
static enum ls_status check_names(const struct making *making) {
    const Onnx__GraphProto *graph = making->onnx->graph;
    for (size_t i = 0; i < graph->n_input; i++) {
        const char *name = graph->input[i]->name;
        bool taken = !strcmp(name, making->options->output_name);
        for (size_t k = 0; k < i; k++)
            taken |= !strcmp(name, graph->input[k]->name);
        if (taken)
            return ls_fail(making->error, LS_INVALID,
                           "inputs and outputs of a model of ONNX need names of their own, and two "
                           "of these are called '%s': expected the feed, or the layer that draws, "
                           "under another name in the config",
                           name);
    }
    return LS_OK;
}

/* A parameter of the shape of a row, of doubles if wide. */
static const char *of_row(struct ls_onnx *onnx, const struct ls_parameter *parameter,
                          struct ls_shape row, bool wide) {
    const char *name = ls_onnx_reshape(onnx, ls_onnx_parameter(onnx, parameter), row);
    return wide ? ls_onnx_cast(onnx, name, LS_ONNX_DOUBLE) : name;
}

static const char *restored(struct ls_onnx *onnx, const struct ls_onnx_restore *restore,
                            struct ls_shape row, const char *y) {
    const bool wide = restore->centre != NULL;
    if (wide)
        y = ls_onnx_cast(onnx, y, LS_ONNX_DOUBLE);
    y = LS_ONNX_NODE(onnx, "Div", y, of_row(onnx, restore->scale, row, wide));
    y = LS_ONNX_NODE(onnx, "Add", y, of_row(onnx, restore->mean, row, wide));
    return wide ? LS_ONNX_NODE(onnx, "Add", y,
                               ls_onnx_constant(onnx, LS_ONNX_DOUBLE, row, restore->centre))
                : y;
}

/* The last node has the output's name. */
static void add_output(struct ls_onnx *onnx, const struct ls_onnx_options *options) {
    const struct ls_shape row = ls_shape_of_row(options->output->shape);
    const struct ls_onnx_restore *restore = options->restore;
    const char *y = ls_onnx_last(onnx, options->output);
    ls_onnx_set_layer(onnx, options->output_name);
    if (restore)
        y = restored(onnx, restore, row, y);
    LS_ONNX_NODE(onnx, "Identity", y);
    Onnx__NodeProto *end = onnx->graph->node[onnx->graph->n_node - 1];
    free(end->output[0]);
    end->output[0] = ls_strdup(options->output_name);
    LS_ONNX_APPEND(onnx->graph->output, onnx->graph->n_output,
                   ls_onnx_describe(options->output_name,
                                    restore && restore->centre ? LS_ONNX_DOUBLE : LS_ONNX_REAL,
                                    row));
}

/* Inputs are told what the notes say of them. */
static void describe_inputs(Onnx__GraphProto *graph, const struct ls_onnx_options *options) {
    static const char prefix[] = "input.";
    for (size_t i = 0; i < graph->n_input; i++)
        for (int n = 0; n < options->note_count; n++)
            if (!strncmp(options->notes[n].key, prefix, sizeof prefix - 1) &&
                !strcmp(options->notes[n].key + sizeof prefix - 1, graph->input[i]->name))
                graph->input[i]->doc_string = ls_strdup(options->notes[n].value);
}

/* The graph becomes a part of the model. */
static Onnx__ModelProto *describe(struct ls_onnx *onnx, const struct ls_onnx_options *options) {
    Onnx__ModelProto *model = LS_ONNX_NEW(Onnx__ModelProto, model_proto);
    Onnx__OperatorSetIdProto *opset = LS_ONNX_NEW(Onnx__OperatorSetIdProto, operator_set_id_proto);
    model->graph = onnx->graph;
    onnx->graph = NULL;
    model->has_ir_version = opset->has_version = true;
    model->ir_version = LS_ONNX_IR;
    opset->domain = ls_strdup("");
    opset->version = LS_ONNX_OPSET;
    LS_ONNX_APPEND(model->opset_import, model->n_opset_import, opset);
    model->producer_name = ls_strdup("lockstep");
    model->producer_version = ls_strdup(options->version);
    model->doc_string = ls_strdup(options->text);
    model->graph->name = ls_strdup(options->name);
    for (int n = 0; n < options->note_count; n++) {
        Onnx__StringStringEntryProto *entry =
            LS_ONNX_NEW(Onnx__StringStringEntryProto, string_string_entry_proto);
        entry->key = ls_strdup(options->notes[n].key);
        entry->value = ls_strdup(options->notes[n].value);
        LS_ONNX_APPEND(model->metadata_props, model->n_metadata_props, entry);
    }
    describe_inputs(model->graph, options);
    return model;
}

static enum ls_status write_model(const Onnx__ModelProto *model, const char *path,
                                  struct ls_error *error) {
    const size_t bytes = onnx__model_proto__get_packed_size(model);
    if (bytes > INT32_MAX)
        return fail_size((int64_t)bytes, error);
    uint8_t *packed = ls_calloc(bytes, 1);
    onnx__model_proto__pack(model, packed);
    const enum ls_status status = ls_file_write(path, packed, bytes, error);
    free(packed);
    return status;
}

enum ls_status ls_onnx_write(const struct ls_onnx_options *options, const char *path,
                             struct ls_error *error) {
    struct making making = {
        .options = options, .onnx = ls_onnx_create(options->parameters), .error = error};
    enum ls_status status = make(&making, options->output);
    if (status == LS_OK)
        status = check_names(&making);
    if (status == LS_OK) {
        add_output(making.onnx, options);
        Onnx__ModelProto *model = describe(making.onnx, options);
        status = write_model(model, path, error);
        onnx__model_proto__free_unpacked(model, NULL);
    }
    ls_onnx_destroy(making.onnx);
    return status;
}
