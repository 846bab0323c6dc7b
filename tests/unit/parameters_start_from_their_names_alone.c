#include "core/graph/parameters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

static struct ls_parameter *add(struct ls_parameter_set *set, const char *name,
                                struct ls_shape shape, enum ls_layout layout,
                                struct ls_initialiser init) {
    struct ls_parameter description = {.shape = shape, .layout = layout, .init = init};
    struct ls_parameter *added;
    strcpy(description.name, name);
    ls_require(ls_parameters_add(set, &description, &added, &ls_test_error));
    return added;
}

/* The plain initial values of one parameter, alone in its set (count floats, to be freed). */
static float *initial(const char *name, struct ls_shape shape, enum ls_layout layout,
                      struct ls_initialiser init, uint64_t seed) {
    struct ls_parameter_set *set = ls_parameters_create();
    const struct ls_parameter *p = add(set, name, shape, layout, init);
    ls_parameters_layout(set);
    float *flat = malloc((size_t)set->total * sizeof *flat);
    float *plain = malloc((size_t)ls_parameter_plain_count(p) * sizeof *plain);
    ls_parameters_initialise(set, seed, flat);
    ls_parameter_fetch(p, flat, plain);
    free(flat);
    ls_parameters_destroy(set);
    return plain;
}

struct moments {
    double mean, deviation, largest;
};

static struct moments moments_of(const float *values, int64_t count) {
    struct moments m = {0};
    double square = 0;
    for (int64_t i = 0; i < count; i++) {
        const double v = (double)values[i];
        m.mean += v / (double)count;
        square += v * v / (double)count;
        m.largest = fmax(m.largest, fabs(v));
    }
    m.deviation = sqrt(square - m.mean * m.mean);
    return m;
}

START_TEST(spreads_follow_the_papers) {
    /* 3x3 window, 16 -> 64 channels: fan in 144, fan out 576 */
    const struct ls_shape shape = LS_SHAPE(3, 3, 16, 64);
    const int64_t count = 9216;
    const struct {
        enum ls_initialiser_kind kind;
        double scale, deviation;
        bool uniform;
    } rows[] = {
        {LS_INIT_UNIFORM, 0.5, 0.5 / sqrt(3.0), true},
        {LS_INIT_UNIFORM, 0, 1 / sqrt(3.0), true},
        {LS_INIT_NORMAL, 0.02, 0.02, false},
        {LS_INIT_GLOROT_UNIFORM, 0, sqrt(2.0 / 720), true},
        {LS_INIT_GLOROT_NORMAL, 2, 2 * sqrt(2.0 / 720), false},
        {LS_INIT_HE_UNIFORM, 0, sqrt(2.0 / 144), true},
        {LS_INIT_HE_NORMAL, 0, sqrt(2.0 / 144), false},
        {LS_INIT_LECUN_UNIFORM, 0, sqrt(1.0 / 144), true},
        {LS_INIT_LECUN_NORMAL, 0, sqrt(1.0 / 144), false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float *values =
            initial("w", shape, LS_LAYOUT_PANELS,
                    (struct ls_initialiser){.kind = rows[i].kind, .scale = rows[i].scale}, 1);
        const struct moments m = moments_of(values, count);
        ck_assert_double_eq_tol(m.deviation / rows[i].deviation, 1, 0.03);
        ck_assert_double_eq_tol(m.mean / rows[i].deviation, 0, 0.04);
        if (rows[i].uniform) {
            ck_assert_double_le(m.largest, rows[i].deviation * sqrt(3.0) * 1.000001);
            ck_assert_double_ge(m.largest, rows[i].deviation * sqrt(3.0) * 0.99);
        } else {
            ck_assert_double_ge(m.largest, 3 * rows[i].deviation);
        }
        free(values);
    }
}
END_TEST

START_TEST(neither_layout_nor_neighbours_change_a_value) {
    const struct ls_shape shape = LS_SHAPE(7, 45);
    const struct ls_initialiser init = {.kind = LS_INIT_HE_NORMAL};
    float *plain = initial("layer.weight", shape, LS_LAYOUT_PLAIN, init, 9);
    float *panels = initial("layer.weight", shape, LS_LAYOUT_PANELS, init, 9);
    ck_assert_mem_eq(plain, panels, 315 * sizeof *plain);
    struct ls_parameter_set *set = ls_parameters_create();
    add(set, "before", LS_SHAPE(100), LS_LAYOUT_PLAIN, init);
    const struct ls_parameter *p = add(set, "layer.weight", shape, LS_LAYOUT_PLAIN, init);
    ls_parameters_layout(set);
    float *flat = malloc((size_t)set->total * sizeof *flat);
    ls_parameters_initialise(set, 9, flat);
    ck_assert_mem_eq(plain, flat + p->offset, 315 * sizeof *plain);
    ls_parameters_destroy(set);
    float *other_name = initial("layer.weighs", shape, LS_LAYOUT_PLAIN, init, 9);
    float *other_seed = initial("layer.weight", shape, LS_LAYOUT_PLAIN, init, 10);
    ck_assert_mem_ne(plain, other_name, 315 * sizeof *plain);
    ck_assert_mem_ne(plain, other_seed, 315 * sizeof *plain);
    free(plain), free(panels), free(flat), free(other_name), free(other_seed);
}
END_TEST

START_TEST(orthogonal_columns_or_rows_have_length_gain_and_right_angles) {
    const struct ls_shape shapes[] = {LS_SHAPE(40, 17), LS_SHAPE(17, 40), LS_SHAPE(3, 3, 2, 18),
                                      LS_SHAPE(1, 5), LS_SHAPE(5, 1)};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const int64_t out = ls_shape_last(shapes[s]), rows = ls_shape_count(shapes[s]) / out;
        float *q = initial("q", shapes[s], LS_LAYOUT_PANELS,
                           (struct ls_initialiser){.kind = LS_INIT_ORTHOGONAL, .scale = 1.5}, 3);
        const bool wide = out > rows;
        const int64_t n = wide ? rows : out, m = wide ? out : rows;
        for (int64_t a = 0; a < n; a++)
            for (int64_t b = 0; b <= a; b++) {
                double dot = 0;
                for (int64_t i = 0; i < m; i++)
                    dot += (double)q[wide ? a * out + i : i * out + a] *
                           (double)q[wide ? b * out + i : i * out + b];
                ck_assert_double_eq_tol(dot, a == b ? 2.25 : 0, 1e-5);
            }
        free(q);
    }
}
END_TEST

START_TEST(constants_fill_and_padding_is_zero) {
    struct ls_parameter_set *set = ls_parameters_create();
    const double given[] = {3, -4};
    add(set, "ones", LS_SHAPE(5), LS_LAYOUT_PLAIN,
        (struct ls_initialiser){.kind = LS_INIT_CONSTANT, .scale = 1});
    add(set, "zeros", LS_SHAPE(3), LS_LAYOUT_PLAIN, (struct ls_initialiser){.kind = LS_INIT_ZEROS});
    add(set, "given", LS_SHAPE(2), LS_LAYOUT_PLAIN,
        (struct ls_initialiser){.kind = LS_INIT_VALUES, .values = given});
    ls_parameters_layout(set);
    float flat[48];
    memset(flat, 0xff, sizeof flat);
    ls_parameters_initialise(set, 1, flat);
    for (int i = 0; i < 32; i++)
        ck_assert_double_eq((double)flat[i], i < 5 ? 1 : 0);
    for (int i = 0; i < 2; i++)
        ck_assert(flat[32 + i] == (float)given[i]);
    ls_parameters_destroy(set);
}
END_TEST

LS_SUITE(spreads_follow_the_papers, neither_layout_nor_neighbours_change_a_value,
         orthogonal_columns_or_rows_have_length_gain_and_right_angles,
         constants_fill_and_padding_is_zero)
