/* How close translations come to those of people: BLEU (Papineni et al. 2002) over a whole set, as
 * sacreBLEU computes it (Post 2018): one reference for each sentence, tokens of mteval-v13a, no
 * smoothing. What is kept of a sentence are counts, so that sums in any order give the same bits.
 */
#ifndef LS_TASKS_BLEU_H
#define LS_TASKS_BLEU_H

#include <stdint.h>

enum { LS_BLEU_ORDER = 4 }; /* the longest n-grams */

struct ls_bleu {
    int64_t matches[LS_BLEU_ORDER]; /* n-grams of n + 1 tokens that the reference has, too */
    int64_t found[LS_BLEU_ORDER];   /* all of them */
    int64_t tokens, reference;      /* of the translations and of the references */
};

/* Adds a sentence; both texts are UTF-8 and end with NUL. An n-gram matches at most as often as it
 * stands in the reference. */
void ls_bleu_add(struct ls_bleu *bleu, const char *translation, const char *reference);

/* 100 brevity (product of the shares of n-grams that match)^(1/4), where brevity is 1, or
 * exp(1 - reference / tokens) for translations shorter than the references. 0 where there is no
 * match of some length. */
double ls_bleu_score(const struct ls_bleu *bleu);

#endif
