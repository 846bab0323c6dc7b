/* What the files of a checkpoint's implementation share. Reading order: checkpoint_image.c (bytes
 * to disk), checkpoint_shard.c, checkpoint_index.c, checkpoint_manifest.c, checkpoint.c (commit),
 * checkpoint_find.c, checkpoint_model.c, checkpoint_load.c.
 *
 * Inside a shard a piece is the dataset /ARRAY/PARAMETER/FIRST (say
 * /optimizer/moment1/conv1.weight/32), in plain row-major axes, with the attributes axis, first,
 * count and shape (of the whole parameter). */
#ifndef LS_IO_CHECKPOINT_INTERNAL_H
#define LS_IO_CHECKPOINT_INTERNAL_H

#include <jansson.h>
#include <sys/stat.h>

#include "io/checkpoint.h"
#include "io/hdf5_support.h"

#define LS_CHECKPOINT_INDEX "index.h5"
#define LS_CHECKPOINT_MANIFEST "manifest"

/* snprintf into a path; one that is too long is a bug, because the run directory could not exist.
 */
void ls_path_print(char path[LS_PATH_MAX], const char *format, ...) LS_PRINTF(2, 3);

/* RUN/checkpoints, RUN/checkpoints/step-0000001200, RUN/checkpoints/tmp-0000001200-3 */
void ls_checkpoint_parent(char path[LS_PATH_MAX], const char *run);
void ls_checkpoint_final(char path[LS_PATH_MAX], const char *run, uint64_t step);
void ls_checkpoint_temporary(char path[LS_PATH_MAX], const struct ls_checkpoint_write *write);
/* "shard-00002-of-00004.h5" */
void ls_checkpoint_shard_name(char name[64], int rank, int world_size);

/* What a failed reading proves: LS_DAMAGED, unless the system failed (EIO, no permission). */
enum ls_status ls_checkpoint_unreadable(struct ls_error *error);

/* LS_DAMAGED unless it is a regular file: opening a pipe would wait for ever. LS_SYSTEM where the
 * system does not say. */
LS_MUST_USE enum ls_status ls_checkpoint_stat(const char *path, struct stat *info,
                                              struct ls_error *error);

/* An HDF5 file in memory: HDF5 reports a full disk unreliably (H5Dclose and H5Fclose may return 0),
 * so it never touches one. bytes: about how large it will be. Close with H5Fclose. */
LS_MUST_USE enum ls_status ls_image_create(const char *path, size_t bytes, hid_t *image,
                                           struct ls_error *error);
/* Its bytes into a new file: written, fsynced, closed; size and digest into *file. */
LS_MUST_USE enum ls_status ls_image_write(hid_t image, const char *path,
                                          struct ls_checkpoint_file *file, struct ls_error *error);
/* The same for any bytes. The file must not exist. */
LS_MUST_USE enum ls_status ls_new_file_write(const char *path, const void *bytes, size_t count,
                                             struct ls_error *error);
/* Closes any kind of HDF5 object and keeps the error stack; an invalid id is left alone. */
void ls_hdf5_close(hid_t id);

LS_MUST_USE enum ls_status ls_checkpoint_write_index(const char *folder,
                                                     const struct ls_checkpoint_commit *commit,
                                                     struct ls_checkpoint_file *file,
                                                     struct ls_error *error);

/* The manifest: JSON, then a last line "digest: 0123456789abcdef" over everything above it. */
struct ls_manifest {
    json_t *root; /* owned; the members below are borrowed from it */
    uint64_t step;
    int world_size;
    json_t *arrays;     /* names */
    json_t *files;      /* {name, bytes, digest}: the shards in rank order, then index.h5 */
    json_t *parameters; /* {name, shape, kind}, in layout order */
    json_t *state;
};
/* index: of index.h5. */
LS_MUST_USE enum ls_status ls_manifest_write(const char *folder,
                                             const struct ls_checkpoint_commit *commit,
                                             const struct ls_checkpoint_file *index,
                                             struct ls_error *error);
/* LS_DAMAGED: not what was written; LS_INVALID: of another format version. */
LS_MUST_USE enum ls_status ls_manifest_read(const char *folder, struct ls_manifest *manifest,
                                            struct ls_error *error);
void ls_manifest_clear(struct ls_manifest *manifest);
/* File `index` of a manifest that was read (its text has been checked). */
struct ls_checkpoint_file ls_manifest_file(const struct ls_manifest *manifest, int index);
const char *ls_parameter_kind_name(enum ls_parameter_kind kind);

/* LS_INVALID, naming the tensor, what was expected and what was found. */
LS_MUST_USE enum ls_status ls_checkpoint_check_model(const struct ls_checkpoint *checkpoint,
                                                     const struct ls_checkpoint_content *content,
                                                     struct ls_error *error);

/* Renames a checkpoint to WHAT-step-... ("damaged") and says so on stderr. */
LS_MUST_USE enum ls_status ls_checkpoint_set_aside(const char *run, uint64_t step, const char *what,
                                                   const char *reason, struct ls_error *error);

#endif
