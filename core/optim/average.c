#include "core/optim/average.h"

#include "core/optim/optimizer.h"

float ls_average_share(double decay, uint64_t step) {
    return (float)((1 - decay) / (1 - ls_power(decay, step)));
}

void ls_average_step(float share, int64_t count, const float *parameters, float *average) {
    for (int64_t i = 0; i < count; i++)
        average[i] += share * (parameters[i] - average[i]);
}
