/* Rows of field tables that several layers have, each written once. A row describes the member of
 * its name; what follows is its help. */
#ifndef LS_LAYERS_FIELDS_H
#define LS_LAYERS_FIELDS_H

#include "core/layers/list.h"

/* A whole number from 1 on that must be given: units, filters, a vocabulary. int64_t. */
#define LS_COUNT_FIELD(type, member, most, help_text)                                              \
    {                                                                                              \
        .name = #member, .kind = LS_FIELD_INTEGER, .offset = offsetof(type, member), .min = 1,     \
        .max = most, .help = help_text                                                             \
    }

/* A whole number from 1 on, or the word for the size of the data's vocabulary (0). int64_t. */
#define LS_VOCABULARY_FIELD(type, member, default_text, least, help_text)                          \
    {                                                                                              \
        .name = #member, .kind = LS_FIELD_INTEGER, .offset = offsetof(type, member),               \
        .initial = default_text, .min = least, .max = 1 << 24, .choices = ls_vocabulary_words,     \
        .help = help_text                                                                          \
    }
extern const char *const ls_vocabulary_words[];

/* A whole number with limits and a default. int64_t. */
#define LS_INTEGER_FIELD(type, member, default_text, least, most, help_text)                       \
    {                                                                                              \
        .name = #member, .kind = LS_FIELD_INTEGER, .offset = offsetof(type, member),               \
        .initial = default_text, .min = least, .max = most, .help = help_text                      \
    }

/* Height and width in pixels, as one number or two. int64_t[2]. */
#define LS_PIXELS_FIELD(type, member, default_text, least, most, help_text)                        \
    {                                                                                              \
        .name = #member, .kind = LS_FIELD_PAIR, .offset = offsetof(type, member),                  \
        .initial = default_text, .min = least, .max = most, .unit = "pixels", .help = help_text    \
    }

#define LS_WINDOW_HELP "size of the window: one number, or [height, width]"

/* A number with a default; without limits where `least` and `most` are both 0. double. */
#define LS_REAL_FIELD(type, member, default_text, least, most, help_text)                          \
    {                                                                                              \
        .name = #member, .kind = LS_FIELD_REAL, .offset = offsetof(type, member),                  \
        .initial = default_text, .min = least, .max = most, .help = help_text                      \
    }

/* Members `bias` (bool) and `bias_init` (double). */
#define LS_BIAS_FIELDS(type, help_text)                                                            \
    {.name = "bias",                                                                               \
     .kind = LS_FIELD_BOOL,                                                                        \
     .offset = offsetof(type, bias),                                                               \
     .initial = "true",                                                                            \
     .help = help_text},                                                                           \
        LS_REAL_FIELD(type, bias_init, "0", -1e6, 1e6, "initial value of the biases")

#define LS_CONVOLUTION_BIAS_HELP "whether a bias is added (a batch_norm behind makes it useless)"

/* Members `groups` (int64_t) of convolutions. */
#define LS_GROUPS_FIELD(type)                                                                      \
    LS_INTEGER_FIELD(type, groups, "1", 1, 1 << 20,                                                \
                     "channels are cut into so many groups that do not see each other")

/* Zeros before and behind so that a convolution has ceil(size / stride) outputs along an axis; an
 * odd one goes behind. (convolution.c) */
void ls_pad_same(int64_t size, int64_t kernel, int64_t stride, int64_t dilation,
                 int64_t padding[2]);

/* Whether groups divide the channels of x and the filters; else fails. (convolution.c) */
bool ls_groups_divide(struct ls_graph *graph, const struct ls_value *x, int64_t filters,
                      int64_t groups);

#endif
