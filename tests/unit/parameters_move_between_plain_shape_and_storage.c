#include "core/graph/parameters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "tests/support/support.h"

static struct ls_parameter *add(struct ls_parameter_set *set, const char *name,
                                struct ls_shape shape, enum ls_layout layout,
                                enum ls_parameter_kind kind) {
    struct ls_parameter description = {.shape = shape, .layout = layout, .kind = kind};
    struct ls_parameter *added;
    strcpy(description.name, name);
    ls_require(ls_parameters_add(set, &description, &added, &ls_test_error));
    return added;
}

/* Odd shapes of each layout: narrow, wide, padded, one element, below and above a unit; some in
 * each of two groups, some fixed. */
static struct ls_parameter_set *odd_set(void) {
    static const struct ls_shape shapes[] = {
        {2, {5, 33}},    {2, {70, 100}}, {4, {3, 3, 7, 20}}, {1, {1}},         {1, {9001}},
        {2, {300, 7}},   {2, {1, 64}},   {2, {2, 5000}},     {3, {11, 13, 1}}, {4, {1, 1, 3, 4096}},
        {2, {10007, 3}}, {1, {31}},      {0, {0}},           {2, {129, 257}},
    };
    struct ls_parameter_set *set = ls_parameters_create();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int layout = LS_LAYOUT_PLAIN; layout <= LS_LAYOUT_PANELS; layout++) {
            char name[16];
            snprintf(name, sizeof name, "p%zu.%d", i, layout);
            add(set, name, shapes[i], (enum ls_layout)layout, LS_PARAMETER_WEIGHT)->group =
                i % 3 == 2 ? LS_GROUP_FIXED : (int)(i % 3);
        }
    ls_parameters_layout(set);
    return set;
}

/* Plain element j of parameter i: all different, exact in float. */
static float element(int i, int64_t j) {
    return (float)(i + 1) * 100000.0f + (float)j;
}

START_TEST(panels_hold_columns_side_by_side_and_zeros_behind) {
    struct ls_parameter_set *set = ls_parameters_create();
    const struct ls_parameter *p =
        add(set, "w", LS_SHAPE(2, 2, 40), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    float plain[160], stored[256];
    for (int i = 0; i < 160; i++)
        plain[i] = (float)(i + 1);
    memset(stored, 0xff, sizeof stored);
    ls_parameter_store(p, plain, stored);
    ck_assert_int_eq(p->count, 256);
    for (int panel = 0; panel < 2; panel++)
        for (int k = 0; k < 4; k++)
            for (int c = 0; c < 32; c++) {
                const int column = panel * 32 + c;
                const int expected = column < 40 ? k * 40 + column + 1 : 0;
                ck_assert_double_eq((double)stored[(panel * 4 + k) * 32 + c], expected);
            }
    ls_parameters_destroy(set);
}
END_TEST

START_TEST(every_parameter_comes_back_as_it_went) {
    struct ls_parameter_set *set = odd_set();
    int64_t next = 0;
    for (int i = 0; i < set->count; i++) {
        const struct ls_parameter *p = set->items[i];
        const size_t plain_count = (size_t)ls_parameter_plain_count(p), count = (size_t)p->count;
        float *plain = malloc(plain_count * sizeof *plain),
              *back = malloc(plain_count * sizeof *back);
        float *stored = malloc(count * sizeof *stored);
        double *plain64 = malloc(plain_count * sizeof *plain64),
               *stored64 = malloc(count * sizeof *stored64);
        double *back64 = malloc(plain_count * sizeof *back64);
        memset(stored, 0xff, count * sizeof *stored);
        for (size_t j = 0; j < plain_count; j++)
            plain64[j] = (double)(plain[j] = element(i, (int64_t)j));
        ls_parameter_store(p, plain, stored);
        ls_parameter_fetch(p, stored, back);
        ls_parameter_store_f64(p, plain64, stored64);
        ls_parameter_fetch_f64(p, stored64, back64);
        ck_assert_mem_eq(plain, back, plain_count * sizeof *plain);
        ck_assert_mem_eq(plain64, back64, plain_count * sizeof *plain64);
        double sum = 0, sum_stored = 0;
        for (size_t j = 0; j < plain_count; j++)
            sum += plain64[j];
        for (size_t j = 0; j < count; j++) {
            ck_assert_double_eq((double)stored[j], stored64[j]);
            sum_stored += stored64[j];
        }
        ck_assert_double_eq(sum, sum_stored); /* padding is zero */
        ck_assert_int_eq(p->offset, next);
        ck_assert_int_eq(p->count % 16, 0);
        ck_assert_int_eq(p->unit % 16, 0);
        next += p->count;
        free(plain), free(back), free(stored), free(plain64), free(stored64), free(back64);
    }
    ck_assert_int_eq(set->total, next);
    ls_parameters_destroy(set);
}
END_TEST

/* Writes block elements of a piece from the whole parameter's plain form, by the piece's
 * description. */
static void copy_block(const struct ls_parameter_block *piece, const float *plain, float *block) {
    const struct ls_shape whole = piece->parameter->shape;
    int64_t outer = 1, inner = 1;
    for (int i = 0; i < whole.rank; i++) {
        outer *= i < piece->axis ? whole.dims[i] : 1;
        inner *= i > piece->axis ? whole.dims[i] : 1;
    }
    const int64_t length = whole.rank ? whole.dims[piece->axis] : 1;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t r = 0; r < piece->count; r++)
            memcpy(block + (o * piece->count + r) * inner,
                   plain + (o * length + piece->first + r) * inner, (size_t)inner * sizeof *block);
}

static void check_piece(const struct ls_parameter_set *set, const struct ls_parameter_block *piece,
                        const float *flat) {
    int index = 0;
    while (set->items[index] != piece->parameter)
        index++;
    const int64_t plain_count = ls_parameter_plain_count(piece->parameter);
    const int64_t block_count = ls_shape_count(piece->shape);
    float *plain = malloc((size_t)plain_count * sizeof *plain);
    float *block = malloc((size_t)block_count * sizeof *block);
    float *fetched = malloc((size_t)block_count * sizeof *fetched);
    float *stored = malloc((size_t)piece->stored * sizeof *stored);
    for (int64_t j = 0; j < plain_count; j++)
        plain[j] = element(index, j);
    copy_block(piece, plain, block);
    ls_parameter_block_fetch(piece, flat + piece->offset, fetched);
    ck_assert_mem_eq(fetched, block, (size_t)block_count * sizeof *block);
    memset(stored, 0xff, (size_t)piece->stored * sizeof *stored);
    ls_parameter_block_store(piece, block, stored);
    ck_assert_mem_eq(stored, flat + piece->offset, (size_t)piece->stored * sizeof *stored);
    free(plain), free(block), free(fetched), free(stored);
}

static void fill(const struct ls_parameter_set *set, float *flat) {
    for (int i = 0; i < set->count; i++) {
        const int64_t count = ls_parameter_plain_count(set->items[i]);
        float *plain = malloc((size_t)count * sizeof *plain);
        for (int64_t j = 0; j < count; j++)
            plain[j] = element(i, j);
        ls_parameter_store(set->items[i], plain, flat + set->items[i]->offset);
        free(plain);
    }
}

/* The largest unit around a cut bounds how uneven it may be. A cut lies between units. */
static int64_t unit_around(const struct ls_parameter_set *set, int group, int64_t at) {
    int64_t unit = 0;
    for (int i = 0; i < set->count; i++) {
        const struct ls_parameter *p = set->items[i];
        if (p->group != group || at < p->offset || at > p->offset + p->count)
            continue;
        unit = p->unit > unit ? p->unit : unit;
        if (at < p->offset + p->count)
            ck_assert_int_eq((at - p->offset) % p->unit, 0);
    }
    return unit;
}

START_TEST(slices_cover_every_group_evenly_in_whole_units) {
    struct ls_parameter_set *set = odd_set();
    int64_t next = 0;
    for (int group = 0; group <= LS_GROUP_FIXED; group++) {
        const struct ls_range range = set->groups[group];
        ck_assert_int_eq(range.first, next);
        ck_assert_int_eq(range.end > range.first, group < 2 || group == LS_GROUP_FIXED);
        for (int parts = 1; parts <= 40; parts++) {
            next = range.first;
            for (int part = 0; part < parts; part++) {
                const struct ls_range slice = ls_parameters_slice(set, group, part, parts);
                const int64_t even = range.first + ls_range_count(range) * (part + 1) / parts;
                ck_assert_int_eq(slice.first, next);
                ck_assert_int_ge(slice.end, slice.first);
                ck_assert_int_le(llabs(slice.end - even), unit_around(set, group, slice.end) / 2);
                next = slice.end;
            }
            ck_assert_int_eq(next, range.end);
        }
    }
    ck_assert_int_eq(next, set->total);
    ls_parameters_destroy(set);
}
END_TEST

/* The pieces of all slices follow each other; returns how many elements those that a phase trains
 * have without padding. */
static int64_t check_pieces(const struct ls_parameter_set *set, int parts, const float *flat) {
    int64_t next = 0, elements = 0;
    for (int group = 0; group <= LS_GROUP_FIXED; group++)
        for (int part = 0; part < parts; part++) {
            int count;
            struct ls_parameter_block *pieces =
                ls_parameters_blocks(set, ls_parameters_slice(set, group, part, parts), &count);
            for (int i = 0; i < count; i++) {
                ck_assert_int_eq(pieces[i].parameter->group, group);
                ck_assert_int_eq(pieces[i].offset, next);
                check_piece(set, &pieces[i], flat);
                next += pieces[i].stored;
                if (group != LS_GROUP_FIXED)
                    elements += ls_shape_count(pieces[i].shape);
            }
            free(pieces);
        }
    ck_assert_int_eq(next, set->total);
    return elements;
}

START_TEST(pieces_of_slices_are_blocks_of_the_plain_shape) {
    struct ls_parameter_set *set = odd_set();
    float *flat = malloc((size_t)set->total * sizeof *flat);
    fill(set, flat);
    for (int parts = 1; parts <= 9; parts++)
        ck_assert_int_eq(check_pieces(set, parts, flat), ls_parameters_trained(set));
    free(flat);
    ls_parameters_destroy(set);
}
END_TEST

/* Computed with Python's xxhash over b"Z.mean\0" + ..., b"a\0" + ..., b"layer.weight\0" + .... */
START_TEST(the_digest_is_over_names_and_plain_elements) {
    struct ls_parameter_set *set = ls_parameters_create();
    const float a[] = {0.5f, -1, 2, 0, 1e-3f}, mean = 3.5f;
    float weight[120], flat[1024];
    for (int i = 0; i < 120; i++)
        weight[i] = (float)i * 0.25f - 7;
    memset(flat, 0xff, sizeof flat); /* padding takes no part */
    const struct ls_parameter *w =
        add(set, "layer.weight", LS_SHAPE(3, 40), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    const struct ls_parameter *p = add(set, "a", LS_SHAPE(5), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    const struct ls_parameter *m =
        add(set, "Z.mean", LS_SHAPE(1), LS_LAYOUT_PLAIN, LS_PARAMETER_STATISTIC);
    ls_parameters_layout(set);
    ls_parameter_store(w, weight, flat + w->offset);
    ls_parameter_store(p, a, flat + p->offset);
    ls_parameter_store(m, &mean, flat + m->offset);
    flat[p->offset + 5] = 7;
    char text[LS_HASH_TEXT_MAX];
    ls_hash_text(ls_parameters_digest(set, flat), text);
    ck_assert_str_eq(text, "5ecd2e4695bddc9d");
    flat[w->offset + 1] += 1;
    ls_hash_text(ls_parameters_digest(set, flat), text);
    ck_assert_str_ne(text, "5ecd2e4695bddc9d");
    ck_assert_int_eq(ls_parameters_trained(set), 125);
    ls_parameters_destroy(set);
}
END_TEST

START_TEST(a_name_means_one_parameter) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_parameter *first =
        add(set, "w", LS_SHAPE(3, 40), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    ck_assert_ptr_eq(add(set, "w", LS_SHAPE(3, 40), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT), first);
    struct ls_parameter other = *first, *added;
    other.shape = LS_SHAPE(4, 40);
    ck_assert_int_eq(ls_parameters_add(set, &other, &added, &ls_test_error), LS_INVALID);
    ck_assert_str_eq(ls_test_error.text,
                     "parameter w exists as 3x40 (weight, panels), now asked for as 4x40 "
                     "(weight, panels)");
    other.shape = LS_SHAPE(3, 0);
    strcpy(other.name, "empty");
    ck_assert_int_eq(ls_parameters_add(set, &other, &added, &ls_test_error), LS_INVALID);
    ls_parameters_layout(set);
    other.shape = LS_SHAPE(3);
    ck_assert_int_eq(ls_parameters_add(set, &other, &added, &ls_test_error), LS_INVALID);
    ck_assert_ptr_eq(ls_parameters_find(set, "w"), first);
    ck_assert_ptr_null(ls_parameters_find(set, "empty"));
    ls_parameters_destroy(set);
}
END_TEST

LS_SUITE(panels_hold_columns_side_by_side_and_zeros_behind, every_parameter_comes_back_as_it_went,
         slices_cover_every_group_evenly_in_whole_units,
         pieces_of_slices_are_blocks_of_the_plain_shape,
         the_digest_is_over_names_and_plain_elements, a_name_means_one_parameter)
