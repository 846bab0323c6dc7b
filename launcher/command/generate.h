/* What the parts of `lockstep generate` share. */
#ifndef LS_LAUNCHER_GENERATE_H
#define LS_LAUNCHER_GENERATE_H

#include <stdio.h>

#include "launcher/command/generator.h"

struct ls_generate_options {
    char prompt[LS_TEXT_MAX], out[LS_TEXT_MAX];
    int64_t tokens, top_k, seed, count, beams, class;
    double temperature, top_p;
    FILE *to; /* where text goes; NULL: standard output */
};

/* Text of a language model. */
LS_MUST_USE enum ls_status ls_generate_text(struct ls_generator *generator, const char *run,
                                            const struct ls_generate_options *wanted,
                                            struct ls_error *error);
/* Images of a VAE or GAN, to wanted->out. */
LS_MUST_USE enum ls_status ls_generate_images(struct ls_generator *generator,
                                              const struct ls_generate_options *wanted,
                                              struct ls_error *error);
/* Translations of the lines of standard input, to standard output. */
LS_MUST_USE enum ls_status ls_generate_translation(struct ls_generator *generator, const char *run,
                                                   const struct ls_generate_options *wanted,
                                                   struct ls_error *error);

#endif
