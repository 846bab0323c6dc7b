/* What must hold before a value is read: every output of every parameter is given once, shapes fit,
 * and nothing is left to guess. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/import/transfer.h"

enum { SHOWN_MAX = 4 };

void ls_lines_add(struct ls_lines *lines, const char *format, ...) {
    const size_t used = strlen(lines->text);
    if (lines->count++ >= SHOWN_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(lines->text + used, sizeof lines->text - used, format, arguments);
    va_end(arguments);
}

enum ls_status ls_transfer_fail(const struct ls_transfer *transfer, const struct ls_lines *lines,
                                const char *what, const char *cure, struct ls_error *error) {
    char more[48] = "";
    if (lines->count > SHOWN_MAX)
        snprintf(more, sizeof more, "\n  and %d more", lines->count - SHOWN_MAX);
    return ls_fail(error, LS_INVALID, "%s: %s:%s%s\n%s", transfer->file.path, what, lines->text,
                   more, cure);
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
                         bool others_in_out, struct ls_lines *misfits, struct ls_lines *squares) {
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
        ls_lines_add(
            misfits, "\n  %.100s is %s, expected %s for %s, which is %s here", tensor->name,
            ls_shape_print(tensor->shape, found),
            ls_shape_print(layout == LS_MAP_IN_OUT && matrix ? turn(shape) : shape, expected),
            own->name, ls_shape_print(own->shape, ours));
    else if (as_theirs && as_ours && others_in_out && shape.dims[0] > 1)
        ls_lines_add(squares, "\n  %.100s (%s)", tensor->name,
                     ls_shape_print(tensor->shape, found));
}

enum ls_status ls_transfer_check_shapes(struct ls_transfer *transfer, struct ls_error *error) {
    struct ls_lines misfits = {0}, squares = {0};
    const bool others_in_out = has_in_out(transfer);
    for (int i = 0; i < transfer->piece_count; i++)
        settle_shape(transfer, &transfer->pieces[i], others_in_out, &misfits, &squares);
    if (misfits.count)
        return ls_transfer_fail(
            transfer, &misfits, "shapes that do not fit this model",
            "PyTorch's weights are [out, in, ...]; those here are [..., in, out]", error);
    return squares.count
               ? ls_transfer_fail(
                     transfer, &squares,
                     "other matrices lie [in, out]; these are square and do not tell",
                     "say it in the map: `theirs: {to: ours, layout: in_out}`, or out_in", error)
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

/* How many outputs of a parameter pieces give; *twice: the second tensor that gives one; -1: none
 * does. */
static int64_t count_given(const struct ls_transfer *transfer, int parameter, int *twice) {
    int64_t given = 0;
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
        given += piece->adds ? 0 : piece->count;
    }
    return given;
}

static void add_missing(const struct ls_transfer *transfer, const struct ls_parameter *own,
                        int64_t given, struct ls_lines *missing) {
    char shape[LS_SHAPE_TEXT_MAX], some[64] = "";
    const char *nearest = nearest_tensor(transfer, own->name);
    if (given)
        snprintf(some, sizeof some, ", only %lld of whose %lld outputs are given", (long long)given,
                 (long long)ls_shape_last(own->shape));
    ls_lines_add(missing, "\n  %s (%s)%s%s%.100s%s", own->name, ls_shape_print(own->shape, shape),
                 some, nearest ? "; nearest is '" : "", nearest ? nearest : "", nearest ? "'" : "");
}

enum ls_status ls_transfer_check_parameters(struct ls_transfer *transfer,
                                            const struct ls_data *data, struct ls_error *error) {
    struct ls_lines missing = {0}, doubled = {0};
    for (int p = 0; p < transfer->parameters->count; p++) {
        const struct ls_parameter *own = transfer->parameters->items[p];
        int twice;
        const int64_t given = count_given(transfer, p, &twice);
        transfer->given[p] = given == ls_shape_last(own->shape);
        if (twice >= 0)
            ls_lines_add(&doubled, "\n  %s, the second time by %.100s", own->name,
                         transfer->file.items[twice].name);
        if (!transfer->given[p] && own->kind != LS_PARAMETER_CONSTANT &&
            ls_transfer_wants(transfer, data, own))
            add_missing(transfer, own, given, &missing);
    }
    if (doubled.count)
        return ls_transfer_fail(transfer, &doubled, "these are given twice",
                                "leave one out in the map: `theirs:` and nothing", error);
    return missing.count
               ? ls_transfer_fail(
                     transfer, &missing, "no tensor for these parameters",
                     "a map (--map FILE) says which tensor each is; --except NAMES begins "
                     "them as without the file",
                     error)
               : LS_OK;
}

/* Which numbers turn together is a convention that no shape shows. */
enum ls_status ls_transfer_check_rotary(const struct ls_transfer *transfer,
                                        struct ls_error *error) {
    struct ls_lines unsaid = {0};
    for (int i = 0; i < transfer->piece_count; i++) {
        const struct ls_transfer_piece *piece = &transfer->pieces[i];
        if (!transfer->native && piece->first < transfer->layouts[piece->parameter].turning &&
            piece->options.rotary == LS_MAP_UNSAID)
            ls_lines_add(&unsaid, "\n  %.100s", transfer->file.items[piece->tensor].name);
    }
    return unsaid.count
               ? ls_transfer_fail(
                     transfer, &unsaid,
                     "rotary positions turn these, and which numbers of a head together is "
                     "not said",
                     "say it in the map, `theirs: {to: ours, rotary: pairs}` (neighbours, as "
                     "in the paper) or halves (Hugging Face's)",
                     error)
               : LS_OK;
}
