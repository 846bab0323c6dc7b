/* What follows from a config without anything else: counts and kernels. */
#include "launcher/config/config.h"

/* The largest power of two up to 64 that divides the batch and leaves at least 16 samples each,
 * else the largest number up to 8 that divides the batch (1 always does). */
static int64_t automatic_microbatches(int64_t batch) {
    for (int64_t count = 64; count > 1; count /= 2)
        if (batch % count == 0 && batch / count >= 16)
            return count;
    for (int64_t count = 8; count > 1; count--)
        if (batch % count == 0)
            return count;
    return 1;
}

int64_t ls_config_microbatches(const struct ls_config *config) {
    const int64_t given = config->train.microbatches;
    return given ? given : automatic_microbatches(config->train.batch);
}

uint64_t ls_config_shuffle_block(const struct ls_config *config) {
    return config->data.shuffle == LS_SHUFFLE_BLOCKS ? (uint64_t)config->data.shuffle_block : 0;
}

enum ls_status ls_config_variant(const struct ls_config *config, enum ls_variant *variant,
                                 struct ls_error *error) {
    switch ((enum ls_isa)config->compute.isa) {
    case LS_ISA_AUTO:
        *variant = ls_variant_best();
        return LS_OK;
    case LS_ISA_AVX512:
        *variant = LS_F32_AVX512;
        break;
    case LS_ISA_AVX2:
        *variant = LS_F32_AVX2;
        break;
    case LS_ISA_PORTABLE:
        *variant = LS_F32_PORTABLE;
        break;
    }
    if (ls_variant_supported(*variant))
        return LS_OK;
    return ls_fail(error, LS_INVALID,
                   "compute.isa is %s, but this machine cannot run it; its best is %s",
                   ls_variant_name(*variant), ls_variant_name(ls_variant_best()));
}

struct ls_model_options ls_config_model(const struct ls_config *config, enum ls_variant variant,
                                        int64_t rows_max) {
    return (struct ls_model_options){
        .networks = &config->model,
        .task = ls_task_of(config->task.kind),
        .losses = &config->losses,
        .answer = config->answer[0] ? config->answer : NULL,
        .variant = variant,
        .rows_max = rows_max,
        .winograd = (enum ls_winograd)config->compute.winograd,
        .openblas = config->compute.gemm == LS_GEMM_OPENBLAS,
        .frozen = config->train.frozen.count ? &config->train.frozen : NULL,
    };
}

int ls_config_piece(const struct ls_config *config, const struct ls_model_options *model, int most,
                    struct ls_parameter_set *parameters, struct ls_error *error) {
    struct ls_model models[LS_PHASES_MAX];
    const enum ls_status status = ls_models_create(models, model, parameters, error);
    if (status != LS_OK) {
        (void)!ls_config_layer_error(config, models[0].failed, error);
        return 0;
    }
    const int piece = ls_models_piece(models, config->phase_count, model->rows_max,
                                      config->train.piece_rows, most);
    ls_models_destroy(models, config->phase_count);
    return piece;
}
