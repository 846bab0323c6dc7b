/* Private to `lockstep bench kernels`: what its items share. An item is one kernel on one shape,
 * beside OpenBLAS and oneDNN where those do the same. */
#ifndef LS_LAUNCHER_BENCH_KERNELS_H
#define LS_LAUNCHER_BENCH_KERNELS_H

#include "core/tensor/algorithm.h"
#include "core/tensor/isa.h"
#include "launcher/command/command.h"

extern const struct ls_command ls_command_bench_kernels;

struct ls_bench {
    enum ls_variant variant;
    const struct ls_kernels *kernels;
    char **words; /* an item is wanted if its name or shape contains each */
    int word_count;
    enum ls_winograd winograd;
    double seconds; /* to time each call of an item */
    bool json;
    double peak_gflops, peak_gbps;
    int items, wrong;
};

struct ls_bench_call {
    void (*run)(void *context); /* NULL: there is none */
    void *context;
};

enum ls_bench_rival { LS_BENCH_OURS, LS_BENCH_OPENBLAS, LS_BENCH_ONEDNN, LS_BENCH_RIVALS };

struct ls_bench_item {
    const char *kernel, *shape;
    double flops;    /* of a call; or, for kernels that wait for memory, 0 and: */
    double bytes;    /* read and written by a call, */
    double elements; /* of its result */
    struct ls_bench_call calls[LS_BENCH_RIVALS];
    double error, tolerance; /* of our result, relative; found before timing */
};

bool ls_bench_wants(const struct ls_bench *bench, const char *kernel, const char *shape);

/* Times the item and prints its line; a wrong result is an error instead. */
void ls_bench_item(struct ls_bench *bench, const struct ls_bench_item *item);

/* The items of bench_products.c, bench_convolutions.c, bench_ops.c and bench_updates.c. */
void ls_bench_products(struct ls_bench *bench);
void ls_bench_convolutions(struct ls_bench *bench);
void ls_bench_ops(struct ls_bench *bench);
void ls_bench_updates(struct ls_bench *bench);

/* Numbers in (-1, 1), or zeros for stream 0; aligned as the arena is. */
struct ls_bench_array {
    float *data;
    int64_t count;
};
struct ls_bench_array ls_bench_array(int64_t count, uint32_t stream);
void ls_bench_array_destroy(struct ls_bench_array array);

/* GFLOP/s of fused multiply-adds in registers: of the best moment, and over the whole time. */
double ls_bench_peak(const struct ls_kernels *kernels, double seconds);
double ls_bench_sustained(const struct ls_kernels *kernels, double seconds);

#endif
