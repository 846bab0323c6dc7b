#include "core/tensor/augment.h"

#include <stddef.h>
#include <string.h>

#include "core/base/status.h"

/* Positions in an image's row of random numbers. */
enum {
    DRAW_FLIP,
    DRAW_SHIFT_Y,
    DRAW_SHIFT_X,
    DRAW_ROTATE,
    DRAW_SCALE,
    DRAW_BRIGHTNESS,
    DRAW_CUT_Y,
    DRAW_CUT_X,
    DRAW_PARTNER,
    DRAW_NOISE = 16 /* and one for each value */
};

/* Of mixup's shares: two for each try. */
static const uint64_t draw_share = (uint64_t)1 << 48;

static const char *const fills[] = {"zero", "edge", "reflect", NULL};

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
     .help = "move training images by at most so far on each axis: a crop of the image with so "
             "much padding"},
    {.name = "fill",
     .kind = LS_FIELD_CHOICE,
     .offset = AUGMENT(fill),
     .initial = "zero",
     .choices = fills,
     .help = "what comes in where an image was moved, turned or made smaller: zeros, its edge, or "
             "its mirror image"},
    {.name = "rotate",
     .kind = LS_FIELD_REAL,
     .offset = AUGMENT(rotate),
     .initial = "0",
     .max = 180,
     .unit = "degrees",
     .help = "turn training images by at most so far, to the left or right"},
    {.name = "scale",
     .kind = LS_FIELD_REAL,
     .offset = AUGMENT(scale),
     .initial = "0",
     .max = 0.9,
     .help = "make training images larger or smaller by at most this share (0.1: 0.9 to 1.1)"},
    {.name = "brightness",
     .kind = LS_FIELD_REAL,
     .offset = AUGMENT(brightness),
     .initial = "0",
     .max = 1e6,
     .help = "add at most so much to all values of a training image, or take it off"},
    {.name = "noise",
     .kind = LS_FIELD_REAL,
     .offset = AUGMENT(noise),
     .initial = "0",
     .max = 1e6,
     .help = "deviation of normal noise that is added to each value of training images"},
    {.name = "cutout",
     .kind = LS_FIELD_INTEGER,
     .offset = AUGMENT(cutout),
     .initial = "0",
     .max = 1024,
     .unit = "pixels",
     .help = "side of a square of zeros somewhere in training images (DeVries & Taylor 2017)"},
    {.name = "mixup",
     .kind = LS_FIELD_REAL,
     .offset = AUGMENT(mixup),
     .initial = "0",
     .max = 4,
     .help =
         "classification: the inputs are mixed with those of another sample (Zhang et al. 2018), "
         "the more evenly the larger it is (0.2); 0: off"},
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

/* From -limit to limit. */
static double draw_within(double limit, struct ls_random_key key, uint64_t counter) {
    return limit > 0 ? limit * (2 * ls_random_uniform(key, counter) - 1) : 0;
}

/* Where to look along an axis for what `fill` says lies at `at`; -1: a zero. */
static int64_t look_up(int fill, int64_t at, int64_t length) {
    if (at >= 0 && at < length)
        return at;
    if (fill == LS_FILL_ZERO)
        return -1;
    if (fill == LS_FILL_EDGE || length == 1)
        return at < 0 ? 0 : length - 1;
    const int64_t period = 2 * (length - 1), phase = ((at % period) + period) % period;
    return phase < length ? phase : period - phase; /* the edge itself comes once */
}

/* An image that is looked at, mirrored or not. */
struct source {
    const float *values;
    int64_t height, width, channels;
    bool flip;
    int fill;
};

/* The pixel's channels; NULL: zeros. */
static const float *pixel(const struct source *from, int64_t y, int64_t x) {
    y = look_up(from->fill, y, from->height);
    x = look_up(from->fill, x, from->width);
    if (y < 0 || x < 0)
        return NULL;
    x = from->flip ? from->width - 1 - x : x;
    return from->values + (y * from->width + x) * from->channels;
}

/* Moved by whole pixels. */
static void move_image(const struct source *from, int64_t dy, int64_t dx, float *to) {
    for (int64_t y = 0; y < from->height; y++)
        for (int64_t x = 0; x < from->width; x++, to += from->channels) {
            const float *values = pixel(from, y - dy, x - dx);
            if (values)
                memcpy(to, values, (size_t)from->channels * sizeof *to);
            else
                memset(to, 0, (size_t)from->channels * sizeof *to);
        }
}

/* Between the four pixels around (y, x). */
static void interpolate(const struct source *from, double y, double x, float *to) {
    const double top = __builtin_floor(y), left = __builtin_floor(x);
    const float down = (float)(y - top), right = (float)(x - left);
    const float weights[4] = {(1 - down) * (1 - right), (1 - down) * right, down * (1 - right),
                              down * right};
    for (int64_t c = 0; c < from->channels; c++)
        to[c] = 0;
    for (int i = 0; i < 4; i++) {
        const float *values = pixel(from, (int64_t)top + i / 2, (int64_t)left + i % 2);
        for (int64_t c = 0; c < from->channels && values && weights[i] > 0; c++)
            to[c] += weights[i] * values[c];
    }
}

/* Turned by a part of a full turn and enlarged about the middle, then moved. */
static void turn_image(const struct source *from, double turn, double scale, int64_t dy, int64_t dx,
                       float *to) {
    const uint32_t angle = (uint32_t)(int64_t)(turn * 0x1p32);
    const double cosine = ls_random_cosine(angle) / scale;
    const double sine = ls_random_cosine(angle - 0x40000000u) / scale;
    const double middle_y = (double)(from->height - 1) / 2,
                 middle_x = (double)(from->width - 1) / 2;
    for (int64_t y = 0; y < from->height; y++)
        for (int64_t x = 0; x < from->width; x++, to += from->channels) {
            const double v = (double)(y - dy) - middle_y, u = (double)(x - dx) - middle_x;
            interpolate(from, middle_y + (cosine * v + sine * u),
                        middle_x + (cosine * u - sine * v), to);
        }
}

static void change_values(const struct ls_augment_options *options, struct ls_random_key key,
                          int64_t count, float *values) {
    const float added = (float)draw_within(options->brightness, key, DRAW_BRIGHTNESS);
    for (int64_t i = 0; i < count && options->brightness > 0; i++)
        values[i] += added;
    for (int64_t i = 0; i < count && options->noise > 0; i++)
        values[i] += (float)(options->noise * ls_random_normal(key, DRAW_NOISE + (uint64_t)i));
}

static int64_t within(int64_t at, int64_t end) {
    return at < 0 ? 0 : at < end ? at : end;
}

static void cut_out(int64_t side, struct ls_random_key key, struct ls_shape shape, float *values) {
    const int64_t height = shape.dims[0], width = shape.dims[1], channels = shape.dims[2];
    const int64_t y = (int64_t)ls_random_below(key, DRAW_CUT_Y, (uint32_t)height) - side / 2;
    const int64_t x = (int64_t)ls_random_below(key, DRAW_CUT_X, (uint32_t)width) - side / 2;
    const int64_t left = within(x, width), right = within(x + side, width);
    for (int64_t row = within(y, height); row < within(y + side, height); row++)
        memset(values + (row * width + left) * channels, 0,
               (size_t)((right - left) * channels) * sizeof *values);
}

void ls_augment_image(const struct ls_augment_options *options, struct ls_random_key key,
                      struct ls_shape shape, const float *from, float *to) {
    LS_ASSERT(shape.rank == 3, "an image has 3 dimensions, found %d", shape.rank);
    const struct source source = {
        .values = from,
        .height = shape.dims[0],
        .width = shape.dims[1],
        .channels = shape.dims[2],
        .flip = options->flip && ls_random_below(key, DRAW_FLIP, 2),
        .fill = options->fill,
    };
    const int64_t dy = options->shift ? draw_shift(options, key, DRAW_SHIFT_Y) : 0;
    const int64_t dx = options->shift ? draw_shift(options, key, DRAW_SHIFT_X) : 0;
    const double turn = draw_within(options->rotate / 360, key, DRAW_ROTATE);
    const double scale = 1 + draw_within(options->scale, key, DRAW_SCALE);
    if (options->rotate > 0 || options->scale > 0)
        turn_image(&source, turn, scale, dy, dx, to);
    else
        move_image(&source, dy, dx, to);
    change_values(options, key, ls_shape_count(shape), to);
    if (options->cutout > 0)
        cut_out(options->cutout, key, shape, to);
}

/* Joehnk 1964: u^(1/a) and v^(1/b), drawn again while their sum is above 1. */
double ls_augment_share(double alpha, struct ls_random_key key) {
    for (uint64_t at = draw_share;; at += 2) {
        const double u = 1 - ls_random_uniform(key, at), v = 1 - ls_random_uniform(key, at + 1);
        const double x = u < 1 ? ls_random_exp(ls_random_log(u) / (1 + alpha)) : 1;
        const double y = v < 1 ? ls_random_exp(ls_random_log(v) / alpha) : 1;
        if (x > 0 && x + y <= 1)
            return x / (x + y);
    }
}

uint64_t ls_augment_partner(struct ls_random_key key, uint64_t count) {
    const uint64_t partner = (uint64_t)(ls_random_uniform(key, DRAW_PARTNER) * (double)count);
    return partner < count ? partner : count - 1;
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
