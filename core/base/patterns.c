#include "core/base/patterns.h"

#include <ctype.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ls_pattern_matches(const char *pattern, const char *name) {
    char part[256]; /* the name, then its scopes from the innermost outward */
    const size_t length = strlen(name);
    if (length >= sizeof part)
        return false;
    memcpy(part, name, length + 1);
    while (fnmatch(pattern, part, FNM_NOESCAPE) != 0) {
        char *dot = strrchr(part, '.');
        if (!dot)
            return false;
        *dot = '\0';
    }
    return true;
}

int ls_patterns_find(const struct ls_pattern_list *list, const char *name) {
    int found = list->count - 1;
    while (found >= 0 && !ls_pattern_matches(list->items[found].pattern, name))
        found--;
    return found;
}

static const char *skip_blanks(const char *at) {
    return at + strspn(at, " \t");
}

static bool is_pattern(const char *text, size_t length) {
    bool good = length > 0 && length < LS_PATTERN_MAX;
    for (size_t i = 0; good && i < length; i++)
        good = isalnum((unsigned char)text[i]) || strchr("_-.*", text[i]);
    return good;
}

/* Copies the pattern at the beginning of `at`; returns what is behind it, NULL if there is none. */
static const char *take_pattern(const char *at, char pattern[LS_PATTERN_MAX]) {
    const char quote = *at == '"' || *at == '\'' ? *at : '\0';
    const char *begin = at + (quote != '\0');
    const size_t length = quote ? strcspn(begin, "\"'") : strcspn(begin, " \t,:]}");
    if (!is_pattern(begin, length) || (quote && begin[length] != quote))
        return NULL;
    memcpy(pattern, begin, length);
    pattern[length] = '\0';
    return begin + length + (quote != '\0');
}

/* The same of ": 0.1". */
static const char *take_number(const char *at, double *value) {
    char *end;
    at = skip_blanks(at);
    if (*at != ':')
        return NULL;
    at = skip_blanks(at + 1);
    const size_t length = strspn(at, "0123456789+-.eE");
    *value = strtod(at, &end);
    return length && end == at + length && isfinite(*value) ? end : NULL;
}

static bool is_known(const struct ls_pattern_list *list, const char *pattern) {
    for (int i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].pattern, pattern))
            return true;
    return false;
}

/* The items of a list or mapping, from behind its opening bracket. */
static bool take_items(const char *at, bool numbers, struct ls_pattern_list *list) {
    const char close = numbers ? '}' : ']';
    at = skip_blanks(at);
    while (*at != close || list->count) {
        char pattern[LS_PATTERN_MAX];
        double value = 0;
        at = take_pattern(at, pattern);
        if (at && numbers)
            at = take_number(at, &value);
        if (!at || list->count == LS_PATTERNS_MAX || is_known(list, pattern))
            return false;
        strcpy(list->items[list->count].pattern, pattern);
        list->items[list->count++].value = value;
        at = skip_blanks(at);
        if (*at == close)
            break;
        if (*at != ',')
            return false;
        at = skip_blanks(at + 1);
    }
    return !*skip_blanks(at + 1);
}

bool ls_patterns_parse(const char *text, bool numbers, struct ls_pattern_list *list) {
    struct ls_pattern_list parsed = {0};
    const char *at = skip_blanks(text);
    if (*at == (numbers ? '{' : '[')) {
        if (!take_items(at + 1, numbers, &parsed))
            return false;
    } else {
        at = numbers ? NULL : take_pattern(at, parsed.items[0].pattern);
        if (!at || *skip_blanks(at))
            return false;
        parsed.count = 1;
    }
    *list = parsed;
    return true;
}
