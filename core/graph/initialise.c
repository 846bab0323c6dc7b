/* Initial values. A draw is a function of (seed, name, plain index) only, taken in double and
 * rounded once, so that neither storage layout nor the order of the parameters changes it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/graph/parameters.h"
#include "core/tensor/positions.h"

/* Inputs and outputs of one unit: linear [in, out]; convolution [kh, kw, in/groups, out], where
 * each of the kh kw positions of the window counts. */
struct fans {
    double in, out;
};

static struct fans fans_of(const struct ls_parameter *parameter) {
    const struct ls_shape shape = parameter->shape;
    const struct ls_initialiser init = parameter->init;
    const int64_t out = ls_shape_last(shape), in = ls_shape_count(shape) / out;
    int64_t window = 1;
    for (int i = 0; i + 2 < shape.rank; i++)
        window *= shape.dims[i];
    return (struct fans){init.fan_in > 0 ? init.fan_in : (double)in,
                         init.fan_out > 0 ? init.fan_out : (double)(window * out)};
}

/* The numbers behind an initialiser: uniform in [-spread, spread], or normal with that deviation.
 */
static double spread_of(const struct ls_parameter *parameter, bool *normal) {
    const struct fans fans = fans_of(parameter);
    const double scale = parameter->init.scale == 0 ? 1 : parameter->init.scale;
    *normal = false;
    switch (parameter->init.kind) {
    case LS_INIT_NORMAL:
        *normal = true;
        return scale;
    case LS_INIT_GLOROT_UNIFORM: /* Glorot & Bengio 2010, equation 16 */
        return scale * sqrt(6 / (fans.in + fans.out));
    case LS_INIT_GLOROT_NORMAL:
        *normal = true;
        return scale * sqrt(2 / (fans.in + fans.out));
    case LS_INIT_HE_UNIFORM: /* He et al. 2015, equation 10: variance 2 / fan_in */
        return scale * sqrt(6 / fans.in);
    case LS_INIT_HE_NORMAL:
        *normal = true;
        return scale * sqrt(2 / fans.in);
    case LS_INIT_LECUN_UNIFORM: /* LeCun et al. 1998, section 4.6: variance 1 / fan_in */
        return scale * sqrt(3 / fans.in);
    case LS_INIT_LECUN_NORMAL:
        *normal = true;
        return scale * sqrt(1 / fans.in);
    default: /* LS_INIT_UNIFORM; the others draw nothing here */
        return scale;
    }
}

static void draw(const struct ls_parameter *parameter, struct ls_random_key key, int64_t count,
                 float *plain) {
    bool normal;
    const double spread = spread_of(parameter, &normal);
    for (int64_t i = 0; i < count; i++) {
        const uint64_t counter = (uint64_t)i;
        plain[i] = (float)(normal ? spread * ls_random_normal(key, counter)
                                  : spread * (2 * ls_random_uniform(key, counter) - 1));
    }
}

/* Householder QR (Golub & Van Loan 2013, algorithm 5.2.1) of the matrix with n columns of m >= n
 * elements. Column j keeps its reflector in elements j .. m-1 (norm^2 2, so that H = I - v v'), R's
 * diagonal goes to diagonal. */
static void factorise(double *columns, int64_t m, int64_t n, double *diagonal) {
    for (int64_t j = 0; j < n; j++) {
        double *v = columns + j * m;
        double square = 0;
        for (int64_t i = j; i < m; i++)
            square += v[i] * v[i];
        const double r = v[j] > 0 ? -sqrt(square) : sqrt(square);
        diagonal[j] = r;
        v[j] -= r;
        /* |v|^2 = 2 r (r - a); zero only if the column was zero */
        const double half = r * -v[j];
        const double factor = half > 0 ? 1 / sqrt(half) : 0;
        for (int64_t i = j; i < m; i++)
            v[i] *= factor;
        for (int64_t k = j + 1; k < n; k++) {
            double *column = columns + k * m;
            double dot = 0;
            for (int64_t i = j; i < m; i++)
                dot += v[i] * column[i];
            for (int64_t i = j; i < m; i++)
                column[i] -= dot * v[i];
        }
    }
}

/* Column j of Q into column: the reflectors applied to a unit vector, last one first. */
static void form_column(const double *columns, int64_t m, int64_t n, int64_t j, double *column) {
    memset(column, 0, (size_t)m * sizeof *column);
    column[j] = 1;
    for (int64_t k = n - 1; k >= 0; k--) {
        const double *v = columns + k * m;
        double dot = 0;
        for (int64_t i = k; i < m; i++)
            dot += v[i] * column[i];
        for (int64_t i = k; i < m; i++)
            column[i] -= dot * v[i];
    }
}

/* The [K, out] matrix gets orthonormal columns, or rows where out > K: Q of a normal matrix's QR,
 * each column with the sign of R's diagonal so that Q is uniform (Mezzadri 2007). */
static void draw_orthogonal(const struct ls_parameter *parameter, struct ls_random_key key,
                            float *plain) {
    const int64_t out = ls_shape_last(parameter->shape),
                  rows = ls_shape_count(parameter->shape) / out;
    const bool wide = out > rows;
    const int64_t m = wide ? out : rows, n = wide ? rows : out;
    const double gain = parameter->init.scale == 0 ? 1 : parameter->init.scale;
    double *columns = ls_calloc((size_t)(m * n), sizeof *columns);
    double *diagonal = ls_calloc((size_t)n, sizeof *diagonal);
    double *column = ls_calloc((size_t)m, sizeof *column);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            columns[j * m + i] =
                ls_random_normal(key, (uint64_t)(wide ? j * out + i : i * out + j));
    factorise(columns, m, n, diagonal);
    for (int64_t j = 0; j < n; j++) {
        form_column(columns, m, n, j, column);
        const double sign = diagonal[j] < 0 ? -gain : gain;
        for (int64_t i = 0; i < m; i++)
            plain[wide ? j * out + i : i * out + j] = (float)(sign * column[i]);
    }
    free(column);
    free(diagonal);
    free(columns);
}

static void initialise(const struct ls_parameter *parameter, uint64_t seed, float *plain) {
    const int64_t count = ls_parameter_plain_count(parameter);
    const uint64_t name = ls_hash_bytes(parameter->name, strlen(parameter->name));
    const struct ls_random_key key = ls_random_key(seed, LS_STREAM_INITIALISE, name, 0);
    switch (parameter->init.kind) {
    case LS_INIT_ZEROS:
        memset(plain, 0, (size_t)count * sizeof *plain);
        return;
    case LS_INIT_CONSTANT:
        for (int64_t i = 0; i < count; i++)
            plain[i] = (float)parameter->init.scale;
        return;
    case LS_INIT_STRETCH:
        for (int64_t i = 0; i < count; i++)
            plain[i] = i >= parameter->init.first && i < parameter->init.end
                           ? (float)parameter->init.scale
                           : 0;
        return;
    case LS_INIT_VALUES:
        for (int64_t i = 0; i < count; i++)
            plain[i] = (float)parameter->init.values[i];
        return;
    case LS_INIT_SINUSOIDAL:
        ls_positions_sinusoidal(parameter->shape.dims[0], ls_shape_last(parameter->shape), plain);
        return;
    case LS_INIT_ORTHOGONAL:
        draw_orthogonal(parameter, key, plain);
        return;
    default:
        draw(parameter, key, count, plain);
    }
}

void ls_parameters_initialise(const struct ls_parameter_set *set, uint64_t seed, float *flat) {
    LS_ASSERT(set->planned, "%d parameters without offsets", set->count);
    for (int i = 0; i < set->count; i++) {
        const struct ls_parameter *parameter = set->items[i];
        float *plain = ls_calloc((size_t)ls_parameter_plain_count(parameter), sizeof *plain);
        initialise(parameter, seed, plain);
        ls_parameter_store(parameter, plain, flat + parameter->offset);
        free(plain);
    }
}
