/* Concepts: numbers with a meaning, from which a model makes its answer (Koh et al. 2020, "Concept
 * bottleneck models"), and what they are set to in place of what the model sees. */
#ifndef LS_EXPLAIN_CONCEPTS_H
#define LS_EXPLAIN_CONCEPTS_H

#include "core/tasks/answers.h"

struct ls_concept_setting {
    enum { LS_CONCEPT_PREDICTED, LS_CONCEPT_VALUE, LS_CONCEPT_TRUTH } kind;
    float value;
};

/* All is borrowed. */
struct ls_concepts {
    int64_t count;                             /* the values at the cut */
    const struct ls_concept_setting *settings; /* [count] */
    enum ls_answer_kind answers;               /* what the output is */
    bool judged;                               /* the explainer has labels */
    bool true_ones;                            /* the truth is known: */
    const float *truths;                       /* [rows, count] of the samples at hand */
};

#endif
