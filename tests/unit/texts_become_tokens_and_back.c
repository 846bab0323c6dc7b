/* Texts are cut into characters, bytes or words and numbered; vocabularies survive HDF5 and JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/utf8.h"
#include "io/source.h"
#include "io/vocabulary.h"
#include "tests/support/data.h"
#include "tests/support/support.h"

static struct ls_error *const error = &ls_test_error;
static const struct ls_text verse = {.name = "verse.txt", .bytes = "b\xc3\xa9 a\nbb", .count = 8};

static struct ls_vocabulary build_with(const struct ls_vocabulary_options *options,
                                       const char *text) {
    struct ls_vocabulary vocabulary;
    const struct ls_text whole = {.name = "text", .bytes = text, .count = strlen(text)};
    ls_require(ls_vocabulary_build(&vocabulary, options, &whole, error));
    return vocabulary;
}

static struct ls_vocabulary build(int unit, bool special, int64_t words, const char *text) {
    return build_with(
        &(const struct ls_vocabulary_options){.unit = unit, .special = special, .words = words},
        text);
}

static void check_texts(const struct ls_vocabulary *vocabulary, int first,
                        const char *const *expected) {
    int count = first;
    for (; *expected; expected++)
        ck_assert_str_eq(vocabulary->texts[count++], *expected);
    ck_assert_int_eq(vocabulary->count, count);
}

static void check_round(const struct ls_vocabulary *vocabulary, const char *text,
                        const char *expected) {
    const struct ls_text whole = {.name = "text", .bytes = text, .count = strlen(text)};
    int32_t *tokens;
    uint64_t count;
    char *printed = NULL;
    size_t size;
    ls_require(ls_vocabulary_encode(vocabulary, &whole, &tokens, &count, error));
    FILE *out = open_memstream(&printed, &size);
    ls_vocabulary_print(out, vocabulary, tokens, count);
    fclose(out);
    ck_assert_str_eq(printed, expected);
    free(printed);
    free(tokens);
}

START_TEST(characters_are_numbered_in_their_order) {
    struct ls_vocabulary vocabulary = build(LS_UNIT_CHAR, false, 0, verse.bytes);
    check_texts(&vocabulary, 0, (const char *const[]){"\n", " ", "a", "b", "\xc3\xa9", NULL});
    int32_t *tokens;
    uint64_t count;
    ls_require(ls_vocabulary_encode(&vocabulary, &verse, &tokens, &count, error));
    const int32_t expected[] = {3, 4, 1, 2, 0, 3, 3};
    ck_assert_uint_eq(count, 7);
    ck_assert_int_eq(memcmp(tokens, expected, sizeof expected), 0);
    free(tokens);
    check_round(&vocabulary, "a\xc3\xa9\n b", "a\xc3\xa9\n b");
    const struct ls_text other = {.name = "other.txt", .bytes = "ab\nbac", .count = 6};
    ck_assert_int_eq(ls_vocabulary_encode(&vocabulary, &other, &tokens, &count, error), LS_INVALID);
    ls_test_error_has(
        "other.txt:2:3: error: 'c' is not in the vocabulary that the text is read with");
    ls_vocabulary_clear(&vocabulary);
    vocabulary = build(LS_UNIT_CHAR, true, 0, "ab");
    check_texts(&vocabulary, LS_TOKENS_SPECIAL, (const char *const[]){"a", "b", NULL});
    ls_require(ls_vocabulary_encode(&vocabulary, &other, &tokens, &count, error));
    ck_assert(tokens[0] == 5 && tokens[2] == LS_TOKEN_UNKNOWN && tokens[5] == LS_TOKEN_UNKNOWN);
    free(tokens);
    ls_vocabulary_clear(&vocabulary);
}
END_TEST

START_TEST(words_come_by_how_often_they_are) {
    const char *const text = "The cat, the dog's \xc3\xa9t\xc3\xa9, the\ncat.";
    struct ls_vocabulary vocabulary = build(LS_UNIT_WORD, false, 0, text);
    check_texts(&vocabulary, 0,
                (const char *const[]){",", "cat", "the", "\n", ".", "The", "dog'", "s",
                                      "\xc3\xa9t\xc3\xa9", NULL});
    check_round(&vocabulary, text, text);
    ls_vocabulary_clear(&vocabulary);
    vocabulary = build(LS_UNIT_WORD, true, 2, text);
    check_texts(&vocabulary, LS_TOKENS_SPECIAL, (const char *const[]){",", "cat", NULL});
    check_round(&vocabulary, "a cat, or not", "cat,");
    ls_vocabulary_clear(&vocabulary);
}
END_TEST

#define NARROW "\xe2\x80\xaf" /* a narrow blank that does not break */
#define CURLY "\xe2\x80\x99"

START_TEST(words_end_at_apostrophes_and_foreign_blanks) {
    const char *const text =
        "Qu'est-ce qu" CURLY "il dit" NARROW "? \xc2\xab" NARROW "Oui\xc2\xa0\xc2\xbb (ou non).";
    struct ls_vocabulary vocabulary = build(LS_UNIT_WORD, true, 0, text);
    check_texts(&vocabulary, LS_TOKENS_SPECIAL,
                (const char *const[]){"(", ")", "-", ".", "?", "Oui", "Qu'", "ce", "dit", "est",
                                      "il", "non", "ou", "qu" CURLY, "\xc2\xab", "\xc2\xbb", NULL});
    check_round(&vocabulary, text, "Qu'est-ce qu" CURLY "il dit? \xc2\xab Oui \xc2\xbb (ou non).");
    ls_vocabulary_clear(&vocabulary);
}
END_TEST

START_TEST(capitals_become_small_letters) {
    /* Latin, Greek, Cyrillic, Armenian; what has no other form, and no character, stays. */
    static const char *const cases[][2] = {
        {"A\xc3\x89\xc3\x97\xc3\x9f\xc5\xb8\xc5\x92Z",
         "a\xc3\xa9\xc3\x97\xc3\x9f\xc3\xbf\xc5\x93z"},
        {"\xce\x91\xce\xa3\xd0\x96\xd0\x81\xd4\xb1", "\xce\xb1\xcf\x83\xd0\xb6\xd1\x91\xd5\xa1"},
        {"\xe1\xb8\x80\xe1\xba\x9e\xff\xe4\xb8\xad!", "\xe1\xb8\x81\xe1\xba\x9e\xff\xe4\xb8\xad!"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        strcpy(text, cases[i][0]);
        ls_utf8_lower(text, strlen(text));
        ck_assert_str_eq(text, cases[i][1]);
    }
    const struct ls_vocabulary_options options = {
        .unit = LS_UNIT_WORD, .special = true, .lower = true};
    struct ls_vocabulary vocabulary = build_with(&options, "\xc3\x89t\xc3\xa9 THE The");
    check_texts(&vocabulary, LS_TOKENS_SPECIAL,
                (const char *const[]){"the", "\xc3\xa9t\xc3\xa9", NULL});
    check_round(&vocabulary, "tHE \xc3\x89T\xc3\x89", "the \xc3\xa9t\xc3\xa9");
    struct ls_vocabulary other = build(LS_UNIT_WORD, true, 0, "the the \xc3\xa9t\xc3\xa9");
    ck_assert_int_eq(ls_vocabulary_compare(&vocabulary, &other, error), LS_INVALID);
    ls_test_error_has("its texts are read as they are, expected as small letters");
    ls_vocabulary_clear(&other);
    ls_vocabulary_clear(&vocabulary);
}
END_TEST

static char *repeat(char *to, const char *word, int times) {
    for (int i = 0; i < times; i++)
        to = stpcpy(stpcpy(to, word), " ");
    return to;
}

START_TEST(pieces_are_joined_by_how_often_they_meet) {
    /* Sennrich et al. 2016, algorithm 1: low 5, lower 2, newest 6, widest 3. e and s meet 9 times,
     * then es and t; l and o 7 times; then e and w come first of three pairs that meet 6 times. */
    char text[256];
    repeat(repeat(repeat(repeat(text, "low", 5), "lower", 2), "newest", 6), "widest", 3);
    struct ls_vocabulary vocabulary = build(LS_UNIT_PIECE, true, 15, text);
    check_texts(&vocabulary, LS_TOKENS_SPECIAL,
                (const char *const[]){"d@@", "e@@", "i@@", "l@@", "n@@", "o@@", "r", "s@@", "t",
                                      "w", "w@@", "es@@", "est", "lo@@", "ew@@", NULL});
    const struct ls_text other = {.name = "other", .bytes = "lowest low x", .count = 12};
    int32_t *tokens;
    uint64_t count;
    ls_require(ls_vocabulary_encode(&vocabulary, &other, &tokens, &count, error));
    const int32_t expected[] = {18, 15, 17, 18, 14, LS_TOKEN_UNKNOWN}; /* lo w est, lo w */
    ck_assert_uint_eq(count, 6);
    ck_assert_int_eq(memcmp(tokens, expected, sizeof expected), 0);
    free(tokens);
    check_round(&vocabulary, "lowest  newer wider", "lowest newer wider");
    ls_vocabulary_clear(&vocabulary);
    vocabulary = build(LS_UNIT_PIECE, true, 1000, text); /* until nothing meets twice */
    check_round(&vocabulary, text + 4,
                "low low low low lower lower newest newest newest newest "
                "newest newest widest widest widest");
    ck_assert_int_eq(vocabulary.count, LS_TOKENS_SPECIAL + 11 + 13);
    ls_vocabulary_clear(&vocabulary);
    vocabulary = build(LS_UNIT_PIECE, true, 3, text); /* of the characters, the most frequent */
    check_texts(&vocabulary, LS_TOKENS_SPECIAL, (const char *const[]){"e@@", "s@@", "w@@", NULL});
    ls_vocabulary_clear(&vocabulary);
}
END_TEST

START_TEST(long_words_are_cut_in_stretches) {
    char text[1024];
    memset(text, 'a', 500);
    strcpy(text + 500, " \xc3\xa9"
                       "a");
    struct ls_vocabulary vocabulary = build(LS_UNIT_PIECE, true, 100, text);
    check_round(&vocabulary, text, text);
    check_round(&vocabulary, text + 100, text + 100);
    ls_vocabulary_clear(&vocabulary);
}
END_TEST

START_TEST(bytes_take_any_file) {
    struct ls_vocabulary vocabulary = build(LS_UNIT_BYTE, true, 0, "");
    ck_assert_int_eq(vocabulary.count, 256 + LS_TOKENS_SPECIAL);
    ck_assert_str_eq(vocabulary.texts[5 + 0xAF], "<AF>");
    const struct ls_text odd = {.name = "odd", .bytes = "\xff\0z", .count = 3};
    int32_t *tokens;
    uint64_t count;
    ls_require(ls_vocabulary_encode(&vocabulary, &odd, &tokens, &count, error));
    ck_assert(count == 3 && tokens[0] == 5 + 255 && tokens[1] == 5 && tokens[2] == 5 + 'z');
    free(tokens);
    ls_vocabulary_clear(&vocabulary);
}
END_TEST

START_TEST(what_is_no_utf8_is_refused_with_its_place) {
    static const struct {
        const char *bytes;
        uint64_t count;
        const char *part;
    } cases[] = {
        {"ab\n\xc3", 4, "x.txt:2:1: error: expected text in UTF-8"},
        {"\xc0\xaf", 2, "found the byte 0xC0"},         /* overlong */
        {"\xe0\x80\xaf", 3, "found the byte 0xE0"},     /* overlong */
        {"\xed\xa0\x80", 3, "found the byte 0xED"},     /* a surrogate */
        {"\xf4\x90\x80\x80", 4, "found the byte 0xF4"}, /* beyond U+10FFFF */
        {"a\0b", 3, "x.txt:1:2: error"},
        {"\x80", 1, "--unit byte takes any file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int unit = LS_UNIT_CHAR; unit <= LS_UNIT_PIECE; unit++) {
            struct ls_vocabulary vocabulary;
            const struct ls_vocabulary_options options = {.unit = unit, .words = 9};
            if (unit == LS_UNIT_BYTE)
                continue;
            const struct ls_text text = {
                .name = "x.txt", .bytes = cases[i].bytes, .count = cases[i].count};
            ck_assert_int_eq(ls_vocabulary_build(&vocabulary, &options, &text, error), LS_INVALID);
            ls_test_error_has(cases[i].part);
        }
}
END_TEST

static void import_words(char *const *words, int count, const char *out) {
    struct ls_import import;
    ls_require(ls_import_parse(&import, count, words, ls_test_folder(), error));
    ls_require(ls_import_run(&import, out, error));
    ls_import_clear(&import);
}

START_TEST(an_imported_text_carries_its_vocabulary) {
    char *const words[] = {(char[]){"text"}, (char[]){"verse.txt"}};
    ls_test_file("verse.txt", verse.bytes, verse.count);
    const char *path = ls_test_path("verse.h5"), *json = ls_test_path("vocabulary.json");
    import_words(words, 2, path);
    struct ls_vocabulary kept, again;
    bool found;
    ls_require(ls_vocabulary_load(&kept, path, "/text", &found, error));
    ck_assert(found && kept.count == 5 && kept.unit == LS_UNIT_CHAR && !kept.special);
    const char *const name = "/text";
    ls_require(ls_vocabularies_save(json, 1, &name, &kept, error));
    ls_require(ls_vocabularies_load(&again, json, "text", &found, error));
    ck_assert(found);
    ls_require(ls_vocabulary_compare(&kept, &again, error));
    check_round(&again, "bab\n", "bab\n");
    free(again.texts[2]);
    again.texts[2] = strdup("x");
    ck_assert_int_eq(ls_vocabulary_compare(&kept, &again, error), LS_INVALID);
    ls_test_error_has("its token 2 is 'x', expected 'a'");
    ls_vocabulary_clear(&again);
    ls_require(ls_vocabularies_load(&again, json, "/other", &found, error));
    ck_assert(!found);
    ls_vocabulary_clear(&kept);
    ls_test_text("bad.json", "{\"/text\": {\"unit\": \"letter\", \"tokens\": [\"a\"]}}");
    ck_assert_int_eq(ls_vocabularies_load(&again, ls_test_path("bad.json"), "/text", &found, error),
                     LS_INVALID);
    ls_test_error_has("bad.json: expected vocabularies of a run");
    /* and another text is read with it */
    char vocabulary[1100];
    snprintf(vocabulary, sizeof vocabulary, "--vocabulary=%s", path);
    char *const more[] = {(char[]){"ba.txt"}, vocabulary};
    ls_test_text("ba.txt", "ba");
    import_words(more, 2, ls_test_path("ba.h5"));
    struct ls_dataset *dataset;
    const struct ls_feed_options feed = {.name = "inputs", .column = "/text"};
    const struct ls_dataset_options options = {
        .path = ls_test_path("ba.h5"), .feeds = &feed, .feed_count = 1};
    ls_require(ls_dataset_open(&dataset, &options, error));
    struct ls_feed described;
    ls_require(ls_dataset_describe(dataset, &feed, &described, error));
    ck_assert_int_eq(described.limit, 5);
    const uint64_t samples[] = {0, 1};
    int32_t tokens[2];
    ls_require(ls_test_read(dataset, &feed, LS_TYPE_INT32, samples, 2, tokens));
    ck_assert(tokens[0] == 3 && tokens[1] == 2);
    ls_dataset_close(dataset);
}
END_TEST

LS_SUITE(characters_are_numbered_in_their_order, words_come_by_how_often_they_are,
         words_end_at_apostrophes_and_foreign_blanks, capitals_become_small_letters,
         pieces_are_joined_by_how_often_they_meet, long_words_are_cut_in_stretches,
         bytes_take_any_file, what_is_no_utf8_is_refused_with_its_place,
         an_imported_text_carries_its_vocabulary)
