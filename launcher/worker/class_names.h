/* What classes and labels are called. */
#ifndef LS_LAUNCHER_CLASS_NAMES_H
#define LS_LAUNCHER_CLASS_NAMES_H

#include "launcher/worker/data.h"

/* Names of so many classes, or labels of a sample, of the feed `target`: the words of the training
 * data's only target, the names of its several targets, or what the attribute `columns` of the
 * feed's dataset says; else their numbers. data: NULL: numbers. *named (may be NULL): they are no
 * numbers. Owned by the caller: ls_schema_free_names(names, count). */
char **ls_class_names(const struct ls_data *data, const char *target, int count, bool *named);

#endif
