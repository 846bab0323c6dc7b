#include "core/graph/parameters.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"

enum { ALIGNED = 16, UNIT_MIN = 4096 }; /* elements */

/* Elements of one parameter that a file or config may ask for: far above any memory, far below
 * overflow. */
static const int64_t count_max = (int64_t)1 << 42;

struct ls_parameter_set *ls_parameters_create(void) {
    return ls_calloc(1, sizeof(struct ls_parameter_set));
}

void ls_parameters_destroy(struct ls_parameter_set *set) {
    if (!set)
        return;
    for (int i = 0; i < set->count; i++)
        free(set->items[i]);
    free(set->items);
    free(set);
}

static struct ls_parameter *find(const struct ls_parameter_set *set, const char *name) {
    for (int i = 0; i < set->count; i++)
        if (!strcmp(set->items[i]->name, name))
            return set->items[i];
    return NULL;
}

const struct ls_parameter *ls_parameters_find(const struct ls_parameter_set *set,
                                              const char *name) {
    return find(set, name);
}

static enum ls_status check_shape(const struct ls_parameter *parameter, struct ls_error *error) {
    char text[LS_SHAPE_TEXT_MAX];
    int64_t count = 1;
    for (int i = 0; i < parameter->shape.rank; i++) {
        const int64_t dim = parameter->shape.dims[i];
        if (dim < 1 || __builtin_mul_overflow(count, dim, &count) || count > count_max)
            return ls_fail(error, LS_INVALID,
                           "parameter %s: expects dimensions from 1 on and at most %" PRId64
                           " elements, found %s",
                           parameter->name, count_max, ls_shape_print(parameter->shape, text));
    }
    return LS_OK;
}

static enum ls_status check_same(const struct ls_parameter *old, const struct ls_parameter *new,
                                 struct ls_error *error) {
    static const char *const layouts[] = {"plain", "panels"};
    static const char *const kinds[] = {"weight", "statistic", "constant"};
    if (ls_shape_equal(old->shape, new->shape) && old->layout == new->layout &&
        old->kind == new->kind)
        return LS_OK;
    char was[LS_SHAPE_TEXT_MAX], is[LS_SHAPE_TEXT_MAX];
    return ls_fail(error, LS_INVALID,
                   "parameter %s exists as %s (%s, %s), now asked for as %s (%s, %s)", old->name,
                   ls_shape_print(old->shape, was), kinds[old->kind], layouts[old->layout],
                   ls_shape_print(new->shape, is), kinds[new->kind], layouts[new->layout]);
}

/* Sets what follows from shape and layout. */
static void measure(struct ls_parameter *parameter) {
    const int64_t plain = ls_shape_count(parameter->shape);
    if (parameter->layout == LS_LAYOUT_PANELS) {
        const int64_t out = ls_shape_last(parameter->shape);
        parameter->unit = plain / out * LS_PANEL;
        parameter->count = (out + LS_PANEL - 1) / LS_PANEL * parameter->unit;
        return;
    }
    parameter->count = (plain + ALIGNED - 1) / ALIGNED * ALIGNED;
    const int64_t row = ls_shape_row_count(parameter->shape);
    int64_t rows = (UNIT_MIN + row - 1) / row;
    while (rows * row % ALIGNED)
        rows++;
    parameter->unit = rows * row < parameter->count ? rows * row : parameter->count;
}

enum ls_status ls_parameters_add(struct ls_parameter_set *set,
                                 const struct ls_parameter *description,
                                 struct ls_parameter **added, struct ls_error *error) {
    struct ls_parameter *old = find(set, description->name);
    *added = old;
    if (old)
        return check_same(old, description, error);
    if (set->planned)
        return ls_fail(error, LS_INVALID,
                       "parameter %s is not among the %d of the model it belongs to",
                       description->name, set->count);
    const enum ls_status status = check_shape(description, error);
    if (status != LS_OK)
        return status;
    if (set->count == set->capacity) {
        set->capacity = set->capacity ? 2 * set->capacity : 32;
        set->items = ls_realloc(set->items, (size_t)set->capacity, sizeof *set->items);
    }
    struct ls_parameter *parameter = ls_calloc(1, sizeof *parameter);
    *parameter = *description;
    parameter->offset = -1;
    if (parameter->kind == LS_PARAMETER_CONSTANT)
        parameter->group = LS_GROUP_FIXED;
    measure(parameter);
    set->items[set->count++] = parameter;
    *added = parameter;
    return LS_OK;
}

/* Group after group, each in its present order. */
static void gather_groups(struct ls_parameter_set *set) {
    struct ls_parameter **items = ls_calloc((size_t)set->capacity, sizeof *items);
    int placed = 0;
    set->total = 0;
    for (int g = 0; g <= LS_GROUP_FIXED; g++) {
        set->groups[g].first = set->total;
        for (int i = 0; i < set->count; i++)
            if (set->items[i]->group == g) {
                items[placed++] = set->items[i];
                set->items[i]->offset = set->total;
                set->total += set->items[i]->count;
            }
        set->groups[g].end = set->total;
    }
    free(set->items);
    set->items = items;
}

void ls_parameters_layout(struct ls_parameter_set *set) {
    gather_groups(set);
    for (int i = 0; i < set->count; i++) {
        struct ls_parameter *parameter = set->items[i];
        parameter->order = 0;
        for (int j = 0; j < set->count; j++)
            parameter->order += strcmp(set->items[j]->name, parameter->name) < 0;
    }
    set->planned = true;
}

int64_t ls_parameters_trained(const struct ls_parameter_set *set) {
    int64_t count = 0;
    for (int i = 0; i < set->count; i++)
        if (set->items[i]->kind == LS_PARAMETER_WEIGHT && set->items[i]->group != LS_GROUP_FIXED)
            count += ls_parameter_plain_count(set->items[i]);
    return count;
}

int64_t ls_parameter_plain_count(const struct ls_parameter *parameter) {
    return ls_shape_count(parameter->shape);
}

/* The plain elements, without a copy: a row of panels is a run of up to 32 elements from each
 * panel. */
static void hash_plain(struct ls_hash *hash, const struct ls_parameter *parameter,
                       const float *stored) {
    const int64_t plain = ls_shape_count(parameter->shape);
    if (parameter->layout == LS_LAYOUT_PLAIN) {
        ls_hash_add(hash, stored, (size_t)plain * sizeof *stored);
        return;
    }
    const int64_t out = ls_shape_last(parameter->shape), rows = plain / out;
    for (int64_t k = 0; k < rows; k++)
        for (int64_t first = 0; first < out; first += LS_PANEL) {
            const int64_t width = out - first < LS_PANEL ? out - first : LS_PANEL;
            ls_hash_add(hash, stored + first * rows + k * LS_PANEL, (size_t)width * sizeof *stored);
        }
}

uint64_t ls_parameters_digest(const struct ls_parameter_set *set, const float *flat) {
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
                   "the digest is over little-endian floats");
    struct ls_hash *hash = ls_hash_create();
    for (int order = 0; order < set->count; order++)
        for (int i = 0; i < set->count; i++) {
            const struct ls_parameter *parameter = set->items[i];
            if (parameter->order != order)
                continue;
            ls_hash_add(hash, parameter->name, strlen(parameter->name) + 1);
            hash_plain(hash, parameter, flat + parameter->offset);
        }
    const uint64_t value = ls_hash_value(hash);
    ls_hash_destroy(hash);
    return value;
}
