/* From shards, however many ranks wrote them, to any slice. A stored block and a wanted block of
 * one parameter are both blocks of its plain form along the same axis, so what they share is a
 * block too. */
#include "io/checkpoint_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"

/* A block of one array that the caller wants. */
struct wanted_block {
    const char *array;
    struct ls_parameter_block block;
    float *stored;  /* where it goes: the caller's memory */
    int64_t loaded; /* rows so far */
};

static bool read_attribute(hid_t dataset, const char *name, int64_t *values, int count) {
    const hid_t attribute = H5Aopen(dataset, name, H5P_DEFAULT);
    const hid_t space = attribute < 0 ? H5I_INVALID_HID : H5Aget_space(attribute);
    const bool ok = space >= 0 && H5Sget_simple_extent_npoints(space) == count &&
                    H5Aread(attribute, H5T_NATIVE_INT64, values) >= 0;
    ls_hdf5_close(space);
    ls_hdf5_close(attribute);
    return ok;
}

/* Whether the dataset is float32 in one block of this very file, of the shape that its attributes
 * claim, and cut along the axis of `wanted`; then *first and *count are its rows. */
static bool read_place(hid_t dataset, const struct ls_parameter_block *wanted, int64_t *first,
                       int64_t *count) {
    const struct ls_shape *whole = &wanted->parameter->shape;
    struct ls_shape shape = {.rank = whole->rank};
    int64_t axis = -1;
    if (!read_attribute(dataset, "axis", &axis, 1) || !read_attribute(dataset, "first", first, 1) ||
        !read_attribute(dataset, "count", count, 1) ||
        !read_attribute(dataset, "shape", shape.dims, whole->rank) ||
        !ls_shape_equal(shape, *whole) || axis != wanted->axis || *first < 0 || *count < 1 ||
        *first > whole->dims[axis] - *count)
        return false;
    const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    const hid_t plan = H5Dget_create_plist(dataset);
    hsize_t dims[LS_RANK_MAX];
    bool ok = H5Tequal(type, H5T_IEEE_F32LE) > 0 && H5Pget_layout(plan) == H5D_CONTIGUOUS &&
              H5Pget_external_count(plan) == 0 &&
              H5Sget_simple_extent_ndims(space) == whole->rank &&
              H5Sget_simple_extent_dims(space, dims, NULL) >= 0;
    for (int d = 0; d < whole->rank && ok; d++)
        ok = dims[d] == (hsize_t)(d == axis ? *count : whole->dims[d]);
    ls_hdf5_close(plan);
    ls_hdf5_close(space);
    ls_hdf5_close(type);
    return ok;
}

struct overlap {
    int64_t in_stored, in_wanted, count; /* rows along the axis */
};

static struct overlap find_overlap(int64_t stored_first, int64_t stored_count,
                                   const struct ls_parameter_block *wanted) {
    const int64_t stored_end = stored_first + stored_count, end = wanted->first + wanted->count;
    const int64_t from = stored_first > wanted->first ? stored_first : wanted->first;
    const int64_t to = stored_end < end ? stored_end : end;
    return (struct overlap){from - stored_first, from - wanted->first, to > from ? to - from : 0};
}

/* Rows of the stored block into the wanted block `plain`. */
static bool read_overlap(hid_t dataset, const struct ls_parameter_block *wanted,
                         const struct overlap *overlap, float *plain) {
    hsize_t source[LS_RANK_MAX] = {0}, target[LS_RANK_MAX] = {0};
    hsize_t count[LS_RANK_MAX], dims[LS_RANK_MAX];
    for (int d = 0; d < wanted->shape.rank; d++)
        count[d] = dims[d] = (hsize_t)wanted->shape.dims[d];
    source[wanted->axis] = (hsize_t)overlap->in_stored;
    target[wanted->axis] = (hsize_t)overlap->in_wanted;
    count[wanted->axis] = (hsize_t)overlap->count;
    const hid_t stored = H5Dget_space(dataset);
    const hid_t memory = H5Screate_simple(wanted->shape.rank, dims, NULL);
    const bool ok = stored >= 0 && memory >= 0 &&
                    H5Sselect_hyperslab(stored, H5S_SELECT_SET, source, NULL, count, NULL) >= 0 &&
                    H5Sselect_hyperslab(memory, H5S_SELECT_SET, target, NULL, count, NULL) >= 0 &&
                    H5Dread(dataset, H5T_NATIVE_FLOAT, memory, stored, H5P_DEFAULT, plain) >= 0;
    ls_hdf5_close(memory);
    ls_hdf5_close(stored);
    return ok;
}

static enum ls_status load_dataset(hid_t dataset, struct wanted_block *wanted, float *plain,
                                   struct ls_error *error) {
    const struct ls_parameter_block *block = &wanted->block;
    int64_t first, count;
    if (!read_place(dataset, block, &first, &count))
        return ls_fail(error, LS_DAMAGED, "not a piece as lockstep writes it");
    const struct overlap overlap = find_overlap(first, count, block);
    if (overlap.count == 0)
        return LS_OK;
    if (overlap.count < block->count) /* keep what other shards have brought */
        ls_parameter_block_fetch(block, wanted->stored, plain);
    if (!read_overlap(dataset, block, &overlap, plain))
        return ls_hdf5_fail(error, LS_DAMAGED, "cannot be read");
    ls_parameter_block_store(block, plain, wanted->stored);
    wanted->loaded += overlap.count;
    return LS_OK;
}

/* Only hard links: others may lead to another file. */
static hid_t open_member(hid_t group, hsize_t index) {
    H5L_info_t link;
    char name[32];
    if (H5Lget_info_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, &link, H5P_DEFAULT) < 0 ||
        link.type != H5L_TYPE_HARD ||
        H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, name, sizeof name,
                           H5P_DEFAULT) < 0)
        return H5I_INVALID_HID;
    return H5Dopen2(group, name, H5P_DEFAULT);
}

/* What one shard has of a wanted block: nothing, or rows from one dataset (slices are contiguous).
 */
static enum ls_status load_block(hid_t shard, struct wanted_block *wanted, float *plain,
                                 struct ls_error *error) {
    char name[LS_NAME_MAX * 2 + 8];
    snprintf(name, sizeof name, "/%s/%s", wanted->array, wanted->block.parameter->name);
    const hid_t group = H5Gopen2(shard, name, H5P_DEFAULT);
    if (group < 0)
        return LS_OK; /* rows that no shard brings are noticed at the end */
    H5G_info_t info = {0};
    enum ls_status status = LS_OK;
    if (H5Gget_info(group, &info) < 0)
        status = ls_hdf5_fail(error, LS_DAMAGED, "cannot be read");
    for (hsize_t i = 0; status == LS_OK && i < info.nlinks; i++) {
        const hid_t dataset = open_member(group, i);
        status = dataset < 0 ? ls_hdf5_fail(error, LS_DAMAGED, "not a piece as lockstep writes it")
                             : load_dataset(dataset, wanted, plain, error);
        ls_hdf5_close(dataset);
    }
    ls_hdf5_close(group);
    return status == LS_OK ? LS_OK : ls_fail_context(error, "%s: ", name);
}

struct wanted {
    int count;
    struct wanted_block *blocks; /* owned */
    float *plain;                /* room for the largest; owned */
};

/* The blocks of one slice, for each of its arrays. Returns the elements of the largest. */
static int64_t add_wanted(struct wanted *wanted, const struct ls_parameter_set *parameters,
                          const struct ls_checkpoint_arrays *arrays) {
    int count;
    struct ls_parameter_block *blocks = ls_parameters_blocks(parameters, arrays->slice, &count);
    const size_t room = (size_t)wanted->count + (size_t)count * (size_t)arrays->count;
    int64_t largest = 0;
    wanted->blocks = ls_realloc(wanted->blocks, room + 1, sizeof *wanted->blocks);
    for (int a = 0; a < arrays->count; a++)
        for (int i = 0; i < count; i++) {
            const int64_t elements = ls_shape_count(blocks[i].shape);
            largest = elements > largest ? elements : largest;
            wanted->blocks[wanted->count++] = (struct wanted_block){
                .array = arrays->names[a],
                .block = blocks[i],
                .stored = arrays->data[a] + (blocks[i].offset - arrays->slice.first)};
        }
    free(blocks);
    return largest;
}

static struct wanted list_wanted(const struct ls_checkpoint_content *content) {
    struct wanted wanted = {0};
    int64_t largest = 0;
    for (int g = 0; g < content->count; g++) {
        const int64_t most = add_wanted(&wanted, content->parameters, &content->groups[g]);
        largest = most > largest ? most : largest;
    }
    wanted.plain = ls_calloc((size_t)largest + 1, sizeof *wanted.plain);
    return wanted;
}

static enum ls_status load_shard(struct wanted *wanted, const char *path, struct ls_error *error) {
    hid_t shard;
    enum ls_status status = ls_hdf5_open_file(path, &shard, error);
    if (status != LS_OK)
        return error->status = status == LS_INVALID ? LS_DAMAGED : status; /* it is our file */
    for (int i = 0; i < wanted->count && status == LS_OK; i++)
        status = load_block(shard, &wanted->blocks[i], wanted->plain, error);
    ls_hdf5_close(shard);
    return status == LS_OK ? LS_OK : ls_fail_context(error, "%s: ", path);
}

static enum ls_status check_complete(const struct wanted *wanted, const char *path,
                                     struct ls_error *error) {
    for (int i = 0; i < wanted->count; i++) {
        const struct wanted_block *block = &wanted->blocks[i];
        if (block->loaded != block->block.count)
            return ls_fail(
                error, LS_DAMAGED, "%s: /%s/%s: expected %lld rows of axis %d, found %lld", path,
                block->array, block->block.parameter->name, (long long)block->block.count,
                block->block.axis, (long long)block->loaded);
    }
    return LS_OK;
}

static enum ls_status load(const struct ls_checkpoint *checkpoint,
                           const struct ls_checkpoint_content *content, struct ls_error *error) {
    enum ls_status status = LS_OK;
    struct wanted wanted = list_wanted(content);
    for (int r = 0; r < checkpoint->world_size && status == LS_OK; r++) {
        char path[LS_PATH_MAX];
        ls_path_print(path, "%s/%s", checkpoint->path, checkpoint->files[r].name);
        status = load_shard(&wanted, path, error);
    }
    if (status == LS_OK)
        status = check_complete(&wanted, checkpoint->path, error);
    free(wanted.plain);
    free(wanted.blocks);
    return status;
}

enum ls_status ls_checkpoint_load(const struct ls_checkpoint *checkpoint,
                                  const struct ls_checkpoint_content *content,
                                  struct ls_error *error) {
    const enum ls_status status = ls_checkpoint_check_model(checkpoint, content, error);
    return status == LS_OK ? load(checkpoint, content, error) : status;
}

static struct ls_checkpoint_content all_of(const struct ls_parameter_set *parameters, float *flat) {
    return (struct ls_checkpoint_content){
        .parameters = parameters,
        .count = 1,
        .groups = {{.slice = {0, parameters->total},
                    .count = 1,
                    .names = {"parameters"},
                    .data = {flat}}},
    };
}

enum ls_status ls_checkpoint_load_all(const struct ls_checkpoint *checkpoint,
                                      const struct ls_parameter_set *parameters, float *flat,
                                      struct ls_error *error) {
    const struct ls_checkpoint_content all = all_of(parameters, flat);
    return ls_checkpoint_load(checkpoint, &all, error);
}

enum ls_status ls_checkpoint_load_one(const struct ls_checkpoint *checkpoint, const char *name,
                                      struct ls_shape shape, float *plain, struct ls_error *error) {
    struct ls_parameter_set *set = ls_parameters_create();
    struct ls_parameter *one, description = {.shape = shape,
                                             .layout = LS_LAYOUT_PLAIN,
                                             .kind = LS_PARAMETER_CONSTANT,
                                             .group = LS_GROUP_FIXED};
    snprintf(description.name, sizeof description.name, "%s", name);
    enum ls_status status = ls_parameters_add(set, &description, &one, error);
    if (status == LS_OK) {
        ls_parameters_layout(set);
        float *flat = ls_calloc((size_t)set->total, sizeof *flat);
        const struct ls_checkpoint_content content = all_of(set, flat);
        status = load(checkpoint, &content, error);
        if (status == LS_OK)
            ls_parameter_fetch(one, flat + one->offset, plain);
        free(flat);
    }
    ls_parameters_destroy(set);
    return status;
}
