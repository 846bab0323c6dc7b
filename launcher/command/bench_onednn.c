#include "launcher/command/bench_onednn.h"

#include <stddef.h>

/* CMake looks for the headers of version 2; version 3 has other functions. */
#if LS_ONEDNN

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include <oneapi/dnnl/dnnl.h>

#include "core/base/memory.h"
#include "core/tensor/kernels/conv.h"

#define FUNCTIONS(X)                                                                               \
    X(version)                                                                                     \
    X(engine_create)                                                                               \
    X(stream_create)                                                                               \
    X(stream_wait)                                                                                 \
    X(memory_desc_init_by_tag)                                                                     \
    X(memory_desc_get_size)                                                                        \
    X(memory_create)                                                                               \
    X(memory_get_data_handle)                                                                      \
    X(memory_destroy)                                                                              \
    X(matmul_desc_init)                                                                            \
    X(convolution_forward_desc_init)                                                               \
    X(convolution_backward_data_desc_init)                                                         \
    X(convolution_backward_weights_desc_init)                                                      \
    X(primitive_desc_create)                                                                       \
    X(primitive_desc_query_md)                                                                     \
    X(primitive_desc_destroy)                                                                      \
    X(primitive_create)                                                                            \
    X(primitive_execute)                                                                           \
    X(primitive_destroy)

static struct {
    bool tried;
    char version_text[32]; /* empty: not there */
    dnnl_engine_t engine;
    dnnl_stream_t stream;
#define MEMBER(name) __typeof__(dnnl_##name) *name;
    FUNCTIONS(MEMBER)
#undef MEMBER
} library;

static bool load_functions(void *handle) {
    const struct {
        const char *name;
        void *to;
    } all[] = {
#define ENTRY(name) {"dnnl_" #name, &library.name},
        FUNCTIONS(ENTRY)
#undef ENTRY
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        void *found = dlsym(handle, all[i].name);
        if (!found)
            return false;
        memcpy(all[i].to, &found, sizeof found);
    }
    return true;
}

/* It stays loaded to the end. */
static void load(void) {
    char name[32];
    snprintf(name, sizeof name, "libdnnl.so.%d", DNNL_VERSION_MAJOR);
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!handle || !load_functions(handle))
        return;
    void (*set_threads)(int) = NULL; /* of the OpenMP that oneDNN runs on */
    void *found = dlsym(handle, "omp_set_num_threads");
    memcpy(&set_threads, &found, sizeof found);
    if (set_threads)
        set_threads(1);
    if (library.engine_create(&library.engine, dnnl_cpu, 0) != dnnl_success ||
        library.stream_create(&library.stream, library.engine, dnnl_stream_default_flags) !=
            dnnl_success)
        return;
    const dnnl_version_t *version = library.version();
    snprintf(library.version_text, sizeof library.version_text, "%d.%d.%d", version->major,
             version->minor, version->patch);
}

static bool available(void) {
    if (!library.tried)
        load();
    library.tried = true;
    return library.version_text[0];
}

const char *ls_onednn_version(void) {
    return available() ? library.version_text : NULL;
}

struct ls_onednn {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[3];
};

static bool add_argument(struct ls_onednn *it, int index, int argument,
                         const dnnl_memory_desc_t *description) {
    dnnl_memory_t memory;
    void *data;
    if (!description || library.memory_create(&memory, description, library.engine,
                                              DNNL_MEMORY_ALLOCATE) != dnnl_success)
        return false;
    it->arguments[index] = (dnnl_exec_arg_t){argument, memory};
    if (library.memory_get_data_handle(memory, &data) != dnnl_success)
        return false;
    const size_t count = library.memory_desc_get_size(description) / sizeof(float);
    for (size_t i = 0; i < count; i++)
        ((float *)data)[i] = (float)(i % 251) / 125 - 1;
    return true;
}

/* What a primitive reads and writes, and which description each has. */
struct argument {
    int argument;
    dnnl_query_t query;
};

static struct ls_onednn *create(const_dnnl_op_desc_t description, const_dnnl_primitive_desc_t hint,
                                const struct argument arguments[3]) {
    dnnl_primitive_desc_t chosen;
    if (library.primitive_desc_create(&chosen, description, NULL, library.engine, hint) !=
        dnnl_success)
        return NULL;
    struct ls_onednn *it = ls_calloc(1, sizeof *it);
    bool complete = library.primitive_create(&it->primitive, chosen) == dnnl_success;
    for (int i = 0; complete && i < 3; i++)
        complete = add_argument(it, i, arguments[i].argument,
                                library.primitive_desc_query_md(chosen, arguments[i].query, 0));
    library.primitive_desc_destroy(chosen);
    if (complete)
        return it;
    ls_onednn_destroy(it);
    return NULL;
}

static const struct argument forward_arguments[3] = {{DNNL_ARG_SRC, dnnl_query_src_md},
                                                     {DNNL_ARG_WEIGHTS, dnnl_query_weights_md},
                                                     {DNNL_ARG_DST, dnnl_query_dst_md}};

struct ls_onednn *ls_onednn_product(const struct ls_blas_product *p) {
    if (!available())
        return NULL;
    dnnl_memory_desc_t a, b, c;
    dnnl_matmul_desc_t matmul;
    const dnnl_dims_t a_shape = {p->m, p->k}, b_shape = {p->k, p->n}, c_shape = {p->m, p->n};
    library.memory_desc_init_by_tag(&a, 2, a_shape, dnnl_f32, p->turn_a ? dnnl_ba : dnnl_ab);
    library.memory_desc_init_by_tag(&b, 2, b_shape, dnnl_f32, p->turn_b ? dnnl_ba : dnnl_ab);
    library.memory_desc_init_by_tag(&c, 2, c_shape, dnnl_f32, dnnl_ab);
    if (library.matmul_desc_init(&matmul, &a, &b, NULL, &c) != dnnl_success)
        return NULL;
    return create(&matmul, NULL, forward_arguments);
}

/* x, weights, y with layouts left open; all directions start from them. */
struct convolution {
    dnnl_memory_desc_t x, w, y;
    dnnl_dims_t stride, before, after;
};

static struct convolution describe(const struct ls_conv *c) {
    struct convolution it = {.stride = {c->stride[0], c->stride[1]},
                             .before = {c->padding[0], c->padding[2]},
                             .after = {c->padding[1], c->padding[3]}};
    const dnnl_dims_t x = {c->images, c->in, c->height, c->width};
    const dnnl_dims_t w = {c->out, c->in, c->kernel[0], c->kernel[1]};
    const dnnl_dims_t y = {c->images, c->out, ls_conv_out(c, 0), ls_conv_out(c, 1)};
    library.memory_desc_init_by_tag(&it.x, 4, x, dnnl_f32, dnnl_format_tag_any);
    library.memory_desc_init_by_tag(&it.w, 4, w, dnnl_f32, dnnl_format_tag_any);
    library.memory_desc_init_by_tag(&it.y, 4, y, dnnl_f32, dnnl_format_tag_any);
    return it;
}

struct ls_onednn *ls_onednn_convolution(const struct ls_conv *conv, enum ls_direction direction) {
    static const struct argument input_arguments[3] = {{DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md},
                                                       {DNNL_ARG_WEIGHTS, dnnl_query_weights_md},
                                                       {DNNL_ARG_DIFF_SRC, dnnl_query_diff_src_md}};
    static const struct argument weight_arguments[3] = {
        {DNNL_ARG_SRC, dnnl_query_src_md},
        {DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md},
        {DNNL_ARG_DIFF_WEIGHTS, dnnl_query_diff_weights_md}};
    if (!available())
        return NULL;
    const struct convolution it = describe(conv);
    dnnl_convolution_desc_t forward, backward;
    dnnl_primitive_desc_t hint;
    if (library.convolution_forward_desc_init(&forward, dnnl_forward_training,
                                              dnnl_convolution_direct, &it.x, &it.w, NULL, &it.y,
                                              it.stride, it.before, it.after) != dnnl_success)
        return NULL;
    if (direction == LS_FORWARD)
        return create(&forward, NULL, forward_arguments);
    if (library.primitive_desc_create(&hint, &forward, NULL, library.engine, NULL) != dnnl_success)
        return NULL;
    dnnl_status_t status;
    if (direction == LS_INPUT_GRADIENT)
        status = library.convolution_backward_data_desc_init(&backward, dnnl_convolution_direct,
                                                             &it.x, &it.w, &it.y, it.stride,
                                                             it.before, it.after);
    else
        status = library.convolution_backward_weights_desc_init(&backward, dnnl_convolution_direct,
                                                                &it.x, &it.w, NULL, &it.y,
                                                                it.stride, it.before, it.after);
    struct ls_onednn *created = NULL;
    if (status == dnnl_success)
        created = create(&backward, hint,
                         direction == LS_INPUT_GRADIENT ? input_arguments : weight_arguments);
    library.primitive_desc_destroy(hint);
    return created;
}

void ls_onednn_destroy(struct ls_onednn *it) {
    if (!it)
        return;
    for (int i = 0; i < 3; i++)
        if (it->arguments[i].memory)
            library.memory_destroy(it->arguments[i].memory);
    if (it->primitive)
        library.primitive_destroy(it->primitive);
    free(it);
}

void ls_onednn_run(void *onednn) {
    const struct ls_onednn *it = onednn;
    library.primitive_execute(it->primitive, library.stream, 3, it->arguments);
    library.stream_wait(library.stream);
}

#else

const char *ls_onednn_version(void) {
    return NULL;
}

struct ls_onednn *ls_onednn_product(const struct ls_blas_product *product) {
    (void)product;
    return NULL;
}

struct ls_onednn *ls_onednn_convolution(const struct ls_conv *conv, enum ls_direction direction) {
    (void)conv;
    (void)direction;
    return NULL;
}

void ls_onednn_destroy(struct ls_onednn *onednn) {
    (void)onednn;
}

void ls_onednn_run(void *onednn) {
    (void)onednn;
}

#endif
