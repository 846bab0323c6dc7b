/* Tables of positions as angles, without libm: the same bits on every host. */
#ifndef LS_TENSOR_POSITIONS_H
#define LS_TENSOR_POSITIONS_H

#include <stdint.h>

/* Cosine and sine of the angle position * base^(-2 pair / width), right to 1e-8 for positions below
 * 2^24; 0 <= 2 pair < width, base above 1 (Su et al. 2021, section 3.2.2; Vaswani et al. 2017,
 * section 3.5). */
struct ls_angle {
    double cosine, sine;
};
struct ls_angle ls_angle(int64_t position, int64_t pair, int64_t width, double base);

/* table[t][c], [positions][channels]: the sine for even c, the cosine for odd c, of the angle of
 * position t and pair c / 2, base 10000 (Vaswani et al. 2017, section 3.5). */
void ls_positions_sinusoidal(int64_t positions, int64_t channels, float *table);

#endif
