/* The format onnx of `lockstep export`: what a run knows besides its graph. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "io/file.h"
#include "launcher/command/answers.h"
#include "launcher/command/version.h"
#include "launcher/export/export.h"
#include "launcher/onnx/model.h"
#include "launcher/worker/data.h"

enum { VOCABULARY_BYTES_MAX = 256 << 20 };

struct notes {
    struct ls_onnx_note items[LS_ONNX_NOTES_MAX];
    int count;
};

static void add(struct notes *notes, const char *key, const char *name, char *value) {
    if (!value)
        return;
    LS_ASSERT(notes->count < LS_ONNX_NOTES_MAX, "%d notes", notes->count);
    struct ls_onnx_note *note = &notes->items[notes->count++];
    snprintf(note->key, sizeof note->key, "%s%s", key, name);
    note->value = value;
}

static void clear(struct notes *notes) {
    for (int i = 0; i < notes->count; i++)
        free(notes->items[i].value);
}

static char *number(int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    return ls_strdup(text);
}

static char *copy(const char *text) {
    return text ? ls_strdup(text) : NULL;
}

/* A list of JSON, or NULL where there are no names. */
static char *class_names(const struct ls_schema *schema) {
    const struct ls_schema_column *classes = ls_schema_classes(schema);
    if (!classes)
        return NULL;
    json_t *names = json_array();
    for (int i = 0; i < classes->word_count; i++)
        json_array_append_new(names, json_string(classes->words[i]));
    char *text = json_dumps(names, JSON_ENSURE_ASCII);
    json_decref(names);
    return text;
}

/* What to give to an input. */
static char *describe(const struct ls_exported *exported, const struct ls_model_input *input) {
    const char *centred =
        exported->saved.state.centres ? ", after what `centres` has was subtracted in double" : "";
    char *text;
    int bytes;
    if (input->value->type == LS_TYPE_INT32 && input->limit)
        bytes = asprintf(&text, "indices from 0 to %" PRId64, input->limit - 1);
    else if (input->value->type == LS_TYPE_INT32)
        bytes = asprintf(&text, "integers");
    else
        bytes = asprintf(
            &text,
            "numbers as the data has them, uint8 divided by 255 (images of uint16 by 65535, of "
            "int8 by 128, of int16 by 32768)%s%s",
            exported->feeds[input->feed].scaling ? "; the model standardises them" : "", centred);
    LS_ASSERT(bytes >= 0, "out of memory");
    return text;
}

static enum ls_status add_vocabulary(const struct ls_exported *exported, struct notes *notes,
                                     struct ls_error *error) {
    char path[LS_TEXT_MAX], *text;
    uint64_t bytes;
    if (!ls_file_exists(ls_vocabulary_path(exported->run, path)))
        return LS_OK;
    const enum ls_status status = ls_file_read(path, VOCABULARY_BYTES_MAX, &text, &bytes, error);
    if (status == LS_OK)
        add(notes, "vocabulary", "", text);
    return status;
}

static enum ls_answer_kind kind_of(const struct ls_exported *exported) {
    return ls_answer_of(&exported->saved.config,
                        ls_shape_last(ls_shape_of_row(exported->model.output->shape)));
}

/* The run's folder without those above it. */
static const char *name_of(const struct ls_exported *exported) {
    const char *slash = strrchr(exported->run, '/');
    return slash ? slash + 1 : exported->run;
}

static enum ls_status make_notes(const struct ls_exported *exported, struct notes *notes,
                                 struct ls_error *error) {
    static const char *const kinds[] = {[LS_ANSWER_VALUES] = "values",
                                        [LS_ANSWER_SOFTMAX] = "softmax",
                                        [LS_ANSWER_SIGMOID] = "sigmoid"};
    const struct ls_state *state = &exported->saved.state;
    char digest[LS_HASH_TEXT_MAX];
    ls_hash_text(ls_parameters_digest(exported->parameters, exported->flat), digest);
    add(notes, "lockstep", "", ls_strdup(ls_version()));
    add(notes, "run", "", ls_strdup(name_of(exported)));
    add(notes, "config", "", ls_config_print(&exported->saved.config));
    add(notes, "step", "", number((int64_t)state->step));
    add(notes, "digest", "", ls_strdup(digest));
    /* what makes answers of the output */
    add(notes, "answers", "", ls_strdup(kinds[kind_of(exported)]));
    add(notes, "classes", "", class_names(&exported->schema));
    add(notes, "schema", "", copy(state->schema));
    add(notes, "centres", "", copy(state->centres));
    for (int i = 0; i < exported->model.input_count; i++)
        if (exported->model.inputs[i].value->data) /* not of a target that only a loss took */
            add(notes, "input.", exported->feeds[exported->model.inputs[i].feed].name,
                describe(exported, &exported->model.inputs[i]));
    return add_vocabulary(exported, notes, error);
}

/* As `predict` does it; centre: room for a row's values. */
static enum ls_status find_restore(const struct ls_exported *exported, double *centre,
                                   struct ls_onnx_restore *restore, struct ls_error *error) {
    static const char feed[] = "targets";
    const struct ls_feed_constants names = ls_feed_constants(feed);
    const int64_t width = ls_shape_row_count(exported->model.output->shape);
    bool there = false;
    if (!exported->saved.config.data.standardise_targets || kind_of(exported) != LS_ANSWER_VALUES)
        return LS_OK;
    restore->mean = ls_parameters_find(exported->parameters, names.mean);
    restore->scale = ls_parameters_find(exported->parameters, names.scale);
    if (!restore->mean || !restore->scale || ls_parameter_plain_count(restore->mean) != width)
        return ls_fail(error, LS_INVALID,
                       "the checkpoint does not say how its %" PRId64
                       " targets were standardised: expected as many numbers in %s and %s",
                       width, names.mean, names.scale);
    const enum ls_status status =
        ls_centres_add(exported->saved.state.centres, feed, width, centre, &there, error);
    restore->centre = there ? centre : NULL;
    return status;
}

enum ls_status ls_export_onnx(const struct ls_exported *exported, const char *path,
                              struct ls_error *error) {
    const struct ls_value *output = exported->model.output;
    double *centre = ls_calloc((size_t)ls_shape_row_count(output->shape), sizeof *centre);
    struct ls_onnx_restore restore = {0};
    struct notes notes = {0};
    char text[2 * LS_TEXT_MAX];
    snprintf(text, sizeof text, "%s, trained by lockstep %s for %" PRIu64 " steps",
             name_of(exported), ls_version(), exported->saved.state.step);
    enum ls_status status = find_restore(exported, centre, &restore, error);
    if (status == LS_OK)
        status = make_notes(exported, &notes, error);
    const struct ls_onnx_options options = {.output = output,
                                            .parameters = exported->flat,
                                            .name = name_of(exported),
                                            .output_name = "logits",
                                            .version = ls_version(),
                                            .text = text,
                                            .feeds = exported->feeds,
                                            .feed_count = exported->feed_count,
                                            .restore = restore.mean ? &restore : NULL,
                                            .notes = notes.items,
                                            .note_count = notes.count};
    if (status == LS_OK)
        status = ls_onnx_write(&options, path, error);
    clear(&notes);
    free(centre);
    return status;
}
