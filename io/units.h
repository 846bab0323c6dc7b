/* Texts cut into units (enum ls_text_unit), and how often each comes. Internal to io. */
#ifndef LS_IO_UNITS_H
#define LS_IO_UNITS_H

#include "io/csv.h"
#include "io/vocabulary.h"

/* A unit in a text: `length` bytes from `at` on. Pieces are cut out of words, so their unit here is
 * the word. */
struct ls_unit {
    uint64_t at;
    size_t length;
};

/* The parts of a text; one that has none is a part itself. */
uint64_t ls_text_parts(const struct ls_text *text);
struct ls_text_part ls_text_part_at(const struct ls_text *text, uint64_t part);

/* The next unit of a part, behind *unit (of length 0: the first); false at the end or (with error
 * set) at what is no character. */
bool ls_unit_next(int kind, const struct ls_text *text, struct ls_text_part part,
                  struct ls_unit *unit, enum ls_status *status, struct ls_error *error);

/* The place of a byte, for errors. */
struct ls_csv_place ls_text_place(const struct ls_text *text, uint64_t at);

struct ls_counted_unit {
    struct ls_unit unit;
    uint64_t times;
};

/* The distinct units of a text, by how often they come (then by their bytes), or by their bytes
 * alone; *units [count] is the caller's, also after an error. */
LS_MUST_USE enum ls_status ls_units_count(int kind, bool by_times, const struct ls_text *text,
                                          struct ls_counted_unit **units, uint64_t *count,
                                          struct ls_error *error);

#endif
