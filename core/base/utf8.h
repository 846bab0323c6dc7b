/* Characters of UTF-8 (RFC 3629) in texts from outside. */
#ifndef LS_BASE_UTF8_H
#define LS_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at the beginning; 0: it is none, or NUL. */
size_t ls_utf8_length(const unsigned char *bytes, uint64_t left);

/* The code point of a character of that many bytes. */
uint32_t ls_utf8_code(const unsigned char *bytes, size_t length);

/* Bytes of the blank at the beginning, ASCII's or another that Unicode calls white space; 0: it is
 * none. */
size_t ls_utf8_blank(const unsigned char *bytes, uint64_t left);

/* Whether a character may stand inside a word: a letter or a digit, or a mark that belongs to one;
 * no blank, punctuation, arrow or sign of a currency. */
bool ls_utf8_in_word(uint32_t code);

/* Capital letters to small ones, of Latin, Greek, Cyrillic and Armenian, where both have as many
 * bytes (all but a few, like the capital of the German sharp s). What is no character stays. */
void ls_utf8_lower(char *bytes, uint64_t count);

#endif
