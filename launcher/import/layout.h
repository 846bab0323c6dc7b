/* How PyTorch lays out what a parameter of ours holds: found from the ops that use it. */
#ifndef LS_LAUNCHER_IMPORT_LAYOUT_H
#define LS_LAUNCHER_IMPORT_LAYOUT_H

#include "core/models/model.h"

/* Ours are [..., in, out]; PyTorch's weights of products and convolutions are [out, in, ...]. A row
 * that is a flattened image has its channels last here and first there. */
struct ls_weight_layout {
    bool turned;
    bool matrix; /* of a linear layer: some programs have it as we do */
    /* Owned: our input (output) i is their inputs[i]; NULL: they are in one order. The image whose
     * rows they are. */
    int64_t *inputs, *outputs;
    struct ls_shape image;
    /* Its first `turning` outputs are turned by their positions, in heads of `head`; 0: none are.
     */
    int64_t turning, head;
};

/* One for each parameter of the set, in its order; owned by the caller: ls_weight_layouts_free. */
struct ls_weight_layout *ls_weight_layouts(const struct ls_parameter_set *parameters,
                                           const struct ls_model *models, int model_count);
void ls_weight_layouts_free(struct ls_weight_layout *layouts, int count);

/* Where a parameter stands in the set; -1: it is none of it. */
int ls_weight_index(const struct ls_parameter_set *set, const struct ls_parameter *parameter);
/* The shape that PyTorch's would have. */
struct ls_shape ls_weight_shape(const struct ls_weight_layout *layout, struct ls_shape ours);

#endif
