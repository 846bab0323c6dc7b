#include "core/tensor/positions.h"

#include "core/base/random.h"

struct ls_angle ls_angle(int64_t position, int64_t pair, int64_t width, double base) {
    const double log_base = -ls_random_log(1 / base);
    const double rate = ls_random_exp(-log_base * (double)(2 * pair) / (double)width);
    const double turns = (double)position * (rate * 0.159154943091895335769);
    const double left = turns - (double)(int64_t)turns;
    const uint32_t turn = (uint32_t)(uint64_t)(left * 0x1p32 + 0.5);
    return (struct ls_angle){ls_random_cosine(turn), ls_random_cosine(turn - 0x40000000u)};
}

void ls_positions_sinusoidal(int64_t positions, int64_t channels, float *table) {
    for (int64_t t = 0; t < positions; t++)
        for (int64_t c = 0; c < channels; c++) {
            const struct ls_angle angle = ls_angle(t, c / 2, channels, 10000);
            table[t * channels + c] = (float)(c % 2 ? angle.cosine : angle.sine);
        }
}
