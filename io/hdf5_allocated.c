/* Rows are bounded by the storage that a file has for them. */
#include "io/hdf5_support.h"

/* Deflate makes at most so many bytes of one. */
enum { INFLATION_MAX = 1032 };

struct claim {
    const char *path, *name;
    hid_t space;
    int rank;
    hsize_t dims[H5S_MAX_RANK];
    uint64_t bytes; /* of all values, as the file has them; UINT64_MAX: too many to count */
};

static enum ls_status not_written(const struct claim *claim, uint64_t written, uint64_t needed,
                                  const char *what, struct ls_error *error) {
    return ls_fail(error, LS_INVALID,
                   "%s: %s claims %llu rows, but of their %llu %s only %llu were ever written: the "
                   "others would be read as fill values\nwrite them, or cut the dataset to what is "
                   "there (h5py: dataset.resize)",
                   claim->path, claim->name, (unsigned long long)claim->dims[0],
                   (unsigned long long)needed, what, (unsigned long long)written);
}

static enum ls_status check_chunks(const struct claim *claim, hid_t dataset, hid_t properties,
                                   struct ls_error *error) {
    hsize_t chunk[H5S_MAX_RANK], written = 0, needed = 1;
    if (H5Pget_chunk(properties, H5S_MAX_RANK, chunk) != claim->rank ||
        H5Dget_num_chunks(dataset, claim->space, &written) < 0)
        return ls_hdf5_fail(error, LS_INVALID, "%s: cannot read which chunks %s has", claim->path,
                            claim->name);
    for (int i = 0; i < claim->rank; i++)
        if (__builtin_mul_overflow(needed, (claim->dims[i] - 1) / chunk[i] + 1, &needed))
            needed = UINT64_MAX;
    if (written < needed)
        return not_written(claim, written, needed, "chunks", error);
    const uint64_t least =
        H5Pget_nfilters(properties) > 0 ? claim->bytes / INFLATION_MAX : claim->bytes;
    const hsize_t allocated = H5Dget_storage_size(dataset);
    return allocated < least ? not_written(claim, allocated, least, "bytes", error) : LS_OK;
}

static enum ls_status check(const struct claim *claim, hid_t dataset, hid_t properties,
                            struct ls_error *error) {
    const H5D_layout_t layout = H5Pget_layout(properties);
    if (layout == H5D_VIRTUAL) /* its sources are looked at one by one */
        return LS_OK;
    if (layout == H5D_CHUNKED)
        return check_chunks(claim, dataset, properties, error);
    const bool placed = layout != H5D_CONTIGUOUS || H5Dget_offset(dataset) != HADDR_UNDEF;
    const hsize_t allocated = placed ? H5Dget_storage_size(dataset) : 0;
    return allocated < claim->bytes ? not_written(claim, allocated, claim->bytes, "bytes", error)
                                    : LS_OK;
}

enum ls_status ls_hdf5_check_allocated(hid_t dataset, const char *path, const char *name,
                                       struct ls_error *error) {
    const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    const hid_t properties = H5Dget_create_plist(dataset);
    struct claim claim = {.path = path, .name = name, .space = space, .bytes = H5Tget_size(type)};
    claim.rank = H5Sget_simple_extent_dims(space, claim.dims, NULL);
    for (int i = 0; i < claim.rank; i++)
        if (__builtin_mul_overflow(claim.bytes, claim.dims[i], &claim.bytes))
            claim.bytes = UINT64_MAX;
    const enum ls_status status =
        claim.rank > 0 && claim.bytes ? check(&claim, dataset, properties, error) : LS_OK;
    H5Pclose(properties);
    H5Sclose(space);
    H5Tclose(type);
    return status;
}
