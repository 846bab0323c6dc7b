/* A graph that answers, as a file of ONNX. */
#ifndef LS_LAUNCHER_ONNX_MODEL_H
#define LS_LAUNCHER_ONNX_MODEL_H

#include "core/graph/graph.h"
#include "core/layers/feed.h"

enum { LS_ONNX_OPSET = 17, LS_ONNX_IR = 8, LS_ONNX_NOTES_MAX = 32 };

/* What is said of the model, as metadata; "input.NAME" is also the text of that input. */
struct ls_onnx_note {
    char key[96];
    char *value; /* owned by whoever made the notes */
};

/* From standardised outputs to those of the data: y / scale + mean + centre. Parameters of one
 * number for each of a row's values. */
struct ls_onnx_restore {
    const struct ls_parameter *mean, *scale;
    const double
        *centre; /* [values of a row]: the output is of doubles then; NULL: there is none */
};

/* All borrowed. */
struct ls_onnx_options {
    const struct ls_value *output; /* of a graph planned for inference */
    const float *parameters;       /* the flat buffer */
    const char *name;              /* of the graph */
    const char *output_name;
    const char *version, *text;  /* of the program; about the model */
    const struct ls_feed *feeds; /* [feed_count] as the data has them; may be none */
    int feed_count;
    const struct ls_onnx_restore *restore; /* NULL: the output as it is */
    const struct ls_onnx_note *notes;      /* [note_count] */
    int note_count;
};

/* Writes the model to a path. The inputs have the names of the graph's inputs that the output
 * needs, and [batch, ...] of float or int32 ([batch] where the feed has single values); the
 * initialisers are the parameters, by their names, in their plain shapes. LS_INVALID, and nothing
 * is written: a layer whose op has no translation, or more than a file of ONNX may hold. */
LS_MUST_USE enum ls_status ls_onnx_write(const struct ls_onnx_options *options, const char *path,
                                         struct ls_error *error);

#endif
