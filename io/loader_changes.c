/* Batches as they are in an epoch: read, then changed at random, by keys of (seed, epoch, sample).
 */
#include "core/base/random.h"
#include "io/loader_internal.h"
#include "io/vocabulary.h"

static struct ls_random_key key_of(const struct ls_loader *loader,
                                   const struct ls_loader_slot *slot, uint64_t row) {
    return ls_random_key(loader->options.seed, LS_STREAM_AUGMENT, slot->batch.epoch, row);
}

static int64_t input_values(const struct ls_loader *loader) {
    return ls_shape_count(loader->feeds[loader->inputs].shape);
}

/* Images of these rows, from staging. */
static void augment_images(const struct ls_loader *loader, const struct ls_loader_slot *slot,
                           const uint64_t *rows, float *to) {
    const struct ls_shape shape = loader->feeds[loader->images].shape;
    const int64_t values = ls_shape_count(shape);
    for (int64_t i = 0; i < slot->batch.rows; i++)
        ls_augment_image(&loader->options.augment, key_of(loader, slot, rows[i]), shape,
                         loader->staging + i * values, to + i * values);
}

/* Inputs of these rows as they are in this epoch. */
static enum ls_status read_inputs(const struct ls_loader *loader, struct ls_loader_slot *slot,
                                  const uint64_t *rows, void *to) {
    const bool images = loader->images >= 0;
    slot->status =
        ls_dataset_read(loader->options.part.dataset, &loader->uses[loader->inputs], rows,
                        slot->batch.rows, images ? loader->staging : to, &slot->error);
    if (images && slot->status == LS_OK)
        augment_images(loader, slot, rows, to);
    return slot->status;
}

/* Each sample with another of the part. */
static void mix_inputs(const struct ls_loader *loader, struct ls_loader_slot *slot) {
    const struct ls_part *part = &loader->options.part;
    const int64_t values = input_values(loader);
    float *to = slot->feeds[loader->inputs];
    for (int64_t i = 0; i < slot->batch.rows; i++)
        loader->partner_ids[i] = ls_part_sample(
            part, ls_augment_partner(key_of(loader, slot, slot->row_ids[i]), part->count));
    if (read_inputs(loader, slot, loader->partner_ids, loader->partners) != LS_OK)
        return;
    for (int64_t i = 0; i < slot->batch.rows; i++) {
        const float share = (float)ls_augment_share(loader->options.augment.mixup,
                                                    key_of(loader, slot, slot->row_ids[i]));
        for (int64_t k = i * values; k < (i + 1) * values; k++)
            to[k] = share * to[k] + (1 - share) * loader->partners[k];
    }
}

static void mask_inputs(const struct ls_loader *loader, struct ls_loader_slot *slot) {
    const int64_t values = input_values(loader);
    for (int64_t i = 0; i < slot->batch.rows; i++)
        ls_augment_mask(loader->options.augment.mask, &loader->tokens,
                        key_of(loader, slot, slot->row_ids[i]), values,
                        (int32_t *)slot->feeds[loader->inputs] + i * values,
                        (int32_t *)slot->feeds[loader->masked] + i * values);
}

void ls_loader_read(const struct ls_loader *loader, struct ls_loader_slot *slot) {
    const struct ls_loader_options *options = &loader->options;
    slot->status = LS_OK;
    for (int u = 0; u < options->use_count && slot->status == LS_OK; u++) {
        if (!loader->uses[u].feed)
            continue;
        if (u == loader->inputs)
            read_inputs(loader, slot, slot->row_ids, slot->feeds[u]);
        else
            slot->status = ls_dataset_read(options->part.dataset, &loader->uses[u], slot->row_ids,
                                           slot->batch.rows, slot->feeds[u], &slot->error);
    }
    if (options->augment.mixup > 0 && slot->status == LS_OK)
        mix_inputs(loader, slot);
    if (loader->masked >= 0 && slot->status == LS_OK)
        mask_inputs(loader, slot);
}

static enum ls_status check_images(const struct ls_loader *loader, struct ls_error *error) {
    char text[LS_SHAPE_TEXT_MAX];
    if (loader->images < 0)
        return ls_fail(error, LS_INVALID,
                       "augmentation needs a model that takes the feed 'inputs'");
    const struct ls_shape shape = loader->feeds[loader->images].shape;
    if (shape.rank == 3 && loader->uses[loader->images].type == LS_TYPE_REAL)
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "augmentation needs images (height x width x channels), but a sample is %s",
                   ls_shape_print(shape, text));
}

static enum ls_status check_mixture(const struct ls_loader *loader,
                                    const struct ls_loader_options *options,
                                    struct ls_error *error) {
    if (loader->inputs < 0 || loader->uses[loader->inputs].type != LS_TYPE_REAL)
        return ls_fail(error, LS_INVALID,
                       "augment.mixup needs a model that takes the feed 'inputs' as numbers");
    if (options->shuffle_block)
        return ls_fail(
            error, LS_INVALID,
            "augment.mixup reads samples from all of the data at once, which data.shuffle: "
            "blocks is to avoid");
    return LS_OK;
}

/* Tokens are drawn from those of the data, or else from what the model takes. */
static enum ls_status check_masks(struct ls_loader *loader, struct ls_error *error) {
    const struct ls_feed_use *masked = &loader->uses[loader->masked];
    if (loader->inputs < 0 || loader->uses[loader->inputs].type != LS_TYPE_INT32 ||
        masked->type != LS_TYPE_INT32)
        return ls_fail(error, LS_INVALID,
                       "augment.mask needs a model that takes the feed 'inputs' as indices (an "
                       "embedding) and the targets as labels (cross_entropy)");
    const int64_t known = loader->feeds[loader->inputs].limit;
    const int64_t count = known ? known : loader->uses[loader->inputs].limit;
    if (count <= LS_TOKENS_SPECIAL || count > INT32_MAX)
        return ls_fail(
            error, LS_INVALID,
            "augment.mask needs tokens besides the %d special ones; the data has %lld in "
            "all",
            LS_TOKENS_SPECIAL, (long long)count);
    loader->tokens = (struct ls_mask_tokens){
        .mask = LS_TOKEN_MASK, .special = LS_TOKENS_SPECIAL, .count = (int32_t)count};
    return LS_OK;
}

enum ls_status ls_loader_check_changes(struct ls_loader *loader,
                                       const struct ls_loader_options *options,
                                       struct ls_error *error) {
    enum ls_status status = LS_OK;
    if (ls_augment_active(&options->augment))
        status = check_images(loader, error);
    if (status == LS_OK && options->augment.mixup > 0)
        status = check_mixture(loader, options, error);
    return status == LS_OK && loader->masked >= 0 ? check_masks(loader, error) : status;
}
