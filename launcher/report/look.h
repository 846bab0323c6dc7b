/* What a look through a run's model adds to what its folder says: where it is wrong, and what it
 * makes up. */
#ifndef LS_LAUNCHER_LOOK_H
#define LS_LAUNCHER_LOOK_H

#include <jansson.h>

#include "core/tensor/shape.h"
#include "io/row_names.h"
#include "launcher/command/trained.h"

#define LS_LOOK_TEMPERATURE 0.8 /* of texts */
enum { LS_LOOK_SEED = 1 };      /* of what is made up */
enum { LS_MISTAKES_MAX = 16, LS_ANSWERS_SHOWN_MAX = 4 };

struct ls_mistake {
    double score;                     /* the larger, the worse */
    uint64_t row;                     /* number of the sample in its data set */
    int32_t label, answer;            /* of classes */
    double label_share, answer_share; /* their probabilities */
    double targets[LS_ANSWERS_SHOWN_MAX], outputs[LS_ANSWERS_SHOWN_MAX]; /* the first numbers */
    float *sample; /* owned: the first feed that the model takes, if it is of reals; or NULL */
    float *made;   /* owned: the answer, of a model that answers with samples; else NULL */
};

struct ls_mistakes {
    int count;
    struct ls_mistake items[LS_MISTAKES_MAX]; /* the worst first */
};

enum ls_look_kind { LS_LOOK_NOTHING, LS_LOOK_CLASSES, LS_LOOK_NUMBERS };

struct ls_look {
    char *problem; /* owned, like the rest: why there are no mistakes to see; NULL: no problem */
    uint64_t step; /* of the checkpoint */
    enum ls_look_kind kind;
    const char *part;
    int64_t rows, wrong;
    json_t *measured;         /* classes and confusion, as in result.json; NULL: there are none */
    struct ls_mistakes worst; /* the least probable labels, or the largest errors */
    struct ls_mistakes confident; /* the most probable wrong answers */
    struct ls_shape shape;        /* of a sample */
    int64_t width;                /* numbers of an answer */
    int column_count;
    char **columns; /* names of a sample's values; NULL: they have none */
    int class_count;
    char **classes;
    struct ls_row_names names; /* of the part's data set */

    char *made_problem; /* what the model makes up: why there is nothing of it */
    char *text;
    void *picture; /* bytes of a PNG file */
    size_t picture_bytes;
    uint64_t made_step; /* of the checkpoint that made it */
};

/* Never fails: what cannot be had is said in the problems. ls_look_clear. */
void ls_look_run(struct ls_look *look, const char *run, int64_t threads);
void ls_look_clear(struct ls_look *look);

/* Private to this folder: the two halves. */
LS_MUST_USE enum ls_status ls_look_mistakes(struct ls_look *look, struct ls_trained *trained,
                                            struct ls_error *error);
LS_MUST_USE enum ls_status ls_look_samples(struct ls_look *look, const char *run,
                                           struct ls_error *error);

#endif
