/* One declarative table of fields describes the members of a struct: name, kind, unit, default,
 * range, help. Configs, --set, layer options, command-line options and all help texts come from
 * such tables. */
#ifndef LS_BASE_FIELD_H
#define LS_BASE_FIELD_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/patterns.h"
#include "core/base/status.h"

enum { LS_TEXT_MAX = 1024, LS_LIST_MAX = 64 };
/* Room for any member as ls_field_print writes it. */
enum { LS_FIELD_PRINT_MAX = LS_PATTERNS_MAX * (LS_PATTERN_MAX + 40) };

enum ls_field_kind {
    LS_FIELD_BOOL,     /* bool */
    LS_FIELD_INTEGER,  /* int64_t */
    LS_FIELD_REAL,     /* double */
    LS_FIELD_TEXT,     /* char[LS_TEXT_MAX] */
    LS_FIELD_CHOICE,   /* int: index into choices */
    LS_FIELD_PAIR,     /* int64_t[2]: `3` sets both, `[3, 5]` each */
    LS_FIELD_LIST,     /* struct ls_real_list; a word of choices: count -1 - its index */
    LS_FIELD_PATTERNS, /* struct ls_pattern_list: `[encoder, "*.bias"]` */
    LS_FIELD_FACTORS   /* struct ls_pattern_list with numbers: `{encoder: 0.1, "*.bias": 2}` */
};

struct ls_real_list {
    int count;
    double values[LS_LIST_MAX];
};

struct ls_field {
    const char *name; /* below its section: "epochs" in `train`, "units" of a layer */
    enum ls_field_kind kind;
    size_t offset;              /* of the member in the struct that the table describes */
    const char *initial;        /* default, as a user would write it; NULL: must be given */
    double min, max;            /* both 0: no limits (numbers only) */
    const char *const *choices; /* NULL-terminated, for LS_FIELD_CHOICE; of a list: words that may
                                   stand in its place, or NULL */
    const char *unit;           /* NULL if it has none */
    const char *help;           /* one line */
    bool resume_free;           /* may differ when a run continues */
};

struct ls_fields {
    const struct ls_field *items;
    int count;
};

/* Fills the struct with every field's default; a field that must be given is zeroed. */
void ls_fields_reset(struct ls_fields fields, void *target);

/* The field called name, or NULL. */
const struct ls_field *ls_fields_find(struct ls_fields fields, const char *name);

/* Parses text as the field's kind into target. The error says what was expected and found
 * ("expected an integer from 1 to 4096, found 'x'"), without place or field name: the caller knows
 * those. */
LS_MUST_USE enum ls_status ls_field_parse(const struct ls_field *field, const char *text,
                                          void *target, struct ls_error *error);

/* Writes the member as a user would write it; returns text. */
char *ls_field_print(const struct ls_field *field, const void *target, char *text, size_t size);

/* Among count names the one nearest to `name` (edit distance at most a third of its length, else
 * NULL). */
const char *ls_nearest(const char *name, const char *const *names, int count);

#endif
