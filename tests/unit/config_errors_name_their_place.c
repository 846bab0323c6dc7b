/* Every class of mistake in a config: the whole text of its error, which names file, line and
 * column. */
#include <stdio.h>
#include <string.h>

#include "launcher/config/config.h"
#include "tests/support/support.h"

/* Valid around what a case adds. "D" and "M" stand for these. */
#define D "data:\n  train: a.h5\n"
#define M "model:\n  - linear: 1\n"
/* A task with two phases. */
#define G "model:\n  generator: [linear: 1]\n  discriminator: [linear: 1]\ntask: gan\nseed: 1\n"

struct mistake {
    const char *text;
    const char *assignment; /* NULL: none */
    const char *error;      /* the whole text, or its beginning where it ends in "..." */
};

static const struct mistake mistakes[] = {
    /* Keys. */
    {D M "train:\n  bacth: 3\n", NULL,
     "x.yaml:6:3: error: unknown key 'bacth' in section train; nearest is 'batch'"},
    {D M "trian:\n  batch: 3\n", NULL,
     "x.yaml:5:1: error: unknown key 'trian'; nearest is 'train'"},
    {D M "train:\n  learning_rate: 3\n", NULL,
     "x.yaml:6:3: error: unknown key 'learning_rate' in section train; section optimizer has it"},
    {D M "train:\n  xyzzy: 3\n", NULL,
     "x.yaml:6:3: error: unknown key 'xyzzy' in section train; see `lockstep help config train`"},
    {D M "train:\n  batch: 3\n  batch: 3\n", NULL,
     "x.yaml:7:3: error: train.batch is given twice; first on line 6"},
    {D M "train:\n  batch: 8\ntrain:\n  epochs: 3\n", NULL,
     "x.yaml:7:1: error: section train is given twice; first on line 5"},
    {D M M, NULL, "x.yaml:5:1: error: section model is given twice; first on line 3"},
    {D M "seed: 1\nseed: 2\n", NULL, "x.yaml:6:1: error: seed is given twice; first on line 5"},
    {M, NULL, "x.yaml:1:1: error: data.train is missing: ..."},
    {D, NULL, "x.yaml:1:1: error: model is missing: a list of layers"},
    {"data:\n  test: b.h5\n" M, NULL, "x.yaml:1:1: error: data.train is missing: ..."},
    {"# nothing\n", NULL, "x.yaml:1:1: error: the config is empty"},
    {"- a\n- b\n", NULL, "x.yaml:1:1: error: expected sections (train:, model:, ...)"},
    {D M "[1, 2]: 3\n", NULL, "x.yaml:5:1: error: expected a key, found something else"},
    /* Types and ranges. */
    {D M "train:\n  batch: many\n", NULL,
     "x.yaml:6:10: error: train.batch (samples): expected an integer from 1 to 16777216, found "
     "'many'"},
    {D M "train:\n  batch: \"128\"\n", NULL,
     "x.yaml:6:10: error: train.batch: expected a number, found the text \"128\" in quotes"},
    {D M "train:\n  batch: [1, 2]\n", NULL,
     "x.yaml:6:10: error: train.batch: expected a value, found a list"},
    {D M "train:\n  batch:\n", NULL,
     "x.yaml:6:9: error: train.batch: expected a value, found nothing"},
    {D M "train:\n  batch: 0\n", NULL,
     "x.yaml:6:10: error: train.batch (samples): expected an integer from 1 to 16777216, found "
     "'0'"},
    {D M "train:\n  batch: 1.5\n", NULL,
     "x.yaml:6:10: error: train.batch (samples): expected an integer ..."},
    {D M "train:\n  microbatches: -1\n", NULL,
     "x.yaml:6:17: error: train.microbatches: expected an integer from 0 to 4096, found '-1' (or "
     "the word auto)"},
    {D M "compute:\n  threads: 0\n", NULL,
     "x.yaml:6:12: error: compute.threads: expected an integer from 1 to 4096, found '0'"},
    {D M, "compute.threads=two",
     "--set compute.threads=two: error: compute.threads: expected an integer from 1 to 4096, found "
     "'two'"},
    {D M "train:\n  shuffle: yes\n", NULL,
     "x.yaml:6:12: error: train.shuffle: expected true or false, found 'yes'"},
    {D M "train:\n  reduce: orderd\n", NULL,
     "x.yaml:6:11: error: train.reduce: expected ordered or allreduce, found 'orderd' "
     "(did you mean 'ordered'?)"},
    {D M "checkpoint:\n  keep: 1\n", NULL,
     "x.yaml:6:9: error: checkpoint.keep (checkpoints): expected an integer ..."},
    {D M "train: fast\n", NULL,
     "x.yaml:5:8: error: section train: expected keys with values, found 'fast'"},
    {D M "task: clasification\n", NULL,
     "x.yaml:5:7: error: task.kind: expected classification, regression, language_model, "
     "vae, gan, custom, multi_label or translation, found 'clasification' "
     "(did you mean 'classification'?)"},
    {"data:\n  train: {a: 1}\n" M, NULL,
     "x.yaml:2:10: error: data.train: expected a text, found a mapping"},
    {"data:\n  train: \"a\\0b\"\n" M, NULL,
     "x.yaml:2:10: error: data.train: expected a text, found ..."},
    /* Values that do not fit each other. */
    {D M "train:\n  batch: 100\n  microbatches: 8\n", NULL,
     "x.yaml:7:17: error: train.microbatches 8 does not divide train.batch 100 (line 6); 5 and 10 "
     "do"},
    {D M "train:\n  microbatches: 8\n  batch: 4\n", NULL,
     "x.yaml:7:10: error: train.microbatches is 8, but train.batch has only 4 samples (line 6)"},
    {D M "train:\n  microbatches: 3\n", NULL,
     "x.yaml:6:17: error: train.microbatches 3 does not divide train.batch 128 (the default); 2 "
     "and 4 do"},
    {D "  split: [0.5, 0.5]\n" M, NULL,
     "x.yaml:3:10: error: data.split: expected 3 shares (train, validation, test), found 2"},
    {D "  split: [0.5, 0.5, 0.5]\n" M, NULL,
     "x.yaml:3:10: error: data.split: the shares add up to 1.5, expected 1"},
    {D "  split: [0, 0.5, 0.5]\n" M, NULL,
     "x.yaml:3:10: error: data.split: the first share, of training, is 0"},
    {D "  split: [0.8, 0, 0.2]\n  test: b.h5\n" M, NULL,
     "x.yaml:4:9: error: data.test is given, and data.split (line 3) cuts off a part for it too: "
     "choose one"},
    {D "  split: [0.8, [0], 0.2]\n" M, NULL,
     "x.yaml:3:10: error: data.split: expected a list of plain numbers"},
    {D M "train:\n  patience: 3\n", NULL,
     "x.yaml:6:13: error: train.patience (early stopping) needs data.validation, or a share of "
     "data.split"},
    {D M "checkpoint:\n  keep_best: true\n", NULL,
     "x.yaml:6:14: error: checkpoint.keep_best needs data.validation, or a share of data.split"},
    {D M "schedule: plateau\n", NULL,
     "x.yaml:5:11: error: schedule.name plateau needs data.validation, or a share of data.split"},
    {D M "schedule: restarts\n", NULL,
     "x.yaml:5:11: error: schedule restarts needs schedule.period_steps, the length of its first "
     "period"},
    {D M "train:\n  frozen: {a: b}\n", NULL,
     "x.yaml:6:11: error: train.frozen: expected a value, found a mapping"},
    {D M "train:\n  frozen: [a, [b]]\n", NULL,
     "x.yaml:6:11: error: train.frozen: expected a list of plain names"},
    {D M "train:\n  frozen: [*a]\n", NULL, "x.yaml:6:12: error: ..."},
    {D M "optimizer:\n  factors: {a: b}\n", NULL,
     "x.yaml:6:12: error: optimizer.factors: expected names, each once, with numbers ..."},
    {D M "optimizer:\n  factors: {a: {b: 1}}\n", NULL,
     "x.yaml:6:12: error: optimizer.factors: expected a mapping of plain names to numbers"},
    {D M "schedule:\n  steps: 10\n  warmup_steps: 20\n", NULL,
     "x.yaml:7:17: error: schedule.warmup_steps is 20, but schedule.steps only 10"},
    {D M "schedule:\n  milestones: [0.5, 0.5]\n", NULL,
     "x.yaml:6:15: error: schedule.milestones: expected ascending shares, found 0.5 after 0.5"},
    {D M "launcher:\n  ranks: 100\n", NULL,
     "x.yaml:6:10: error: launcher.ranks is 100, but there are only 8 microbatches to share"},
    {D M "task: regression\nloss: cross_entropy\n", NULL, "x.yaml:6:7: error: ..."},
    {D M "answer: last\n", NULL,
     "x.yaml:5:9: error: answer is for `task: custom`; of a classification the last layer answers"},
    /* Windows and feeds. */
    {D "  horizon: 3\n" M, NULL,
     "x.yaml:3:12: error: data.horizon is about windows, but data.window is not given"},
    {D M, "data.stride=3",
     "--set data.stride=3: error: data.stride is about windows, but data.window is not given"},
    {D "  window: 8\n  horizon: 2\n  target_channels: [1, 3]\n" M, NULL,
     "x.yaml:5:20: error: data.target_channels: expected neighbours like [6] or [2, 3, 4], counted "
     "from 0, found 3"},
    {D "  window: 8\n  standardise: feature\n" M, NULL,
     "x.yaml:4:16: error: data.standardise: windows of a series take channel, not feature"},
    {D "  window: 8\n  feeds: {a: b}\n" M, NULL,
     "x.yaml:3:11: error: data.window and data.feeds (line 4) both say what a sample is: choose "
     "one"},
    {D "  feeds: [a, b]\n" M, NULL,
     "x.yaml:3:10: error: data.feeds: expected names with a column or keys each, found a list"},
    {D "  feeds: {a: {colum: b}}\n" M, NULL,
     "x.yaml:3:15: error: unknown key 'colum' in data.feeds.a; nearest is 'column'"},
    {D "  feeds: {a: {quux: b}}\n" M, NULL,
     "x.yaml:3:15: error: unknown key 'quux' in data.feeds.a; see `lockstep help config feeds`"},
    {D "  feeds: {a: {column: b, column: c}}\n" M, NULL,
     "x.yaml:3:26: error: data.feeds.a.column is given twice; first on line 3"},
    {D "  feeds: {a: [b]}\n" M, NULL,
     "x.yaml:3:14: error: data.feeds.a: expected keys with values, found a list"},
    {D "  window: 8\n  length: 8\n" M, NULL,
     "x.yaml:3:11: error: data.window and data.length (line 4) both say what a sample is: choose "
     "one"},
    {D "  length: 8\n  targets: /c\n" M, NULL,
     "x.yaml:4:12: error: data.targets is given, but data.length (line 3) says what is read: leave "
     "it out"},
    {D "  feeds: {a: {column: b, length: 4}, a_length: c}\n" M, NULL,
     "x.yaml:3:3: error: data.feeds: 'a_length' is how long the feed 'a' is: give the other feed "
     "another name"},
    {D "  group: a\n" M, NULL,
     "x.yaml:3:10: error: data.group is about data.split, but that is not given"},
    {D "  window: 8\n  group: a\n  split: [0.5, 0.5, 0]\n" M, NULL,
     "x.yaml:4:10: error: data.group: windows are split in the order of time, not by groups"},
    {D "  feeds: {a: b}\n" M "augment: {mask: 0.1}\n", NULL,
     "x.yaml:6:17: error: augment.mask hides tokens of the feed 'inputs', which data.feeds does "
     "not "
     "have"},
    {D "  feeds: {inputs: b, targets: b}\n" M "augment: {mask: 0.1}\n", NULL,
     "x.yaml:6:17: error: augment.mask makes the feed 'targets', but data.feeds has one, too"},
    {D M "augment: {mask: 0.1, flip: true}\n", NULL,
     "x.yaml:5:17: error: augment.mask is for tokens, flip and shift are for images"},
    {D M "augment: {mask: 1.5}\n", NULL, "x.yaml:5:17: error: augment.mask: expected a number ..."},
    {D "  feeds: {a: b}\n  inputs: /c\n" M, NULL,
     "x.yaml:4:11: error: data.inputs is given, but data.feeds (line 3) says what is read: leave "
     "it "
     "out"},
    {D "  feeds: {a: b}\n  inputs: /inputs\n  targets: /c\n" M, NULL,
     "x.yaml:5:12: error: data.targets is given, but data.feeds (line 3) says what is read: leave "
     "it out"},
    {D "  window: 8\n  inputs: /c\n  targets: /c\n" M, NULL,
     "x.yaml:5:12: error: data.targets is given, but data.window (line 3) says what is read: leave "
     "it out"},
    {D "  feeds: {a: {window: 3}}\n" M, NULL,
     "x.yaml:3:14: error: data.feeds.a: 'column' is missing: the dataset of the files that it is "
     "cut out of"},
    {D "  feeds: {a: {column: b, window: -1}}\n" M, NULL,
     "x.yaml:3:34: error: data.feeds.a.window (rows): expected an integer ..."},
    {D "  feeds: {a: b, a: c}\n" M, NULL, "x.yaml:3:17: error: two feeds are called 'a'"},
    {D "  feeds: {a.b: c}\n" M, NULL,
     "x.yaml:3:11: error: name of a feed: expected 1 to 63 letters, digits, _ or -"},
    {D "  feeds: {a: b}\n  feeds: {c: d}\n" M, NULL,
     "x.yaml:4:3: error: data.feeds is given twice; first on line 3"},
    {D M, "data.feeds.a=b",
     "--set data.feeds.a=b: error: feeds are changed in the config file, not with --set"},
    {D "  feds: {a: b}\n" M, NULL,
     "x.yaml:3:3: error: unknown key 'feds' in section data; nearest is 'feeds'"},
    /* Losses and phases. */
    {D M "losses: [crossentropy]\n", NULL,
     "x.yaml:5:10: error: unknown loss 'crossentropy'; nearest is 'cross_entropy'"},
    {D M "losses: [squared_error: {name: a}, huber: {name: a}]\n", NULL,
     "x.yaml:5:36: error: two losses of one list are called 'a'; first on line 5"},
    {D M "losses: [cross_entropy: {weigth: 2}]\n", NULL,
     "x.yaml:5:26: error: unknown key 'weigth' in loss cross_entropy; nearest is 'weight'"},
    {D M "losses: [cross_entropy: {from: [a, b]}]\n", NULL,
     "x.yaml:5:32: error: from: expected the name of an earlier layer, a network or a feed, found "
     "a list"},
    {D M "losses: {a: b}\n", NULL,
     "x.yaml:5:9: error: expected a list of losses (- cross_entropy), found a mapping"},
    {D M "losses: [squared_error]\nloss: {label_smoothing: 0.1}\n", NULL,
     "x.yaml:6:25: error: loss says how the task's own loss is, but the section losses is given: "
     "say it there"},
    {D M "task: custom\n", NULL,
     "x.yaml:5:7: error: task custom needs a section losses: what training makes small"},
    {D M "task: gan\nlosses: [adversarial: {name: real}]\n", NULL,
     "x.yaml:6:1: error: losses: a gan has the three terms real, made and fooled; there is no "
     "'made'"},
    {D M "phases: {x: {every: 1}}\n", NULL,
     "x.yaml:5:10: error: a classification has one phase: the sections optimizer and schedule are "
     "its"},
    {D M "task: gan\nphases: [generator]\n", NULL,
     "x.yaml:6:9: error: phases: expected names of phases with keys, found a list"},
    {D M "task: gan\nphases: {generater: {every: 2}}\n", NULL,
     "x.yaml:6:10: error: a gan has no phase 'generater'; nearest is 'generator'"},
    {D M "task: gan\nphases: {generator: {evry: 2}}\n", NULL,
     "x.yaml:6:22: error: unknown key 'evry' in phases.generator; nearest is 'every'"},
    {D M "task: gan\nphases: {generator: {every: 0}}\n", NULL,
     "x.yaml:6:29: error: phases.generator.every (steps): expected an integer from 1 to "
     "1000000000, found '0'"},
    {D M "task: gan\nphases: {generator: {optimizer: {learning_rte: 1}}}\n", NULL,
     "x.yaml:6:34: error: unknown key 'learning_rte' in phases.generator.optimizer; nearest is "
     "'learning_rate'"},
    {D M "task: gan\nphases: {generator: {every: 2}, discriminator: {every: 2}}\n", NULL,
     "x.yaml:6:1: error: phases: one of them must run in each step (every: 1)"},
    {D "  validation: b.h5\n" M "task: gan\ntrain: {patience: 1}\n", NULL,
     "x.yaml:7:19: error: train.patience: a task of 2 phases needs train.watch (generator.loss, "
     "for example)"},
    /* Layers. */
    {D "model:\n  - liner: 1\n", NULL,
     "x.yaml:4:5: error: unknown layer 'liner'; nearest is 'linear'"},
    {D "model:\n  - quux\n", NULL,
     "x.yaml:4:5: error: unknown layer 'quux'; `lockstep help config model` lists all"},
    {D "model:\n  - linear: {unit: 1}\n", NULL,
     "x.yaml:4:14: error: unknown key 'unit' in layer linear; nearest is 'units'"},
    {D "model:\n  - linear: {units: 1, units: 2}\n", NULL,
     "x.yaml:4:24: error: 'units' is given twice; first on line 4"},
    {D "model:\n  - linear: 0\n", NULL, "x.yaml:4:13: error: linear.units..."},
    /* Losses. */
    {D M "losses:\n  - huber: {delt: 1}\n", NULL,
     "x.yaml:6:13: error: unknown key 'delt' in loss huber; nearest is 'delta'"},
    {D M "losses:\n  - huber: {name: a}\n  - squared_error: {name: a}\n", NULL,
     "x.yaml:7:5: error: two losses of one list are called 'a'; first on line 6"},
    {D M "losses:\n  - cross_entropy: 3\n", NULL,
     "x.yaml:6:20: error: loss cross_entropy: expected a mapping of options or nothing, found '3'"},
    /* Phases. */
    {D G "phases:\n  generator: {every: 1, every: 2}\n", NULL,
     "x.yaml:9:25: error: phases.generator.every is given twice; first on line 9"},
    {D G "phases:\n  generator: {every: 1}\n  generator: {every: 2}\n", NULL,
     "x.yaml:10:3: error: phases.generator is given twice; first on line 9"},
    {D G "phases:\n  generator: {optimizer: {name: sgd, name: adam}}\n", NULL,
     "x.yaml:9:38: error: phases.generator.optimizer.name is given twice; first on line 9"},
    {D G "phases:\n  generator: {shedule: 1}\n", NULL,
     "x.yaml:9:15: error: unknown key 'shedule' in phases.generator; nearest is 'schedule'"},
    {D G "phases:\n  generator: {schedule: {name: step, milestones: [0.5, 0.2]}}\n", NULL,
     "x.yaml:9:50: error: schedule.milestones: expected ascending shares, found 0.2 after 0.5"},
    {D G "phases:\n  generator:\n    schedule: {steps: 5, warmup_steps: 9}\n", NULL,
     "x.yaml:10:40: error: schedule.warmup_steps is 9, but schedule.steps only 5"},
    {D "model:\n  - linear\n", NULL, "x.yaml:4:5: error: layer linear: 'units' is missing: ..."},
    {D "model:\n  - relu: 3\n", NULL,
     "x.yaml:4:11: error: layer relu: expected a mapping of options or nothing, found '3'"},
    {D "model:\n  - linear: 3\n    name: a\n", NULL,
     "x.yaml:5:5: error: model: one layer for each '-'; indent the options of 'linear' below it"},
    {D "model:\n  - linear: {units: 3, name: a.b}\n", NULL,
     "x.yaml:4:30: error: name of a layer: expected 1 to 63 letters, digits, _ or -"},
    {D "model:\n  - linear: {units: 3, name: a}\n  - linear: {units: 3, name: a}\n", NULL,
     "x.yaml:5:5: error: two layers of one list are called 'a'; first on line 4"},
    {D "model:\n  - {}\n", NULL, "x.yaml:4:5: error: model: expected a layer, found {}"},
    {D "model:\n  - [a]\n", NULL, "x.yaml:4:5: error: model: expected a layer, found a list"},
    {D "model: relu\n", NULL,
     "x.yaml:3:8: error: expected a list of layers (- linear: 10), found 'relu'"},
    {D "model:\n  - residual:\n      body:\n        - liner: 1\n", NULL,
     "x.yaml:6:11: error: unknown layer 'liner'; nearest is 'linear'"},
    /* YAML. */
    {D M "train: {batch: 3\n", NULL, "x.yaml:6:1: error: YAML syntax: ..."},
    {D M "train:\n\tbatch: 3\n", NULL, "x.yaml:6:1: error: YAML syntax: ..."},
    {"a:\n  b: \xff\n", NULL, "x.yaml:2:6: error: not YAML text: ..."},
    {D M "train: &a\n  batch: 8\n", NULL, "x.yaml:5:8: error: configs take no anchors ..."},
    {"data:\n  train: *a\n" M, NULL, "x.yaml:2:10: error: configs take no anchors ..."},
    {D M "seed: !!int 3\n", NULL, "x.yaml:5:7: error: configs take no tags ..."},
    {D M "---\nseed: 3\n", NULL, "x.yaml:5:1: error: a config is one document; ..."},
    {"a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", NULL,
     "x.yaml:1:35: error: lists and mappings lie too deep ..."},
    /* Assignments. */
    {D M, "train.bacth=3",
     "--set train.bacth=3: error: unknown key 'bacth' in section train; nearest is 'batch'"},
    {D M, "trian.batch=3", "--set trian.batch=3: error: unknown key 'trian'; nearest is 'train'"},
    {D M, "batch=3", "--set batch=3: error: unknown key 'batch'; section train has it"},
    {D M, "train.batch=x",
     "--set train.batch=x: error: train.batch (samples): expected an integer from 1 to 16777216, "
     "found 'x'"},
    {D M, "train.batch", "--set train.batch: error: expected KEY=VALUE, like train.batch=256"},
    {D M, "=3", "--set =3: error: expected KEY=VALUE, like train.batch=256"},
    {D M, "model.linear1.units=3",
     "--set model.linear1.units=3: error: the model is changed in the config file, not with --set"},
    {D M, "data.train=\xff", "--set data.train=\xff: error: data.train: expected a text in UTF-8"},
    {D M "train:\n  microbatches: 8\n", "train.batch=100",
     "--set train.batch=100: error: train.microbatches 8 does not divide train.batch 100 (line 6); "
     "5 and 10 do"},
};

static bool matches(const char *found, const char *expected) {
    const size_t length = strlen(expected);
    if (length > 3 && !strcmp(expected + length - 3, "..."))
        return !strncmp(found, expected, length - 3);
    return !strcmp(found, expected);
}

static int lines(const char *text) {
    int count = 1;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

START_TEST(every_mistake_has_its_text) {
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const struct mistake *mistake = &mistakes[i];
        struct ls_config config;
        struct ls_error error = {0};
        char assignment[64], *assignments[] = {assignment};
        snprintf(assignment, sizeof assignment, "%s",
                 mistake->assignment ? mistake->assignment : "");
        const enum ls_status status =
            ls_config_parse(&config, mistake->text, strlen(mistake->text), "x.yaml", assignments,
                            mistake->assignment ? 1 : 0, &error);
        ck_assert_msg(status == LS_INVALID, "case %zu is accepted:\n%s", i, mistake->text);
        ck_assert_msg(matches(error.text, mistake->error), "case %zu\nexpected %s\nfound    %s", i,
                      mistake->error, error.text);
        ck_assert_msg(lines(error.text) <= 6, "case %zu has %d lines", i, lines(error.text));
    }
}
END_TEST

START_TEST(a_missing_file_is_named) {
    struct ls_config config;
    struct ls_error error;
    ck_assert_int_eq(ls_config_read(&config, "/nowhere/x.yaml", NULL, 0, &error), LS_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "/nowhere/x.yaml"));
    ck_assert_int_eq(ls_config_read(&config, "/", NULL, 0, &error), LS_INVALID);
}
END_TEST

START_TEST(a_failed_layer_is_placed) {
    static const char text[] =
        D "model:\n  - relu\n  - residual:\n      body:\n        - linear: 3\n";
    struct ls_config config;
    struct ls_error error;
    ls_require(ls_config_parse(&config, text, strlen(text), "x.yaml", NULL, 0, &ls_test_error));
    ls_fail(&error, LS_INVALID, "residual1.linear1: does not fit");
    ck_assert_int_eq(
        ls_config_layer_error(&config, &config.model.items[0].layers.items[1].branches[0].items[0],
                              &error),
        LS_INVALID);
    ck_assert_str_eq(error.text, "x.yaml:7:11: error: residual1.linear1: does not fit");
    ls_config_clear(&config);
}
END_TEST

LS_SUITE(every_mistake_has_its_text, a_missing_file_is_named, a_failed_layer_is_placed)
