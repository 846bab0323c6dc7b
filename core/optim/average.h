/* A moving average of the parameters over the steps (Polyak & Juditsky 1992; with exponential
 * weights). After step t it is the mean of the parameters after steps 1 .. t, where those of step i
 * have the weight decay^(t - i). */
#ifndef LS_OPTIM_AVERAGE_H
#define LS_OPTIM_AVERAGE_H

#include <stdint.h>

/* What the parameters after step t (1 for the first) count for, and the average so far the rest:
 * (1 - decay) / (1 - decay^t), so that all weights add up to 1 from the first step on. */
float ls_average_share(double decay, uint64_t step);

/* average += share (parameters - average). */
void ls_average_step(float share, int64_t count, const float *parameters, float *average);

#endif
