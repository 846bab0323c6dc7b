/* Texts from outside in HTML and SVG. */
#ifndef LS_LAUNCHER_MARKUP_H
#define LS_LAUNCHER_MARKUP_H

#include <stdio.h>

/* The text as content or inside an attribute's quotes; what is no character of XML (bytes that are
 * not UTF-8, control characters) becomes U+FFFD. */
void ls_markup_print(FILE *out, const char *text);

/* A number as people read it in a table: at most six digits that count; "not a number". */
const char *ls_markup_number(double value, char text[32]);

/* Bytes as base64 (RFC 4648), for data: addresses. */
void ls_markup_base64(FILE *out, const unsigned char *bytes, size_t count);

#endif
