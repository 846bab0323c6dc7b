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

enum {
    LS_PATH_MAX = 4096,
    LS_ARRAYS_MAX = 8, /* parameters, up to three of an optimiser, best; room for more */
    LS_ARRAY_NAME_MAX = 64
};

/* Arrays over one slice of the flat buffer ("parameters", then the optimiser's:
 * "optimizer/moment1"...). Each data[0] belongs to the slice's first element. */
struct ls_checkpoint_arrays {
    int group; /* of the parameters */
    struct ls_range slice;
    int count;
    char names[LS_ARRAYS_MAX][LS_ARRAY_NAME_MAX];
    float *data[LS_ARRAYS_MAX];
};

#define LS_ARRAY_PARAMETERS "parameters"
#define LS_ARRAY_AVERAGE "average" /* a moving average of the parameters */
#define LS_ARRAY_BEST "best"       /* the best parameters so far, of early stopping */
void ls_checkpoint_add(struct ls_checkpoint_arrays *arrays, const char *name, float *data);

/* What one rank stores, or wants: its slices. To store, one of each group that has elements, cut by
 * ls_parameters_slice for this rank; to load, any. Arrays of one name may be there for some groups
 * only (what is fixed has no optimiser state). */
struct ls_checkpoint_content {
    const struct ls_parameter_set *parameters; /* borrowed */
    int count;
    struct ls_checkpoint_arrays groups[LS_GROUP_FIXED + 1];
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
                                                     const struct ls_checkpoint_content *content,
                                                     struct ls_checkpoint_file *file,
                                                     struct ls_error *error);

struct ls_checkpoint_commit {
    const struct ls_checkpoint_write *write;
    const struct ls_checkpoint_content *content; /* any rank's: which arrays each group has */
    const struct ls_checkpoint_file *files;      /* of all ranks, in their order */
    const char *state; /* JSON text of an object with everything needed to resume */
    int keep;          /* intact checkpoints that stay; at least 2 */
    uint64_t kept;     /* one that stays besides, by its step; 0: none */
};
/* Rank 0: index.h5, manifest, rename, fsync, retention. */
LS_MUST_USE enum ls_status ls_checkpoint_commit(const struct ls_checkpoint_commit *commit,
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
/* Reads and verifies one: manifest digest, sizes, file digests. LS_DAMAGED says what is wrong;
 * LS_SYSTEM: it cannot be read now, and may be intact. */
LS_MUST_USE enum ls_status ls_checkpoint_open(const char *run, uint64_t step,
                                              struct ls_checkpoint *checkpoint,
                                              struct ls_error *error);
struct ls_checkpoint_search {
    const char *run;
    bool set_aside; /* damaged ones that are newer are renamed ("damaged-step-...") */
    /* What else makes one intact, say its state; NULL: nothing. LS_DAMAGED: the one before. */
    enum ls_status (*check)(const struct ls_checkpoint *checkpoint, struct ls_error *error);
};
/* The newest intact one; one that cannot be read is passed over, but keeps its name. *found false:
 * the run has no checkpoint at all. Checkpoints but none intact: LS_DAMAGED. */
LS_MUST_USE enum ls_status ls_checkpoint_newest(const struct ls_checkpoint_search *search,
                                                struct ls_checkpoint *checkpoint, bool *found,
                                                struct ls_error *error);
/* Fills the arrays (of any slices, whatever groups and world size wrote) from the shards, after
 * checking names, shapes and types; a difference is LS_INVALID and names the tensor. */
LS_MUST_USE enum ls_status ls_checkpoint_load(const struct ls_checkpoint *checkpoint,
                                              const struct ls_checkpoint_content *content,
                                              struct ls_error *error);
/* Fills the whole flat buffer of parameters. */
LS_MUST_USE enum ls_status ls_checkpoint_load_all(const struct ls_checkpoint *checkpoint,
                                                  const struct ls_parameter_set *parameters,
                                                  float *flat, struct ls_error *error);
/* The values of one parameter of plain layout, as constants are, whatever model it belongs to. One
 * that is not there is LS_DAMAGED. */
LS_MUST_USE enum ls_status ls_checkpoint_load_one(const struct ls_checkpoint *checkpoint,
                                                  const char *name, struct ls_shape shape,
                                                  float *plain, struct ls_error *error);

#endif
