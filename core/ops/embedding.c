/* Rows of a table, looked up by number.
 *
 * Backward groups the positions of the run by table row (a stable counting sort), so that each row
 * of the gradient is written once: per microbatch the positions in order, microbatches along the
 * fixed tree. A microbatch that does not name the row would add +0, which changes nothing, and is
 * left out. */
#include "core/base/memory.h"
#include "core/base/tree.h"
#include "core/ops/check.h"
#include "core/ops/sum.h"
#include "core/tensor/variant.h"

/* Where things lie in scratch. */
struct plan {
    int64_t rows, columns; /* of the table */
    int64_t places;        /* positions of the run, at most */
    int32_t *starts;       /* rows + 1: where the positions of a row begin in `order` */
    int32_t *order;        /* places: positions, grouped by table row */
    real *sums;            /* one row per level of the tree */
};

static size_t ints_bytes(int64_t rows, int64_t places) {
    return ls_round_up((size_t)(rows + 1 + places) * sizeof(int32_t), LS_ALIGNMENT);
}

static struct plan plan_of(const struct ls_node *node) {
    const struct ls_shape table = node->inputs[1]->shape;
    struct plan p = {table.dims[0], table.dims[1], ls_shape_count(node->inputs[0]->shape),
                     node->scratch, NULL,          NULL};
    p.order = p.starts + p.rows + 1;
    p.sums = (real *)((char *)node->scratch + ints_bytes(p.rows, p.places));
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
                       "embedding: the table must be a parameter (entries, width), found %s",
                       ls_shape_print(table->shape, text));
    if (table->layout != LS_LAYOUT_PLAIN)
        return ls_fail(error, LS_INVALID,
                       "embedding: the table must be stored plain, found it in panels");
    const int64_t places = ls_shape_count(index->shape);
    if (places > INT32_MAX)
        return ls_fail(error, LS_INVALID, "embedding: at most %d indices at once, found %lld",
                       INT32_MAX, (long long)places);
    ls_infer_like(node);
    node->output->type = LS_TYPE_REAL;
    node->output->shape.dims[node->output->shape.rank++] = table->shape.dims[1];
    node->scratch_bytes = ints_bytes(table->shape.dims[0], places) +
                          (size_t)(ls_tree_slots(index->shape.dims[0]) + 1) *
                              (size_t)table->shape.dims[1] * sizeof(real);
    return LS_OK;
}

static void forward(const struct ls_node *node, const struct ls_run *run) {
    const struct ls_shape shape = node->inputs[1]->shape;
    const int64_t count = ls_run_elements(run, node->inputs[0]), columns = shape.dims[1];
    const int32_t *index = node->inputs[0]->data;
    const real *table = node->inputs[1]->data;
    real *y = node->output->data;
    for (int64_t i = 0; i < count; i++) {
        LS_ASSERT(index[i] >= 0 && index[i] < shape.dims[0], "%s: index %d, expected 0 to %lld",
                  node->name, (int)index[i], (long long)shape.dims[0] - 1);
        memcpy(y + i * columns, table + index[i] * columns, (size_t)columns * sizeof(real));
    }
}

/* Fills starts and order. */
static void group(struct plan *p, const int32_t *index, int64_t count) {
    memset(p->starts, 0, (size_t)(p->rows + 1) * sizeof(int32_t));
    for (int64_t i = 0; i < count; i++)
        p->starts[index[i]]++;
    int32_t before = 0;
    for (int64_t v = 0; v <= p->rows; v++) {
        const int32_t here = p->starts[v];
        p->starts[v] = before;
        before += here;
    }
    for (int64_t i = 0; i < count; i++)
        p->order[p->starts[index[i]]++] = (int32_t)i;
    for (int64_t v = p->rows; v > 0; v--) /* each start has moved to the next one's place */
        p->starts[v] = p->starts[v - 1];
    p->starts[0] = 0;
}

static void add_row(int64_t columns, const real *restrict from, real *restrict to) {
    for (int64_t c = 0; c < columns; c++)
        to[c] += from[c];
}

/* Adds up the positions *next .. end-1 that lie in microbatches first .. first+count-1 along the
 * tree, into `to` (the rows behind it are free); false if there is none. */
static bool sum_node(const struct plan *p, const real *dy, int64_t microbatch_places, int first,
                     int count, const int32_t **next, const int32_t *end, real *to) {
    if (*next == end || **next >= (first + count) * microbatch_places)
        return false;
    if (count == 1) {
        memset(to, 0, (size_t)p->columns * sizeof(real));
        for (; *next != end && **next < (first + 1) * microbatch_places; ++*next)
            add_row(p->columns, dy + **next * p->columns, to);
        return true;
    }
    const int left = ls_tree_split(count);
    if (!sum_node(p, dy, microbatch_places, first, left, next, end, to))
        return sum_node(p, dy, microbatch_places, first + left, count - left, next, end, to);
    if (sum_node(p, dy, microbatch_places, first + left, count - left, next, end, to + p->columns))
        add_row(p->columns, to + p->columns, to);
    return true;
}

static void backward(const struct ls_node *node, const struct ls_run *run) {
    struct plan p = plan_of(node);
    real *table = node->inputs[1]->gradient;
    if (!table)
        return;
    const int64_t microbatch_places =
        run->microbatch_rows * ls_shape_row_count(node->inputs[0]->shape);
    group(&p, node->inputs[0]->data, ls_run_elements(run, node->inputs[0]));
    for (int64_t v = 0; v < p.rows; v++, table += p.columns) {
        const int32_t *next = p.order + p.starts[v], *end = p.order + p.starts[v + 1];
        if (sum_node(&p, node->output->gradient, microbatch_places, 0, run->microbatches, &next,
                     end, p.sums))
            memcpy(table, p.sums, (size_t)p.columns * sizeof(real));
        else
            memset(table, 0, (size_t)p.columns * sizeof(real));
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
};

const struct ls_op LS_NAME(ls_op_embedding) = {
    .name = "embedding",
    .formula = "y[n,...,:] = table[index[n,...],:]",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .backward_reads_inputs = 1u << 0,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
