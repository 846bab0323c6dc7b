/* What the answers would be, were some concepts others (Koh et al. 2020, "Concept bottleneck
 * models"). The model sees concepts c in a sample and answers f(c); with c' = c but for what is
 * set,
 *
 *   before = f(c),  after = f(c').
 *
 * Where the true concepts t and the label y are known, also how often the answer is right with so
 * many concepts corrected:
 *
 *   corrected[k] = mean over sets S of k concepts of [f(t on S, c elsewhere) says y],
 *
 * over all sets where they are few, else over those that some drawn orders of the concepts begin
 * with. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/explain/list.h"

enum { ORDERS = 16, STREAM = 0x7000e008 };
enum { BEFORE_POINT, AFTER_POINT, FIRST_CORRECTED };

/* In the order of the file; behind them what is known of classes. */
enum { CONCEPTS, CONCEPTS_SET, OUTPUTS_BEFORE, OUTPUTS_AFTER, CLASSES_BEFORE, CLASSES_AFTER };
enum { LABELS = CLASSES_AFTER + 1, CORRECTED };

struct job {
    const struct ls_explainer *explainer;
    const struct ls_concepts *concepts;
    void *const *results;
    bool classifies, corrects;
    bool all;           /* sets of concepts, bit by bit of a point's number; else drawn orders */
    int64_t width;      /* of the output */
    int64_t *hits, *of; /* [count + 1] by concepts corrected, of a sample; owned */
};

static bool classifies(const struct ls_explainer *explainer) {
    const struct ls_shape row = ls_shape_of_row(explainer->model->output->shape);
    const enum ls_answer_kind kind = explainer->concepts->answers;
    return row.rank < 2 &&
           (kind == LS_ANSWER_SOFTMAX || (kind == LS_ANSWER_SIGMOID && ls_shape_count(row) == 1));
}

static bool corrects(const struct ls_explainer *explainer) {
    return classifies(explainer) && explainer->concepts->judged && explainer->concepts->true_ones;
}

static enum ls_status describe(const struct ls_explainer *explainer, const void *options,
                               struct ls_results *results, struct ls_error *error) {
    const struct ls_shape row = ls_shape_of_row(explainer->model->output->shape);
    const struct ls_shape concepts = LS_SHAPE(explainer->concepts->count);
    (void)options;
    (void)error;
    ls_results_add(results, "concepts", concepts);
    ls_results_add(results, "concepts_set", concepts);
    ls_results_add(results, "outputs_before", row);
    ls_results_add(results, "outputs_after", row);
    if (!classifies(explainer))
        return LS_OK;
    ls_results_add(results, "classes_before", (struct ls_shape){0})->integer = true;
    ls_results_add(results, "classes_after", (struct ls_shape){0})->integer = true;
    if (explainer->concepts->judged)
        ls_results_add(results, "labels", (struct ls_shape){0})->integer = true;
    if (corrects(explainer))
        ls_results_add(results, "corrected", LS_SHAPE(explainer->concepts->count + 1));
    return LS_OK;
}

static int64_t points_of(const struct job *job) {
    const int64_t count = job->concepts->count;
    if (!job->corrects)
        return FIRST_CORRECTED;
    return FIRST_CORRECTED + (job->all ? (int64_t)1 << count : ORDERS * (count + 1));
}

/* How many concepts are corrected at a point; the i-th place of its order; whether the point's set
 * has the concept at that place. */
static int64_t corrected_at(const struct job *job, int64_t point) {
    const int64_t number = point - FIRST_CORRECTED;
    return job->all ? __builtin_popcountll((unsigned long long)number)
                    : number % (job->concepts->count + 1);
}

static int64_t place_of(const struct job *job, int64_t sample, int64_t point, int64_t i) {
    const int64_t count = job->concepts->count;
    if (job->all)
        return i;
    const uint64_t order = (uint64_t)((point - FIRST_CORRECTED) / (count + 1));
    const struct ls_random_key key =
        ls_random_key(job->explainer->seed, STREAM, order, job->explainer->ids[sample]);
    return (int64_t)ls_random_permute(key, (uint64_t)i, (uint64_t)count);
}

static bool in_set(const struct job *job, int64_t point, int64_t i) {
    const int64_t number = point - FIRST_CORRECTED;
    return job->all ? number >> i & 1 : i < corrected_at(job, point);
}

static void make(void *context, int64_t sample, int64_t point, float *to) {
    const struct job *job = context;
    const int64_t count = job->concepts->count;
    const float *truth = job->concepts->true_ones ? job->concepts->truths + sample * count : NULL;
    for (int64_t i = 0; i < count && point == AFTER_POINT; i++) {
        const struct ls_concept_setting *setting = &job->concepts->settings[i];
        if (setting->kind == LS_CONCEPT_VALUE)
            to[i] = setting->value;
        else if (setting->kind == LS_CONCEPT_TRUTH)
            to[i] = truth[i];
    }
    if (point == AFTER_POINT)
        memcpy((float *)job->results[CONCEPTS_SET] + sample * count, to,
               (size_t)count * sizeof *to);
    for (int64_t i = 0; i < count && point >= FIRST_CORRECTED; i++)
        if (in_set(job, point, i)) {
            const int64_t concept = place_of(job, sample, point, i);
            to[concept] = truth[concept];
        }
}

/* Logits become probabilities, standardised numbers those of the targets. */
static void store_answer(const struct job *job, int64_t sample, int64_t point,
                         const float *output) {
    const int64_t last = ls_shape_last(job->explainer->model->output->shape);
    float *to = (float *)job->results[OUTPUTS_BEFORE + point] + sample * job->width;
    memcpy(to, output, (size_t)job->width * sizeof *to);
    for (int64_t i = 0; i < job->width && job->explainer->scales; i++)
        to[i] = (float)((double)output[i] / (double)job->explainer->scales[i] +
                        job->explainer->means[i]);
    if (job->concepts->answers == LS_ANSWER_SIGMOID)
        ls_answer_sigmoid(output, job->width, false, to);
    for (int64_t at = 0; at < job->width && job->concepts->answers == LS_ANSWER_SOFTMAX; at += last)
        ls_answer_softmax(output + at, last, to + at);
    if (job->classifies)
        ls_answer_classify(output, 1, job->width,
                           (int32_t *)job->results[CLASSES_BEFORE + point] + sample);
}

static void take(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    struct job *job = context;
    const int64_t sizes = job->concepts->count + 1;
    const float *output =
        (const float *)job->explainer->model->output->data + probe->row * job->width;
    int32_t class;
    if (point < FIRST_CORRECTED) {
        store_answer(job, sample, point, output);
        return;
    }
    if (point == FIRST_CORRECTED)
        for (int64_t k = 0; k < sizes; k++)
            job->hits[k] = job->of[k] = 0;
    ls_answer_classify(output, 1, job->width, &class);
    const int64_t corrected = corrected_at(job, point);
    job->hits[corrected] += class == job->explainer->labels[sample];
    job->of[corrected]++;
    float *to = (float *)job->results[CORRECTED] + sample * sizes;
    for (int64_t k = 0; k < sizes && point == points_of(job) - 1; k++)
        to[k] = (float)((double)job->hits[k] / (double)job->of[k]);
}

static void explain(struct ls_explanation *explanation) {
    const struct ls_explainer *explainer = explanation->explainer;
    const int64_t count = explainer->concepts->count;
    struct job job = {.explainer = explainer,
                      .concepts = explainer->concepts,
                      .results = explanation->results,
                      .classifies = classifies(explainer),
                      .corrects = corrects(explainer),
                      .all = count < 32 && (int64_t)1 << count <= ORDERS * (count + 1),
                      .width = ls_shape_row_count(explainer->model->output->shape)};
    job.hits = ls_calloc((size_t)(2 * (count + 1)), sizeof *job.hits);
    job.of = job.hits + count + 1;
    memcpy(job.results[CONCEPTS], explainer->inputs,
           (size_t)(explainer->rows * count) * sizeof(float));
    if (job.classifies && job.concepts->judged)
        memcpy(job.results[LABELS], explainer->labels, (size_t)explainer->rows * sizeof(int32_t));
    const struct ls_sweep sweep = {.samples = explainer->rows,
                                   .points = points_of(&job),
                                   .make = make,
                                   .take = take,
                                   .context = &job};
    ls_explainer_sweep(explainer, &sweep);
    free(job.hits);
}

const struct ls_explain_method ls_explain_intervene = {
    .name = "intervene",
    .help = "what is answered where concepts are set: --set NAME=VALUE,... (label: the truth; "
            "all=label)",
    .cuts = true,
    .concepts = true,
    .layer = LS_LAYER_CONCEPTS,
    .describe = describe,
    .explain = explain,
};
