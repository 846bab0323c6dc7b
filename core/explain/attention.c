/* Where attention looks: the probabilities of each layer and head (Vaswani et al. 2017),
 *
 *   p[h][i][j] = softmax over valid j of q[i] . k[j] / sqrt D,
 *
 * and, where all layers look from a sequence at itself, their rollout (Abnar & Zuidema 2020,
 * "Quantifying attention flow in transformers"): the product over layers, last to first, of
 * (I + mean over heads of p) / 2. Rows sum to 1. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/explain/list.h"
#include "core/ops/options.h"

enum { LAYERS_MAX = LS_RESULTS_MAX - 1 };

/* The attention of one layer. */
struct look {
    const struct ls_node *node;
    int64_t heads, queries, keys, width; /* width: of a head */
    bool causal, packed;
};

struct looks {
    int count;
    struct look items[LAYERS_MAX];
    bool rolls; /* all are self-attention of as many positions */
};

static struct look look_of(const struct ls_node *node) {
    const struct ls_attention_options *options = node->options;
    const struct ls_value *keys = node->inputs[1] ? node->inputs[1] : node->inputs[0];
    const int64_t heads = options->heads > 0 ? options->heads : 1;
    return (struct look){.node = node,
                         .heads = heads,
                         .queries = node->output->shape.dims[1],
                         .keys = keys->shape.dims[1],
                         .width = ls_shape_last(node->output->shape) / heads,
                         .causal = options->causal,
                         .packed = !node->inputs[1]};
}

static struct looks find_looks(const struct ls_explainer *explainer) {
    const struct ls_graph *graph = explainer->model->graph;
    struct looks looks = {.rolls = true};
    for (int i = 0; i < ls_graph_node_count(graph) && looks.count < LAYERS_MAX; i++) {
        const struct ls_node *node = ls_graph_node_at(graph, i);
        if (strcmp(node->op->name, "attention") != 0)
            continue;
        looks.items[looks.count] = look_of(node);
        looks.rolls = looks.rolls && looks.items[looks.count].packed &&
                      looks.items[looks.count].queries == looks.items[0].queries;
        looks.count++;
    }
    return looks;
}

static enum ls_status describe(const struct ls_explainer *explainer, const void *options,
                               struct ls_results *results, struct ls_error *error) {
    (void)options;
    const struct looks looks = find_looks(explainer);
    if (!looks.count)
        return ls_fail(error, LS_INVALID, "attention: the model has no attention layer");
    if (looks.rolls)
        ls_results_add(results, "rollout", LS_SHAPE(looks.items[0].queries, looks.items[0].keys))
            ->attention = true;
    for (int i = 0; i < looks.count; i++) {
        const struct look *look = &looks.items[i];
        ls_results_add(results, look->node->name, LS_SHAPE(look->heads, look->queries, look->keys))
            ->attention = true;
    }
    return LS_OK;
}

/* How many keys query i of the graph's row sees. */
static int64_t keys_seen(const struct look *look, int64_t row, int64_t i) {
    const struct ls_value *lengths = look->node->input_count > 2 ? look->node->inputs[2] : NULL;
    int64_t seen = lengths ? ((const int32_t *)lengths->data)[row] : look->keys;
    if (look->causal && i + 1 < seen)
        seen = i + 1;
    return seen;
}

/* One query's probabilities; no valid key: zeros. */
static void weigh(const struct look *look, int64_t row, int64_t head, int64_t i, float *to) {
    const int64_t channels = look->heads * look->width,
                  step = look->packed ? 3 * channels : channels;
    const struct ls_value *from = look->node->inputs[look->packed ? 0 : 1];
    const int64_t key_step = look->packed ? step : 2 * channels;
    const float *q = (const float *)look->node->inputs[0]->data + (row * look->queries + i) * step +
                     head * look->width;
    const float *k = (const float *)from->data + row * look->keys * key_step +
                     (look->packed ? channels : 0) + head * look->width;
    const int64_t seen = keys_seen(look, row, i);
    double largest = -HUGE_VAL, sum = 0;
    for (int64_t j = 0; j < look->keys; j++) {
        double product = 0;
        for (int64_t c = 0; c < look->width && j < seen; c++)
            product += (double)q[c] * (double)k[j * key_step + c];
        to[j] = (float)(product / sqrt((double)look->width));
        largest = j < seen && (double)to[j] > largest ? (double)to[j] : largest;
    }
    for (int64_t j = 0; j < seen; j++)
        sum += ls_random_exp((double)to[j] - largest);
    for (int64_t j = 0; j < look->keys; j++)
        to[j] = j < seen ? (float)(ls_random_exp((double)to[j] - largest) / sum) : 0.0f;
}

struct reader {
    struct looks looks;
    void *const *results;
    double *product, *next; /* [positions][positions] of the rollout; owned */
};

/* product = (I + mean of the heads) / 2 product. */
static void roll(struct reader *reader, const struct look *look, const float *p) {
    const int64_t n = look->queries;
    for (int64_t i = 0; i < n; i++) {
        double *to = reader->next + i * n;
        memset(to, 0, (size_t)n * sizeof *to);
        for (int64_t j = 0; j < n; j++) {
            double mean = 0;
            for (int64_t h = 0; h < look->heads; h++)
                mean += (double)p[(h * n + i) * n + j];
            const double share = (mean / (double)look->heads + (i == j)) / 2;
            for (int64_t k = 0; k < n && share != 0; k++)
                to[k] += share * reader->product[j * n + k];
        }
    }
    double *before = reader->product;
    reader->product = reader->next;
    reader->next = before;
}

static void take(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    (void)point;
    struct reader *reader = context;
    const struct looks *looks = &reader->looks;
    const int64_t n = looks->items[0].queries;
    for (int64_t i = 0; i < n * n && looks->rolls; i++)
        reader->product[i] = i % (n + 1) == 0;
    for (int l = 0; l < looks->count; l++) {
        const struct look *look = &looks->items[l];
        const int64_t each = look->queries * look->keys;
        float *to = (float *)reader->results[l + looks->rolls] + sample * look->heads * each;
        for (int64_t h = 0; h < look->heads; h++)
            for (int64_t i = 0; i < look->queries; i++)
                weigh(look, probe->row, h, i, to + h * each + i * look->keys);
        if (looks->rolls)
            roll(reader, look, to);
    }
    for (int64_t i = 0; i < n * n && looks->rolls; i++)
        ((float *)reader->results[0])[sample * n * n + i] = (float)reader->product[i];
}

static void explain(struct ls_explanation *explanation) {
    const struct ls_explainer *explainer = explanation->explainer;
    struct reader reader = {.looks = find_looks(explainer), .results = explanation->results};
    const size_t n = (size_t)reader.looks.items[0].queries;
    double *memory = ls_calloc(2 * n * n, sizeof *memory);
    reader.product = memory;
    reader.next = memory + n * n;
    const struct ls_sweep sweep = {
        .samples = explainer->rows, .points = 1, .take = take, .context = &reader};
    ls_explainer_sweep(explainer, &sweep);
    free(memory);
}

const struct ls_explain_method ls_explain_attention = {
    .name = "attention",
    .help = "where each head of each layer looks, and the rollout over all layers",
    .describe = describe,
    .explain = explain,
};
