/* Patterns for names of parameters: `encoder` is the parameter of that name, or all parameters
 * below a layer of that name (encoder.block0.linear1.weight); `*` stands for any characters, dots
 * included (`*.bias`, `encoder.block*.norm`). */
#ifndef LS_BASE_PATTERNS_H
#define LS_BASE_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>

enum { LS_PATTERN_MAX = 96, LS_PATTERNS_MAX = 32 };

/* Patterns, each with a number where it has one. */
struct ls_pattern_list {
    int count;
    struct {
        char pattern[LS_PATTERN_MAX];
        double value;
    } items[LS_PATTERNS_MAX];
};

bool ls_pattern_matches(const char *pattern, const char *name);

/* The last pattern that matches, by its index; -1: none does. */
int ls_patterns_find(const struct ls_pattern_list *list, const char *name);

/* From `[encoder, "*.bias"]`, or one pattern alone; with numbers from `{encoder: 0.1, "*.bias":
 * 2}`. Patterns may stand in quotes. False (and the list unchanged) if it is something else, or has
 * a pattern twice. */
bool ls_patterns_parse(const char *text, bool numbers, struct ls_pattern_list *list);

#endif
