/* The metrics of a phase: those of its terms, out of their sums, under names that tell them apart.
 */
#include <stdio.h>
#include <string.h>

#include "core/tasks/loss.h"

void ls_metrics_add(struct ls_metrics *metrics, const char *name, double value,
                    bool higher_is_better) {
    LS_ASSERT(metrics->count < LS_METRICS_MAX, "room for %d metrics", LS_METRICS_MAX);
    struct ls_metric *metric = &metrics->items[metrics->count++];
    *metric = (struct ls_metric){.value = value, .higher_is_better = higher_is_better};
    snprintf(metric->name, sizeof metric->name, "%s", name);
}

void ls_metrics_judge(struct ls_metrics *metrics, int classes, const struct ls_class_counts *counts,
                      const double *confusion) {
    LS_ASSERT(metrics->judged_count < LS_JUDGED_MAX, "room for %d terms", LS_JUDGED_MAX);
    metrics->judged[metrics->judged_count++] =
        (struct ls_judged){.classes = classes, .counts = counts, .confusion = confusion};
}

static void rename_metric(struct ls_metric *metric, const char *first, const char *second) {
    char name[LS_METRIC_NAME_MAX];
    snprintf(name, sizeof name, "%.30s%.2s%.60s", first, second, metric->name);
    memcpy(metric->name, name, sizeof name);
}

static bool is_taken(const struct ls_metrics *metrics, int first, int before, const char *name) {
    for (int i = first; i < before; i++)
        if (!strcmp(metrics->items[i].name, name))
            return true;
    return false;
}

/* The only term that trains, beside any that only measure (of weight 0); NULL if several do. */
static const struct ls_term *only_trained(const struct ls_terms *terms) {
    const struct ls_term *only = NULL;
    for (int i = 0; i < terms->count; i++)
        if (terms->items[i].weight > 0 || terms->count == 1) {
            if (only)
                return NULL;
            only = &terms->items[i];
        }
    return only;
}

static double phase_loss(const struct ls_terms *terms, const double *sums, bool detailed) {
    const struct ls_term *only = only_trained(terms);
    double loss = 0;
    for (int i = 0; i < terms->count; i++) {
        const struct ls_term *term = &terms->items[i];
        const double mean = ls_ratio(sums[LS_SUM_LOSS], sums[LS_SUM_WEIGHT]);
        if (term == only)
            return mean;
        if (term->weight > 0)
            loss += term->weight * mean;
        sums += ls_term_sum_count(term, detailed);
    }
    return loss;
}

/* Those of the phase's terms before. */
struct before {
    int metrics, judged;
};

static bool is_judged(const struct ls_metrics *metrics, int first, int before) {
    for (int i = first; i < before; i++)
        if (!metrics->judged[i].prefix[0])
            return true;
    return false;
}

/* `first`: of the phase. */
static void add_term(const struct ls_terms *terms, const struct ls_term *term, const double *sums,
                     bool detailed, struct before first, struct ls_metrics *metrics) {
    const int start = metrics->count, start_judged = metrics->judged_count;
    const double loss = ls_ratio(sums[LS_SUM_LOSS], sums[LS_SUM_WEIGHT]);
    const struct ls_term *only = only_trained(terms);
    if (term != only)
        ls_metrics_add(metrics, "loss", loss, false);
    if (term->loss->metrics)
        term->loss->metrics(term, loss, sums + LS_SUMS_OF_ALL, detailed, metrics);
    for (int i = start; i < metrics->count; i++) {
        struct ls_metric *metric = &metrics->items[i];
        const bool apart =
            term->weight > 0 ? !only : is_taken(metrics, first.metrics, start, metric->name);
        if (apart)
            rename_metric(metric, term->spec->name, ".");
    }
    for (int i = start_judged; i < metrics->judged_count; i++) {
        struct ls_judged *judged = &metrics->judged[i];
        judged->target = ls_loss_target_name(term->spec);
        if (term->weight > 0 ? !only : is_judged(metrics, first.judged, start_judged))
            snprintf(judged->prefix, sizeof judged->prefix, "%.60s.", term->spec->name);
    }
}

void ls_terms_metrics(const struct ls_terms *terms, const char *prefix, const double *sums,
                      bool detailed, struct ls_metrics *metrics) {
    const struct before first = {metrics->count, metrics->judged_count};
    ls_metrics_add(metrics, "loss", phase_loss(terms, sums, detailed), false);
    /* What trains comes first, so that what only measures keeps its names where they are free. */
    for (int measures = 0; measures < 2; measures++) {
        const double *own = sums;
        for (int i = 0; i < terms->count; i++) {
            const struct ls_term *term = &terms->items[i];
            if ((term != only_trained(terms) && !(term->weight > 0)) == measures)
                add_term(terms, term, own, detailed, first, metrics);
            own += ls_term_sum_count(term, detailed);
        }
    }
    for (int i = first.metrics; i < metrics->count; i++)
        rename_metric(&metrics->items[i], prefix, "");
    for (int i = first.judged; i < metrics->judged_count; i++) {
        char *own = metrics->judged[i].prefix, name[LS_METRIC_NAME_MAX];
        snprintf(name, sizeof name, "%.30s%.61s", prefix, own);
        memcpy(own, name, sizeof name);
    }
}

const char *ls_terms_watched(const struct ls_terms *terms) {
    const struct ls_term *only = only_trained(terms);
    if (!only || !only->loss->watched)
        return "loss";
    return only->gaps ? "masked_accuracy" : only->loss->watched;
}
