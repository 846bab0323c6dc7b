/* What the files of `lockstep explain` share: the options, and what is explained. */
#ifndef LS_LAUNCHER_EXPLAIN_H
#define LS_LAUNCHER_EXPLAIN_H

#include "core/explain/explain.h"
#include "dist/communicator.h"
#include "launcher/command/command.h"
#include "launcher/command/trained.h"

struct ls_explain_options {
    int64_t ranks, position, seed;
    char data[LS_TEXT_MAX], samples[LS_TEXT_MAX], target[LS_TEXT_MAX], layer[LS_TEXT_MAX];
    char input[LS_TEXT_MAX], out[LS_TEXT_MAX], weights[LS_TEXT_MAX];
    struct ls_texts set; /* KEY=VALUE of the method's options */
    bool faithfulness;
    bool worker;       /* be one rank */
    const char *cache; /* no option: where what is imported of --data goes; NULL: the cache */
    bool training;     /* no option: the samples are those of the training part */
};

/* A method, and the run's model and samples that it is used on. */
struct ls_subject {
    const struct ls_explain_options *wanted; /* borrowed */
    const char *run;                         /* borrowed */
    const struct ls_explain_method *method;  /* static */
    void *options;                           /* of the method; owned, like the rest */
    struct ls_trained trained;
    int role;                    /* the part whose samples are explained */
    uint64_t first, count;       /* positions in it */
    int64_t rows;                /* of the results: the samples, or the method's units */
    int64_t unit;                /* the first of these */
    int feed, input;             /* that is explained: in the data's feeds, in the model's inputs */
    char embedding[LS_NAME_MAX]; /* path of the layer that makes numbers of indices; "": none */
    char layer[LS_NAME_MAX];     /* that the method looks at; "": none */
    char cut[LS_NAME_MAX];       /* behind which the model begins anew; "": it does not */
    float *table;                /* of the embedding: [words][width of it] */
    struct ls_model model;
    struct ls_explainer explainer;
    struct ls_target target;
    enum ls_baseline baseline;
    float *baseline_values;
    float *deviations; /* of the explainer */
    float *baselines;  /* of LS_BASELINE_SAMPLES, and their numbers in the data set */
    uint64_t *baseline_ids;
    struct ls_units units; /* of the explainer */
    float *known_values;   /* of the explainer */
    uint64_t *known_ids;
    int32_t *known_labels;
    struct ls_concepts concepts; /* of the explainer (concepts.c), with the next six */
    struct ls_concept_setting *concept_settings;
    char **concept_names;
    int concept_feed;    /* their truth, in the data's feeds; -1: not known */
    bool concept_logits; /* they are no numbers from 0 to 1, though the truth is */
    bool concept_share;  /* they are */
    bool concepts_named; /* else their names are their numbers */
    struct ls_results results;
    int checks; /* the first result of --faithfulness; 0: there are none */
};

/* Opens the run and its data, finds what the options name, builds the model. data: the source that
 * --data says, without a "-". ls_subject_close, also after an error. */
LS_MUST_USE enum ls_status ls_subject_open(struct ls_subject *subject,
                                           const struct ls_explain_options *wanted,
                                           char *const *arguments, struct ls_error *error);
void ls_subject_close(struct ls_subject *subject);

/* Its steps (find.c), in this order. The run's model as it answers; the feed that is
 * explained, among those that it reads; where that is indices, the embedding that makes numbers of
 * them; the layer that the method looks at. */
const struct ls_model *ls_subject_scout(const struct ls_subject *subject);
LS_MUST_USE enum ls_status ls_subject_find_feed(struct ls_subject *subject, struct ls_error *error);
LS_MUST_USE enum ls_status ls_subject_find_embedding(struct ls_subject *subject,
                                                     struct ls_error *error);
LS_MUST_USE enum ls_status ls_subject_find_layer(struct ls_subject *subject,
                                                 struct ls_error *error);

/* Concepts (concepts.c): the layer that a loss judges; what is known of the samples beside
 * it; with the model, their names and what --set makes of them. */
LS_MUST_USE enum ls_status ls_subject_find_concepts(struct ls_subject *subject,
                                                    struct ls_error *error);
void ls_subject_know_targets(struct ls_subject *subject);
LS_MUST_USE enum ls_status ls_subject_open_concepts(struct ls_subject *subject,
                                                    struct ls_error *error);
void ls_subject_close_concepts(struct ls_subject *subject);
/* The truth of samples, [rows, concepts]. */
LS_MUST_USE enum ls_status ls_subject_read_truths(struct ls_subject *subject, const uint64_t *ids,
                                                  int64_t rows, float *to, struct ls_error *error);
/* "thumb, index", or what is set, "thumb=1, index=label"; returns text. */
const char *ls_concepts_print(const struct ls_subject *subject, bool settings, char *text,
                              size_t size);

/* How answers change (table.c): counts rows of the results, then says it. */
struct ls_tally;
struct ls_tally *ls_tally_create(const struct ls_subject *subject); /* NULL: nothing to count */
void ls_tally_add(struct ls_tally *tally, char *const *arrays, int64_t rows);
void ls_tally_print(const struct ls_tally *tally);
void ls_tally_destroy(struct ls_tally *tally); /* NULL is allowed */

/* What a method that takes a baseline takes (baseline.c). */
LS_MUST_USE enum ls_status ls_subject_make_baseline(struct ls_subject *subject,
                                                    struct ls_error *error);

/* Samples first .. first + rows - 1 of those that are explained, as explainers take them. Zeroed at
 * first; room is made once, for rows_max. */
struct ls_sample_block {
    int64_t rows_max;
    float *inputs; /* owned, like the rest */
    void *feeds[LS_FEEDS_MAX];
    uint64_t *ids;
    int32_t *lengths; /* of an output with positions: how many are no padding; NULL: all */
    int32_t *labels;  /* with --target label, or for a method that judges; as the next */
    float *targets;
    float *truths; /* of concepts */
};
LS_MUST_USE enum ls_status ls_subject_read(struct ls_subject *subject,
                                           struct ls_sample_block *block, uint64_t first,
                                           int64_t rows, struct ls_error *error);
/* The same of samples by their numbers in the data set, ids[rows]. */
LS_MUST_USE enum ls_status ls_subject_read_rows(struct ls_subject *subject,
                                                struct ls_sample_block *block, const uint64_t *ids,
                                                int64_t rows, struct ls_error *error);
/* Labels of rows that were read, where the data has one for each answer; else none. */
void ls_subject_read_labels(struct ls_subject *subject, struct ls_sample_block *block,
                            int64_t rows);
void ls_sample_block_clear(struct ls_sample_block *block);
/* Points the explainer to the rows that were read. */
void ls_subject_show(struct ls_subject *subject, const struct ls_sample_block *block, int64_t rows);
/* --faithfulness (checks.c): adds its results; makes them of an explanation. */
LS_MUST_USE enum ls_status ls_checks_describe(struct ls_subject *subject, struct ls_error *error);
void ls_checks_run(const struct ls_subject *subject, const struct ls_explanation *explanation);
/* Puts weights as at the start of a run of --seed into a flat buffer; statistics and constants
 * stay.
 */
void ls_weights_draw(const struct ls_subject *subject, float *flat);

/* Says every few seconds how far it is; *said: when that was, at first now. */
void ls_explain_progress(const char *what, int64_t done, int64_t total, double *said);
/* The same method on the training part, without a baseline. ls_subject_close, also after an error.
 */
LS_MUST_USE enum ls_status ls_subject_open_training(const struct ls_subject *subject,
                                                    struct ls_subject *training,
                                                    struct ls_error *error);
/* For a method that looks at the training data: what the layer makes of it. Collective. */
LS_MUST_USE enum ls_status ls_subject_learn(struct ls_subject *subject,
                                            struct ls_communicator *communicator,
                                            struct ls_error *error);

/* Explains the samples, spread over the ranks; rank 0 writes FOLDER/METHOD.h5 and pictures.
 * Collective. */
LS_MUST_USE enum ls_status ls_subject_explain(struct ls_subject *subject,
                                              struct ls_communicator *communicator,
                                              struct ls_error *error);

/* The file, of rank 0: created, written row by row, closed (files.c). */
struct ls_explain_file;
LS_MUST_USE enum ls_status ls_explain_file_create(struct ls_explain_file **file,
                                                  struct ls_subject *subject,
                                                  struct ls_error *error);
/* FOLDER/METHOD.ending; returns path. */
const char *ls_explain_path(const struct ls_subject *subject, const char *ending,
                            char path[LS_TEXT_MAX + 64]);
/* What explanations of samples have besides those of the method, behind them: the explained value,
 * what is predicted, which element of the output is explained, the sample's number. */
enum { LS_EXPLAIN_COMMON = 4 };
/* The next rows: arrays of the method, then those. */
LS_MUST_USE enum ls_status ls_explain_file_append(struct ls_explain_file *file, char *const *arrays,
                                                  int64_t rows, struct ls_error *error);
LS_MUST_USE enum ls_status ls_explain_file_close(struct ls_explain_file *file, bool keep,
                                                 struct ls_error *error);
/* Bytes of a row of those arrays. */
size_t ls_explain_row_bytes(const struct ls_subject *subject, int array);
/* Whether row n of them is attributions of a sample that are zero, all of them; and a warning of so
 * many, with what to do about it (silent.c). */
bool ls_explain_silent(const struct ls_subject *subject, char *const *arrays, int64_t n);
void ls_explain_say_silent(const struct ls_subject *subject, int64_t count);

/* Pictures that go with it, of the first rows (pictures.c). NULL: there are none. */
struct ls_names;
struct ls_explain_pictures *ls_explain_pictures_create(struct ls_subject *subject,
                                                       const struct ls_names *names);
void ls_explain_pictures_destroy(struct ls_explain_pictures *pictures);
/* The next rows, as they are appended to the file. */
void ls_explain_pictures_keep(struct ls_explain_pictures *pictures, char *const *arrays,
                              int64_t rows);
LS_MUST_USE enum ls_status ls_explain_pictures_write(struct ls_explain_pictures *pictures,
                                                     struct ls_error *error);

#endif
