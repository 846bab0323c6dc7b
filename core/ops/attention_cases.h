/* Example cases of attention: around panels of 32 queries, blocks of 64 keys, and tiles. */
#ifndef LS_OPS_ATTENTION_CASES_H
#define LS_OPS_ATTENTION_CASES_H

#include "core/ops/op.h"
#include "core/ops/options.h"

#define X(...)                                                                                     \
    { .shape = LS_CASE_SHAPE(__VA_ARGS__), .low = -1, .high = 1 }
#define NONE                                                                                       \
    { .absent = true }
#define LENGTHS(rows, least, most)                                                                 \
    { .shape = LS_CASE_SHAPE(rows), .integer = true, .constant = true, .low = least, .high = most }
#define OPTIONS(...)                                                                               \
    .options = &(const struct ls_attention_options){__VA_ARGS__},                                  \
    .options_size = sizeof(struct ls_attention_options), .input_count = 3

static const struct ls_op_case cases[] = {
    {.name = "one position", OPTIONS(0), .inputs = {X(2, 1, 6), NONE, NONE}, .microbatches = 2},
    {.name = "two heads, causal",
     OPTIONS(.heads = 2, .causal = true),
     .inputs = {X(5, 5, 12), NONE, NONE},
     .microbatches = 3},
    {.name = "two heads, all positions",
     OPTIONS(.heads = 2),
     .inputs = {X(3, 7, 18), NONE, NONE},
     .microbatches = 3},
    {.name = "three blocks of keys, causal",
     OPTIONS(.causal = true),
     .inputs = {X(1, 131, 6), NONE, NONE}},
    {.name = "a key more than a block", OPTIONS(.heads = 2), .inputs = {X(1, 65, 12), NONE, NONE}},
    {.name = "heads wider than a panel",
     OPTIONS(.heads = 2),
     .inputs = {X(2, 3, 3 * 66), NONE, NONE},
     .microbatches = 2},
    {.name = "lengths, causal",
     OPTIONS(.heads = 2, .causal = true),
     .inputs = {X(7, 4, 12), NONE, LENGTHS(7, 0, 4)},
     .microbatches = 4},
    {.name = "lengths, all positions",
     OPTIONS(.heads = 3),
     .inputs =
         {X(8, 3, 27),
          NONE,
          {.shape = LS_CASE_SHAPE(8, 1), .integer = true, .constant = true, .low = 0, .high = 3}},
     .microbatches = 2},
    {.name = "lengths beyond a block",
     OPTIONS(.causal = true),
     .inputs = {X(2, 70, 9), NONE, LENGTHS(2, 66, 69)},
     .microbatches = 2},
    {.name = "nothing to see",
     OPTIONS(.heads = 2),
     .inputs = {X(2, 3, 4), X(2, 5, 8), LENGTHS(2, 0, 0)},
     .microbatches = 2},
    {.name = "another sequence",
     OPTIONS(.heads = 2),
     .inputs = {X(3, 5, 6), X(3, 9, 12), NONE},
     .microbatches = 3},
    {.name = "another sequence with lengths",
     OPTIONS(.heads = 2, .dropout = 0.3),
     .inputs = {X(4, 34, 4), X(4, 3, 8), LENGTHS(4, 1, 3)},
     .microbatches = 2},
    {.name = "another sequence, causal and longer",
     OPTIONS(.causal = true),
     .inputs = {X(2, 3, 2), X(2, 6, 4), LENGTHS(2, 2, 6)},
     .microbatches = 2},
    {.name = "dropout, causal, an odd number of keys",
     OPTIONS(.heads = 2, .causal = true, .dropout = 0.4),
     .inputs = {X(3, 5, 12), NONE, NONE},
     .microbatches = 3},
    {.name = "dropout over two panels",
     OPTIONS(.dropout = 0.25),
     .inputs = {X(1, 66, 9), NONE, NONE}},
    {.name = "dropout in evaluation",
     OPTIONS(.heads = 2, .dropout = 0.5),
     .inputs = {X(2, 4, 12), NONE, NONE},
     .microbatches = 2,
     .evaluation = true},
};

#undef X
#undef NONE
#undef LENGTHS
#undef OPTIONS

#endif
