/* What the columns of the inputs, the tokens of texts and the classes of answers are called, for
 * files and pictures. */
#ifndef LS_LAUNCHER_EXPLAIN_NAMES_H
#define LS_LAUNCHER_EXPLAIN_NAMES_H

#include "io/vocabulary.h"
#include "launcher/explain/explain.h"

struct ls_names {
    struct ls_vocabulary words; /* of the inputs; empty: they are no text */
    char **classes;             /* [class_count] owned, as the next; NULL: they have no names */
    char **columns;             /* [column_count] of the last dimension of the inputs; NULL: none */
    int class_count, column_count;
};

void ls_names_load(struct ls_names *names, const struct ls_subject *subject);
void ls_names_clear(struct ls_names *names); /* also of zeroed ones */

/* A class, or an output of numbers, as a text shows it; number: room for one without a name. */
const char *ls_names_class(const struct ls_names *names, int64_t k, char number[32]);
/* "3", or "3 (Dress)"; returns text. */
const char *ls_names_number(const struct ls_names *names, int64_t k, char text[LS_TEXT_MAX]);
/* The value that is explained, in words: "logit of class 3 (Dress), at position 10". Returns text.
 */
const char *ls_names_explained(const struct ls_names *names, const struct ls_subject *subject,
                               char *text, size_t size);
/* What the dataset /elements says, and which position: "10" or "last"; "": there is but one. */
const char *ls_names_elements(const struct ls_subject *subject, char *text, size_t size);
const char *ls_names_position(const struct ls_subject *subject, char text[32]);

/* Positions of the output that have classes each; 1: it has none, or is numbers. */
int64_t ls_subject_positions(const struct ls_subject *subject);

#endif
