/* lockstep generate: what a trained model makes up: text, translations, or images. */
#include "launcher/command/generate.h"

#include <stddef.h>
#include <stdio.h>

#include "launcher/command/command.h"
#include "launcher/exit_codes.h"

#define OPTION(member, option_name, field_kind, field_initial, field_min, field_max, field_help)   \
    {                                                                                              \
        .field = {                                                                                 \
            .name = option_name,                                                                   \
            .kind = field_kind,                                                                    \
            .offset = offsetof(struct ls_generate_options, member),                                \
            .initial = field_initial,                                                              \
            .min = field_min,                                                                      \
            .max = field_max,                                                                      \
            .help = field_help                                                                     \
        }                                                                                          \
    }

static const struct ls_option options[] = {
    OPTION(prompt, "prompt", LS_FIELD_TEXT, "", 0, 0, "text that a language model goes on with"),
    OPTION(tokens, "tokens", LS_FIELD_INTEGER, "200", 1, 1e9, "how many tokens to add"),
    OPTION(temperature, "temperature", LS_FIELD_REAL, "1", 0, 1e3,
           "above 1: more daring; below: less; 0: always the likeliest"),
    OPTION(top_k, "top-k", LS_FIELD_INTEGER, "0", 0, 1 << 24, "draw among the k likeliest; 0: all"),
    OPTION(top_p, "top-p", LS_FIELD_REAL, "0", 0, 1,
           "draw among the likeliest that have probability p together; 0: all"),
    OPTION(seed, "seed", LS_FIELD_INTEGER, "1", 0, 999999999999999, "other seeds, other results"),
    OPTION(count, "count", LS_FIELD_INTEGER, "1", 1, 1 << 24, "how many texts or images"),
    OPTION(beams, "beams", LS_FIELD_INTEGER, "4", 1, 256,
           "translations: sequences that are followed side by side"),
    OPTION(class, "class", LS_FIELD_INTEGER, "-1", -1, 1 << 24,
           "images of a model that is told the class: of which; -1: of all in turn"),
    OPTION(out, "out", LS_FIELD_TEXT, "", 0, 0,
           "images: FILE.png (side by side) or FILE.h5 (/samples)"),
};

/* A custom task may translate, too: its model reads what is written already, a feed with the key
 * begin. */
static bool translates(const struct ls_config *config) {
    for (int i = 0; i < config->data.feeds.count; i++)
        if (config->data.feeds.items[i].begin)
            return true;
    return false;
}

static enum ls_status generate_images(struct ls_generator *generator,
                                      const struct ls_generate_options *wanted,
                                      struct ls_error *error) {
    const enum ls_status status = ls_generate_images(generator, wanted, error);
    if (status == LS_OK)
        printf("%s: %lld images of step %llu\n", wanted->out, (long long)wanted->count,
               (unsigned long long)generator->run.state.step);
    return status;
}

static int run_generate(int argument_count, char **arguments, const void *given) {
    (void)argument_count;
    struct ls_error error;
    struct ls_generator generator = {0};
    enum ls_status status = ls_saved_run_open(&generator.run, arguments[0], &error);
    if (status == LS_OK) {
        const int task = generator.run.config.task.kind;
        if (task == LS_TASK_LANGUAGE_MODEL)
            status = ls_generate_text(&generator, arguments[0], given, &error);
        else if (task == LS_TASK_VAE || task == LS_TASK_GAN)
            status = generate_images(&generator, given, &error);
        else if (task == LS_TASK_TRANSLATION || translates(&generator.run.config))
            status = ls_generate_translation(&generator, arguments[0], given, &error);
        else
            status = ls_fail(&error, LS_INVALID,
                             "%s: a %s answers, it makes nothing up; see `lockstep help predict`\n"
                             "generate takes runs of language_model, translation, vae and gan",
                             arguments[0], ls_task_of(task)->name);
    }
    ls_generator_close(&generator);
    return status == LS_OK ? LS_EXIT_DONE : ls_command_fail(&error);
}

const struct ls_command ls_command_generate = {
    .name = "generate",
    .usage =
        "RUN [--prompt TEXT] [--tokens N] [--count N] [--seed N] [--out FILE.png|FILE.h5] [<LINES]",
    .help = "what a trained language model, VAE or GAN makes up; a translation of each line",
    .options = options,
    .option_count = (int)(sizeof options / sizeof *options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_generate,
    .options_size = sizeof(struct ls_generate_options),
};
