#include "launcher/report/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "io/file.h"
#include "io/schema.h"
#include "launcher/command/generate.h"

enum { IMAGES = 36, TOKENS = 300, LINES = 20, PICTURE_BYTES_MAX = 1 << 20 };

/* Lines one below the other, without what `generate` puts between texts. */
static void join_lines(char *text) {
    static const char between[] = "\n----\n";
    for (char *at = text; (at = strstr(at, between));)
        memmove(at + 1, at + strlen(between), strlen(at + strlen(between)) + 1);
}

/* Text of a language model; images of a VAE or a GAN. */
enum ls_status ls_look_samples(struct ls_look *look, const char *run, struct ls_error *error) {
    struct ls_generator generator = {0};
    struct ls_generate_options wanted = {.seed = LS_LOOK_SEED,
                                         .count = 1,
                                         .tokens = TOKENS,
                                         .temperature = LS_LOOK_TEMPERATURE,
                                         .class = -1,
                                         .beams = 1};
    size_t size = 0;
    uint64_t count = 0;
    char folder[LS_TEXT_MAX] = "";
    enum ls_status status = ls_saved_run_open(&generator.run, run, error);
    look->made_step = generator.run.state.step;
    const int task = status == LS_OK ? generator.run.config.task.kind : LS_TASK_CUSTOM;
    if (task == LS_TASK_LANGUAGE_MODEL) {
        wanted.to = open_memstream(&look->text, &size);
        LS_ASSERT(wanted.to, "no memory for the texts of %s", run);
        if (generator.run.config.data.length) { /* samples are lines, as names are */
            wanted.count = LINES;
            wanted.tokens = generator.run.config.data.length;
        }
        ls_log_set_level(LS_LOG_WARNING); /* how it is made concerns nobody here */
        status = ls_generate_text(&generator, run, &wanted, error);
        ls_log_set_level(LS_LOG_INFO);
        LS_ASSERT(!fclose(wanted.to), "no memory for the texts of %s", run);
        if (wanted.count > 1)
            join_lines(look->text);
    } else if (task == LS_TASK_VAE || task == LS_TASK_GAN) {
        wanted.count = IMAGES;
        status = ls_folder_temporary(folder, sizeof folder, error);
        if (status == LS_OK) {
            snprintf(wanted.out, sizeof wanted.out, "%.900s/samples.png", folder);
            status = ls_generate_images(&generator, &wanted, error);
        }
        if (status == LS_OK)
            status =
                ls_file_read(wanted.out, PICTURE_BYTES_MAX, (char **)&look->picture, &count, error);
        look->picture_bytes = count;
        struct ls_error ignored;
        if (folder[0])
            (void)!ls_folder_remove(folder, &ignored);
    }
    ls_generator_close(&generator);
    return status;
}

void ls_look_run(struct ls_look *look, const char *run, int64_t threads) {
    struct ls_error error;
    struct ls_trained trained;
    const struct ls_trained_options options = {
        .run = run, .file = "", .targets = true, .threads = threads};
    *look = (struct ls_look){0};
    enum ls_status status = ls_trained_open(&trained, &options, &error);
    if (status == LS_OK) {
        look->step = trained.run.state.step;
        status = ls_look_mistakes(look, &trained, &error);
        ls_trained_close(&trained);
    }
    if (status != LS_OK)
        look->problem = ls_strdup(error.text);
    if (ls_look_samples(look, run, &error) != LS_OK)
        look->made_problem = ls_strdup(error.text);
}

static void clear_mistakes(struct ls_mistakes *mistakes) {
    for (int i = 0; i < mistakes->count; i++) {
        free(mistakes->items[i].sample);
        free(mistakes->items[i].made);
    }
}

void ls_look_clear(struct ls_look *look) {
    clear_mistakes(&look->worst);
    clear_mistakes(&look->confident);
    ls_schema_free_names(look->columns, look->column_count);
    ls_schema_free_names(look->classes, look->class_count);
    ls_row_names_clear(&look->names);
    json_decref(look->measured);
    free(look->problem);
    free(look->made_problem);
    free(look->text);
    free(look->picture);
    *look = (struct ls_look){0};
}
