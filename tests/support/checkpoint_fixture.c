#include "tests/support/checkpoint_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"

enum { NOT_LOADED = 0x55 };

static const char *const array_names[LS_FIXTURE_ARRAYS] = {"parameters", "optimizer/moment1"};

static void add(struct ls_parameter_set *set, int group, const char *name, struct ls_shape shape,
                enum ls_layout layout, enum ls_parameter_kind kind) {
    struct ls_parameter description = {
        .shape = shape, .layout = layout, .kind = kind, .group = group};
    snprintf(description.name, sizeof description.name, "%s", name);
    struct ls_parameter *added;
    struct ls_error error;
    const enum ls_status status = ls_parameters_add(set, &description, &added, &error);
    LS_ASSERT(status == LS_OK, "%s", error.text);
}

static struct ls_parameter_set *create_set(void) {
    struct ls_parameter_set *set = ls_parameters_create();
    add(set, 0, "head.weight", LS_SHAPE(20, 70), LS_LAYOUT_PANELS, LS_PARAMETER_WEIGHT);
    add(set, 0, "head.bias", LS_SHAPE(70), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    add(set, 1, "stage1.block0.conv1.weight", LS_SHAPE(3, 3, 4, 140), LS_LAYOUT_PANELS,
        LS_PARAMETER_WEIGHT);
    add(set, 1, "stage1.block0.norm.mean", LS_SHAPE(40), LS_LAYOUT_PLAIN, LS_PARAMETER_STATISTIC);
    add(set, 1, "embedding.table", LS_SHAPE(1000, 24), LS_LAYOUT_PLAIN, LS_PARAMETER_WEIGHT);
    add(set, 0, "standardise.offset", LS_SHAPE(3), LS_LAYOUT_PLAIN, LS_PARAMETER_CONSTANT);
    return set;
}

struct ls_parameter_set *ls_fixture_parameters(void) {
    struct ls_parameter_set *set = create_set();
    ls_parameters_layout(set);
    return set;
}

struct ls_parameter_set *ls_fixture_one_group(void) {
    struct ls_parameter_set *set = create_set();
    for (int p = 0; p < set->count; p++)
        set->items[p]->group = 0;
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

/* A slice of every group that there is; what is fixed has no state. */
static struct ls_checkpoint_content content_of(const struct ls_parameter_set *set, int rank,
                                               int world_size, float *const *flats) {
    struct ls_checkpoint_content content = {.parameters = set};
    for (int g = 0; g <= LS_GROUP_FIXED; g++) {
        if (!ls_range_count(set->groups[g]))
            continue;
        struct ls_checkpoint_arrays *arrays = &content.groups[content.count++];
        arrays->group = g;
        arrays->slice = ls_parameters_slice(set, g, rank, world_size);
        arrays->count = g == LS_GROUP_FIXED ? 1 : LS_FIXTURE_ARRAYS;
        for (int a = 0; a < arrays->count; a++) {
            snprintf(arrays->names[a], LS_ARRAY_NAME_MAX, "%s", array_names[a]);
            arrays->data[a] = flats[a] + arrays->slice.first;
        }
    }
    return content;
}

static enum ls_status save(const struct ls_parameter_set *set, struct ls_checkpoint_write write,
                           float *const *flats, int keep, struct ls_error *error) {
    enum ls_status status = ls_checkpoint_begin(&write, error);
    struct ls_checkpoint_file *files = ls_calloc((size_t)write.world_size, sizeof *files);
    struct ls_checkpoint_content content = {0};
    for (int r = write.world_size - 1; r >= 0 && status == LS_OK; r--) {
        write.rank = r;
        content = content_of(set, r, write.world_size, flats);
        status = ls_checkpoint_write_shard(&write, &content, &files[r], error);
    }
    char state[64];
    snprintf(state, sizeof state, "{\"epoch\": 0.1, \"next\": %llu}",
             (unsigned long long)write.step + 1);
    const struct ls_checkpoint_commit commit = {
        .write = &write, .content = &content, .files = files, .state = state, .keep = keep};
    if (status == LS_OK)
        status = ls_checkpoint_commit(&commit, error);
    if (status != LS_OK)
        ls_checkpoint_abandon(&write);
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
    const struct ls_range fixed = set->groups[LS_GROUP_FIXED];
    for (int a = 0; a < LS_FIXTURE_ARRAYS; a++) {
        flats[a] = ls_calloc((size_t)set->total, sizeof(float));
        memset(flats[a], NOT_LOADED, bytes); /* what is not loaded shows, padding included */
    }
    enum ls_status status = LS_OK;
    for (int r = 0; r < readers && status == LS_OK; r++) {
        const struct ls_checkpoint_content content = content_of(set, r, readers, flats);
        status = ls_checkpoint_load(checkpoint, &content, error);
    }
    float *expected = ls_calloc((size_t)set->total, sizeof *expected);
    for (int a = 0; a < LS_FIXTURE_ARRAYS; a++) {
        ls_fixture_fill(set, a, checkpoint->step, expected);
        if (a > 0) /* nobody loads state of what is fixed */
            memset(expected + fixed.first, NOT_LOADED,
                   (size_t)ls_range_count(fixed) * sizeof *expected);
        if (status == LS_OK && memcmp(flats[a], expected, bytes) != 0)
            status = ls_fail(error, LS_DAMAGED, "%s of step %llu are not what was saved",
                             array_names[a], (unsigned long long)checkpoint->step);
        free(flats[a]);
    }
    free(expected);
    return status;
}
