/* What may differ when a run continues, and how a difference elsewhere is told. */
#include <stdio.h>
#include <string.h>

#include "launcher/config/config.h"
#include "tests/support/support.h"

static const char base[] =
    "data:\n  train: a.h5\n  validation: b.h5\nmodel:\n  - linear: 8\n  - residual:\n"
    "      body:\n        - linear: 8\n  - linear: 2\n";

static enum ls_status compare(const char *now_text, char **assignments, int count,
                              struct ls_error *error) {
    struct ls_config before, now;
    ls_require(ls_config_parse(&before, base, strlen(base), "x.yaml", NULL, 0, &ls_test_error));
    ls_require(ls_config_parse(&now, now_text, strlen(now_text), "other.yaml", assignments, count,
                               &ls_test_error));
    const enum ls_status status = ls_config_resumable(&before, &now, error);
    ls_config_clear(&before);
    ls_config_clear(&now);
    return status;
}

START_TEST(free_keys_may_change) {
    char *free_keys[] = {(char[]){"train.steps_max=10"},
                         (char[]){"train.epochs=99"},
                         (char[]){"checkpoint.every_steps=7"},
                         (char[]){"checkpoint.every_seconds=7"},
                         (char[]){"checkpoint.every_epochs=7"},
                         (char[]){"checkpoint.keep=7"},
                         (char[]){"log.every_steps=7"},
                         (char[]){"log.progress_seconds=7"},
                         (char[]){"launcher.ranks=3"},
                         (char[]){"launcher.mpirun=x"},
                         (char[]){"launcher.mpirun_arguments=x"},
                         (char[]){"data.train=/moved/to/a.h5"},
                         (char[]){"compute.threads=3"}};
    ls_require(compare(base, free_keys, sizeof free_keys / sizeof *free_keys, &ls_test_error));
}
END_TEST

START_TEST(feeds_may_not_change) {
    static const char *const texts[] = {
        "  feeds: {inputs: x}\n", "  feeds: {inputs: y}\n", "  feeds: {targets: x}\n",
        "  feeds: {inputs: {column: x, window: 3}}\n", "  feeds: {inputs: x, targets: x}\n"};
    static const char *const parts[] = {
        NULL, "data.feeds.inputs.column was x, is y", "data.feeds was inputs, is targets",
        "data.feeds.inputs.window was 0, is 3", "number of data.feeds was 1, is 2"};
    struct ls_config configs[5];
    for (int i = 0; i < 5; i++) {
        char text[256];
        snprintf(text, sizeof text, "data:\n  train: a.h5\n%smodel: [{linear: 2}]\n", texts[i]);
        ls_require(
            ls_config_parse(&configs[i], text, strlen(text), "x.yaml", NULL, 0, &ls_test_error));
        const enum ls_status status = ls_config_resumable(&configs[0], &configs[i], &ls_test_error);
        ck_assert_int_eq(status, parts[i] ? LS_INVALID : LS_OK);
        ck_assert(!parts[i] || strstr(ls_test_error.text, parts[i]));
    }
    for (int i = 0; i < 5; i++)
        ls_config_clear(&configs[i]);
}
END_TEST

/* Every other key of every table is compared. */
START_TEST(all_others_may_not) {
    int tried = 0;
    for (int s = 0; s < ls_config_section_count; s++) {
        const struct ls_config_section *section = &ls_config_sections[s];
        /* The losses say in full what the section loss stands for. */
        for (int i = 0; i < section->fields->count && section->fields != &ls_loss_fields; i++) {
            const struct ls_field *field = &section->fields->items[i];
            struct ls_config before, now;
            ls_require(
                ls_config_parse(&before, base, strlen(base), "x.yaml", NULL, 0, &ls_test_error));
            ls_require(
                ls_config_parse(&now, base, strlen(base), "x.yaml", NULL, 0, &ls_test_error));
            char *member = (char *)&now + section->offset + field->offset;
            switch (field->kind) {
            case LS_FIELD_BOOL:
                *(bool *)member = !*(bool *)member;
                break;
            case LS_FIELD_INTEGER:
            case LS_FIELD_PAIR:
                *(int64_t *)(void *)member += 1;
                break;
            case LS_FIELD_REAL:
                *(double *)(void *)member += 1;
                break;
            case LS_FIELD_TEXT:
                strcat(member, "x");
                break;
            case LS_FIELD_CHOICE:
                *(int *)(void *)member = !*(int *)(void *)member;
                break;
            case LS_FIELD_LIST:
                ((struct ls_real_list *)(void *)member)->count++;
                break;
            case LS_FIELD_PATTERNS:
            case LS_FIELD_FACTORS:
                strcpy(((struct ls_pattern_list *)(void *)member)->items[0].pattern, "x");
                ((struct ls_pattern_list *)(void *)member)->count++;
                break;
            }
            struct ls_error error = {0};
            ck_assert_msg((ls_config_resumable(&before, &now, &error) == LS_OK) ==
                              field->resume_free,
                          "%s.%s: %s", section->name, field->name, error.text);
            if (!field->resume_free)
                ck_assert_msg(strstr(error.text, field->name), "%s is not named: %s", field->name,
                              error.text);
            tried++;
            ls_config_clear(&before);
            ls_config_clear(&now);
        }
    }
    ck_assert_int_gt(tried, 40);
}
END_TEST

START_TEST(differences_are_listed) {
    struct ls_error error;
    char *assignments[] = {(char[]){"train.batch=256"}, (char[]){"seed=2"}};
    ck_assert_int_eq(compare(base, assignments, 2, &error), LS_INVALID);
    ck_assert_str_eq(error.text, "the config differs from the one this run began with:\n"
                                 "  seed was 1, is 2\n  train.batch was 128, is 256\n"
                                 "change it back, or start again with --restart");
    char *many[] = {(char[]){"seed=2"},
                    (char[]){"train.batch=256"},
                    (char[]){"train.shuffle=false"},
                    (char[]){"optimizer.name=sgd"},
                    (char[]){"augment.flip=true"},
                    (char[]){"compute.winograd=off"}};
    ck_assert_int_eq(compare(base, many, 6, &error), LS_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, " (and 2 more)"));
    int lines = 1;
    for (const char *c = error.text; *c; c++)
        lines += *c == '\n';
    ck_assert_int_le(lines, 6);
}
END_TEST

START_TEST(models_are_compared) {
    struct ls_error error;
    static const char inner[] =
        "data:\n  train: a.h5\n  validation: b.h5\nmodel:\n  - linear: 8\n  - residual:\n"
        "      body:\n        - linear: 9\n  - linear: 2\n";
    ck_assert_int_eq(compare(inner, NULL, 0, &error), LS_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "model.residual1.linear1.units was 8, is 9"));
    static const char shorter[] =
        "data:\n  train: a.h5\n  validation: b.h5\nmodel:\n  - linear: 8\n";
    ck_assert_int_eq(compare(shorter, NULL, 0, &error), LS_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "model was 3 layers, is 1"));
    static const char other[] =
        "data:\n  train: a.h5\n  validation: b.h5\nmodel:\n  - linear: 8\n  - relu\n"
        "  - linear: 2\n";
    ck_assert_int_eq(compare(other, NULL, 0, &error), LS_INVALID);
    ck_assert_ptr_nonnull(
        strstr(error.text, "model.residual1 was residual 'residual1', is relu 'relu1'"));
}
END_TEST

/* What stands behind the model; `expected` is the whole difference. */
static void check_endings(const char *before_text, const char *now_text, const char *expected) {
    static const char start[] = "data: {train: a.h5}\n"
                                "model:\n"
                                "  generator: [noise: {shape: [4]}, linear: 3]\n"
                                "  discriminator: [linear: {units: 1, name: out}]\n";
    struct ls_config configs[2];
    const char *const texts[2] = {before_text, now_text};
    for (int i = 0; i < 2; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s", start, texts[i]);
        ls_require(
            ls_config_parse(&configs[i], text, strlen(text), "x.yaml", NULL, 0, &ls_test_error));
    }
    struct ls_error error = {0};
    const enum ls_status status = ls_config_resumable(&configs[0], &configs[1], &error);
    if (!expected)
        ls_require(status);
    else
        ck_assert_msg(status == LS_INVALID && strstr(error.text, expected),
                      "'%s' and '%s': expected '%s', found '%s'", before_text, now_text, expected,
                      error.text);
    ls_config_clear(&configs[0]);
    ls_config_clear(&configs[1]);
}

#define LOSSES(first, second)                                                                      \
    "task: custom\n"                                                                               \
    "losses: [" first ", squared_error: {name: b, from: out, target: other" second "}]\n"
#define PHASES(options) "task: gan\nphases: {generator: {" options "}}\n"

START_TEST(losses_and_phases_are_compared) {
    const char *plain = LOSSES("squared_error: {name: a}", "");
    check_endings(plain, plain, NULL);
    check_endings(plain, LOSSES("squared_error: {name: a, weight: 2}", ""),
                  "\n  losses.a.weight was 1, is 2\n");
    check_endings(plain, LOSSES("absolute_error: {name: a}", ""),
                  "\n  losses.a was squared_error 'a', is absolute_error 'a'\n");
    check_endings(plain, LOSSES("squared_error: {name: c}", ""),
                  "\n  losses.a was squared_error 'a', is squared_error 'c'\n");
    check_endings(plain, LOSSES("squared_error: {name: a}", "s"),
                  "\n  losses.b was from: out, target: other, is from: out, target: others\n");
    check_endings(plain, "task: custom\nlosses: [squared_error: {name: a}]\n",
                  "\n  losses was 2 layers, is 1\n");
    const char *gan = "task: gan\n";
    check_endings(gan, PHASES("every: 1"), NULL);
    check_endings(gan, PHASES("every: 2"), "\n  phases.generator.every was 1, is 2\n");
    check_endings(gan, PHASES("optimizer: {name: sgd}"),
                  "\n  phases.generator.optimizer.name was adam, is sgd\n");
    check_endings(gan, PHASES("schedule: {warmup_steps: 3}"),
                  "\n  phases.generator.schedule.warmup_steps was 0, is 3\n");
    check_endings(gan,
                  "task: gan\nlosses: [adversarial: {name: real, form: hinge}, "
                  "adversarial: {name: made, wanted: made}, adversarial: {name: fooled}]\n",
                  "\n  losses.real.form was ");
}
END_TEST

LS_SUITE(feeds_may_not_change, free_keys_may_change, all_others_may_not, differences_are_listed,
         models_are_compared, losses_and_phases_are_compared)
