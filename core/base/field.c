#include "core/base/field.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 64, EXPECTED_MAX = 512 };

static void *member(const struct ls_field *field, void *target) {
    return (char *)target + field->offset;
}

const struct ls_field *ls_fields_find(struct ls_fields fields, const char *name) {
    for (int i = 0; i < fields.count; i++)
        if (!strcmp(fields.items[i].name, name))
            return &fields.items[i];
    return NULL;
}

static size_t member_size(const struct ls_field *field) {
    switch (field->kind) {
    case LS_FIELD_BOOL:
        return sizeof(bool);
    case LS_FIELD_INTEGER:
        return sizeof(int64_t);
    case LS_FIELD_REAL:
        return sizeof(double);
    case LS_FIELD_TEXT:
        return LS_TEXT_MAX;
    case LS_FIELD_CHOICE:
        return sizeof(int);
    case LS_FIELD_PAIR:
        return 2 * sizeof(int64_t);
    case LS_FIELD_LIST:
        return sizeof(struct ls_real_list);
    case LS_FIELD_PATTERNS:
    case LS_FIELD_FACTORS:
        return sizeof(struct ls_pattern_list);
    }
    return 0;
}

void ls_fields_reset(struct ls_fields fields, void *target) {
    for (int i = 0; i < fields.count; i++) {
        const struct ls_field *field = &fields.items[i];
        struct ls_error error = {0};
        memset(member(field, target), 0, member_size(field));
        if (field->initial)
            LS_ASSERT(ls_field_parse(field, field->initial, target, &error) == LS_OK,
                      "default of field '%s': %s", field->name, error.text);
    }
}

static bool has_limits(const struct ls_field *field) {
    return field->min < 0 || field->min > 0 || field->max < 0 || field->max > 0;
}

static bool in_range(const struct ls_field *field, double value) {
    return !has_limits(field) || (value >= field->min && value <= field->max);
}

/* "an integer from 1 to 4096", "'sum' or 'mean'" */
static void describe(const struct ls_field *field, char text[EXPECTED_MAX]) {
    static const char *const kinds[] = {
        [LS_FIELD_BOOL] = "true or false",
        [LS_FIELD_INTEGER] = "an integer",
        [LS_FIELD_REAL] = "a number",
        [LS_FIELD_TEXT] = "a text",
        [LS_FIELD_CHOICE] = "",
        [LS_FIELD_PAIR] = "an integer or a pair of integers like [3, 5]",
        [LS_FIELD_LIST] = "a number or a list of numbers like [0.8, 0, 0.2]",
        [LS_FIELD_PATTERNS] = "a name or a list of names like [encoder, \"*.bias\"]",
        [LS_FIELD_FACTORS] = "names, each once, with numbers like {encoder: 0.1, \"*.bias\": 2}"};
    size_t used = (size_t)snprintf(text, EXPECTED_MAX, "%s", kinds[field->kind]);
    if (field->kind == LS_FIELD_CHOICE) {
        for (int i = 0; field->choices[i] && used < EXPECTED_MAX; i++) {
            const char *separator = !i ? "" : field->choices[i + 1] ? ", " : " or ";
            used += (size_t)snprintf(text + used, EXPECTED_MAX - used, "%s%s", separator,
                                     field->choices[i]);
        }
    } else if (has_limits(field)) {
        const char *each = field->kind >= LS_FIELD_PAIR ? ", each" : "";
        if (isinf(field->max))
            snprintf(text + used, EXPECTED_MAX - used, "%s of at least %.15g", each, field->min);
        else
            snprintf(text + used, EXPECTED_MAX - used, "%s from %.15g to %.15g", each, field->min,
                     field->max);
    }
    used = strlen(text);
    for (int i = 0; field->kind == LS_FIELD_LIST && field->choices && field->choices[i]; i++)
        used += (size_t)snprintf(text + used, EXPECTED_MAX - used, ", or %s", field->choices[i]);
}

static enum ls_status unexpected(const struct ls_field *field, const char *text,
                                 struct ls_error *error) {
    char expected[EXPECTED_MAX];
    describe(field, expected);
    return ls_fail(error, LS_INVALID, "expected %s, found '%.60s'", expected, text);
}

/* strtod also takes hexadecimal numbers, infinities, NaN and leading blanks: not here. */
static bool parse_real(const char *text, double *value) {
    if (!*text || strspn(text, "0123456789+-.eE") != strlen(text))
        return false;
    char *end;
    *value = strtod(text, &end);
    return !*end && isfinite(*value);
}

static bool parse_integer(const char *text, int64_t *value) {
    if (!*text || strspn(text, "0123456789+-") != strlen(text))
        return false;
    char *end;
    errno = 0;
    const long long parsed = strtoll(text, &end, 10);
    *value = parsed;
    return !*end && !errno;
}

/* Cuts the next element out of "a, b]", without blanks around it; *at moves behind its comma, or
 * becomes NULL at the closing bracket. */
static bool next_element(const char **at, char element[NUMBER_MAX]) {
    const char *begin = *at + strspn(*at, " \t");
    const size_t length = strcspn(begin, ",]");
    size_t used = length;
    while (used && (begin[used - 1] == ' ' || begin[used - 1] == '\t'))
        used--;
    if (!begin[length] || used >= NUMBER_MAX)
        return false;
    memcpy(element, begin, used);
    element[used] = '\0';
    if (begin[length] == ',') {
        *at = begin + length + 1;
        return true;
    }
    *at = NULL;
    return !begin[length + 1];
}

/* "[a, b, c]" as texts, or the text itself as the only element; returns how many, -1 if malformed.
 */
static int split_elements(const char *text, char elements[][NUMBER_MAX], int count_max) {
    if (*text != '[') {
        const size_t length = strlen(text);
        if (!length || length >= NUMBER_MAX)
            return -1;
        memcpy(elements[0], text, length + 1);
        return 1;
    }
    const char *at = text + 1;
    if (!strcmp(at + strspn(at, " \t"), "]"))
        return 0;
    int count = 0;
    while (at) {
        if (count == count_max || !next_element(&at, elements[count]))
            return -1;
        count++;
    }
    return count;
}

static bool parse_pair(const struct ls_field *field, const char *text, int64_t pair[2]) {
    char elements[2][NUMBER_MAX];
    int64_t values[2];
    const int count = split_elements(text, elements, 2);
    if (count < 1 || (count == 1 && *text == '['))
        return false;
    for (int i = 0; i < count; i++)
        if (!parse_integer(elements[i], &values[i]) || !in_range(field, (double)values[i]))
            return false;
    pair[0] = values[0];
    pair[1] = values[count - 1];
    return true;
}

static bool parse_list(const struct ls_field *field, const char *text, struct ls_real_list *list) {
    char elements[LS_LIST_MAX][NUMBER_MAX];
    struct ls_real_list parsed = {0};
    for (int i = 0; field->choices && field->choices[i]; i++)
        if (!strcmp(text, field->choices[i])) {
            *list = (struct ls_real_list){.count = -1 - i};
            return true;
        }
    parsed.count = split_elements(text, elements, LS_LIST_MAX);
    if (parsed.count < 0)
        return false;
    for (int i = 0; i < parsed.count; i++)
        if (!parse_real(elements[i], &parsed.values[i]) || !in_range(field, parsed.values[i]))
            return false;
    *list = parsed;
    return true;
}

static bool parse_patterns(const struct ls_field *field, const char *text,
                           struct ls_pattern_list *list) {
    struct ls_pattern_list parsed;
    const bool numbers = field->kind == LS_FIELD_FACTORS;
    if (!ls_patterns_parse(text, numbers, &parsed))
        return false;
    for (int i = 0; i < parsed.count && numbers; i++)
        if (!in_range(field, parsed.items[i].value))
            return false;
    *list = parsed;
    return true;
}

static enum ls_status parse_choice(const struct ls_field *field, const char *text, int *index,
                                   struct ls_error *error) {
    int count = 0;
    for (; field->choices[count]; count++)
        if (!strcmp(field->choices[count], text)) {
            *index = count;
            return LS_OK;
        }
    const enum ls_status status = unexpected(field, text, error);
    const char *nearest = ls_nearest(text, field->choices, count);
    const size_t used = strlen(error->text);
    if (nearest)
        snprintf(error->text + used, sizeof error->text - used, " (did you mean '%s'?)", nearest);
    return status;
}

enum ls_status ls_field_parse(const struct ls_field *field, const char *text, void *target,
                              struct ls_error *error) {
    void *value = member(field, target);
    int64_t integer;
    double real;
    bool fits = false;
    switch (field->kind) {
    case LS_FIELD_BOOL:
        fits = !strcmp(text, "true") || !strcmp(text, "false");
        if (fits)
            *(bool *)value = *text == 't';
        break;
    case LS_FIELD_INTEGER:
        fits = parse_integer(text, &integer) && in_range(field, (double)integer);
        if (fits)
            *(int64_t *)value = integer;
        break;
    case LS_FIELD_REAL:
        fits = parse_real(text, &real) && in_range(field, real);
        if (fits)
            *(double *)value = real;
        break;
    case LS_FIELD_TEXT:
        if (strlen(text) >= LS_TEXT_MAX)
            return ls_fail(error, LS_INVALID,
                           "expected a text of at most %d bytes, found %zu bytes", LS_TEXT_MAX - 1,
                           strlen(text));
        memcpy(value, text, strlen(text) + 1);
        return LS_OK;
    case LS_FIELD_CHOICE:
        return parse_choice(field, text, value, error);
    case LS_FIELD_PAIR:
        fits = parse_pair(field, text, value);
        break;
    case LS_FIELD_LIST:
        fits = parse_list(field, text, value);
        break;
    case LS_FIELD_PATTERNS:
    case LS_FIELD_FACTORS:
        fits = parse_patterns(field, text, value);
        break;
    }
    return fits ? LS_OK : unexpected(field, text, error);
}
