/* JSON, where jansson has no word of its own. Internal to io and launcher. */
#ifndef LS_IO_JSON_H
#define LS_IO_JSON_H

#include <jansson.h>

/* A number, or null where it is none: JSON has no word for what is not finite. */
json_t *ls_json_number(double value);

#endif
