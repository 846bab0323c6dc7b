/* Random changes to samples (images, masks over tokens), drawn from (seed, epoch, data row): the
 * same on every rank. */
#ifndef LS_TENSOR_AUGMENT_H
#define LS_TENSOR_AUGMENT_H

#include "core/base/field.h"
#include "core/base/random.h"
#include "core/tensor/shape.h"

/* The `augment` section of a config. */
struct ls_augment_options {
    bool flip;     /* mirror left-right with probability 1/2 */
    int64_t shift; /* move by -shift .. shift pixels on each axis, zeros come in */
    double mask;   /* share of the tokens that are masked, in evaluation, too; 0: none */
};
extern const struct ls_fields ls_augment_fields;

/* Whether images are changed. */
static inline bool ls_augment_active(const struct ls_augment_options *options) {
    return options->flip || options->shift > 0;
}

/* One image [H, W, C], from -> to (not overlapping). */
void ls_augment_image(const struct ls_augment_options *options, struct ls_random_key key,
                      struct ls_shape shape, const float *from, float *to);

/* Which tokens there are: `special` ones, which are never masked nor drawn, then the others. */
struct ls_mask_tokens {
    int32_t mask, special, count;
};
/* Masked modelling (Devlin et al. 2019, section 3.1) of one sample's tokens: each that is not
 * special is chosen with probability `share`. Of the chosen ones, 80 % become the mask, 10 % a
 * token drawn from all that are not special, 10 % stay. targets: on entry the same tokens; at the
 * end -1 where none was chosen. */
void ls_augment_mask(double share, const struct ls_mask_tokens *tokens, struct ls_random_key key,
                     int64_t count, int32_t *inputs, int32_t *targets);

#endif
