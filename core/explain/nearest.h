/* Training samples near a point, by the Euclidean distance (activations.c). */
#ifndef LS_EXPLAIN_NEAREST_H
#define LS_EXPLAIN_NEAREST_H

#include "core/explain/explain.h"

/* Sum of (a - b)^2, in order, in double. */
double ls_squared_distance(const float *a, const float *b, int64_t width);

/* The `count` of explainer->known_values[known][width] that are nearest to the point, the nearest
 * first, of equal ones the earlier: their places there and distances. Fewer than are wanted leave
 * -1 and infinity. */
void ls_explainer_nearest(const struct ls_explainer *explainer, const float *point, int64_t width,
                          int64_t count, int64_t *places, double *distances);

#endif
