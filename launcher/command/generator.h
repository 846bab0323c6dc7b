/* A run's model as it makes something new: a language model that goes on with a text, the decoder
 * of a variational autoencoder, the generator of a GAN. */
#ifndef LS_LAUNCHER_GENERATOR_H
#define LS_LAUNCHER_GENERATOR_H

#include "core/models/model.h"
#include "launcher/worker/saved.h"

struct ls_generator {
    struct ls_saved_run run;
    struct ls_parameter_set *parameters; /* owned, like the rest */
    struct ls_model model;
    float *flat;
};

struct ls_generator_options {
    const struct ls_feed *feeds; /* [feed_count] that the model may take */
    int feed_count;
    int64_t rows;
    const char *start_at; /* see ls_model_options, as the next */
    int64_t step_positions;
};

/* The model of generator->run, which is open, with its parameters. ls_generator_close, also after
 * an error. */
LS_MUST_USE enum ls_status ls_generator_build(struct ls_generator *generator,
                                              const struct ls_generator_options *options,
                                              struct ls_error *error);
void ls_generator_close(struct ls_generator *generator);

/* Forward of all rows; row_ids tell the samples apart. */
void ls_generator_run(struct ls_generator *generator, uint64_t seed, const uint64_t *row_ids,
                      int64_t rows, int64_t position);

#endif
