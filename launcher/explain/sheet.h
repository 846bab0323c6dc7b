/* A sheet to look at, an SVG: explained samples, each with its number, its label and what is
 * predicted. There texts can stand in any script, be searched and be read aloud.
 *
 * pictures.c chooses what is drawn, by what a method makes of what: images (images.c), texts
 * (texts.c), series (series.c), weights of attention (maps.c), training samples that are near
 * (nearest.c). */
#ifndef LS_LAUNCHER_EXPLAIN_SHEET_H
#define LS_LAUNCHER_EXPLAIN_SHEET_H

#include <stdio.h>

#include "launcher/explain/names.h"

/* In units of the picture. SIDE: of a tile. */
enum { LS_SHEET_WIDTH = 960, LS_SHEET_MARGIN = 12, LS_SHEET_SIDE = 104, LS_SHEET_GAP = 8 };
enum { LS_SHEET_LINE = 14 }; /* of a caption */
/* What a sheet has room for: rows; tiles of lines of several; numbers of all tiles. */
enum { LS_SHEET_ROWS = 64, LS_SHEET_TILES = 128, LS_SHEET_NUMBERS = 1 << 22 };

/* The first rows of the results, and what they are. */
struct ls_shown {
    struct ls_subject *subject; /* borrowed, like the next */
    const struct ls_names *names;
    int64_t count;                                    /* rows that are kept */
    char *arrays[LS_RESULTS_MAX + LS_EXPLAIN_COMMON]; /* owned; one row of single ones */
    struct ls_sample_block block; /* the samples, with labels where there are any; units: empty */
};

struct ls_sheet {
    const struct ls_shown *shown; /* borrowed */
    bool explains;                /* attributions are shown */
    FILE *out;                    /* what is drawn so far, into text */
    double y;                     /* below which there is nothing yet */
    char *text;                   /* owned */
    size_t size;
    char *legend; /* owned; "" */
};

/* What a kind of picture needs to know. */
struct ls_picture {
    /* Rows that a sheet of it has room for; 0: the results are nothing of this kind. */
    int64_t (*fits)(const struct ls_subject *subject);
    /* Draws them; and FOLDER/METHOD.png, where pictures can do without words. */
    enum ls_status (*draw)(struct ls_sheet *sheet, struct ls_error *error);
};
extern const struct ls_picture ls_picture_images, ls_picture_texts, ls_picture_series,
    ls_picture_maps, ls_picture_nearest;

/* What the samples of the explained feed look like. */
enum ls_input_kind { LS_INPUT_OTHER, LS_INPUT_IMAGE, LS_INPUT_TEXT, LS_INPUT_SERIES };
enum ls_input_kind ls_input_kind_of(const struct ls_subject *subject);
/* An image's height, width and channels; of two dimensions: 1 channel. Rank 0: it is none. */
struct ls_shape ls_image_shape(struct ls_shape row);
/* [steps, channels] of the first result, where it can be drawn as a series; rank 0: it cannot. */
struct ls_shape ls_series_shape(const struct ls_subject *subject);
/* Channels that there is room for. */
int64_t ls_series_few(int64_t channels);

/* Begins the sheet with its title, what is explained where attributions are shown, and a legend,
 * which is copied. The clear comes in any case. */
void ls_sheet_open(struct ls_sheet *sheet, const struct ls_shown *shown, bool explains,
                   const char *legend);
LS_MUST_USE enum ls_status ls_sheet_write(struct ls_sheet *sheet, const char *path,
                                          struct ls_error *error);
void ls_sheet_clear(struct ls_sheet *sheet);

/* "row 0, label 9, predicted 9, explained 3": what kept row n is; of units their number or class.
 * Owned by the caller. */
char *ls_sheet_name(const struct ls_sheet *sheet, int64_t n);
/* The same above what is drawn of it, with the words if its attributions are zero. */
void ls_sheet_title(struct ls_sheet *sheet, int64_t n, double x, double width);
/* A caption from its upper left corner on, in lines that are no wider; width 0: in one. And how
 * many lines these are. */
void ls_sheet_print(struct ls_sheet *sheet, double x, double y, double width, const char *text);
int ls_sheet_lines(const char *text, double width);

/* [height, width, 3] at x and the sheet's y, its longer side so long. */
struct ls_tile {
    const float *rgb; /* borrowed */
    int64_t height, width;
    double x, side;
};
LS_MUST_USE enum ls_status ls_sheet_tile(struct ls_sheet *sheet, const struct ls_tile *tile,
                                         struct ls_error *error);
double ls_tile_scale(const struct ls_tile *tile); /* of a pixel's side */
double ls_tile_height(const struct ls_tile *tile);
/* The image in grey or colours, from its darkest to its brightest value, as [pixels, 3]. */
void ls_tile_image(const float *image, int64_t pixels, int64_t channels, float *to);

/* Whether all attributions of a sample are zero; and what is said of that. */
bool ls_shown_silent(const struct ls_shown *shown, int64_t n);
extern const char ls_silent_words[];

/* A text's tokens as lines, coloured by their values (NULL: not); a series' channels, with bars of
 * its attributions below each. The sheet's y moves on. */
void ls_sheet_text(struct ls_sheet *sheet, const int32_t *tokens, const float *values);
struct ls_curves {
    struct ls_shape shape;   /* [steps, channels] */
    const float *values;     /* [steps][channels] borrowed, like the rest */
    const float *strengths;  /* likewise; NULL: no bars */
    int64_t few;             /* channels that are drawn */
    const int64_t *channels; /* [few] NULL: the first ones */
    double x, width;
};
void ls_sheet_curves(struct ls_sheet *sheet, const struct ls_curves *curves);

#endif
