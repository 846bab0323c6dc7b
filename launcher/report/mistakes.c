/* Where a model is wrong: one pass over the part that it is judged by. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/schema.h"
#include "launcher/command/answers.h"
#include "launcher/report/look.h"
#include "launcher/worker/class_names.h"
#include "launcher/worker/metrics_json.h"

enum { MANY = 50000 }; /* samples: they may take a while */

struct looking {
    struct ls_look *look;
    const struct ls_trained *trained;
    const struct ls_model *model;
    const struct ls_term *term;
    const struct ls_model_input *target, *sample; /* sample NULL: none of reals */
    const double *centre;           /* taken off targets when they are read; or NULL */
    bool squashed;                  /* answers are logits of numbers from 0 to 1 */
    bool remakes;                   /* what is wanted is the sample itself: an autoencoder */
    float *answer;                  /* [2 or width] owned, as the next: probabilities, or numbers */
    struct ls_class_counts *counts; /* [classes] */
    double *confusion;              /* [classes][classes]; NULL: too many of them */
};

static const struct ls_feed *feed_of(const struct looking *looking,
                                     const struct ls_model_input *input) {
    return &looking->trained->data.feeds[input->feed];
}

static float *copy(const float *values, int64_t count) {
    float *to = ls_calloc((size_t)count, sizeof *to);
    memcpy(to, values, (size_t)count * sizeof *to);
    return to;
}

/* Keeps the worst. */
static void keep(const struct looking *looking, struct ls_mistakes *mistakes,
                 const struct ls_mistake *mistake, const float *sample) {
    struct ls_mistake *const items = mistakes->items;
    int at = mistakes->count;
    while (at && items[at - 1].score < mistake->score)
        at--;
    if (at == LS_MISTAKES_MAX)
        return;
    if (mistakes->count == LS_MISTAKES_MAX) {
        free(items[--mistakes->count].sample);
        free(items[mistakes->count].made);
    }
    memmove(&items[at + 1], &items[at], (size_t)(mistakes->count - at) * sizeof *items);
    items[at] = *mistake;
    mistakes->count++;
    const int64_t values = ls_shape_count(looking->look->shape);
    items[at].sample = sample ? copy(sample, values) : NULL;
    items[at].made = sample && looking->remakes ? copy(looking->answer, values) : NULL;
}

/* The class of a row; -1: it has none, and takes no part in losses. One output learns from numbers,
 * 0 and 1. */
static int32_t label_of(const struct looking *looking, const void *targets, int64_t row) {
    const struct ls_model_input *input = looking->target;
    if (input->value->type != LS_TYPE_INT32) {
        const float number = ((const float *)targets)[row];
        return number > 0 && number < 1 ? -1 : (int32_t)number;
    }
    const int32_t label = ((const int32_t *)targets)[row];
    return input->ignores && label == input->ignored ? -1 : label;
}

static void judge_class(struct looking *looking, const float *outputs, int32_t label,
                        struct ls_mistake *mistake, const float *sample) {
    struct ls_look *look = looking->look;
    if (label < 0 || label >= look->class_count)
        return;
    if (look->width == 1)
        ls_answer_sigmoid(outputs, 1, true, looking->answer);
    else
        ls_answer_softmax(outputs, look->width, looking->answer);
    ls_answer_classify(outputs, 1, look->width, &mistake->answer);
    mistake->label = label;
    mistake->label_share = (double)looking->answer[label];
    mistake->answer_share = (double)looking->answer[mistake->answer];
    look->rows++;
    looking->counts[label].labelled++;
    looking->counts[mistake->answer].predicted++;
    looking->counts[label].hits += mistake->answer == label;
    if (looking->confusion)
        looking->confusion[label * look->class_count + mistake->answer]++;
    if (mistake->answer == label)
        return;
    look->wrong++;
    mistake->score = -mistake->label_share;
    keep(looking, &look->worst, mistake, sample);
    mistake->score = mistake->answer_share;
    keep(looking, &look->confident, mistake, sample);
}

/* In the units of the data. */
static void judge_numbers(struct looking *looking, const float *outputs, const float *targets,
                          struct ls_mistake *mistake, const float *sample) {
    struct ls_look *look = looking->look;
    const struct ls_term *term = looking->term;
    const float *mean = term->mean ? term->mean->data : NULL;
    const float *scale = term->scale ? term->scale->data : NULL;
    double sum = 0;
    if (looking->squashed)
        ls_answer_sigmoid(outputs, look->width, false, looking->answer);
    else
        memcpy(looking->answer, outputs, (size_t)look->width * sizeof *outputs);
    for (int64_t i = 0; i < look->width; i++) {
        double output = (double)looking->answer[i];
        if (mean && scale)
            output = output / (double)scale[i] + (double)mean[i];
        looking->answer[i] = (float)output;
        sum += (output - (double)targets[i]) * (output - (double)targets[i]);
        if (i < LS_ANSWERS_SHOWN_MAX) {
            const double centre = looking->centre ? looking->centre[i] : 0;
            mistake->outputs[i] = output + centre;
            mistake->targets[i] = (double)targets[i] + centre;
        }
    }
    look->rows++;
    mistake->score = sqrt(sum / (double)look->width);
    keep(looking, &look->worst, mistake, sample);
}

static enum ls_status look_at(void *context, const struct ls_answer *answer,
                              struct ls_error *error) {
    (void)error;
    struct looking *looking = context;
    const struct ls_worker *worker = &looking->trained->worker;
    const struct ls_look *look = looking->look;
    const void *targets = ls_worker_feed(worker, answer->batch, looking->target, 0);
    const float *samples =
        looking->sample ? ls_worker_feed(worker, answer->batch, looking->sample, 0) : NULL;
    const int64_t values = ls_shape_count(look->shape);
    for (int64_t r = 0; r < answer->rows; r++) {
        struct ls_mistake mistake = {.row = answer->batch->row_ids[r]};
        const float *outputs = answer->outputs + r * look->width;
        const float *sample = samples ? samples + r * values : NULL;
        if (look->kind == LS_LOOK_CLASSES)
            judge_class(looking, outputs, label_of(looking, targets, r), &mistake, sample);
        else
            judge_numbers(looking, outputs, (const float *)targets + r * look->width, &mistake,
                          sample);
    }
    return LS_OK;
}

/* The feed that a term takes as its target: itself, or where it is changed first (scaled, or made
 * flat), the one called targets, or inputs. */
static const struct ls_model_input *find_target(const struct looking *looking) {
    static const char *const names[] = {"targets", "inputs"};
    const struct ls_model *model = looking->model;
    for (int i = 0; i < model->input_count; i++)
        if (model->inputs[i].value == looking->term->target)
            return &model->inputs[i];
    for (int n = 0; n < 2; n++)
        for (int i = 0; i < model->input_count; i++)
            if (!strcmp(feed_of(looking, &model->inputs[i])->name, names[n]))
                return &model->inputs[i];
    return NULL;
}

/* What people recognise a sample by: the feed of that name, else the first of reals. */
static const struct ls_model_input *find_sample(const struct looking *looking) {
    const struct ls_model *model = looking->model;
    const struct ls_model_input *first = NULL;
    for (int i = 0; i < model->input_count; i++) {
        const struct ls_model_input *input = &model->inputs[i];
        if ((input == looking->target && !looking->remakes) || input->value->type == LS_TYPE_INT32)
            continue;
        if (!strcmp(feed_of(looking, input)->name, "inputs"))
            return input;
        first = first ? first : input;
    }
    return first;
}

/* What there is to look at: one answer for each sample, of a class or of numbers. */
static enum ls_look_kind settle(struct looking *looking) {
    static const char *const errors[] = {"squared_error", "absolute_error", "huber"};
    const struct ls_model *model = looking->model;
    const int64_t width = ls_shape_row_count(model->output->shape);
    const bool flat = ls_shape_of_row(model->output->shape).rank < 2;
    enum ls_look_kind kind = LS_LOOK_NOTHING;
    for (int t = 0; t < model->terms.count && !kind; t++) {
        const struct ls_term *term = looking->term = &model->terms.items[t];
        if (term->of != model->output || !term->target)
            continue;
        looking->target = find_target(looking);
        if (!looking->target)
            continue;
        const struct ls_value *target = looking->target->value;
        const int64_t targets = ls_shape_row_count(target->shape);
        const bool labels = target->type == LS_TYPE_INT32;
        const char *name = term->loss->layer.name;
        if (targets == 1 && flat && term->loss->classifies && labels == (width > 1))
            kind = LS_LOOK_CLASSES;
        if (targets == 1 && width == 1 && !strcmp(name, "binary_cross_entropy"))
            kind = LS_LOOK_CLASSES;
        looking->remakes = !strcmp(feed_of(looking, looking->target)->name, "inputs");
        looking->squashed = !strcmp(name, "binary_cross_entropy");
        if (looking->squashed && looking->remakes && targets == width)
            kind = LS_LOOK_NUMBERS;
        for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
            if (!strcmp(name, errors[e]) && !labels && targets == width)
                kind = LS_LOOK_NUMBERS;
    }
    looking->look->width = width;
    looking->look->class_count = kind == LS_LOOK_CLASSES ? (int)(width > 1 ? width : 2) : 0;
    return looking->look->kind = kind;
}

static void take_names(struct looking *looking) {
    struct ls_look *look = looking->look;
    const struct ls_data *data = &looking->trained->data;
    look->classes =
        ls_class_names(data, feed_of(looking, looking->target)->name, look->class_count, NULL);
    if (looking->sample)
        look->shape = feed_of(looking, looking->sample)->shape;
    if (data->schema.count && looking->sample)
        look->column_count = ls_schema_inputs(&data->schema, &look->columns, NULL);
    if (look->columns && look->column_count != ls_shape_count(look->shape)) {
        ls_schema_free_names(look->columns, look->column_count);
        look->columns = NULL;
        look->column_count = 0;
    }
}

static void make_room(struct looking *looking) {
    const size_t classes = (size_t)looking->look->class_count;
    looking->answer = ls_calloc((size_t)looking->look->width + 1, sizeof *looking->answer);
    looking->counts = ls_calloc(classes + 1, sizeof *looking->counts);
    if (classes && classes <= LS_CONFUSION_CLASSES_MAX)
        looking->confusion = ls_calloc(classes * classes, sizeof *looking->confusion);
}

static void keep_counts(struct looking *looking) {
    const struct ls_metrics metrics = {
        .judged_count = 1,
        .judged = {{.target = feed_of(looking, looking->target)->name,
                    .classes = looking->look->class_count,
                    .counts = looking->counts,
                    .confusion = looking->confusion}}};
    if (looking->look->class_count)
        looking->look->measured = ls_metrics_json(&metrics, &looking->trained->data);
    free(looking->answer);
    free(looking->counts);
    free(looking->confusion);
}

enum ls_status ls_look_mistakes(struct ls_look *look, struct ls_trained *trained,
                                struct ls_error *error) {
    const int role =
        trained->data.parts[LS_SOURCE_TEST].dataset ? LS_SOURCE_TEST : LS_SOURCE_VALIDATION;
    struct looking looking = {.look = look,
                              .trained = trained,
                              .model =
                                  &trained->worker.models[ls_worker_answering(&trained->worker)]};
    if (!trained->data.parts[role].dataset || !settle(&looking))
        return LS_OK;
    look->part = ls_part_name(role);
    looking.sample = find_sample(&looking);
    looking.centre = trained->data.centres[looking.target->feed];
    take_names(&looking);
    struct ls_loader *loader;
    enum ls_status status =
        ls_row_names_load(&look->names, trained->data.parts[role].dataset, error);
    if (status == LS_OK)
        status = ls_trained_load(trained, role, &loader, error);
    if (status != LS_OK)
        return status;
    if (trained->data.parts[role].count > MANY)
        ls_log(LS_LOG_INFO,
               "trying the model on %llu samples of the %s data; --records-only leaves that out",
               (unsigned long long)trained->data.parts[role].count, look->part);
    make_room(&looking);
    status = ls_worker_predict(&trained->worker, loader, look_at, &looking, error);
    keep_counts(&looking);
    ls_loader_destroy(loader);
    return status;
}
