/* All tensors of a file against all parameters of a model. */
#include "launcher/import/transfer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

/* What the file says of itself. */
static void read_notes(struct ls_transfer *transfer) {
    json_t *notes = json_loads(transfer->file.notes, 0, NULL);
    const char *centres = json_string_value(json_object_get(notes, "centres"));
    transfer->native = json_object_get(notes, "lockstep") != NULL;
    transfer->centres = transfer->native && centres ? ls_strdup(centres) : NULL;
    json_decref(notes);
}

/* Counters of batches, which nothing here needs; and, of our own files, what follows from data and
 * config. */
bool ls_transfer_is_needless(const struct ls_transfer *transfer, const char *name) {
    static const char counter[] = "num_batches_tracked";
    const size_t length = strlen(name), tail = sizeof counter - 1;
    const struct ls_parameter *own = ls_parameters_find(transfer->parameters, name);
    return (length >= tail && !strcmp(name + length - tail, counter)) ||
           (transfer->native && own && own->kind == LS_PARAMETER_CONSTANT);
}

bool ls_transfer_wants(const struct ls_transfer *transfer, const struct ls_data *data,
                       const struct ls_parameter *parameter) {
    return ls_patterns_find(transfer->wanted->except, parameter->name) < 0 &&
           (parameter->kind != LS_PARAMETER_CONSTANT || ls_data_scales(data, parameter->name));
}

static void add_piece(struct ls_transfer *transfer, const struct ls_transfer_piece *piece) {
    transfer->pieces =
        ls_realloc(transfer->pieces, (size_t)transfer->piece_count + 1, sizeof *transfer->pieces);
    transfer->pieces[transfer->piece_count++] = *piece;
    transfer->used[piece->tensor] = true;
}

/* A tensor under one of its names here; false: there is nothing of that name. */
static bool place(struct ls_transfer *transfer, const struct ls_data *data, int tensor,
                  const char *name, struct ls_map_options options) {
    struct ls_transfer_piece pieces[LS_TRANSFER_PIECES_MAX] = {{0}};
    const int count = ls_transfer_resolve(transfer->parameters, name, pieces);
    for (int i = 0; i < count; i++) {
        pieces[i].tensor = tensor;
        pieces[i].options = options;
        if (ls_transfer_wants(transfer, data, transfer->parameters->items[pieces[i].parameter]))
            add_piece(transfer, &pieces[i]);
        else
            transfer->used[tensor] = true;
    }
    return count > 0;
}

/* Every tensor to its place. */
static enum ls_status place_all(struct ls_transfer *transfer, const struct ls_data *data,
                                struct ls_error *error) {
    struct ls_lines lines = {0};
    char shape[LS_SHAPE_TEXT_MAX], renamed[LS_NAME_MAX];
    for (int t = 0; t < transfer->file.count; t++) {
        const struct ls_safetensor *tensor = &transfer->file.items[t];
        const struct ls_map_rule *rule = ls_map_find(&transfer->map, tensor->name);
        const int targets = rule ? rule->our_count : 1;
        for (int i = 0; i < targets; i++) {
            snprintf(renamed, sizeof renamed, "%s", tensor->name);
            const bool fits = rule ? ls_map_rename(rule, i, tensor->name, renamed)
                                   : strlen(tensor->name) < sizeof renamed;
            const struct ls_map_options options = rule ? rule->options : (struct ls_map_options){0};
            if ((fits && place(transfer, data, t, renamed, options)) ||
                ls_transfer_is_needless(transfer, tensor->name))
                continue;
            ls_lines_add(&lines, "\n  %.100s (%s)%s%.100s", tensor->name,
                         ls_shape_print(tensor->shape, shape), rule ? ", by the map " : "",
                         rule ? renamed : "");
        }
        transfer->left_out += !transfer->used[t];
    }
    return lines.count ? ls_transfer_fail(
                             transfer, &lines, "this model has nothing for these tensors",
                             "a map (--map FILE) says which parameter each is, or leaves it out: "
                             "`theirs:` and nothing",
                             error)
                       : LS_OK;
}

static enum ls_status check_rules(const struct ls_transfer *transfer, struct ls_error *error) {
    for (int i = 0; i < transfer->map.count; i++) {
        const struct ls_map_rule *rule = &transfer->map.rules[i];
        if (!rule->used && rule->our_count)
            return ls_fail(
                error, LS_INVALID,
                "%s:%d:%d: error: '%.100s' is no tensor of %s, nor is any below it (or a "
                "later line takes them)",
                transfer->map.path, rule->line, rule->column, rule->theirs, transfer->file.path);
    }
    return LS_OK;
}

static enum ls_status match(struct ls_transfer *transfer, const struct ls_data *data,
                            struct ls_error *error) {
    enum ls_status status = place_all(transfer, data, error);
    if (status == LS_OK)
        status = check_rules(transfer, error);
    if (status == LS_OK)
        status = ls_transfer_check_parameters(transfer, data, error);
    if (status == LS_OK)
        status = ls_transfer_check_shapes(transfer, error);
    return status == LS_OK ? ls_transfer_check_rotary(transfer, error) : status;
}

enum ls_status ls_transfer_open(struct ls_transfer *transfer,
                                const struct ls_transfer_options *wanted,
                                const struct ls_data *data, const struct ls_worker *worker,
                                struct ls_error *error) {
    *transfer = (struct ls_transfer){
        .wanted = wanted, .parameters = worker->parameters, .file = {.file = -1}};
    enum ls_status status = ls_safetensors_open(&transfer->file, wanted->file, error);
    if (status == LS_OK && wanted->map[0])
        status = ls_map_load(&transfer->map, wanted->map, error);
    if (status != LS_OK)
        return status;
    read_notes(transfer);
    transfer->layouts = ls_weight_layouts(worker->parameters, worker->models, worker->phase_count);
    transfer->used = ls_calloc((size_t)transfer->file.count + 1, sizeof *transfer->used);
    transfer->given = ls_calloc((size_t)worker->parameters->count + 1, sizeof *transfer->given);
    if (wanted->in_order)
        status = ls_transfer_match_in_order(transfer, data, worker, error);
    return status == LS_OK ? match(transfer, data, error) : status;
}

void ls_transfer_close(struct ls_transfer *transfer) {
    if (transfer->parameters)
        ls_weight_layouts_free(transfer->layouts, transfer->parameters->count);
    ls_safetensors_close(&transfer->file);
    ls_map_clear(&transfer->map);
    free(transfer->pieces);
    free(transfer->used);
    free(transfer->given);
    free(transfer->centres);
    *transfer = (struct ls_transfer){.file = {.file = -1}};
}
