/* index.h5: every tensor of every array as one virtual dataset over the shards, for people and
 * their tools. It is never read back: a missing shard shows as NaN here, without an error. */
#include "io/checkpoint_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"

/* The blocks of one group in all shards, shard by shard. */
struct placed_block {
    struct ls_parameter_block block;
    int shard;
};

struct index {
    hid_t image, with_groups;
    int world_size;
    const struct ls_parameter_set *parameters;
    int count;
    struct placed_block *blocks; /* owned */
};

static void collect(struct index *index, int group) {
    index->count = 0;
    for (int r = 0; r < index->world_size; r++) {
        int count;
        struct ls_parameter_block *blocks = ls_parameters_blocks(
            index->parameters, ls_parameters_slice(index->parameters, group, r, index->world_size),
            &count);
        index->blocks =
            ls_realloc(index->blocks, (size_t)(index->count + count) + 1, sizeof *index->blocks);
        for (int i = 0; i < count; i++)
            index->blocks[index->count++] = (struct placed_block){blocks[i], r};
        free(blocks);
    }
}

static hid_t create_space(struct ls_shape shape) {
    hsize_t dims[LS_RANK_MAX];
    for (int d = 0; d < shape.rank; d++)
        dims[d] = (hsize_t)shape.dims[d];
    return H5Screate_simple(shape.rank, dims, NULL);
}

/* Maps the block that `placed` covers of the whole tensor to its dataset in the shard. */
static bool map_block(const struct index *index, hid_t plan, hid_t whole, const char *array,
                      const struct placed_block *placed) {
    const struct ls_parameter_block *block = &placed->block;
    char file[64], path[LS_NAME_MAX * 2 + 32];
    ls_checkpoint_shard_name(file, placed->shard, index->world_size);
    snprintf(path, sizeof path, "/%s/%s/%lld", array, block->parameter->name,
             (long long)block->first);
    hsize_t start[LS_RANK_MAX] = {0}, count[LS_RANK_MAX];
    for (int d = 0; d < block->shape.rank; d++)
        count[d] = (hsize_t)block->shape.dims[d];
    start[block->axis] = (hsize_t)block->first;
    const hid_t memory = create_space(block->shape);
    const bool ok = memory >= 0 &&
                    H5Sselect_hyperslab(whole, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                    H5Pset_virtual(plan, whole, file, path, memory) >= 0;
    ls_hdf5_close(memory);
    return ok;
}

static bool add_tensor(const struct index *index, const char *array,
                       const struct ls_parameter *parameter) {
    char path[LS_NAME_MAX * 2 + 4];
    snprintf(path, sizeof path, "/%s/%s", array, parameter->name);
    const float missing = NAN;
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE), whole = create_space(parameter->shape);
    hid_t dataset = H5I_INVALID_HID;
    bool ok = plan >= 0 && whole >= 0 && H5Pset_obj_track_times(plan, false) >= 0 &&
              H5Pset_fill_value(plan, H5T_NATIVE_FLOAT, &missing) >= 0;
    for (int i = 0; i < index->count && ok; i++)
        if (index->blocks[i].block.parameter == parameter)
            ok = map_block(index, plan, whole, array, &index->blocks[i]);
    if (ok)
        dataset = H5Dcreate2(index->image, path, H5T_IEEE_F32LE, whole, index->with_groups, plan,
                             H5P_DEFAULT);
    ls_hdf5_close(dataset);
    ls_hdf5_close(whole);
    ls_hdf5_close(plan);
    return dataset >= 0;
}

/* Every array that a group has, of every parameter in it. */
static bool add_group(struct index *index, const struct ls_checkpoint_arrays *arrays) {
    bool ok = true;
    collect(index, arrays->group);
    for (int a = 0; a < arrays->count && ok; a++)
        for (int p = 0; p < index->parameters->count && ok; p++)
            if (index->parameters->items[p]->group == arrays->group)
                ok = add_tensor(index, arrays->names[a], index->parameters->items[p]);
    return ok;
}

static bool add_groups(struct index *index, const struct ls_checkpoint_content *content) {
    index->with_groups = H5Pcreate(H5P_LINK_CREATE);
    bool ok =
        index->with_groups >= 0 && H5Pset_create_intermediate_group(index->with_groups, 1) >= 0;
    for (int g = 0; g < content->count && ok; g++)
        ok = add_group(index, &content->groups[g]);
    ls_hdf5_close(index->with_groups);
    return ok;
}

/* About how large it will be: a mapping for every block of every array. */
static size_t index_bytes(const struct ls_checkpoint_content *content, int world_size) {
    size_t mappings = 0;
    for (int g = 0; g < content->count; g++)
        mappings +=
            (size_t)content->groups[g].count * (size_t)(content->parameters->count + world_size);
    return mappings * 2048 + 4096;
}

enum ls_status ls_checkpoint_write_index(const char *folder,
                                         const struct ls_checkpoint_commit *commit,
                                         struct ls_checkpoint_file *file, struct ls_error *error) {
    const struct ls_checkpoint_content *content = commit->content;
    char path[LS_PATH_MAX];
    ls_path_print(path, "%s/%s", folder, LS_CHECKPOINT_INDEX);
    *file = (struct ls_checkpoint_file){0};
    struct index index = {.world_size = commit->write->world_size,
                          .parameters = content->parameters};
    enum ls_status status =
        ls_image_create(path, index_bytes(content, index.world_size), &index.image, error);
    if (status == LS_OK && !add_groups(&index, content))
        status = ls_hdf5_fail(error, LS_SYSTEM, "cannot make %s", path);
    if (status == LS_OK)
        status = ls_image_write(index.image, path, file, error);
    ls_hdf5_close(index.image);
    free(index.blocks);
    return status;
}
