/* BLEU on sentences whose counts follow by hand, and tokens as mteval-v13a cuts them. */
#include "core/tasks/bleu.h"

#include <math.h>

#include "tests/support/support.h"

static struct ls_bleu of(const char *translation, const char *reference) {
    struct ls_bleu bleu = {0};
    ls_bleu_add(&bleu, translation, &reference, 1);
    return bleu;
}

START_TEST(a_word_matches_as_often_as_the_reference_has_it) {
    /* Papineni et al. 2002, section 2.1: two of seven. */
    const struct ls_bleu bleu =
        of("the the the the the the the", "The cat is on the mat and the dog");
    ck_assert_int_eq(bleu.matches[0], 2);
    ck_assert_int_eq(bleu.found[0], 7);
    ck_assert_int_eq(bleu.found[3], 4);
    ck_assert_int_eq(bleu.matches[1], 0);
    ck_assert(ls_bleu_score(&bleu) == 0);
}
END_TEST

START_TEST(the_same_is_100_and_short_ones_are_worth_less) {
    struct ls_bleu bleu = of("a b c d e", "a b c d e");
    ck_assert(ls_bleu_score(&bleu) == 100);
    bleu = of("a b c d e", "a b c d e f g");
    ck_assert(fabs(ls_bleu_score(&bleu) - 100 * exp(1 - 7.0 / 5)) < 1e-9);
    /* A whole set, not a mean of sentences. */
    ls_bleu_add(&bleu, "a b c d x", &(const char *){"a b c d e"}, 1);
    const double shares = (9.0 / 10) * (7.0 / 8) * (5.0 / 6) * (3.0 / 4);
    ck_assert(fabs(ls_bleu_score(&bleu) - 100 * pow(shares, 0.25) * exp(1 - 12.0 / 10)) < 1e-9);
}
END_TEST

START_TEST(any_of_several_references_may_match) {
    static const char *const references[] = {"a a b c d e f g", "a b x", "c d y z z z"};
    struct ls_bleu bleu = {0};
    /* a a: the first has both; b x: the second; z: none has a fourth. */
    ls_bleu_add(&bleu, "a a b x z z z z", references, 3);
    ck_assert(bleu.matches[0] == 7 && bleu.matches[1] == 5 && bleu.found[0] == 8);
    ck_assert(bleu.tokens == 8 && bleu.reference == 8);
    bleu = (struct ls_bleu){0};
    ls_bleu_add(&bleu, "a b c d", references + 1, 2); /* 3 and 6 tokens: 3 is closer */
    ck_assert_int_eq(bleu.reference, 3);
    ls_bleu_add(&bleu, "a b c d", (const char *const[]){"a b c d e", "x y z"}, 2);
    ck_assert_int_eq(bleu.reference, 3 + 3); /* both as close: the shorter one */
}
END_TEST

START_TEST(tokens_are_those_of_mteval) {
    static const struct {
        const char *text;
        int tokens;
    } cases[] = {
        {"", 0},
        {"Viens ici !", 3},
        {"Viens ici\xe2\x80\xaf!", 3},   /* a narrow blank that does not break */
        {"Don't, est-ce 3.5 or .5?", 8}, /* Don't | , | est-ce | 3.5 | or | . | 5 | ? */
        {"1-2 a-b &amp; (x)", 8},        /* 1 | - | 2 | a-b | & | ( | x | ) */
        {"wait...", 4},
        {"1,000. 2.a", 5}, /* 1,000 | . | 2 | . | a */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(of(cases[i].text, "").tokens == cases[i].tokens, "'%s': %d tokens",
                      cases[i].text, (int)of(cases[i].text, "").tokens);
}
END_TEST

LS_SUITE(a_word_matches_as_often_as_the_reference_has_it,
         the_same_is_100_and_short_ones_are_worth_less, any_of_several_references_may_match,
         tokens_are_those_of_mteval)
