/* What the outputs of a model say: of classes, of labels, or values. */
#ifndef LS_TASKS_ANSWERS_H
#define LS_TASKS_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

/* What the outputs of a model are, as the losses take them that judge them. */
enum ls_answer_kind {
    LS_ANSWER_VALUES,
    LS_ANSWER_SOFTMAX, /* logits of classes that exclude each other */
    LS_ANSWER_SIGMOID  /* logits of a label each; of one: whether it is the second of two classes */
};

/* classes[rows] of outputs [rows, width]: the largest logit, the first of equals; with one output,
 * whether it is positive. */
void ls_answer_classify(const float *outputs, int64_t rows, int64_t width, int32_t *classes);

/* Probabilities to[count], without libm, so that the last bit is the same on every machine; spread:
 * of both of two classes, to[2 * count]. */
void ls_answer_softmax(const float *logits, int64_t count, float *to);
void ls_answer_sigmoid(const float *logits, int64_t count, bool spread, float *to);

#endif
