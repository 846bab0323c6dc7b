/* The float functions of core/tensor/math.h against libm in double. (That they have the same bits
 * on every instruction set is shown by tests/gradients, through the ops that use them.) */
#define LS_VARIANT_F32_PORTABLE
#include "core/tensor/math.h"
#include "tests/support/support.h"

typedef double reference(double x);

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double softplus(double x) {
    return log1p(exp(x));
}

static double normal(double x) {
    return 0.5 * erfc(-x * M_SQRT1_2);
}

/* The real functions are always inlined: these have addresses. */
#define CALLABLE(name)                                                                             \
    static float call_##name(float x) {                                                            \
        return ls_math_##name(x);                                                                  \
    }
CALLABLE(exp)
CALLABLE(expm1)
CALLABLE(log)
CALLABLE(log1p)
CALLABLE(tanh)
CALLABLE(erf)
CALLABLE(normal)
CALLABLE(sigmoid)
CALLABLE(softplus)

static const struct {
    const char *name;
    float (*function)(float x);
    reference *reference;
    double low, high, error; /* relative */
} rows[] = {
    {"exp", call_exp, exp, -86.4, 88.7, 2e-7},
    {"expm1", call_expm1, expm1, -30, 88.7, 3e-7},
    {"expm1 near 0", call_expm1, expm1, -0.5, 0.5, 3e-7},
    {"log", call_log, log, 1e-3, 1e3, 2e-7},
    {"log near 1", call_log, log, 0.9, 1.1, 2e-7},
    {"log1p", call_log1p, log1p, -0.5, 4, 3e-7},
    {"log1p near 0", call_log1p, log1p, -1e-4, 1e-4, 3e-7},
    {"tanh", call_tanh, tanh, -12, 12, 3e-7},
    {"tanh near 0", call_tanh, tanh, -0.1, 0.1, 3e-7},
    {"erf", call_erf, erf, -5, 5, 4e-7},
    {"erf near 0", call_erf, erf, -0.1, 0.1, 4e-7},
    {"normal", call_normal, normal, -13.1, 9, 7e-7},
    {"sigmoid", call_sigmoid, sigmoid, -80, 80, 3e-7},
    {"softplus", call_softplus, softplus, -80, 80, 3e-7},
};

START_TEST(relative_errors_are_small) {
    const int points = 200001;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int k = 0; k < points; k++) {
            const float x = (float)(rows[i].low + (rows[i].high - rows[i].low) * k / (points - 1));
            const double expected = rows[i].reference((double)x),
                         found = (double)rows[i].function(x);
            ck_assert_msg(fabs(found - expected) <= rows[i].error * fabs(expected),
                          "%s(%.9g) is %.9g, expected %.9g", rows[i].name, (double)x, found,
                          expected);
        }
}
END_TEST

START_TEST(nan_stays_nan) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(isnan(rows[i].function(NAN)), "%s(NaN) is %g", rows[i].name,
                      (double)rows[i].function(NAN));
    ck_assert(isnan(ls_math_relu(NAN)));
}
END_TEST

START_TEST(the_ends_of_the_range_are_reached) {
    ck_assert(ls_math_exp(-INFINITY) == 0);
    ck_assert(ls_math_exp(-1000) == 0);
    ck_assert(isinf(ls_math_exp(89)) && isinf(ls_math_exp(INFINITY)));
    ck_assert(ls_math_exp(0) == 1);
    ck_assert(ls_math_log(1) == 0);
    ck_assert(isinf(ls_math_log(INFINITY)) && isinf(ls_math_log1p(INFINITY)));
    ck_assert(ls_math_tanh(1000) == 1);
    ck_assert(ls_math_tanh(-INFINITY) == -1);
    ck_assert(ls_math_tanh(0) == 0);
    ck_assert(ls_math_erf(INFINITY) == 1);
    ck_assert(ls_math_erf(-1000) == -1);
    ck_assert(ls_math_normal(-1000) == 0);
    ck_assert(ls_math_normal(1000) == 1);
    ck_assert(ls_math_sigmoid(-1000) == 0);
    ck_assert(ls_math_sigmoid(1000) == 1);
    ck_assert(ls_math_softplus(-1000) == 0);
    ck_assert(ls_math_softplus(1000) == 1000);
}
END_TEST

LS_SUITE(relative_errors_are_small, nan_stays_nan, the_ends_of_the_range_are_reached)
