#include "core/tasks/answers.h"

#include "core/base/random.h"

void ls_answer_classify(const float *outputs, int64_t rows, int64_t width, int32_t *classes) {
    for (int64_t r = 0; r < rows; r++, outputs += width) {
        int32_t best = width == 1 ? outputs[0] > 0 : 0;
        for (int32_t k = 1; k < width; k++)
            best = outputs[k] > outputs[best] ? k : best;
        classes[r] = best;
    }
}

void ls_answer_softmax(const float *logits, int64_t count, float *to) {
    double largest = (double)logits[0], sum = 0;
    for (int64_t k = 1; k < count; k++)
        largest = (double)logits[k] > largest ? (double)logits[k] : largest;
    for (int64_t k = 0; k < count; k++)
        sum += ls_random_exp((double)logits[k] - largest);
    for (int64_t k = 0; k < count; k++)
        to[k] = (float)(ls_random_exp((double)logits[k] - largest) / sum);
}

void ls_answer_sigmoid(const float *logits, int64_t count, bool spread, float *to) {
    for (int64_t k = 0; k < count; k++) {
        const double x = (double)logits[k], small = ls_random_exp(x < 0 ? x : -x);
        const double positive = (x < 0 ? small : 1) / (1 + small);
        if (spread)
            *to++ = (float)((x < 0 ? 1 : small) / (1 + small));
        *to++ = (float)positive;
    }
}
