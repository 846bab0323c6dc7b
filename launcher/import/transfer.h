/* Weights of another program, in its names and layouts, for the parameters of a model: `lockstep
 * import-weights`. Reading order: map.h (whose name is whose), names.c (PyTorch's words for the
 * parts of a layer), layout.h (how what they hold lies), transfer.c (all tensors against all
 * parameters), checks.c, values.c (the numbers), report.c. */
#ifndef LS_LAUNCHER_TRANSFER_H
#define LS_LAUNCHER_TRANSFER_H

#include "io/safetensors.h"
#include "launcher/import/layout.h"
#include "launcher/import/map.h"
#include "launcher/worker/data.h"
#include "launcher/worker/given.h"

/* Outputs of a tensor that become outputs of a parameter (of a whole one: all of them). What has no
 * outputs, as a table of words, is always whole. */
struct ls_transfer_piece {
    int tensor;                 /* of the file */
    int parameter;              /* of the set */
    int64_t from, count, total; /* of the tensor's outputs, and how many it must have */
    int64_t first;              /* of the parameter's */
    bool adds;   /* to what another piece gives: two biases of PyTorch's recurrences are one here */
    bool in_out; /* the matrix lies as ours does */
    struct ls_map_options options;
};

struct ls_transfer {
    const struct ls_transfer_options *wanted; /* borrowed */
    struct ls_safetensors file;               /* owned, like all that follows */
    struct ls_map map;
    const struct ls_parameter_set *parameters; /* borrowed */
    struct ls_weight_layout *layouts;
    struct ls_transfer_piece *pieces; /* [piece_count] */
    int piece_count;
    bool *used;    /* per tensor */
    bool *given;   /* per parameter */
    int left_out;  /* tensors that nobody wants: by the map, or counters and what the data gives */
    bool native;   /* `lockstep export` wrote the file: all lies in it as it does here */
    int in_order;  /* the first so many rules of the map follow from shapes */
    char *centres; /* what the file says of them; NULL: nothing */
};

struct ls_transfer_options {
    const char *file, *map;               /* map "": none */
    const struct ls_pattern_list *except; /* of ours: they begin as without the file */
    bool in_order;                        /* what the map leaves open follows from shapes */
};

/* Opens file and map, and finds for every parameter of the worker's model the tensors that it
 * comes from, without reading values. What does not fit is LS_INVALID: parameters that nothing
 * gives, tensors that nobody takes, shapes. ls_transfer_close, also after an error; the worker must
 * live as long. */
LS_MUST_USE enum ls_status ls_transfer_open(struct ls_transfer *transfer,
                                            const struct ls_transfer_options *wanted,
                                            const struct ls_data *data,
                                            const struct ls_worker *worker, struct ls_error *error);
void ls_transfer_close(struct ls_transfer *transfer);

/* The values of all that is given, in plain order. ls_given_clear, also after an error. */
LS_MUST_USE enum ls_status ls_transfer_values(const struct ls_transfer *transfer,
                                              struct ls_given *given, struct ls_error *error);

/* A line for each tensor: where it goes; and what was found out beside that: layouts that follow
 * from shapes, images that are turned, types that were converted. */
void ls_transfer_print_pieces(const struct ls_transfer *transfer);
void ls_transfer_print_notes(const struct ls_transfer *transfer);
/* What the run says of its beginning (struct ls_given). Owned by the caller. */
char *ls_transfer_print_start(const struct ls_transfer *transfer);

/* For the files of this folder: the pieces that a tensor is, if its name in this model is `name`,
 * in our words or in PyTorch's; 0: the model has nothing of that name. */
enum { LS_TRANSFER_PIECES_MAX = 4 };
int ls_transfer_resolve(const struct ls_parameter_set *parameters, const char *name,
                        struct ls_transfer_piece pieces[LS_TRANSFER_PIECES_MAX]);
/* Whether a tensor has the shape of a piece; whether nobody needs one of that name; whether a
 * parameter is to be given. */
bool ls_transfer_fits(const struct ls_transfer *transfer, const struct ls_transfer_piece *piece,
                      const struct ls_safetensor *tensor);
bool ls_transfer_is_needless(const struct ls_transfer *transfer, const char *name);
bool ls_transfer_wants(const struct ls_transfer *transfer, const struct ls_data *data,
                       const struct ls_parameter *parameter);
/* Lines of an error: the first few, and how many more. */
struct ls_lines {
    char text[1200];
    int count;
};
void ls_lines_add(struct ls_lines *lines, const char *format, ...) LS_PRINTF(2, 3);
/* "FILE: WHAT:", the lines, and what to do. */
enum ls_status ls_transfer_fail(const struct ls_transfer *transfer, const struct ls_lines *lines,
                                const char *what, const char *cure, struct ls_error *error);
/* Notes which parameters are given; how matrices lie; whether rotary positions are settled. */
LS_MUST_USE enum ls_status ls_transfer_check_parameters(struct ls_transfer *transfer,
                                                        const struct ls_data *data,
                                                        struct ls_error *error);
LS_MUST_USE enum ls_status ls_transfer_check_shapes(struct ls_transfer *transfer,
                                                    struct ls_error *error);
LS_MUST_USE enum ls_status ls_transfer_check_rotary(const struct ls_transfer *transfer,
                                                    struct ls_error *error);
/* Adds rules to the map, in front of the user's. */
LS_MUST_USE enum ls_status ls_transfer_match_in_order(struct ls_transfer *transfer,
                                                      const struct ls_data *data,
                                                      const struct ls_worker *worker,
                                                      struct ls_error *error);

#endif
