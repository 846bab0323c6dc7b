/* Which number of a model's answer is explained. */
#include "core/explain/explain.h"

/* Classes side by side in the output. */
static int64_t classes_of(const struct ls_value *output, const struct ls_target *target) {
    return target->classifies ? ls_shape_last(ls_shape_of_row(output->shape))
                              : ls_shape_row_count(output->shape);
}

int64_t ls_target_count(const struct ls_explainer *explainer, const struct ls_target *target) {
    const int64_t classes = classes_of(explainer->model->output, target);
    return target->classifies && classes == 1 ? 2 : classes;
}

int64_t ls_target_position(const struct ls_target *target, int64_t sample, int64_t positions) {
    if (target->position >= 0)
        return target->position;
    const int64_t length = target->lengths ? target->lengths[sample] : positions;
    return length < 1 ? 0 : length < positions ? length - 1 : positions - 1;
}

struct choice {
    const struct ls_explainer *explainer;
    const struct ls_target *target;
    struct ls_explained *explained;
    int32_t *predicted;
    float *values;
};

/* The largest of them; of one logit: whether it is above 0; of numbers: none. */
static int64_t predict(const struct ls_target *target, const float *output, int64_t classes) {
    int64_t best = 0;
    if (!target->classifies)
        return 0;
    if (classes == 1)
        return output[0] > 0;
    for (int64_t k = 1; k < classes; k++)
        best = output[k] > output[best] ? k : best;
    return best;
}

static void choose(void *context, int64_t sample, int64_t point, const struct ls_probe *probe) {
    (void)point;
    const struct choice *choice = context;
    const struct ls_target *target = choice->target;
    const struct ls_value *value = choice->explainer->model->output;
    const int64_t width = ls_shape_row_count(value->shape), classes = classes_of(value, target);
    const int64_t position = ls_target_position(target, sample, width / classes);
    const float *output = (const float *)value->data + probe->row * width + position * classes;
    const int64_t predicted = predict(target, output, classes);
    const int64_t class = target->kind == LS_TARGET_PREDICTED ? predicted
                          : target->kind == LS_TARGET_LABEL   ? target->labels[sample]
                                                              : target->class;
    const bool logit = target->classifies && classes == 1;
    struct ls_explained *explained = &choice->explained[sample];
    *explained = (struct ls_explained){.element = position * classes + (logit ? 0 : class),
                                       .sign = logit && class == 0 ? -1.0f : 1.0f};
    if (!target->classifies && target->kind == LS_TARGET_PREDICTED) { /* of numbers: their mean */
        explained->count = classes;
        explained->step = 1;
    }
    choice->predicted[sample] = (int32_t)predicted;
    choice->values[sample] = (float)ls_explained_value(
        choice->explainer, explained, (const float *)value->data + probe->row * width);
}

void ls_target_choose(const struct ls_explainer *explainer, const struct ls_target *target,
                      struct ls_explained *explained, int32_t *predicted, float *values) {
    struct choice choice = {explainer, target, explained, predicted, values};
    const struct ls_sweep sweep = {
        .samples = explainer->rows, .points = 1, .take = choose, .context = &choice};
    ls_explainer_sweep(explainer, &sweep);
}
