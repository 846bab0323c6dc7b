#include "core/explain/list.h"

#include <string.h>

#define LS_EXPLAIN_ADDRESS(name) &ls_explain_##name,
static const struct ls_explain_method *const methods[] = {LS_EXPLAIN_METHODS(LS_EXPLAIN_ADDRESS)};

const struct ls_explain_method *const *ls_explain_methods(int *count) {
    *count = (int)(sizeof methods / sizeof *methods);
    return methods;
}

const struct ls_explain_method *ls_explain_find(const char *name) {
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (!strcmp(methods[i]->name, name))
            return methods[i];
    return NULL;
}
