/* The data of a run: its parts as the config says, and what a model needs to know of them. */
#ifndef LS_LAUNCHER_DATA_H
#define LS_LAUNCHER_DATA_H

#include "core/models/model.h"
#include "io/dataset.h"
#include "io/loader.h"
#include "io/schema.h"
#include "io/source.h"
#include "launcher/config/config.h"
#include "launcher/worker/worker.h"

enum { LS_PARTS = 3 };

struct ls_data {
    struct ls_dataset *datasets[LS_PARTS]; /* owned; by enum ls_source_role; NULL where absent */
    struct ls_part parts[LS_PARTS];        /* dataset NULL where absent */
    struct ls_feed_options options[LS_PARTS][LS_FEEDS_MAX]; /* of the feeds on offer */
    struct ls_feed feeds[LS_FEEDS_MAX];
    int feed_count;
    uint64_t *samples[LS_PARTS];  /* owned; of parts that are lists of samples */
    char *missing[LS_FEEDS_MAX];  /* owned; of feeds that the data has no column for */
    struct ls_schema schema;      /* of the training data; no columns: it is no table */
    char *schema_text;            /* owned; what other tables are read with; NULL: it is none */
    char vocabulary[LS_TEXT_MAX]; /* what raw training texts are read with; "": their own */
    /* Owned; of each feed, what is taken off its values in double (standardise.c); or NULL. */
    double *centres[LS_FEEDS_MAX];
};

/* Who opens data: one process fills the cache; then one of each host checks decoded copies, or
 * makes them; the others take what is there. */
enum ls_turn { LS_TURN_FIRST, LS_TURN_FIRST_OF_HOST, LS_TURN_AFTER };
struct ls_data_request {
    enum ls_turn turn;
    const char *run; /* the run's own folder, if it has begun (ls_start_vocabulary); or NULL */
};
/* Errors about a data.* key name it. */
LS_MUST_USE enum ls_status ls_data_open(struct ls_data *data, const struct ls_config *config,
                                        const struct ls_data_request *request,
                                        struct ls_error *error);
/* What a config makes of a feed, besides its name and shape. */
void ls_data_mark_feed(const struct ls_config *config, struct ls_feed *feed);
/* Other data for a run's model: the test part. */
struct ls_given_data {
    const char *file;   /* a source as in a config */
    const char *run;    /* whose vocabulary the file is read with, and must have */
    const char *cache;  /* where what is imported of it goes; NULL: the cache */
    const char *schema; /* of the run's checkpoint, likewise; NULL: its data is no table */
    bool targets; /* read what losses take; if not, what only they take is on offer without a shape
                     and not read */
};
LS_MUST_USE enum ls_status ls_data_open_given(struct ls_data *data, const struct ls_config *config,
                                              const struct ls_given_data *given,
                                              struct ls_error *error);
void ls_data_close(struct ls_data *data);

/* The parts of data.train that data.split asks for (split.c). */
LS_MUST_USE enum ls_status ls_data_split(struct ls_data *data, const struct ls_config *config,
                                         struct ls_error *error);

/* Opens a part's data set; texts as targets are read with the labels that a schema (NULL: none)
 * knows. */
LS_MUST_USE enum ls_status ls_data_open_labelled(struct ls_data *data, int role, const char *schema,
                                                 struct ls_dataset_options *options,
                                                 struct ls_error *error);

/* Whether the targets of an opened part are one-hot rows, which a classification reads as labels:
 * every row has a single 1 among 0s. */
LS_MUST_USE enum ls_status ls_data_settle_targets(struct ls_data *data,
                                                  const struct ls_config *config, int role,
                                                  struct ls_error *error);

/* With data.shuffle: blocks, the samples of each part of a split in the order of the file, that
 * blocks of them are neighbours there. */
void ls_data_sort_parts(struct ls_data *data, const struct ls_config *config);

/* Says what looks wrong about the data but is none: once, at the start. */
void ls_data_note(const struct ls_data *data, const struct ls_config *config);

/* What loaders of a part read for a model: a use for each of its inputs, in their order; returns
 * their number. Borrows from data. */
int ls_data_uses(const struct ls_data *data, int role, const struct ls_worker *worker,
                 struct ls_feed_use uses[LS_FEEDS_MAX]);

/* Mean and scale of the training part into the constants of the feeds that the model has scaled, in
 * the worker's flat parameters; and into the feeds' centres where float would lose digits. */
LS_MUST_USE enum ls_status ls_data_standardise(struct ls_data *data, const struct ls_worker *worker,
                                               struct ls_error *error);
/* Whether a parameter is the mean or the scale of a feed that the config has standardised. */
bool ls_data_scales(const struct ls_data *data, const char *parameter);
/* The centres as text, owned by the caller; NULL: there are none. Then those of a run's text (may
 * be NULL), for this data; or added to the values[count] of one of its feeds (*there: it has some).
 */
char *ls_data_print_centres(const struct ls_data *data);
LS_MUST_USE enum ls_status ls_data_take_centres(struct ls_data *data, const char *text,
                                                struct ls_error *error);
LS_MUST_USE enum ls_status ls_centres_add(const char *text, const char *feed, int64_t count,
                                          double *values, bool *there, struct ls_error *error);

/* Weights of classes from the labels of the training part (class_weights: balanced), into the
 * worker's flat parameters; and whether some term asks for them. */
LS_MUST_USE enum ls_status ls_data_balance(const struct ls_data *data,
                                           const struct ls_worker *worker, struct ls_error *error);
bool ls_worker_balances(const struct ls_worker *worker);

/* Reads all indices and labels that the model takes once: one beyond its limit is an error now, not
 * after an hour. */
LS_MUST_USE enum ls_status ls_data_check(const struct ls_data *data, const struct ls_worker *worker,
                                         struct ls_error *error);

/* RUN/vocabulary.json: the words behind the tokens of the training data, where it has any. */
LS_MUST_USE enum ls_status ls_data_save_vocabularies(const struct ls_data *data, const char *run,
                                                     struct ls_error *error);
/* Whose words tokens must mean. */
struct ls_meaning {
    const char *run; /* NULL: those of the training data */
    bool any;        /* where none of the run's are of that column, its first */
};
/* Whether all files of a part mean by their tokens what they must. */
LS_MUST_USE enum ls_status ls_data_check_vocabularies(const struct ls_data *data, int role,
                                                      struct ls_meaning words,
                                                      struct ls_error *error);
/* The tokens of given data are those of the run, whatever file they lie in: plain integers do not
 * say how many there are. path: of the run's vocabularies. */
LS_MUST_USE enum ls_status ls_data_take_vocabularies(struct ls_data *data, const char *path,
                                                     struct ls_error *error);
/* Whether the tokens of the feed inputs, which masks are put over, begin with the special ones. */
LS_MUST_USE enum ls_status ls_data_check_specials(const struct ls_data *data,
                                                  struct ls_error *error);
/* The schema of the training data, if it is a table; all of its files must agree. Then those of the
 * other parts that have one. */
LS_MUST_USE enum ls_status ls_data_learn_schema(struct ls_data *data, struct ls_error *error);
LS_MUST_USE enum ls_status ls_data_check_schemas(const struct ls_data *data,
                                                 struct ls_error *error);
/* What missing cells of all parts become, where that is learned: from the training part alone. */
LS_MUST_USE enum ls_status ls_data_learn_fill(struct ls_data *data, struct ls_error *error);
/* The schema, and with it the fill values, of a run (its text); and the same after a look whether
 * the part's files agree. */
LS_MUST_USE enum ls_status ls_data_adopt_schema(struct ls_data *data, const char *text,
                                                struct ls_error *error);
LS_MUST_USE enum ls_status ls_data_take_schema(struct ls_data *data, const char *text, int role,
                                               bool targets, struct ls_error *error);
/* RUN/schema.json, where there is one. */
LS_MUST_USE enum ls_status ls_data_save_schema(const struct ls_data *data, const char *run,
                                               struct ls_error *error);
/* The path of the vocabularies of a run. */
const char *ls_vocabulary_path(const char *run, char path[LS_TEXT_MAX]);

/* The feed of that name, or NULL. */
const struct ls_feed *ls_data_feed(const struct ls_data *data, const char *name);

/* "train", "validation", "test" */
const char *ls_part_name(int role);

#endif
