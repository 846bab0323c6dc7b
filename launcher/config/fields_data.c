/* The fields of the section data. */
#include "launcher/config/config.h"

static const char *const split_orders[] = {"random", "file", NULL};
static const char *const standardise_choices[] = {"none", "feature", "channel", NULL};
static const char *const shuffle_choices[] = {"full", "blocks", NULL};
static const char *const layout_choices[] = {"channels_last", "channels_first", NULL};
static const char *const links_choices[] = {"refused", "same_folder", NULL};

#define DATA(member) offsetof(struct ls_data_options, member)
static const struct ls_field data_items[] = {
    {.name = "train",
     .kind = LS_FIELD_TEXT,
     .offset = DATA(train),
     .help = "an HDF5 file or glob, a raw file with import options, or fashion-mnist"},
    {.name = "validation",
     .kind = LS_FIELD_TEXT,
     .offset = DATA(validation),
     .initial = "",
     .help = "measured after an epoch, decides early stopping; empty: none"},
    {.name = "test",
     .kind = LS_FIELD_TEXT,
     .offset = DATA(test),
     .initial = "",
     .help = "measured once at the end; empty: none"},
    {.name = "inputs",
     .kind = LS_FIELD_TEXT,
     .offset = DATA(inputs),
     .initial = "/inputs",
     .help = "dataset of the inputs in the HDF5 files"},
    {.name = "targets",
     .kind = LS_FIELD_TEXT,
     .offset = DATA(targets),
     .initial = "/targets",
     .help = "dataset of the targets in the HDF5 files"},
    {.name = "window",
     .kind = LS_FIELD_INTEGER,
     .offset = DATA(window),
     .initial = "0",
     .max = 1 << 24,
     .unit = "rows",
     .help =
         "of a stream (a text, a series): a sample is so many rows, its target the same one row "
         "later; 0: samples are rows"},
    {.name = "stride",
     .kind = LS_FIELD_INTEGER,
     .offset = DATA(stride),
     .initial = "0",
     .max = 1 << 24,
     .unit = "rows",
     .help = "from the beginning of a window to that of the next; 0: as many as a window has"},
    {.name = "horizon",
     .kind = LS_FIELD_INTEGER,
     .offset = DATA(horizon),
     .initial = "0",
     .max = 1 << 24,
     .unit = "rows",
     .help = "with window: the target is so many rows behind it (forecasts)"},
    {.name = "target_channels",
     .kind = LS_FIELD_LIST,
     .offset = DATA(target_channels),
     .initial = "[]",
     .max = 1 << 24,
     .help = "with window: the columns of the series that are targets, neighbours counted from 0; "
             "[]: all"},
    {.name = "length",
     .kind = LS_FIELD_INTEGER,
     .offset = DATA(length),
     .initial = "0",
     .max = 1 << 24,
     .unit = "tokens",
     .help =
         "of rows of different lengths (text --lines): inputs are a row's tokens behind <begin>, "
         "targets the same before <end>, cut or padded to it"},
    {.name = "split",
     .kind = LS_FIELD_LIST,
     .offset = DATA(split),
     .initial = "[]",
     .max = 1,
     .help = "cuts data.train into shares for train, validation, test: [0.8, 0, 0.2]; windows in "
             "order of time"},
    {.name = "group",
     .kind = LS_FIELD_TEXT,
     .offset = DATA(group),
     .initial = "",
     .help = "with split: samples whose rows of this dataset are alike stay in one part; empty: "
             "each for itself"},
    {.name = "stratify",
     .kind = LS_FIELD_TEXT,
     .offset = DATA(stratify),
     .initial = "false",
     .help = "with split: each part has the values of this dataset in the same shares; true: of "
             "the targets"},
    {.name = "split_order",
     .kind = LS_FIELD_CHOICE,
     .offset = DATA(split_order),
     .initial = "random",
     .choices = split_orders,
     .help = "with split: rows (or groups) in an order drawn from the seed; file: the first rows "
             "are for training, then validation, then test"},
    {.name = "standardise",
     .kind = LS_FIELD_CHOICE,
     .offset = DATA(standardise),
     .initial = "none",
     .choices = standardise_choices,
     .help = "inputs (and targets behind a window) to mean 0, deviation 1, by the training part: "
             "per feature or channel"},
    {.name = "standardise_targets",
     .kind = LS_FIELD_BOOL,
     .offset = DATA(standardise_targets),
     .initial = "false",
     .help = "of a regression: targets to mean 0, deviation 1, by the training part; errors are "
             "measured, and predictions given, in the units of the data"},
    {.name = "shuffle",
     .kind = LS_FIELD_CHOICE,
     .offset = DATA(shuffle),
     .initial = "full",
     .choices = shuffle_choices,
     .help =
         "full: a permutation of all samples; blocks: of blocks, then of the samples in every 16 "
         "blocks: for files larger than memory"},
    {.name = "shuffle_block",
     .kind = LS_FIELD_INTEGER,
     .offset = DATA(shuffle_block),
     .initial = "1024",
     .min = 1,
     .max = 1 << 30,
     .unit = "samples",
     .help = "of a block with shuffle: blocks; neighbours in the file, so short beside its runs of "
             "alike rows"},
    {.name = "layout",
     .kind = LS_FIELD_CHOICE,
     .offset = DATA(layout),
     .initial = "channels_last",
     .choices = layout_choices,
     .help = "of images in the files: height, width, channels; or channels, height, width, which "
             "are turned"},
    {.name = "links",
     .kind = LS_FIELD_CHOICE,
     .offset = DATA(links),
     .initial = "refused",
     .choices = links_choices,
     .help = "soft and external links and virtual datasets of HDF5 files; same_folder: followed to "
             "what lies below the file's folder"},
};
const struct ls_fields ls_data_fields = {data_items, (int)(sizeof data_items / sizeof *data_items)};
