#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/field.h"

/* The shortest text that reads back as the same number. */
static void print_real(char text[32], double value) {
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        const double back = strtod(text, NULL);
        if (back >= value && back <= value)
            return;
    }
}

static void print_list(const struct ls_real_list *list, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "[");
    for (int i = 0; i < list->count && used < size; i++) {
        char number[32];
        print_real(number, list->values[i]);
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", number);
    }
    if (used < size)
        snprintf(text + used, size - used, "]");
}

/* In quotes: YAML takes a `*` at the beginning of a plain text for something else. */
static void print_patterns(const struct ls_pattern_list *list, bool numbers, char *text,
                           size_t size) {
    size_t used = (size_t)snprintf(text, size, numbers ? "{" : "[");
    for (int i = 0; i < list->count && used < size; i++) {
        char number[32] = "";
        if (numbers)
            print_real(number, list->items[i].value);
        used += (size_t)snprintf(text + used, size - used, "%s\"%s\"%s%s", i ? ", " : "",
                                 list->items[i].pattern, numbers ? ": " : "", number);
    }
    if (used < size)
        snprintf(text + used, size - used, numbers ? "}" : "]");
}

char *ls_field_print(const struct ls_field *field, const void *target, char *text, size_t size) {
    const void *value = (const char *)target + field->offset;
    const int64_t *integer = value;
    const int *choice = value;
    char number[32];
    switch (field->kind) {
    case LS_FIELD_BOOL:
        snprintf(text, size, "%s", *(const bool *)value ? "true" : "false");
        break;
    case LS_FIELD_INTEGER:
        snprintf(text, size, "%" PRId64, *integer);
        break;
    case LS_FIELD_REAL:
        print_real(number, *(const double *)value);
        snprintf(text, size, "%s", number);
        break;
    case LS_FIELD_TEXT:
        snprintf(text, size, "%s", (const char *)value);
        break;
    case LS_FIELD_CHOICE:
        snprintf(text, size, "%s", field->choices[*choice]);
        break;
    case LS_FIELD_PAIR:
        if (integer[0] == integer[1])
            snprintf(text, size, "%" PRId64, integer[0]);
        else
            snprintf(text, size, "[%" PRId64 ", %" PRId64 "]", integer[0], integer[1]);
        break;
    case LS_FIELD_LIST:
        if (((const struct ls_real_list *)value)->count < 0)
            snprintf(text, size, "%s",
                     field->choices[-1 - ((const struct ls_real_list *)value)->count]);
        else
            print_list(value, text, size);
        break;
    case LS_FIELD_PATTERNS:
    case LS_FIELD_FACTORS:
        print_patterns(value, field->kind == LS_FIELD_FACTORS, text, size);
        break;
    }
    return text;
}

enum { COMPARED_MAX = 64 }; /* names longer than this have no nearest */

static int least(int a, int b) {
    return a < b ? a : b;
}

/* Optimal string alignment (Damerau 1964): insert, delete, replace, swap neighbours. */
static int edit_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    int row[3][COMPARED_MAX + 1];
    for (size_t j = 0; j <= b_length; j++)
        row[0][j] = (int)j;
    for (size_t i = 1; i <= a_length; i++) {
        int *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = (int)i;
        for (size_t j = 1; j <= b_length; j++) {
            now[j] = least(last[j - 1] + (a[i - 1] != b[j - 1]), least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return row[a_length % 3][b_length];
}

const char *ls_nearest(const char *name, const char *const *names, int count) {
    const size_t length = strlen(name);
    if (length > COMPARED_MAX)
        return NULL;
    const char *nearest = NULL;
    int best = (int)(length / 3) + 1;
    for (int i = 0; i < count; i++) {
        const size_t other = strlen(names[i]);
        if (other > COMPARED_MAX)
            continue;
        const int distance = edit_distance(name, length, names[i], other);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
