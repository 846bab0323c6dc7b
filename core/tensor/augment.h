/* Random changes to training images, drawn from (seed, epoch, data row): the same on every rank. */
#ifndef LS_TENSOR_AUGMENT_H
#define LS_TENSOR_AUGMENT_H

#include "core/base/field.h"
#include "core/base/random.h"
#include "core/tensor/shape.h"

/* The `augment` section of a config. */
struct ls_augment_options {
    bool flip;     /* mirror left-right with probability 1/2 */
    int64_t shift; /* move by -shift .. shift pixels on each axis, zeros come in */
};
extern const struct ls_fields ls_augment_fields;

static inline bool ls_augment_active(const struct ls_augment_options *options) {
    return options->flip || options->shift > 0;
}

/* One image [H, W, C], from -> to (not overlapping). */
void ls_augment_image(const struct ls_augment_options *options, struct ls_random_key key,
                      struct ls_shape shape, const float *from, float *to);

#endif
