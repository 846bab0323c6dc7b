/* Characters of UTF-8 in foreign texts. Internal to io. */
#ifndef LS_IO_UTF8_H
#define LS_IO_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at the beginning (RFC 3629); 0: it is none, or NUL. */
size_t ls_utf8_length(const unsigned char *bytes, uint64_t left);

#endif
