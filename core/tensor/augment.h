/* Random changes to samples (images, masks over tokens), drawn from (seed, epoch, data row): the
 * same on every rank. */
#ifndef LS_TENSOR_AUGMENT_H
#define LS_TENSOR_AUGMENT_H

#include "core/base/field.h"
#include "core/base/random.h"
#include "core/tensor/shape.h"

/* The `augment` section of a config. */
struct ls_augment_options {
    bool flip;         /* mirror left-right with probability 1/2 */
    int64_t shift;     /* move by -shift .. shift pixels on each axis */
    int fill;          /* enum ls_augment_fill: what comes in from outside */
    double rotate;     /* turn about the middle by -rotate .. rotate degrees */
    double scale;      /* enlarge by 1 - scale .. 1 + scale about the middle */
    double brightness; /* add -brightness .. brightness to all values */
    double noise;      /* add normal noise of this deviation to each value */
    int64_t cutout;    /* zeros in a square of so many pixels a side, its middle anywhere */
    double mixup;      /* of both parameters of a Beta distribution; 0: none */
    double mask;       /* share of the tokens that are masked, in evaluation, too; 0: none */
};
extern const struct ls_fields ls_augment_fields;

enum ls_augment_fill { LS_FILL_ZERO, LS_FILL_EDGE, LS_FILL_REFLECT };

/* Whether images are changed. */
static inline bool ls_augment_active(const struct ls_augment_options *options) {
    return options->flip || options->shift > 0 || options->rotate > 0 || options->scale > 0 ||
           options->brightness > 0 || options->noise > 0 || options->cutout > 0;
}

/* One image [H, W, C], from -> to (not overlapping): mirrored, then turned, enlarged and moved
 * (each pixel between the four nearest), then brightness, noise, and the square that is cut out
 * (DeVries & Taylor 2017). What draws depends on the key alone, not on which others are asked for.
 */
void ls_augment_image(const struct ls_augment_options *options, struct ls_random_key key,
                      struct ls_shape shape, const float *from, float *to);

/* Mixup (Zhang et al. 2018): a sample becomes share * itself + (1 - share) * its partner, one of
 * `count`. The share is drawn from Beta(1 + alpha, alpha) and the target stays that of the sample
 * itself: of all samples together that is the mean of Zhang's loss, with shares from Beta(alpha,
 * alpha) and both targets, wherever the loss is linear in the target (Huszar 2017). */
double ls_augment_share(double alpha, struct ls_random_key key);
uint64_t ls_augment_partner(struct ls_random_key key, uint64_t count);

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
