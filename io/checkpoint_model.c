/* Whether a checkpoint belongs to this model: the same names, shapes and kinds, none missing, none
 * too many. */
#include "io/checkpoint_internal.h"

#include <stdio.h>
#include <string.h>

static enum ls_status other_model(struct ls_error *error, const struct ls_checkpoint *checkpoint,
                                  const char *format, ...) LS_PRINTF(3, 4);

static enum ls_status other_model(struct ls_error *error, const struct ls_checkpoint *checkpoint,
                                  const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return ls_fail(error, LS_INVALID, "%s: a checkpoint of another model: %s", checkpoint->path,
                   text);
}

static struct ls_shape shape_of(const json_t *list) {
    struct ls_shape shape = {.rank = (int)json_array_size(list)};
    for (int d = 0; d < shape.rank; d++)
        shape.dims[d] = json_integer_value(json_array_get(list, (size_t)d));
    return shape;
}

static enum ls_status check_parameter(const struct ls_checkpoint *checkpoint, const json_t *entry,
                                      const struct ls_parameter *parameter,
                                      struct ls_error *error) {
    if (!entry)
        return other_model(error, checkpoint, "it has no parameter %s", parameter->name);
    const struct ls_shape found = shape_of(json_object_get(entry, "shape"));
    char wanted_text[LS_SHAPE_TEXT_MAX], found_text[LS_SHAPE_TEXT_MAX];
    if (!ls_shape_equal(found, parameter->shape))
        return other_model(error, checkpoint, "%s: expected shape %s, found %s", parameter->name,
                           ls_shape_print(parameter->shape, wanted_text),
                           ls_shape_print(found, found_text));
    const char *kind = json_string_value(json_object_get(entry, "kind"));
    if (strcmp(kind, ls_parameter_kind_name(parameter->kind)) != 0)
        return other_model(error, checkpoint, "%s: expected a %s, found a %s", parameter->name,
                           ls_parameter_kind_name(parameter->kind), kind);
    return LS_OK;
}

static enum ls_status check_parameters(const struct ls_checkpoint *checkpoint,
                                       const struct ls_manifest *manifest,
                                       const struct ls_parameter_set *set, struct ls_error *error) {
    json_t *by_name = json_object();
    enum ls_status status = LS_OK;
    for (size_t i = 0; i < json_array_size(manifest->parameters) && status == LS_OK; i++) {
        json_t *entry = json_array_get(manifest->parameters, i);
        const char *name = json_string_value(json_object_get(entry, "name"));
        json_object_set(by_name, name, entry);
        if (!ls_parameters_find(set, name))
            status =
                other_model(error, checkpoint, "it has a parameter %s that the model lacks", name);
    }
    for (int p = 0; p < set->count && status == LS_OK; p++)
        status = check_parameter(checkpoint, json_object_get(by_name, set->items[p]->name),
                                 set->items[p], error);
    json_decref(by_name);
    return status;
}

static enum ls_status check_arrays(const struct ls_checkpoint *checkpoint,
                                   const struct ls_manifest *manifest,
                                   const struct ls_checkpoint_arrays *arrays,
                                   struct ls_error *error) {
    for (int a = 0; a < arrays->count; a++) {
        bool there = false;
        for (size_t i = 0; i < json_array_size(manifest->arrays) && !there; i++)
            there = strcmp(json_string_value(json_array_get(manifest->arrays, i)),
                           arrays->names[a]) == 0;
        if (!there)
            return ls_fail(error, LS_INVALID,
                           "%s: it has no %s (was it written with other options?)",
                           checkpoint->path, arrays->names[a]);
    }
    return LS_OK;
}

enum ls_status ls_checkpoint_check_model(const struct ls_checkpoint *checkpoint,
                                         const struct ls_checkpoint_content *content,
                                         struct ls_error *error) {
    struct ls_manifest manifest;
    enum ls_status status = ls_manifest_read(checkpoint->path, &manifest, error);
    if (status != LS_OK)
        return status;
    status = check_parameters(checkpoint, &manifest, content->parameters, error);
    for (int g = 0; g < content->count && status == LS_OK; g++)
        status = check_arrays(checkpoint, &manifest, &content->groups[g], error);
    ls_manifest_clear(&manifest);
    return status;
}
