#include "core/tensor/augment.h"

#include <stddef.h>
#include <string.h>

#include "core/base/status.h"

/* Positions in an image's row of random numbers. */
enum { DRAW_FLIP, DRAW_SHIFT_Y, DRAW_SHIFT_X };

#define AUGMENT(member) offsetof(struct ls_augment_options, member)

static const struct ls_field items[] = {
    {.name = "flip",
     .kind = LS_FIELD_BOOL,
     .offset = AUGMENT(flip),
     .initial = "false",
     .help = "mirror training images left-right with probability 1/2"},
    {.name = "shift",
     .kind = LS_FIELD_INTEGER,
     .offset = AUGMENT(shift),
     .initial = "0",
     .max = 1024,
     .unit = "pixels",
     .help = "move training images by at most so far on each axis, zeros come in"},
    {.name = "mask",
     .kind = LS_FIELD_REAL,
     .offset = AUGMENT(mask),
     .initial = "0",
     .max = 1,
     .help = "share of the tokens of the feed inputs that are hidden (80 % masks, 10 % drawn, 10 % "
             "as they are) and become the targets; in evaluation, too"},
};

const struct ls_fields ls_augment_fields = {items, sizeof items / sizeof *items};

static int64_t draw_shift(const struct ls_augment_options *options, struct ls_random_key key,
                          uint64_t counter) {
    return (int64_t)ls_random_below(key, counter, (uint32_t)(2 * options->shift + 1)) -
           options->shift;
}

/* One line of W pixels of C channels: mirrored if asked, then moved to the right by dx. */
static void augment_line(bool flip, int64_t dx, int64_t width, int64_t channels, const float *from,
                         float *to) {
    const size_t pixel = (size_t)channels * sizeof(float);
    for (int64_t x = 0; x < width; x++, to += channels) {
        const int64_t moved = x - dx, source = flip ? width - 1 - moved : moved;
        if (moved < 0 || moved >= width)
            memset(to, 0, pixel);
        else
            memcpy(to, from + source * channels, pixel);
    }
}

void ls_augment_image(const struct ls_augment_options *options, struct ls_random_key key,
                      struct ls_shape shape, const float *from, float *to) {
    LS_ASSERT(shape.rank == 3, "an image has 3 dimensions, found %d", shape.rank);
    const int64_t height = shape.dims[0], line = ls_shape_row_count(shape);
    const bool flip = options->flip && ls_random_below(key, DRAW_FLIP, 2);
    const int64_t dy = options->shift ? draw_shift(options, key, DRAW_SHIFT_Y) : 0;
    const int64_t dx = options->shift ? draw_shift(options, key, DRAW_SHIFT_X) : 0;
    for (int64_t y = 0; y < height; y++) {
        const int64_t source = y - dy;
        if (source < 0 || source >= height)
            memset(to + y * line, 0, (size_t)line * sizeof(float));
        else
            augment_line(flip, dx, shape.dims[1], shape.dims[2], from + source * line,
                         to + y * line);
    }
}

void ls_augment_mask(double share, const struct ls_mask_tokens *tokens, struct ls_random_key key,
                     int64_t count, int32_t *inputs, int32_t *targets) {
    enum { DRAW_CHOSEN, DRAW_FATE, DRAW_TOKEN, DRAWS }; /* of a position, side by side */
    for (int64_t i = 0; i < count; i++) {
        const uint64_t at = (uint64_t)i * DRAWS;
        if (inputs[i] < tokens->special || ls_random_uniform(key, at + DRAW_CHOSEN) >= share) {
            targets[i] = -1;
            continue;
        }
        const uint32_t fate = ls_random_below(key, at + DRAW_FATE, 10);
        if (fate < 8)
            inputs[i] = tokens->mask;
        else if (fate == 8)
            inputs[i] = tokens->special +
                        (int32_t)ls_random_below(key, at + DRAW_TOKEN,
                                                 (uint32_t)(tokens->count - tokens->special));
    }
}
