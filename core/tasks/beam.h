/* Beam search: of all sequences that a model may write, those whose tokens are likeliest together.
 * At each step every kept sequence may go on with any token, and the likeliest of all continuations
 * are kept (Sutskever et al. 2014, section 3.2). A sequence is scored by the mean logarithm of its
 * tokens' probabilities, so that long ones are not worse for being long. The search is over when as
 * many sequences have ended as are kept (an end counts where it is among the likeliest
 * continuations), or when none that goes on can become better than the best that has ended.
 *
 * Scores owe no bit to libm; of equal ones the earlier sequence and the lower token come first. */
#ifndef LS_TASKS_BEAM_H
#define LS_TASKS_BEAM_H

#include <stdbool.h>
#include <stdint.h>

struct ls_beam_options {
    int beams;          /* sequences that are kept, at least 1 */
    int64_t tokens;     /* that there are: logits of one sequence */
    int64_t length_max; /* of a sequence, its end included */
    int32_t end;        /* the token that ends a sequence */
    int32_t first;      /* tokens below it are never written, but for the end */
};

struct ls_beam;

/* Allocates here and nowhere else; ls_beam_destroy. */
struct ls_beam *ls_beam_create(const struct ls_beam_options *options);
void ls_beam_destroy(struct ls_beam *beam);

/* Begins a search: one empty sequence. */
void ls_beam_begin(struct ls_beam *beam);

/* One token more: logits [beams][tokens] are the model's for the sequences as they are; rows of
 * those from ls_beam_alive on are not read. Returns whether the search goes on. */
bool ls_beam_step(struct ls_beam *beam, const float *logits);

/* Sequences that go on, and the tokens [length] of one of them; borrowed until the next step. */
int ls_beam_alive(const struct ls_beam *beam);
const int32_t *ls_beam_tokens(const struct ls_beam *beam, int sequence, int64_t *length);

/* The best sequence that has ended, without its end; if none has, the best of those that go on. */
const int32_t *ls_beam_best(const struct ls_beam *beam, int64_t *length);

#endif
