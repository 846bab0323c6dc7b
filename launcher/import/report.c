/* What was taken from where: for people, and for the run's own record. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/import/transfer.h"

/* "kind 0..191 of 576": which outputs of the parameter a piece gives. */
static void print_range(const struct ls_transfer *transfer, const struct ls_transfer_piece *piece,
                        char text[64]) {
    const int64_t all = ls_shape_last(transfer->parameters->items[piece->parameter]->shape);
    text[0] = '\0';
    if (piece->count < all)
        snprintf(text, 64, ", outputs %lld to %lld", (long long)piece->first,
                 (long long)(piece->first + piece->count - 1));
}

static bool turns_image(const struct ls_transfer *transfer, const struct ls_transfer_piece *piece) {
    const struct ls_weight_layout *layout = &transfer->layouts[piece->parameter];
    return !transfer->native && piece->options.flat == LS_MAP_CHANNELS_FIRST &&
           (layout->inputs || layout->outputs);
}

void ls_transfer_print_pieces(const struct ls_transfer *transfer) {
    for (int i = 0; i < transfer->piece_count; i++) {
        const struct ls_transfer_piece *piece = &transfer->pieces[i];
        const struct ls_safetensor *tensor = &transfer->file.items[piece->tensor];
        const struct ls_parameter *own = transfer->parameters->items[piece->parameter];
        char theirs[LS_SHAPE_TEXT_MAX], ours[LS_SHAPE_TEXT_MAX], range[64];
        print_range(transfer, piece, range);
        printf("  %s %s %s -> %s %s%s%s%s%s\n", tensor->name, tensor->type,
               tensor->shape.rank ? ls_shape_print(tensor->shape, theirs) : "single", own->name,
               ls_shape_print(own->shape, ours), range, piece->adds ? ", added" : "",
               piece->in_out ? ", lies [in, out]" : "",
               turns_image(transfer, piece) ? ", channels turned" : "");
    }
    for (int t = 0; t < transfer->file.count; t++)
        if (!transfer->used[t])
            printf("  %s: left out\n", transfer->file.items[t].name);
}

/* "NAME, as OTHERS more,": the first of several things. */
static void print_some(const char *name, int count) {
    printf("  %s", name);
    if (count > 1)
        printf(" and %d more", count - 1);
}

static void print_in_out(const struct ls_transfer *transfer) {
    const char *first = NULL;
    int count = 0;
    for (int i = 0; i < transfer->piece_count; i++) {
        const struct ls_transfer_piece *piece = &transfer->pieces[i];
        if (!piece->in_out || piece->options.layout != LS_MAP_BY_SHAPE)
            continue;
        first = first ? first : transfer->file.items[piece->tensor].name;
        count++;
    }
    if (!count)
        return;
    print_some(first, count);
    printf(": [in, out] in the file, as the shapes show\n");
}

static void print_images(const struct ls_transfer *transfer) {
    for (int i = 0; i < transfer->piece_count; i++) {
        const struct ls_transfer_piece *piece = &transfer->pieces[i];
        const struct ls_shape image = transfer->layouts[piece->parameter].image;
        if (turns_image(transfer, piece) &&
            transfer->parameters->items[piece->parameter]->shape.rank > 1)
            printf("  %s: rows that are images of %lldx%lldx%lld have their channels first in the "
                   "file, and last here\n",
                   transfer->parameters->items[piece->parameter]->name, (long long)image.dims[0],
                   (long long)image.dims[1], (long long)image.dims[2]);
    }
}

static void print_types(const struct ls_transfer *transfer) {
    static const char *const types[] = {"F16", "BF16", "F64"};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        const char *first = NULL;
        int count = 0;
        for (int t = 0; t < transfer->file.count; t++) {
            if (!transfer->used[t] || strcmp(transfer->file.items[t].type, types[k]) != 0)
                continue;
            first = first ? first : transfer->file.items[t].name;
            count++;
        }
        if (!count)
            continue;
        print_some(first, count);
        printf(": %s in the file, %s float32\n", types[k],
               strcmp(types[k], "F64") ? "every one of which is a" : "rounded to");
    }
}

/* What --in-order found, as a map. */
static void print_rules(const struct ls_transfer *transfer) {
    if (transfer->in_order)
        printf("by shape alone, as a map; look whether they are right:\n");
    for (int i = transfer->in_order; i-- > 0;)
        printf("  %s: %s\n", transfer->map.rules[i].theirs, transfer->map.rules[i].ours[0]);
}

void ls_transfer_print_notes(const struct ls_transfer *transfer) {
    print_rules(transfer);
    print_in_out(transfer);
    print_images(transfer);
    print_types(transfer);
}

/* Names in the order of their bytes. */
static json_t *print_names(const struct ls_transfer *transfer, bool given) {
    const struct ls_parameter_set *set = transfer->parameters;
    json_t *names = json_array();
    for (int order = 0; order < set->count; order++)
        for (int p = 0; p < set->count; p++)
            if (set->items[p]->order == order && transfer->given[p] == given &&
                (given || set->items[p]->kind != LS_PARAMETER_CONSTANT))
                json_array_append_new(names, json_string(set->items[p]->name));
    return names;
}

char *ls_transfer_print_start(const struct ls_transfer *transfer) {
    json_t *unused = json_array();
    for (int t = 0; t < transfer->file.count; t++)
        if (!transfer->used[t])
            json_array_append_new(unused, json_string(transfer->file.items[t].name));
    json_t *from = json_string(transfer->file.path);
    if (!from)
        from = json_string("a file whose name is not UTF-8");
    json_t *object = json_pack("{s:o s:i s:o s:o s:o}", "from", from, "step", 0, "taken",
                               print_names(transfer, true), "own", print_names(transfer, false),
                               "unused", unused);
    char *text = object ? json_dumps(object, 0) : NULL;
    LS_ASSERT(text, "a start from %s that does not print", transfer->file.path);
    json_decref(object);
    return text;
}
