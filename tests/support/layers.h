/* Models written in C, for tests: what a config's `model` section says in YAML. */
#ifndef LS_TESTS_LAYERS_H
#define LS_TESTS_LAYERS_H

#include "core/models/model.h"

/* Appends a layer; "name" and options as texts, ending with NULL:
 *     ls_test_layer(&list, "linear", "name", "head", "units", "10", NULL);
 * The pointer is good until the next layer of the same list. */
struct ls_layer_spec *ls_test_layer(struct ls_layer_list *list, const char *layer, ...)
    __attribute__((sentinel));

/* A model with everything that belongs to it. */
struct ls_test_model {
    struct ls_layer_list losses;
    struct ls_parameter_set *parameters;
    struct ls_model model;
    float *weights, *gradients; /* flat */
};

/* Plain cases: one task kind, float inputs. The error, if any, is in ls_test_error. */
enum ls_status ls_test_model_create(struct ls_test_model *made, const struct ls_layer_list *layers,
                                    enum ls_task_kind kind, struct ls_shape input,
                                    int64_t rows_max);
void ls_test_model_destroy(struct ls_test_model *made);

/* Forward and backward of `rows` samples in microbatches of `microbatch_rows`; returns the mean
 * loss. */
double ls_test_model_run(struct ls_test_model *made, int64_t rows, int64_t microbatch_rows,
                         uint64_t step);

/* weights -= rate * gradients / rows */
void ls_test_model_descend(struct ls_test_model *made, double rate, int64_t rows);

#endif
