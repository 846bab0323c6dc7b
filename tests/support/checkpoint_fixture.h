/* A small set of parameters of every kind and layout, in two groups and a fixed one, and
 * checkpoints of made-up values over it. */
#ifndef LS_TESTS_CHECKPOINT_FIXTURE_H
#define LS_TESTS_CHECKPOINT_FIXTURE_H

#include "io/checkpoint.h"

enum { LS_FIXTURE_ARRAYS = 2 }; /* "parameters" and, of what is not fixed, "optimizer/moment1" */

/* Owned by the caller: ls_parameters_destroy. */
struct ls_parameter_set *ls_fixture_parameters(void);
/* The same parameters as checkpoints had them before there were groups: all in one, the constant,
 * too. */
struct ls_parameter_set *ls_fixture_one_group(void);

/* Fills a flat buffer with values that only (array, step, parameter, place) decide; padding is
 * zero. */
void ls_fixture_fill(const struct ls_parameter_set *set, int array, uint64_t step, float *flat);

/* One process plays all ranks: begin, every shard, commit. */
enum ls_status ls_fixture_save(const char *run, const struct ls_parameter_set *set, uint64_t step,
                               int world_size, int keep, struct ls_error *error);

/* Loads with `readers` slices and compares every bit with ls_fixture_fill of the checkpoint's step;
 * LS_DAMAGED says where it differs. */
enum ls_status ls_fixture_check(const struct ls_checkpoint *checkpoint,
                                const struct ls_parameter_set *set, int readers,
                                struct ls_error *error);

#endif
