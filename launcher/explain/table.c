/* How answers change where concepts are set, counted while the rows are written, as a table. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "launcher/explain/explain.h"
#include "launcher/worker/class_names.h"

enum { CLASSES_MAX = 4096, MOVES_MAX = 20 };

/* Places in the method's results; -1: it has none. */
struct places {
    int before, after, labels, corrected, outputs_before, outputs_after;
};

struct ls_tally {
    const struct ls_subject *subject;
    struct places at;
    int classes; /* 0: the answers are numbers */
    int64_t width;
    int64_t rows, right_before, right_after;
    int64_t *moves;                   /* [classes][classes] owned: from, to */
    double *corrected;                /* [concepts + 1] owned; sums */
    double *sums_before, *sums_after; /* [width] owned, one array; of numbers */
};

struct ls_tally *ls_tally_create(const struct ls_subject *subject) {
    const struct ls_results *results = &subject->results;
    const struct places at = {.before = ls_results_find(results, "classes_before"),
                              .after = ls_results_find(results, "classes_after"),
                              .labels = ls_results_find(results, "labels"),
                              .corrected = ls_results_find(results, "corrected"),
                              .outputs_before = ls_results_find(results, "outputs_before"),
                              .outputs_after = ls_results_find(results, "outputs_after")};
    const int64_t classes = ls_target_count(&subject->explainer, &subject->target);
    if (!subject->method->concepts || classes > CLASSES_MAX)
        return NULL;
    struct ls_tally *tally = ls_calloc(1, sizeof *tally);
    *tally = (struct ls_tally){.subject = subject,
                               .at = at,
                               .classes = at.before < 0 ? 0 : (int)classes,
                               .width = ls_shape_row_count(subject->model.output->shape)};
    tally->moves =
        ls_calloc((size_t)tally->classes * (size_t)tally->classes + 1, sizeof *tally->moves);
    tally->corrected = ls_calloc((size_t)subject->concepts.count + 1, sizeof *tally->corrected);
    tally->sums_before = ls_calloc((size_t)(2 * tally->width), sizeof *tally->sums_before);
    tally->sums_after = tally->sums_before + tally->width;
    return tally;
}

void ls_tally_destroy(struct ls_tally *tally) {
    if (!tally)
        return;
    free(tally->moves);
    free(tally->corrected);
    free(tally->sums_before);
    free(tally);
}

static void add_outputs(struct ls_tally *tally, const float *before, const float *after) {
    for (int64_t i = 0; i < tally->width; i++) {
        tally->sums_before[i] += (double)before[i];
        tally->sums_after[i] += (double)after[i];
    }
}

void ls_tally_add(struct ls_tally *tally, char *const *arrays, int64_t rows) {
    const struct places *at = &tally->at;
    const int64_t sizes = tally->subject->concepts.count + 1;
    for (int64_t n = 0; n < rows; n++) {
        add_outputs(tally,
                    (const float *)(const void *)arrays[at->outputs_before] + n * tally->width,
                    (const float *)(const void *)arrays[at->outputs_after] + n * tally->width);
        if (!tally->classes)
            continue;
        const int32_t before = ((const int32_t *)(const void *)arrays[at->before])[n];
        const int32_t after = ((const int32_t *)(const void *)arrays[at->after])[n];
        tally->moves[before * tally->classes + after]++;
        if (at->labels < 0)
            continue;
        const int32_t label = ((const int32_t *)(const void *)arrays[at->labels])[n];
        tally->right_before += before == label;
        tally->right_after += after == label;
        for (int64_t k = 0; k < sizes && at->corrected >= 0; k++)
            tally->corrected[k] +=
                (double)((const float *)(const void *)arrays[at->corrected])[n * sizes + k];
    }
    tally->rows += rows;
}

/* The most frequent change that is not said yet: the smaller than `last`, or equal and behind it.
 */
static int64_t next_move(const struct ls_tally *tally, int64_t last) {
    const int64_t cells = (int64_t)tally->classes * tally->classes;
    int64_t best = -1;
    for (int64_t i = 0; i < cells; i++) {
        const int64_t count = tally->moves[i];
        const bool left =
            last < 0 || count < tally->moves[last] || (count == tally->moves[last] && i > last);
        if (count && left && i % (tally->classes + 1) && (best < 0 || count > tally->moves[best]))
            best = i;
    }
    return best;
}

static void print_moves(const struct ls_tally *tally) {
    const struct ls_data *data = &tally->subject->trained.data;
    int64_t stay = 0, said = 0;
    char **names = ls_class_names(data, "targets", tally->classes, NULL);
    for (int k = 0; k < tally->classes; k++)
        stay += tally->moves[k * (tally->classes + 1)];
    printf("answers of %" PRId64 " samples: %" PRId64 " stay, %" PRId64 " change\n", tally->rows,
           stay, tally->rows - stay);
    if (stay < tally->rows)
        printf("  %8s  %-16s  %s\n", "samples", "before", "after");
    for (int64_t move = next_move(tally, -1); move >= 0; move = next_move(tally, move)) {
        if (said++ == MOVES_MAX) {
            printf("       ...\n");
            break;
        }
        printf("  %8" PRId64 "  %-16s  %s\n", tally->moves[move], names[move / tally->classes],
               names[move % tally->classes]);
    }
    ls_schema_free_names(names, tally->classes);
}

static void print_corrected(const struct ls_tally *tally) {
    printf("accuracy by the number of concepts that are corrected:\n");
    for (int64_t k = 0; k <= tally->subject->concepts.count; k++)
        printf("  %8" PRId64 "  %.4f\n", k, tally->corrected[k] / (double)tally->rows);
}

void ls_tally_print(const struct ls_tally *tally) {
    const double rows = (double)tally->rows;
    char text[512];
    if (tally->subject->concepts_named)
        printf("layer %s, concepts %s\n", tally->subject->cut,
               ls_concepts_print(tally->subject, false, text, sizeof text));
    else
        printf("layer %s, concepts 0 to %" PRId64 ", without names\n", tally->subject->cut,
               tally->subject->concepts.count - 1);
    printf("set: %s\n", ls_concepts_print(tally->subject, true, text, sizeof text));
    if (tally->classes)
        print_moves(tally);
    for (int64_t i = 0; i < tally->width && i < MOVES_MAX && !tally->classes; i++)
        printf("mean of output %" PRId64 ": %.6g before, %.6g after\n", i,
               tally->sums_before[i] / rows, tally->sums_after[i] / rows);
    if (tally->at.labels >= 0)
        printf("accuracy: %.4f before, %.4f after\n", (double)tally->right_before / rows,
               (double)tally->right_after / rows);
    if (tally->at.corrected >= 0)
        print_corrected(tally);
}
