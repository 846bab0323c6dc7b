/* How close translations come to those of people: BLEU (Papineni et al. 2002) over a whole set, as
 * sacreBLEU computes it (Post 2018): one or several references for each sentence, tokens of
 * mteval-v13a, no smoothing. What is kept of a sentence are counts, so that sums in any order give
 * the same bits.
 */
#ifndef LS_TASKS_BLEU_H
#define LS_TASKS_BLEU_H

#include <stdint.h>

enum { LS_BLEU_ORDER = 4 }; /* the longest n-grams */

struct ls_bleu {
    int64_t matches[LS_BLEU_ORDER]; /* n-grams of n + 1 tokens that a reference has, too */
    int64_t found[LS_BLEU_ORDER];   /* all of them */
    int64_t tokens, reference;      /* of the translations and of the references */
};

/* Adds a sentence with its `count` references, at least one; all texts are UTF-8 and end with NUL.
 * An n-gram matches at most as often as it stands in the reference that has it most often; the
 * length that counts is that of the reference whose length is closest. */
void ls_bleu_add(struct ls_bleu *bleu, const char *translation, const char *const *references,
                 int count);
/* Adds the sentences of another part. */
void ls_bleu_join(struct ls_bleu *bleu, const struct ls_bleu *other);

/* 100 brevity (product of the shares of n-grams that match)^(1/4), where brevity is 1, or
 * exp(1 - reference / tokens) for translations shorter than the references. 0 where there is no
 * match of some length. */
double ls_bleu_score(const struct ls_bleu *bleu);

#endif
