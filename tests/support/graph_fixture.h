/* Small models for the tests of the graph, with data and weights that depend on nothing but the
 * position. */
#ifndef LS_TESTS_GRAPH_FIXTURE_H
#define LS_TESTS_GRAPH_FIXTURE_H

#include "core/graph/graph.h"

enum ls_fixture_model {
    LS_FIXTURE_MLP,       /* linear, ReLU, dropout, cross-entropy */
    LS_FIXTURE_CNN,       /* convolutions, batch norm, pooling, dropout */
    LS_FIXTURE_RESIDUAL,  /* identity and strided shortcuts, ReLU after the sum */
    LS_FIXTURE_BRANCHES,  /* values used several times, concat, products, reshapes, layer norm */
    LS_FIXTURE_RECURRENT, /* lstm, gru and rnn with states that other layers make */
    LS_FIXTURE_COUNT
};
extern const char *const ls_fixture_names[LS_FIXTURE_COUNT];

struct ls_fixture {
    struct ls_graph *graph;
    struct ls_parameter_set *set; /* owned by the first fixture of a set */
    bool owns_set;
    struct ls_value *input, *target, *output, *loss;
    float *parameters, *gradients; /* set->total elements; owned */
    uint64_t *row_ids;             /* owned */
};

/* set NULL: a set of its own. options: rows_max and the switches; the variant is the best float
 * one. */
struct ls_fixture ls_fixture_create(enum ls_fixture_model model, struct ls_graph_options options,
                                    struct ls_parameter_set *set);
void ls_fixture_destroy(struct ls_fixture *fixture);

/* Rows first .. first+rows-1 of the global batch: writes inputs and targets, returns the run. */
struct ls_run ls_fixture_rows(struct ls_fixture *fixture, int64_t first, int64_t rows,
                              int64_t microbatch_rows, bool training);

/* Records `model` and sets the loss; the graph is not planned yet. */
void ls_fixture_record(struct ls_fixture *fixture, enum ls_fixture_model model);

#endif
