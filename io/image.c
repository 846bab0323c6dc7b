#include "io/image.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

#include "core/base/memory.h"
#include "io/file.h"

enum { SIDE_MAX = 1 << 16, BYTES_MAX = 1 << 28 };

/* A file on its way to an image; both libraries leave by longjmp. */
struct reading {
    const char *path;
    char *bytes; /* owned */
    uint64_t count, at;
    bool header_only;
    struct ls_image image;
    png_bytep *lines; /* owned */
    jmp_buf failed;
    char text[JMSG_LENGTH_MAX]; /* why */
};

static _Noreturn void fail(struct reading *reading, const char *text) {
    snprintf(reading->text, sizeof reading->text, "%s", text);
    longjmp(reading->failed, 1);
}

static void allocate(struct reading *reading, int64_t height, int64_t width, int channels) {
    if (height < 1 || width < 1 || height > SIDE_MAX || width > SIDE_MAX ||
        height * width * channels > BYTES_MAX)
        fail(reading, "the picture is too large");
    reading->image = (struct ls_image){height, width, channels, NULL};
    if (!reading->header_only)
        reading->image.pixels = ls_realloc(NULL, (size_t)(height * width * channels), 1);
}

/* ---- PNG ---- */

static void png_failed(png_structp png, png_const_charp text) {
    fail(png_get_error_ptr(png), text);
}

static void png_warned(png_structp png, png_const_charp text) {
    (void)png, (void)text; /* about chunks that are not pixels */
}

static void png_give(png_structp png, png_bytep to, size_t count) {
    struct reading *reading = png_get_io_ptr(png);
    if (count > reading->count - reading->at)
        fail(reading, "the file ends early");
    memcpy(to, reading->bytes + reading->at, count);
    reading->at += count;
}

/* Two bytes of grey and alpha, or four of RGB and alpha, to one or three. */
static void drop_alpha(struct reading *reading, int64_t channels) {
    struct ls_image *image = &reading->image;
    unsigned char *pixels = image->pixels;
    const int64_t count = image->height * image->width;
    for (int64_t i = 0; i < count; i++) {
        if (pixels[(i + 1) * (channels + 1) - 1] != 255)
            fail(reading, "it has transparent pixels; put it on a background first");
        memmove(pixels + i * channels, pixels + i * (channels + 1), (size_t)channels);
    }
    image->channels = channels;
}

static void read_png(struct reading *reading, png_structp png, png_infop info) {
    png_set_read_fn(png, reading, png_give);
    png_read_info(png, info);
    if (png_get_bit_depth(png, info) > 8)
        fail(reading, "it has 16 bits per channel, expected 8");
    png_set_expand(png);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    const int stored = png_get_channels(png, info), channels = stored > 2 ? 3 : 1;
    const int64_t height = png_get_image_height(png, info), width = png_get_image_width(png, info);
    allocate(reading, height, width, stored);
    reading->image.channels = channels;
    if (reading->header_only)
        return;
    reading->lines = ls_calloc((size_t)height, sizeof *reading->lines);
    for (int64_t line = 0; line < height; line++)
        reading->lines[line] = reading->image.pixels + line * width * stored;
    for (int pass = 0; pass < passes; pass++)
        png_read_rows(png, reading->lines, NULL, (png_uint_32)height);
    png_read_end(png, NULL);
    if (stored != channels)
        drop_alpha(reading, channels);
}

static bool decode_png(struct reading *reading) {
    png_structp png =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, reading, png_failed, png_warned);
    LS_ASSERT(png, "out of memory: %s", reading->path);
    png_infop info = png_create_info_struct(png);
    LS_ASSERT(info, "out of memory: %s", reading->path);
    const bool good = !setjmp(reading->failed);
    if (good)
        read_png(reading, png, info);
    png_destroy_read_struct(&png, &info, NULL);
    return good;
}

/* ---- JPEG ---- */

static void jpeg_failed(j_common_ptr jpeg) {
    struct reading *reading = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    fail(reading, text);
}

/* A warning: what follows is guessed, grey for the most part. */
static void jpeg_told(j_common_ptr jpeg, int level) {
    if (level < 0)
        jpeg_failed(jpeg);
}

static void read_jpeg(struct reading *reading, struct jpeg_decompress_struct *jpeg) {
    jpeg_mem_src(jpeg, (const unsigned char *)reading->bytes, (unsigned long)reading->count);
    jpeg_read_header(jpeg, TRUE);
    if (jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK)
        fail(reading, "its colours are CMYK, expected grey or RGB");
    const bool grey = jpeg->jpeg_color_space == JCS_GRAYSCALE;
    allocate(reading, jpeg->image_height, jpeg->image_width, grey ? 1 : 3);
    if (reading->header_only)
        return;
    jpeg->out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(jpeg);
    const int64_t line = reading->image.width * reading->image.channels;
    while (jpeg->output_scanline < jpeg->output_height)
        jpeg_read_scanlines(
            jpeg, &(JSAMPROW){reading->image.pixels + (int64_t)jpeg->output_scanline * line}, 1);
    jpeg_finish_decompress(jpeg);
}

static bool decode_jpeg(struct reading *reading) {
    struct jpeg_error_mgr errors;
    struct jpeg_decompress_struct jpeg = {.err = jpeg_std_error(&errors), .client_data = reading};
    errors.error_exit = jpeg_failed;
    errors.emit_message = jpeg_told;
    const bool good = !setjmp(reading->failed);
    if (good) {
        jpeg_create_decompress(&jpeg);
        read_jpeg(reading, &jpeg);
    }
    jpeg_destroy_decompress(&jpeg);
    return good;
}

/* ---- both ---- */

static bool decode(struct reading *reading) {
    static const unsigned char jpeg[] = {0xff, 0xd8, 0xff};
    if (reading->count >= 8 && !png_sig_cmp((png_const_bytep)reading->bytes, 0, 8))
        return decode_png(reading);
    if (reading->count >= sizeof jpeg && !memcmp(reading->bytes, jpeg, sizeof jpeg))
        return decode_jpeg(reading);
    snprintf(reading->text, sizeof reading->text, "neither PNG nor JPEG");
    return false;
}

static enum ls_status read_image(const char *path, bool header_only, struct ls_image *image,
                                 struct ls_error *error) {
    *image = (struct ls_image){0};
    struct reading *reading = ls_calloc(1, sizeof *reading); /* what longjmp may not lose */
    reading->path = path;
    reading->header_only = header_only;
    enum ls_status status = ls_file_read(path, BYTES_MAX, &reading->bytes, &reading->count, error);
    if (status == LS_OK && !decode(reading)) {
        status = ls_fail(error, LS_INVALID, "%s: %s", path, reading->text);
        ls_image_clear(&reading->image);
    }
    *image = reading->image;
    free(reading->lines);
    free(reading->bytes);
    free(reading);
    return status;
}

enum ls_status ls_image_measure(const char *path, struct ls_image *image, struct ls_error *error) {
    return read_image(path, true, image, error);
}

enum ls_status ls_image_read(const char *path, struct ls_image *image, struct ls_error *error) {
    return read_image(path, false, image, error);
}

void ls_image_clear(struct ls_image *image) {
    free(image->pixels);
    *image = (struct ls_image){0};
}

void ls_image_colour(struct ls_image *image) {
    if (image->channels == 3)
        return;
    const int64_t count = image->height * image->width;
    unsigned char *pixels = ls_realloc(NULL, (size_t)count, 3);
    for (int64_t i = 0; i < 3 * count; i++)
        pixels[i] = image->pixels[i / 3];
    free(image->pixels);
    image->pixels = pixels;
    image->channels = 3;
}

/* ---- other sizes ---- */

/* One side: output i is a mean of inputs from .. */
struct side {
    double scale, offset; /* the middle of output i lies at (i + 0.5) * scale + offset */
    double reach;         /* half the triangle's width */
};

/* Along one side: from [outer, count, inner] to [outer, made, inner]. */
static void resample(const float *from, int64_t outer, int64_t count, int64_t inner,
                     struct side side, float *to, int64_t made) {
    for (int64_t o = 0; o < outer; o++)
        for (int64_t m = 0; m < made; m++) {
            const double middle = ((double)m + 0.5) * side.scale + side.offset;
            int64_t first = (int64_t)(middle - side.reach),
                    end = (int64_t)(middle + side.reach) + 1;
            first = first < 0 ? 0 : first;
            end = end > count ? count : end;
            double total = 0;
            float *pixel = to + (o * made + m) * inner;
            memset(pixel, 0, (size_t)inner * sizeof *pixel);
            for (int pass = 0; pass < 2; pass++) /* weights, then the mean */
                for (int64_t i = first; i < end; i++) {
                    const double away = (double)i + 0.5 - middle;
                    const double weight = 1 - (away < 0 ? -away : away) / side.reach;
                    if (weight <= 0)
                        continue;
                    if (pass == 0)
                        total += weight;
                    for (int64_t k = 0; k < inner && pass == 1; k++)
                        pixel[k] += (float)(weight / total) * from[(o * count + i) * inner + k];
                }
        }
}

static struct side side_of(double scale, int64_t count, int64_t made) {
    return (struct side){.scale = scale,
                         .offset = ((double)count - (double)made * scale) / 2,
                         .reach = scale > 1 ? scale : 1};
}

void ls_image_resize(struct ls_image *image, int64_t height, int64_t width) {
    if (image->height == height && image->width == width)
        return;
    const double down = (double)image->height / (double)height,
                 across = (double)image->width / (double)width;
    const double scale = down < across ? down : across; /* of the side that fits exactly */
    const int64_t values = image->height * image->width * image->channels;
    const int64_t made = height * width * image->channels;
    float *from = ls_calloc((size_t)values, sizeof *from), *to;
    float *narrow = ls_calloc((size_t)(image->height * width * image->channels), sizeof *narrow);
    for (int64_t i = 0; i < values; i++)
        from[i] = image->pixels[i];
    resample(from, image->height, image->width, image->channels,
             side_of(scale, image->width, width), narrow, width);
    free(from);
    to = ls_calloc((size_t)made, sizeof *to);
    resample(narrow, 1, image->height, width * image->channels,
             side_of(scale, image->height, height), to, height);
    free(narrow);
    free(image->pixels);
    image->pixels = ls_realloc(NULL, (size_t)made, 1);
    for (int64_t i = 0; i < made; i++)
        image->pixels[i] = (unsigned char)(to[i] + 0.5f);
    image->height = height;
    image->width = width;
    free(to);
}
