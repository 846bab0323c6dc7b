#include "tests/support/checkpoint_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"

static const char *const array_names[LS_FIXTURE_ARRAYS] = {"parameters", "optimizer/moment1"};

static void add(struct ls_parameter_set *set, const char *name, struct ls_shape shape,
                enum ls_layout layout, enum ls_parameter_kind kind) {
    struct ls_parameter description = {.shape = shape, .layout = layout, .kind = kind};
    snprintf(description.name, sizeof description.name, "%s", name);
    struct ls_parameter *added;
    struct ls_error error;
    const enum ls_status status = ls_parameters_add(set, &description, &added, &error);
    LS_ASSERT(status == LS_OK, "%s", error.text);
}

struct ls_parameter_set *ls_fixture_parameters(void) {
    struct ls_parameter_set *set = ls_parameters_create();
    add(set, "head.weight", LS_SHAPE(20, 70), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    add(set, "head.bias", LS_SHAPE(70), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    add(set, "stage1.block0.conv1.weight", LS_SHAPE(3, 3, 4, 140), LS_LAYOUT_PANELS,
        LS_PARAMETER_WEIGHT);
    add(set, "stage1.block0.norm.mean", LS_SHAPE(40), LS_LAYOUT_PLAIN, LS_PARAMETER_STATISTIC);
    add(set, "embedding.table", LS_SHAPE(1000, 24), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    add(set, "standardise.offset", LS_SHAPE(3), LS_LAYOUT_PLAIN, LS_PARAMETER_CONSTANT);
    ls_parameters_layout(set);
    return set;
}

void ls_fixture_fill(const struct ls_parameter_set *set, int array, uint64_t step, float *flat) {
    memset(flat, 0, (size_t)set->total * sizeof *flat);
    for (int p = 0; p < set->count; p++) {
        const struct ls_parameter *parameter = set->items[p];
        const int64_t count = ls_parameter_plain_count(parameter);
        const struct ls_random_key key = ls_random_key(7, (uint32_t)array, step, (uint64_t)p);
        float *plain = ls_calloc((size_t)count, sizeof *plain);
        for (int64_t i = 0; i < count; i++)
            plain[i] = (float)(ls_random_uniform(key, (uint64_t)i) - 0.5);
        plain[0] = -0.0f;
        ls_parameter_store(parameter, plain, flat + parameter->offset);
        free(plain);
    }
}

static struct ls_checkpoint_arrays slice_arrays(const struct ls_parameter_set *set, int rank,
                                                int world_size, float *const *flats) {
    struct ls_checkpoint_arrays arrays = {.parameters = set, .count = LS_FIXTURE_ARRAYS};
    ls_parameters_slice(set, rank, world_size, &arrays.begin, &arrays.end);
    for (int a = 0; a < LS_FIXTURE_ARRAYS; a++) {
        snprintf(arrays.names[a], LS_ARRAY_NAME_MAX, "%s", array_names[a]);
        arrays.data[a] = flats[a] + arrays.begin;
    }
    return arrays;
}

static enum ls_status save(const struct ls_parameter_set *set, struct ls_checkpoint_write write,
                           float *const *flats, int keep, struct ls_error *error) {
    enum ls_status status = ls_checkpoint_begin(&write, error);
    struct ls_checkpoint_file *files = ls_calloc((size_t)write.world_size, sizeof *files);
    int64_t *slices = ls_calloc((size_t)write.world_size + 1, sizeof *slices);
    struct ls_checkpoint_arrays arrays = {0};
    for (int r = write.world_size - 1; r >= 0 && status == LS_OK; r--) {
        write.rank = r;
        arrays = slice_arrays(set, r, write.world_size, flats);
        slices[r] = arrays.begin;
        status = ls_checkpoint_write_shard(&write, &arrays, &files[r], error);
    }
    slices[write.world_size] = set->total;
    char state[64];
    snprintf(state, sizeof state, "{\"epoch\": 0.1, \"next\": %llu}",
             (unsigned long long)write.step + 1);
    if (status == LS_OK)
        status = ls_checkpoint_commit(&write, &arrays, files, slices, state, keep, error);
    if (status != LS_OK)
        ls_checkpoint_abandon(&write);
    free(slices);
    free(files);
    return status;
}

enum ls_status ls_fixture_save(const char *run, const struct ls_parameter_set *set, uint64_t step,
                               int world_size, int keep, struct ls_error *error) {
    float *flats[LS_FIXTURE_ARRAYS];
    for (int a = 0; a < LS_FIXTURE_ARRAYS; a++) {
        flats[a] = ls_calloc((size_t)set->total, sizeof(float));
        ls_fixture_fill(set, a, step, flats[a]);
    }
    const struct ls_checkpoint_write write = {
        .run = run, .step = step, .incarnation = 1, .world_size = world_size};
    const enum ls_status status = save(set, write, flats, keep, error);
    for (int a = 0; a < LS_FIXTURE_ARRAYS; a++)
        free(flats[a]);
    return status;
}

enum ls_status ls_fixture_check(const struct ls_checkpoint *checkpoint,
                                const struct ls_parameter_set *set, int readers,
                                struct ls_error *error) {
    float *flats[LS_FIXTURE_ARRAYS];
    const size_t bytes = (size_t)set->total * sizeof(float);
    for (int a = 0; a < LS_FIXTURE_ARRAYS; a++) {
        flats[a] = ls_calloc((size_t)set->total, sizeof(float));
        memset(flats[a], 0x55, bytes); /* what is not loaded shows, padding included */
    }
    enum ls_status status = LS_OK;
    for (int r = 0; r < readers && status == LS_OK; r++) {
        const struct ls_checkpoint_arrays arrays = slice_arrays(set, r, readers, flats);
        status = ls_checkpoint_load(checkpoint, &arrays, error);
    }
    float *expected = ls_calloc((size_t)set->total, sizeof *expected);
    for (int a = 0; a < LS_FIXTURE_ARRAYS; a++) {
        ls_fixture_fill(set, a, checkpoint->step, expected);
        if (status == LS_OK && memcmp(flats[a], expected, bytes) != 0)
            status = ls_fail(error, LS_DAMAGED, "%s of step %llu are not what was saved",
                             array_names[a], (unsigned long long)checkpoint->step);
        free(flats[a]);
    }
    free(expected);
    return status;
}
