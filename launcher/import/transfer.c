/* All tensors of a file against all parameters of a model. */
#include "launcher/import/transfer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

enum { SHOWN_MAX = 4 };

/* Lines of an error: the first few, and how many more. */
struct lines {
    char text[1200];
    int count;
};

static void add_line(struct lines *lines, const char *format, ...) LS_PRINTF(2, 3);
static void add_line(struct lines *lines, const char *format, ...) {
    const size_t used = strlen(lines->text);
    if (lines->count++ >= SHOWN_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(lines->text + used, sizeof lines->text - used, format, arguments);
    va_end(arguments);
}

static enum ls_status fail_lines(const struct ls_transfer *transfer, const struct lines *lines,
                                 const char *what, const char *cure, struct ls_error *error) {
    char more[48] = "";
    if (lines->count > SHOWN_MAX)
        snprintf(more, sizeof more, "\n  and %d more", lines->count - SHOWN_MAX);
    return ls_fail(error, LS_INVALID, "%s: %s:%s%s\n%s", transfer->file.path, what, lines->text,
                   more, cure);
}

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
    struct lines lines = {0};
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
            add_line(&lines, "\n  %.100s (%s)%s%.100s", tensor->name,
                     ls_shape_print(tensor->shape, shape), rule ? ", by the map " : "",
                     rule ? renamed : "");
        }
        transfer->left_out += !transfer->used[t];
    }
    return lines.count
               ? fail_lines(transfer, &lines, "this model has nothing for these tensors",
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

/* Without dimensions of one, which change no order. */
static struct ls_shape squeeze(struct ls_shape shape) {
    struct ls_shape squeezed = {0};
    for (int i = 0; i < shape.rank; i++)
        if (shape.dims[i] != 1)
            squeezed.dims[squeezed.rank++] = shape.dims[i];
    return squeezed;
}

static bool same_values(struct ls_shape a, struct ls_shape b) {
    return ls_shape_equal(squeeze(a), squeeze(b));
}

/* The shape that the tensor of a piece must have. */
static struct ls_shape expected_shape(const struct ls_transfer *transfer,
                                      const struct ls_transfer_piece *piece) {
    const struct ls_shape ours = transfer->parameters->items[piece->parameter]->shape;
    const struct ls_weight_layout *layout = &transfer->layouts[piece->parameter];
    struct ls_shape shape = transfer->native ? ours : ls_weight_shape(layout, ours);
    if (!transfer->native && (layout->turned || ours.rank == 1))
        shape.dims[0] = piece->total;
    return shape;
}

static bool is_matrix(const struct ls_transfer *transfer, const struct ls_transfer_piece *piece) {
    return !transfer->native && transfer->layouts[piece->parameter].matrix;
}

/* [in, out] of a matrix that is [out, in] in PyTorch. */
static struct ls_shape turn(struct ls_shape shape) {
    return LS_SHAPE(shape.dims[1], shape.dims[0]);
}

/* Whether the shape of some matrix of the file fits as [in, out] alone. */
static bool has_in_out(const struct ls_transfer *transfer) {
    for (int i = 0; i < transfer->piece_count; i++) {
        const struct ls_transfer_piece *piece = &transfer->pieces[i];
        const struct ls_shape shape = expected_shape(transfer, piece);
        const struct ls_shape found = transfer->file.items[piece->tensor].shape;
        if (is_matrix(transfer, piece) && piece->options.layout == LS_MAP_BY_SHAPE &&
            !same_values(shape, found) && same_values(turn(shape), found))
            return true;
    }
    return false;
}

bool ls_transfer_fits(const struct ls_transfer *transfer, const struct ls_transfer_piece *piece,
                      const struct ls_safetensor *tensor) {
    return same_values(expected_shape(transfer, piece), tensor->shape);
}

/* How the matrix of a piece lies, and whether it fits; a square one tells nothing. */
static void settle_shape(const struct ls_transfer *transfer, struct ls_transfer_piece *piece,
                         bool others_in_out, struct lines *misfits, struct lines *squares) {
    const struct ls_parameter *own = transfer->parameters->items[piece->parameter];
    const struct ls_safetensor *tensor = &transfer->file.items[piece->tensor];
    const struct ls_shape shape = expected_shape(transfer, piece);
    const bool matrix = is_matrix(transfer, piece);
    const int layout = piece->options.layout;
    const bool as_theirs =
        same_values(shape, tensor->shape) && !(matrix && layout == LS_MAP_IN_OUT);
    const bool as_ours =
        matrix && same_values(turn(shape), tensor->shape) && layout != LS_MAP_OUT_IN;
    char found[LS_SHAPE_TEXT_MAX], expected[LS_SHAPE_TEXT_MAX], ours[LS_SHAPE_TEXT_MAX];
    piece->in_out = as_ours && !as_theirs;
    if (!as_theirs && !as_ours)
        add_line(misfits, "\n  %.100s is %s, expected %s for %s, which is %s here", tensor->name,
                 ls_shape_print(tensor->shape, found),
                 ls_shape_print(layout == LS_MAP_IN_OUT && matrix ? turn(shape) : shape, expected),
                 own->name, ls_shape_print(own->shape, ours));
    else if (as_theirs && as_ours && others_in_out && shape.dims[0] > 1)
        add_line(squares, "\n  %.100s (%s)", tensor->name, ls_shape_print(tensor->shape, found));
}

static enum ls_status check_shapes(struct ls_transfer *transfer, struct ls_error *error) {
    struct lines misfits = {0}, squares = {0};
    const bool others_in_out = has_in_out(transfer);
    for (int i = 0; i < transfer->piece_count; i++)
        settle_shape(transfer, &transfer->pieces[i], others_in_out, &misfits, &squares);
    if (misfits.count)
        return fail_lines(transfer, &misfits, "shapes that do not fit this model",
                          "PyTorch's weights are [out, in, ...]; those here are [..., in, out]",
                          error);
    return squares.count
               ? fail_lines(transfer, &squares,
                            "other matrices lie [in, out]; these are square and do not tell",
                            "say it in the map: `theirs: {to: ours, layout: in_out}`, or out_in",
                            error)
               : LS_OK;
}

static const char *nearest_tensor(const struct ls_transfer *transfer, const char *name) {
    const char **names = ls_calloc((size_t)transfer->file.count + 1, sizeof *names);
    int count = 0;
    for (int t = 0; t < transfer->file.count; t++)
        if (!transfer->used[t])
            names[count++] = transfer->file.items[t].name;
    const char *nearest = ls_nearest(name, names, count);
    free(names);
    return nearest;
}

/* Whether pieces give every output of a parameter once; *twice: the second tensor that gives one.
 */
static bool is_covered(const struct ls_transfer *transfer, int parameter, int *twice) {
    const int64_t outputs = ls_shape_last(transfer->parameters->items[parameter]->shape);
    int64_t covered = 0;
    *twice = -1;
    for (int i = 0; i < transfer->piece_count; i++) {
        const struct ls_transfer_piece *piece = &transfer->pieces[i];
        if (piece->parameter != parameter)
            continue;
        for (int k = 0; k < i; k++) {
            const struct ls_transfer_piece *other = &transfer->pieces[k];
            if (other->parameter == parameter && other->adds == piece->adds &&
                other->first < piece->first + piece->count &&
                piece->first < other->first + other->count)
                *twice = piece->tensor;
        }
        covered += piece->adds ? 0 : piece->count;
    }
    return covered == outputs;
}

static enum ls_status check_parameters(struct ls_transfer *transfer, const struct ls_data *data,
                                       struct ls_error *error) {
    struct lines missing = {0}, doubled = {0};
    char shape[LS_SHAPE_TEXT_MAX];
    for (int p = 0; p < transfer->parameters->count; p++) {
        const struct ls_parameter *own = transfer->parameters->items[p];
        int twice;
        transfer->given[p] = is_covered(transfer, p, &twice);
        if (twice >= 0)
            add_line(&doubled, "\n  %s, the second time by %.100s", own->name,
                     transfer->file.items[twice].name);
        if (transfer->given[p] || own->kind == LS_PARAMETER_CONSTANT ||
            !ls_transfer_wants(transfer, data, own))
            continue;
        const char *nearest = nearest_tensor(transfer, own->name);
        add_line(&missing, "\n  %s (%s)%s%.100s%s", own->name, ls_shape_print(own->shape, shape),
                 nearest ? "; nearest is '" : "", nearest ? nearest : "", nearest ? "'" : "");
    }
    if (doubled.count)
        return fail_lines(transfer, &doubled, "these are given twice",
                          "leave one out in the map: `theirs:` and nothing", error);
    return missing.count
               ? fail_lines(transfer, &missing, "no tensor for these parameters",
                            "a map (--map FILE) says which tensor each is; --except NAMES begins "
                            "them as without the file",
                            error)
               : LS_OK;
}

/* Which numbers turn together is a convention that no shape shows. */
static enum ls_status check_rotary(const struct ls_transfer *transfer, struct ls_error *error) {
    struct lines unsaid = {0};
    for (int i = 0; i < transfer->piece_count; i++) {
        const struct ls_transfer_piece *piece = &transfer->pieces[i];
        if (!transfer->native && piece->first < transfer->layouts[piece->parameter].turning &&
            piece->options.rotary == LS_MAP_UNSAID)
            add_line(&unsaid, "\n  %.100s", transfer->file.items[piece->tensor].name);
    }
    return unsaid.count
               ? fail_lines(
                     transfer, &unsaid,
                     "rotary positions turn these, and which numbers of a head together is "
                     "not said",
                     "say it in the map, `theirs: {to: ours, rotary: pairs}` (neighbours, as "
                     "in the paper) or halves (Hugging Face's)",
                     error)
               : LS_OK;
}

static enum ls_status match(struct ls_transfer *transfer, const struct ls_data *data,
                            struct ls_error *error) {
    enum ls_status status = place_all(transfer, data, error);
    if (status == LS_OK)
        status = check_rules(transfer, error);
    if (status == LS_OK)
        status = check_parameters(transfer, data, error);
    if (status == LS_OK)
        status = check_shapes(transfer, error);
    return status == LS_OK ? check_rotary(transfer, error) : status;
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
