/* Rows of a table, looked up by number.
 *
 * Backward groups the positions of the run by table row (a stable counting sort), so that each row
 * of the gradient is summed once: per microbatch the positions in order, a chain (cut where it is
 * long: tensor/chain.h), microbatches along the fixed tree. A microbatch that does not name the row would add +0, which changes nothing, and is
 * left out.
 *
 * The table is [entries, width] stored plain, or the transpose of it stored in panels: the weight
 * of a linear layer that gives one output per entry. */
#include "core/base/memory.h"
#include "core/base/tree.h"
#include "core/ops/check.h"
#include "core/ops/sum.h"
#include "core/tensor/variant.h"

/* Entry v has its element c at data[v / group * group_size + v % group + c * step]. */
struct table {
    int64_t entries, width;
    int64_t group, group_size, step;
};

static struct table table_of(const struct ls_node *node) {
    const struct ls_value *table = node->inputs[1];
    const int64_t rows = table->shape.dims[0], columns = table->shape.dims[1];
    if (table->layout == LS_LAYOUT_PANELS)
        return (struct table){columns, rows, LS_PANEL, rows * LS_PANEL, LS_PANEL};
    return (struct table){rows, columns, 1, columns, 1};
}

static int64_t first_of(const struct table *table, int64_t entry) {
    return entry / table->group * table->group_size + entry % table->group;
}

/* Where things lie in scratch. */
struct plan {
    struct table table;
    int64_t places;  /* positions of the run, at most */
    int32_t *starts; /* entries + 1: where the positions of an entry begin in `order` */
    int32_t *order;  /* places: positions, grouped by entry */
    double *totals;  /* one entry: of chains */
    real *sums;      /* one entry per level of the tree */
};

static size_t ints_bytes(int64_t entries, int64_t places) {
    return ls_round_up((size_t)(entries + 1 + places) * sizeof(int32_t), LS_ALIGNMENT);
}

static size_t totals_bytes(int64_t width) {
    return ls_round_up((size_t)width * sizeof(double), LS_ALIGNMENT);
}

static struct plan plan_of(const struct ls_node *node) {
    struct plan p = {.table = table_of(node),
                     .places = ls_shape_count(node->inputs[0]->shape),
                     .starts = node->scratch};
    p.order = p.starts + p.table.entries + 1;
    char *behind = (char *)node->scratch + ints_bytes(p.table.entries, p.places);
    p.totals = (double *)behind;
    p.sums = (real *)(behind + totals_bytes(p.table.width));
    return p;
}

static enum ls_status infer(struct ls_node *node, struct ls_error *error) {
    const struct ls_value *index = node->inputs[0], *table = node->inputs[1];
    char text[LS_SHAPE_TEXT_MAX];
    if (!index->batched || index->type != LS_TYPE_INT32 || index->shape.rank >= LS_RANK_MAX)
        return ls_fail(
            error, LS_INVALID,
            "embedding: the indices must be integers, one or more per sample, found %s %s",
            index->type == LS_TYPE_INT32 ? "integers of shape" : "real numbers of shape",
            ls_shape_print(index->shape, text));
    if (table->batched || table->shape.rank != 2)
        return ls_fail(error, LS_INVALID,
                       "embedding: the table must be a parameter (entries, width) or, in panels, "
                       "(width, entries), found %s",
                       ls_shape_print(table->shape, text));
    const struct table entries = table_of(node);
    const int64_t places = ls_shape_count(index->shape);
    if (places > INT32_MAX)
        return ls_fail(error, LS_INVALID, "embedding: at most %d indices at once, found %lld",
                       INT32_MAX, (long long)places);
    ls_infer_like(node);
    node->output->type = LS_TYPE_REAL;
    node->output->shape.dims[node->output->shape.rank++] = entries.width;
    node->scratch_bytes =
        ints_bytes(entries.entries, places) + totals_bytes(entries.width) +
        (size_t)(ls_tree_slots(index->shape.dims[0]) + 1) * (size_t)entries.width * sizeof(real);
    return LS_OK;
}

/* An entry out of the table, or into it. */
static void fetch(const struct table *table, const real *data, int64_t entry, real *restrict row) {
    const real *from = data + first_of(table, entry);
    if (table->step == 1)
        memcpy(row, from, (size_t)table->width * sizeof(real));
    else
        for (int64_t c = 0; c < table->width; c++)
            row[c] = from[c * table->step];
}

static void store(const struct table *table, real *data, int64_t entry, const real *restrict row) {
    real *to = data + first_of(table, entry);
    if (table->step == 1)
        memcpy(to, row, (size_t)table->width * sizeof(real));
    else
        for (int64_t c = 0; c < table->width; c++)
            to[c * table->step] = row[c];
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct table table = table_of(node);
    const int64_t count = ls_run_elements(run, node->inputs[0]);
    const int32_t *index = node->inputs[0]->data;
    real *y = node->output->data;
    for (int64_t i = 0; i < count; i++) {
        LS_ASSERT(index[i] >= 0 && index[i] < table.entries, "%s: index %d, expected 0 to %lld",
                  node->name, (int)index[i], (long long)table.entries - 1);
        fetch(&table, node->inputs[1]->data, index[i], y + i * table.width);
    }
}

/* Fills starts and order. */
static void group(struct plan *p, const int32_t *index, int64_t count) {
    memset(p->starts, 0, (size_t)(p->table.entries + 1) * sizeof(int32_t));
    for (int64_t i = 0; i < count; i++)
        p->starts[index[i]]++;
    int32_t before = 0;
    for (int64_t v = 0; v <= p->table.entries; v++) {
        const int32_t here = p->starts[v];
        p->starts[v] = before;
        before += here;
    }
    for (int64_t i = 0; i < count; i++)
        p->order[p->starts[index[i]]++] = (int32_t)i;
    for (int64_t v = p->table.entries; v > 0; v--) /* each has moved to the next one's place */
        p->starts[v] = p->starts[v - 1];
    p->starts[0] = 0;
}

static void add_row(int64_t columns, const real *restrict from, real *restrict to) {
    for (int64_t c = 0; c < columns; c++)
        to[c] += from[c];
}

/* Adds up the positions *next .. end-1 that lie before the place `last`: one microbatch's. */
static void sum_leaf(const struct plan *p, const real *dy, int64_t last, const int32_t **next,
                     const int32_t *end, real *to) {
    const int64_t width = p->table.width;
    int64_t terms = 0;
    memset(to, 0, (size_t)width * sizeof(real));
    for (; *next != end && **next < last; ++*next, terms++) {
        if (terms == LS_CHAIN_MAX)
            memset(p->totals, 0, (size_t)width * sizeof *p->totals);
        if (terms && terms % LS_CHAIN_MAX == 0) {
            ls_chain_add(width, to, p->totals);
            memset(to, 0, (size_t)width * sizeof(real));
        }
        add_row(width, dy + **next * width, to);
    }
    if (terms > LS_CHAIN_MAX)
        ls_chain_finish(width, p->totals, to);
}

/* Adds up the positions *next .. end-1 that lie in microbatches first .. first+count-1 along the
 * tree, into `to` (the rows behind it are free); false if there is none. */
static bool sum_node(const struct plan *p, const real *dy, int64_t microbatch_places, int first,
                     int count, const int32_t **next, const int32_t *end, real *to) {
    if (*next == end || **next >= (first + count) * microbatch_places)
        return false;
    if (count == 1) {
        sum_leaf(p, dy, (first + 1) * microbatch_places, next, end, to);
        return true;
    }
    const int left = ls_tree_split(count);
    if (!sum_node(p, dy, microbatch_places, first, left, next, end, to))
        return sum_node(p, dy, microbatch_places, first + left, count - left, next, end, to);
    if (sum_node(p, dy, microbatch_places, first + left, count - left, next, end,
                 to + p->table.width))
        add_row(p->table.width, to + p->table.width, to);
    return true;
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    struct plan p = plan_of(node);
    real *gradient = node->inputs[1]->gradient;
    if (!gradient)
        return;
    const int64_t groups = (p.table.entries + p.table.group - 1) / p.table.group;
    memset(gradient, 0, (size_t)(groups * p.table.group_size) * sizeof(real));
    const int64_t microbatch_places =
        run->microbatch_rows * ls_shape_row_count(node->inputs[0]->shape);
    group(&p, node->inputs[0]->data, ls_run_elements(run, node->inputs[0]));
    for (int64_t v = 0; v < p.table.entries; v++) {
        const int32_t *next = p.order + p.starts[v], *end = p.order + p.starts[v + 1];
        if (sum_node(&p, node->output->gradient, microbatch_places, 0, run->microbatches, &next,
                     end, p.sums))
            store(&p.table, gradient, v, p.sums);
    }
}

static const struct ls_op_case cases[] = {
    {.name = "sequences with repeated entries",
     .input_count = 2,
     .inputs =
         {{.shape = LS_CASE_SHAPE(11, 4), .integer = true, .constant = true, .low = 0, .high = 5},
          {.shape = LS_CASE_SHAPE(7, 5), .parameter = true, .low = -1, .high = 1}},
     .microbatches = 6},
    {.name = "one index per sample",
     .input_count = 2,
     .inputs = {{.shape = LS_CASE_SHAPE(3), .integer = true, .constant = true, .low = 0, .high = 0},
                {.shape = LS_CASE_SHAPE(1, 33), .parameter = true, .low = -1, .high = 1}}},
    {.name = "the weight of a linear layer: two panels, the second with padding",
     .input_count = 2,
     .inputs =
         {{.shape = LS_CASE_SHAPE(11, 4), .integer = true, .constant = true, .low = 28, .high = 36},
          {.shape = LS_CASE_SHAPE(5, 37),
           .parameter = true,
           .layout = LS_LAYOUT_PANELS,
           .low = -1,
           .high = 1}},
     .microbatches = 6},
};

const struct ls_op LS_NAME(ls_op_embedding) = {
    .name = "embedding",
    .formula = "y[n,...,:] = table[index[n,...],:], or table[:,index[n,...]] in panels",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
