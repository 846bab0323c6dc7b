/* One rank's shard: every block of its slices, for every array. */
#include "io/checkpoint_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"

/* count 0: a scalar. */
static bool add_attribute(hid_t dataset, const char *name, const int64_t *values, int count) {
    const hsize_t extent = (hsize_t)count;
    const hid_t space = count ? H5Screate_simple(1, &extent, NULL) : H5Screate(H5S_SCALAR);
    const hid_t attribute =
        H5Acreate2(dataset, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    const bool ok = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_INT64, values) >= 0;
    ls_hdf5_close(attribute);
    ls_hdf5_close(space);
    return ok;
}

/* With these a reader places the block without knowing how the writer's slices were cut. */
static bool describe(hid_t dataset, const struct ls_parameter_block *block) {
    const struct ls_shape *shape = &block->parameter->shape;
    const int64_t axis = block->axis;
    return add_attribute(dataset, "axis", &axis, 0) &&
           add_attribute(dataset, "first", &block->first, 0) &&
           add_attribute(dataset, "count", &block->count, 0) &&
           add_attribute(dataset, "shape", shape->dims, shape->rank);
}

static bool write_piece(hid_t image, hid_t with_groups, const char *array,
                        const struct ls_parameter_block *block, const float *plain) {
    char path[LS_NAME_MAX * 2 + 32];
    snprintf(path, sizeof path, "/%s/%s/%lld", array, block->parameter->name,
             (long long)block->first);
    hsize_t dims[LS_RANK_MAX];
    for (int d = 0; d < block->shape.rank; d++)
        dims[d] = (hsize_t)block->shape.dims[d];
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t space = H5Screate_simple(block->shape.rank, dims, NULL);
    hid_t dataset = H5I_INVALID_HID;
    if (plan >= 0 && H5Pset_obj_track_times(plan, false) >= 0) /* same numbers, same bytes */
        dataset = H5Dcreate2(image, path, H5T_IEEE_F32LE, space, with_groups, plan, H5P_DEFAULT);
    const bool ok =
        dataset >= 0 &&
        H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, plain) >= 0 &&
        describe(dataset, block);
    ls_hdf5_close(dataset);
    ls_hdf5_close(space);
    ls_hdf5_close(plan);
    return ok;
}

/* The blocks of one slice. */
struct blocks {
    int count;
    struct ls_parameter_block *items; /* owned */
};

static bool write_pieces(hid_t image, const struct ls_checkpoint_arrays *arrays,
                         const struct blocks *blocks, float *plain) {
    const hid_t with_groups = H5Pcreate(H5P_LINK_CREATE);
    bool ok = with_groups >= 0 && H5Pset_create_intermediate_group(with_groups, 1) >= 0;
    for (int a = 0; a < arrays->count && ok; a++)
        for (int i = 0; i < blocks->count && ok; i++) {
            const struct ls_parameter_block *block = &blocks->items[i];
            ls_parameter_block_fetch(block, arrays->data[a] + (block->offset - arrays->slice.first),
                                     plain);
            ok = write_piece(image, with_groups, arrays->names[a], block, plain);
        }
    ls_hdf5_close(with_groups);
    return ok;
}

/* Returns the elements of the largest block; adds to *bytes what a file of all of them takes. */
static int64_t measure(const struct blocks *blocks, int arrays, size_t *bytes) {
    int64_t largest = 0;
    for (int i = 0; i < blocks->count; i++) {
        const struct ls_parameter_block *block = &blocks->items[i];
        const int64_t elements = ls_shape_count(block->shape);
        LS_ASSERT(block->shape.rank > 0, "%s has rank 0; a block needs an axis",
                  block->parameter->name);
        largest = elements > largest ? elements : largest;
        *bytes += (size_t)arrays * ((size_t)elements * sizeof(float) + 4096); /* HDF5's records */
    }
    return largest;
}

static enum ls_status write_image(const char *path, const struct ls_checkpoint_content *content,
                                  struct ls_checkpoint_file *file, struct ls_error *error) {
    struct blocks blocks[LS_GROUP_FIXED + 1];
    size_t bytes = 4096;
    int64_t largest = 0;
    for (int g = 0; g < content->count; g++) {
        const struct ls_range slice = content->groups[g].slice;
        blocks[g].items = ls_parameters_blocks(content->parameters, slice, &blocks[g].count);
        const int64_t most = measure(&blocks[g], content->groups[g].count, &bytes);
        largest = most > largest ? most : largest;
    }
    float *plain = ls_calloc((size_t)largest + 1, sizeof *plain);
    hid_t image;
    enum ls_status status = ls_image_create(path, bytes, &image, error);
    for (int g = 0; g < content->count; g++) {
        if (status == LS_OK && !write_pieces(image, &content->groups[g], &blocks[g], plain))
            status = ls_hdf5_fail(error, LS_SYSTEM, "cannot make %s", path);
        free(blocks[g].items);
    }
    if (status == LS_OK)
        status = ls_image_write(image, path, file, error);
    ls_hdf5_close(image);
    free(plain);
    return status;
}

void ls_checkpoint_shard_name(char name[64], int rank, int world_size) {
    snprintf(name, 64, "shard-%05d-of-%05d.h5", rank, world_size);
}

enum ls_status ls_checkpoint_write_shard(const struct ls_checkpoint_write *write,
                                         const struct ls_checkpoint_content *content,
                                         struct ls_checkpoint_file *file, struct ls_error *error) {
    char folder[LS_PATH_MAX], name[64], path[LS_PATH_MAX];
    ls_checkpoint_temporary(folder, write);
    ls_checkpoint_shard_name(name, write->rank, write->world_size);
    ls_path_print(path, "%s/%s", folder, name);
    for (int g = 0; g < content->count; g++) {
        const struct ls_checkpoint_arrays *arrays = &content->groups[g];
        const struct ls_range slice =
            ls_parameters_slice(content->parameters, arrays->group, write->rank, write->world_size);
        LS_ASSERT(slice.first == arrays->slice.first && slice.end == arrays->slice.end,
                  "group %d: elements %lld to %lld of a slice from %lld to %lld", arrays->group,
                  (long long)arrays->slice.first, (long long)arrays->slice.end,
                  (long long)slice.first, (long long)slice.end);
    }
    *file = (struct ls_checkpoint_file){0};
    return write_image(path, content, file, error);
}
