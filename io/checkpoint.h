/* Sharded checkpoints: RUN/checkpoints/step-0000001200/ with one HDF5 shard per rank, index.h5 for
 * people, and a manifest that makes it a checkpoint. The protocol is that of the design, section 7:
 * temporary directory, digests, fsync, agreement (the worker's business), manifest last, rename,
 * fsync of the parent.
 *
 * io knows no ranks' messages: the worker calls begin on rank 0, write_shard on every rank, carries
 * the shard records to rank 0, and calls commit there. */
#ifndef LS_IO_CHECKPOINT_H
#define LS_IO_CHECKPOINT_H

#include "core/graph/parameters.h"

enum { LS_PATH_MAX = 4096, LS_ARRAYS_MAX = 8, LS_ARRAY_NAME_MAX = 64 };

/* What one rank stores: arrays over its slice [begin, end) of the flat buffer ("parameters", then
 * the optimiser's: "optimizer/moment1"...). Each data[0] belongs to element `begin`. */
struct ls_checkpoint_arrays {
    const struct ls_parameter_set *parameters;
    int64_t begin, end;
    int count;
    char names[LS_ARRAYS_MAX][LS_ARRAY_NAME_MAX];
    float *data[LS_ARRAYS_MAX];
};

/* What the manifest keeps of one file. Plain data: travels between ranks as bytes. */
struct ls_checkpoint_file {
    char name[64];
    uint64_t bytes;
    uint64_t digest; /* XXH64 of the file */
};

struct ls_checkpoint_write {
    const char *run; /* run directory */
    uint64_t step;
    uint64_t incarnation; /* of the run: tells leftovers apart */
    int rank, world_size;
};

/* Rank 0: makes the temporary directory. */
LS_MUST_USE enum ls_status ls_checkpoint_begin(const struct ls_checkpoint_write *write,
                                               struct ls_error *error);
/* Every rank: writes, digests and fsyncs its shard. */
LS_MUST_USE enum ls_status ls_checkpoint_write_shard(const struct ls_checkpoint_write *write,
                                                     const struct ls_checkpoint_arrays *arrays,
                                                     struct ls_checkpoint_file *file,
                                                     struct ls_error *error);
/* Rank 0: index.h5, manifest, rename, fsync, retention (keep at least 2). files: one per rank;
 * slices: world_size + 1 bounds. state: JSON text of an object with everything needed to resume
 * (borrowed). */
LS_MUST_USE enum ls_status ls_checkpoint_commit(const struct ls_checkpoint_write *write,
                                                const struct ls_checkpoint_arrays *arrays,
                                                const struct ls_checkpoint_file *files,
                                                const int64_t *slices, const char *state, int keep,
                                                struct ls_error *error);
/* Rank 0, when any rank failed: removes the temporary directory. */
void ls_checkpoint_abandon(const struct ls_checkpoint_write *write);

/* Removes leftovers of other incarnations (tmp-*), never a checkpoint. */
void ls_checkpoint_clean(const char *run, uint64_t incarnation);

/* A committed checkpoint as found on disk. */
struct ls_checkpoint {
    char path[LS_PATH_MAX];
    uint64_t step;
    int world_size;
    char *state; /* JSON text of the state; owned */
    int file_count;
    struct ls_checkpoint_file *files; /* owned */
};
void ls_checkpoint_clear(struct ls_checkpoint *checkpoint);

/* The steps of all checkpoints of a run, ascending (damaged ones included); *steps is owned by the
 * caller. */
LS_MUST_USE enum ls_status ls_checkpoint_list(const char *run, uint64_t **steps, int *count,
                                              struct ls_error *error);
/* Reads and verifies one: manifest digest, sizes, file digests. LS_DAMAGED says what is wrong. */
LS_MUST_USE enum ls_status ls_checkpoint_open(const char *run, uint64_t step,
                                              struct ls_checkpoint *checkpoint,
                                              struct ls_error *error);
/* The newest intact one; damaged newer ones are renamed aside ("damaged-step-...") when
 * `set_aside`. *found false: the run has no checkpoint at all. Checkpoints but none intact:
 * LS_DAMAGED. */
LS_MUST_USE enum ls_status ls_checkpoint_newest(const char *run, bool set_aside,
                                                struct ls_checkpoint *checkpoint, bool *found,
                                                struct ls_error *error);
/* Fills the arrays (any slice, whatever the world size that wrote) from the shards, after checking
 * names, shapes and types; a difference is LS_INVALID and names the tensor. */
LS_MUST_USE enum ls_status ls_checkpoint_load(const struct ls_checkpoint *checkpoint,
                                              const struct ls_checkpoint_arrays *arrays,
                                              struct ls_error *error);

#endif
