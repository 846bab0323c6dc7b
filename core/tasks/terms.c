/* The terms of a phase: recorded, measured, judged one after the other. */
#include <stdio.h>
#include <string.h>

#include "core/base/tree.h"
#include "core/tasks/list.h"

static const struct ls_loss *const losses[] = {
#define LS_LOSS_ENTRY(name) &ls_loss_##name,
    LS_LOSS_LIST(LS_LOSS_ENTRY)
#undef LS_LOSS_ENTRY
};
static const struct ls_layer *const layers[] = {
#define LS_LOSS_LAYER(name) &ls_loss_##name.layer,
    LS_LOSS_LIST(LS_LOSS_LAYER)
#undef LS_LOSS_LAYER
};
enum { LOSS_COUNT = sizeof losses / sizeof *losses };

const struct ls_loss *ls_loss_find(const char *name) {
    for (int i = 0; i < LOSS_COUNT; i++)
        if (!strcmp(losses[i]->layer.name, name))
            return losses[i];
    return NULL;
}

const struct ls_layer *ls_loss_layer_find(const char *name) {
    const struct ls_loss *loss = ls_loss_find(name);
    return loss ? &loss->layer : NULL;
}

const struct ls_layer *const *ls_loss_layers(int *count) {
    *count = LOSS_COUNT;
    return layers;
}

/* The data's targets do not fit: the model's last layer is to blame, unless the loss names both. */
static struct ls_value *refuse_target(struct ls_builder *builder, const struct ls_term *term,
                                      struct ls_shape shape, struct ls_shape found) {
    const struct ls_layer_spec *last = builder->latest;
    char ends[LS_SHAPE_TEXT_MAX], expected[LS_SHAPE_TEXT_MAX], has[LS_SHAPE_TEXT_MAX];
    char *outer = ls_graph_suspend_scope(builder->graph);
    builder->failed = term->spec->line ? term->spec : last;
    ls_graph_fail(
        builder->graph,
        "layer %s: the model ends in %s for a sample and takes targets of %s; the data has "
        "%s",
        last ? last->name : term->spec->name,
        ls_sample_print(ls_shape_of_row(term->of->shape), ends), ls_sample_print(shape, expected),
        ls_sample_print(found, has));
    ls_graph_resume_scope(builder->graph, outer);
    return NULL;
}

const char *ls_loss_target_name(const struct ls_layer_spec *spec) {
    if (!ls_layer_input_key(spec->layer, "target"))
        return NULL;
    const char *given = ls_layer_spec_reference(spec, "target");
    return given ? given : "targets";
}

bool ls_loss_judges_output(const struct ls_layer_spec *spec) {
    return !ls_layer_spec_refers(spec, "from");
}

bool ls_losses_take(const struct ls_layer_list *list, const char *name) {
    for (int i = 0; i < list->count; i++) {
        const struct ls_layer_spec *spec = &list->items[i];
        const char *target = ls_loss_target_name(spec);
        if (target && !strcmp(target, name))
            return true;
        for (int k = 0; k < spec->reference_count; k++)
            if (!strcmp(spec->references[k].name, name))
                return true;
    }
    return false;
}

struct ls_value *ls_loss_target(struct ls_builder *builder, const struct ls_term *term,
                                enum ls_type type, struct ls_shape shape) {
    const char *name = ls_loss_target_name(term->spec);
    struct ls_value *value = ls_builder_find(builder, name);
    if (value)
        return value;
    const struct ls_feed *offer = ls_builder_offer(builder, name);
    if (offer && ls_feed_differs(offer, shape))
        return refuse_target(builder, term, shape, offer->shape);
    return ls_builder_feed_as(builder, name, type, shape);
}

struct ls_value *ls_loss_input(struct ls_builder *builder, const struct ls_term *term,
                               const char *key, const char *what) {
    struct ls_value *value = ls_layer_input(builder, term->spec, key);
    if (!value && !ls_graph_failed(builder->graph))
        ls_graph_fail(builder->graph, "%s is missing: %s", key, what);
    return value;
}

/* What the feed says about how errors are measured. */
static void take_target(struct ls_term *term, const struct ls_builder *builder) {
    const struct ls_value *mean, *scale;
    const struct ls_feed *feed = ls_builder_taken(builder, term->target, &mean, &scale);
    if (feed && feed->restored) {
        term->mean = mean;
        term->scale = scale;
    }
    term->apart = feed && feed->apart;
}

bool ls_terms_add(struct ls_terms *terms, struct ls_builder *builder,
                  const struct ls_layer_spec *spec, struct ls_value *of) {
    struct ls_graph *graph = builder->graph;
    if (terms->count == LS_TERMS_MAX)
        ls_graph_fail(graph, "losses: more than %d terms", LS_TERMS_MAX);
    if (ls_graph_failed(graph))
        return false;
    struct ls_term *term = &terms->items[terms->count];
    const struct ls_term_options *options = spec->options;
    *term = (struct ls_term){
        .loss = ls_loss_find(spec->layer->name), .spec = spec, .weight = options->weight};
    ls_graph_push(graph, spec->name);
    struct ls_value *from = ls_layer_input(builder, spec, "from");
    term->of = from ? from : of;
    if (!term->of)
        ls_graph_fail(graph, "the loss has no value to judge: name one in `from`");
    if (!ls_graph_failed(graph))
        term->value = term->loss->record(term, builder);
    if (term->value && term->target)
        take_target(term, builder);
    if (term->value && term->baseline_count && term->mean)
        ls_graph_fail(graph,
                      "baselines: targets that are standardised by themselves "
                      "(data.standardise_targets) cannot be put beside values of the inputs");
    if (term->value && !term->gaps && ls_builder_gaps(builder, term->target))
        ls_graph_fail(graph, "%s cannot leave out the positions without a mask; cross_entropy can",
                      spec->layer->name);
    ls_graph_pop(graph);
    if (ls_graph_failed(graph)) {
        if (!builder->failed && spec->line)
            builder->failed = spec;
        return false;
    }
    terms->count++;
    return true;
}

bool ls_terms_record(struct ls_terms *terms, struct ls_builder *builder,
                     const struct ls_layer_list *list, struct ls_value *output) {
    for (int i = 0; i < list->count; i++)
        if (!ls_terms_add(terms, builder, &list->items[i], output))
            return false;
    return true;
}

static double row_weight(const struct ls_term *term) {
    return term->loss->row_weight ? term->loss->row_weight(term) : 1;
}

double ls_term_weigh(const struct ls_term *term, const void *targets, const int32_t *lengths,
                     int64_t rows) {
    const double each = row_weight(term);
    return each > 0 ? each * (double)rows : term->loss->weigh(term, targets, lengths, rows);
}

/* Whether what the weights of samples follow from comes with the batch, so that they are known
 * before the forward: lengths, and targets where they are classes. */
static bool weighs_feeds(const struct ls_term *term) {
    return (!term->loss->classifies || !term->target ||
            (!term->target->producer && !term->target->parameter)) &&
           (!term->lengths || (!term->lengths->producer && !term->lengths->parameter));
}

/* Some term beside others has samples of different weights. False, too, after an error. */
static bool are_weighed(const struct ls_terms *terms, struct ls_graph *graph) {
    bool weighed = false;
    for (int i = 0; i < terms->count && terms->count > 1; i++) {
        const struct ls_term *term = &terms->items[i];
        if (row_weight(term) > 0)
            continue;
        if (!weighs_feeds(term))
            ls_graph_fail(graph,
                          "losses: beside other terms, the weight of a sample in '%s' must follow "
                          "from the data (ignored_label, class_weights, lengths); found targets or "
                          "lengths that a layer makes",
                          term->spec->name);
        weighed = true;
    }
    return weighed && !ls_graph_failed(graph);
}

/* Each term is to be the mean over its own weight, but the optimiser divides once: by the first
 * term's weight over the batch where every sample has the same in each term, which is known now;
 * else by the number of samples, and the factors come with the batch. Terms that only measure are
 * left out: nothing goes back through them. */
struct ls_value *ls_terms_loss(struct ls_terms *terms, struct ls_graph *graph) {
    if (terms->count == 1 && terms->items[0].weight == 1)
        return terms->items[0].value;
    struct ls_value *values[LS_TERMS_MAX];
    double weights[LS_TERMS_MAX];
    int trained = 0;
    terms->weighed = are_weighed(terms, graph);
    for (int i = 0; i < terms->count; i++) {
        const struct ls_term *term = &terms->items[i];
        if (!ls_term_trains(terms, i))
            continue;
        values[trained] = term->value;
        weights[trained] = term->weight;
        if (terms->count > 1 && !terms->weighed)
            weights[trained] *= row_weight(&terms->items[0]) / row_weight(term);
        trained++;
    }
    return ls_graph_failed(graph) ? NULL : ls_weighted_loss(graph, values, weights, trained);
}

static int own_sums(const struct ls_term *term, bool detailed) {
    return term->loss->sum_count ? term->loss->sum_count(term, detailed) : 0;
}

int ls_term_sum_count(const struct ls_term *term, bool detailed) {
    return LS_SUMS_OF_ALL + own_sums(term, detailed);
}

int ls_terms_sum_count(const struct ls_terms *terms, bool detailed) {
    int count = 0;
    for (int i = 0; i < terms->count; i++)
        count += ls_term_sum_count(&terms->items[i], detailed);
    return count;
}

/* Loss and weight: the two columns of the loss value, per sample. */
static void measure_loss(const struct ls_run *run, int m, const struct ls_value *loss,
                         double *sums) {
    const float *rows = (const float *)loss->data + 2 * ls_run_microbatch_first(run, m);
    const int64_t count = ls_run_microbatch_rows(run, m);
    double lanes[LS_LANES_OF_ROWS][LS_SUMS_OF_ALL] = {{0}};
    for (int64_t i = 0; i < count; i++) {
        lanes[i % LS_LANES_OF_ROWS][LS_SUM_LOSS] += (double)rows[2 * i];
        lanes[i % LS_LANES_OF_ROWS][LS_SUM_WEIGHT] += (double)rows[2 * i + 1];
    }
    sums[LS_SUM_LOSS] = ls_tree_sum(&lanes[0][LS_SUM_LOSS], LS_LANES_OF_ROWS, LS_SUMS_OF_ALL);
    sums[LS_SUM_WEIGHT] = ls_tree_sum(&lanes[0][LS_SUM_WEIGHT], LS_LANES_OF_ROWS, LS_SUMS_OF_ALL);
}

void ls_terms_measure(const struct ls_terms *terms, const struct ls_run *run, int m, bool detailed,
                      double *sums) {
    for (int i = 0; i < terms->count; i++) {
        const struct ls_term *term = &terms->items[i];
        const int own = own_sums(term, detailed);
        memset(sums, 0, (size_t)(LS_SUMS_OF_ALL + own) * sizeof *sums);
        measure_loss(run, m, term->value, sums);
        if (own)
            term->loss->measure(term, run, m, detailed, sums + LS_SUMS_OF_ALL);
        sums += LS_SUMS_OF_ALL + own;
    }
}

static int score_width(const struct ls_term *term) {
    return term->loss->score_width ? term->loss->score_width(term) : 0;
}

int ls_terms_score_width(const struct ls_terms *terms) {
    int width = 0;
    for (int i = 0; i < terms->count; i++)
        width += score_width(&terms->items[i]);
    return width;
}

void ls_terms_score(const struct ls_terms *terms, const struct ls_run *run, int m, float *scores) {
    const int step = ls_terms_score_width(terms);
    for (int i = 0; i < terms->count; i++) {
        const struct ls_term *term = &terms->items[i];
        if (score_width(term))
            term->loss->score(term, run, m, (struct ls_scores){scores, step});
        scores += score_width(term);
    }
}

void ls_terms_judge(const struct ls_terms *terms, float *scores, int64_t count, double *sums) {
    const int step = ls_terms_score_width(terms);
    for (int i = 0; i < terms->count; i++) {
        const struct ls_term *term = &terms->items[i];
        if (score_width(term))
            term->loss->judge(term, (struct ls_scores){scores, step}, count, sums + LS_SUMS_OF_ALL);
        scores += score_width(term);
        sums += ls_term_sum_count(term, true);
    }
}
