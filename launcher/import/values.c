/* The numbers of pieces, in the order that our parameters have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/import/transfer.h"

/* How a piece's parameter lies: [leading, in, out]. */
struct extents {
    int64_t leading, in, out;
};

static struct extents measure(struct ls_shape shape) {
    struct extents e = {.leading = 1, .in = 1, .out = ls_shape_last(shape)};
    if (shape.rank > 1)
        e.in = shape.dims[shape.rank - 2];
    for (int d = 0; d < shape.rank - 2; d++)
        e.leading *= shape.dims[d];
    return e;
}

/* Their place of our input or output. */
static int64_t place(const int64_t *order, int64_t index) {
    return order ? order[index] : index;
}

/* The same of an output that rotary positions turn: neighbours here are one of each half of a head
 * there. */
static int64_t place_turned(const struct ls_transfer_piece *piece,
                            const struct ls_weight_layout *layout, int64_t index) {
    const int64_t own = piece->first + index, within = layout->head ? own % layout->head : 0;
    if (piece->options.rotary != LS_MAP_HALVES || own >= layout->turning)
        return index;
    return index - within + within % 2 * (layout->head / 2) + within / 2;
}

/* PyTorch's [out, in, leading], or [in, out], into ours. */
static void put(const struct ls_transfer *transfer, const struct ls_transfer_piece *piece,
                const float *from, float *to) {
    const struct extents e = measure(transfer->parameters->items[piece->parameter]->shape);
    const struct ls_weight_layout *layout = &transfer->layouts[piece->parameter];
    const bool first_to_last = piece->options.flat == LS_MAP_CHANNELS_LAST;
    const int64_t *inputs = first_to_last ? NULL : layout->inputs;
    const int64_t *outputs = first_to_last || piece->count != e.out ? NULL : layout->outputs;
    for (int64_t l = 0; l < e.leading; l++)
        for (int64_t i = 0; i < e.in; i++)
            for (int64_t o = 0; o < piece->count; o++) {
                const int64_t their_o =
                    piece->from +
                    (layout->turning ? place_turned(piece, layout, o) : place(outputs, o));
                const int64_t their_i = place(inputs, i);
                const float value =
                    from[piece->in_out ? their_i * piece->total + their_o
                                       : (their_o * e.in + their_i) * e.leading + l];
                float *place_here = &to[(l * e.in + i) * e.out + piece->first + o];
                *place_here = piece->adds ? *place_here + value : value;
            }
}

/* What lies there as here: our own files, tables. */
static bool lies_alike(const struct ls_transfer *transfer, const struct ls_transfer_piece *piece) {
    return transfer->native || (!transfer->layouts[piece->parameter].turned &&
                                transfer->parameters->items[piece->parameter]->shape.rank > 1);
}

static struct ls_given_values *find_values(struct ls_given *given, const char *name) {
    int i = 0;
    while (strcmp(given->items[i].name, name) != 0)
        i++;
    return &given->items[i];
}

/* One tensor to all that it gives. */
static enum ls_status take(const struct ls_transfer *transfer, int tensor, bool adding,
                           struct ls_given *given, struct ls_error *error) {
    const struct ls_safetensor *from = &transfer->file.items[tensor];
    float *values = NULL;
    enum ls_status status = LS_OK;
    for (int i = 0; i < transfer->piece_count && status == LS_OK; i++) {
        const struct ls_transfer_piece *piece = &transfer->pieces[i];
        if (piece->tensor != tensor || piece->adds != adding)
            continue;
        if (!values) {
            values = ls_calloc((size_t)from->count + 1, sizeof *values);
            status = ls_safetensors_read(&transfer->file, from, values, error);
        }
        struct ls_given_values *to =
            find_values(given, transfer->parameters->items[piece->parameter]->name);
        if (status == LS_OK && lies_alike(transfer, piece))
            memcpy(to->plain, values, (size_t)to->count * sizeof *values);
        else if (status == LS_OK)
            put(transfer, piece, values, to->plain);
    }
    free(values);
    return status;
}

enum ls_status ls_transfer_values(const struct ls_transfer *transfer, struct ls_given *given,
                                  struct ls_error *error) {
    const struct ls_parameter_set *set = transfer->parameters;
    enum ls_status status = LS_OK;
    *given = (struct ls_given){.items = ls_calloc((size_t)set->count + 1, sizeof *given->items)};
    for (int p = 0; p < set->count; p++) {
        if (!transfer->given[p])
            continue;
        struct ls_given_values *values = &given->items[given->count++];
        snprintf(values->name, sizeof values->name, "%s", set->items[p]->name);
        values->count = ls_parameter_plain_count(set->items[p]);
        values->plain = ls_calloc((size_t)values->count, sizeof *values->plain);
    }
    for (int adding = 0; adding < 2; adding++) /* sums come behind what they are added to */
        for (int t = 0; t < transfer->file.count && status == LS_OK; t++)
            status = take(transfer, t, adding, given, error);
    return status;
}
