/* Words against a table of options: every way to write one, and every mistake. */
#include <string.h>

#include "launcher/command/options.h"
#include "tests/support/support.h"

struct given {
    int64_t ranks;
    bool restart;
    char out[LS_TEXT_MAX];
    struct ls_texts set;
};

static const struct ls_option options[] = {
    {.letter = 'n',
     .field = {.name = "ranks",
               .kind = LS_FIELD_INTEGER,
               .offset = offsetof(struct given, ranks),
               .initial = "1",
               .min = 1,
               .max = 64,
               .unit = "processes",
               .help = "how many"}},
    {.field = {.name = "restart",
               .kind = LS_FIELD_BOOL,
               .offset = offsetof(struct given, restart),
               .initial = "false",
               .help = "start afresh"}},
    {.field = {.name = "out",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct given, out),
               .initial = "runs",
               .help = "where to"}},
    {.field = {.name = "set",
               .kind = LS_FIELD_TEXT,
               .offset = offsetof(struct given, set),
               .help = "a key"},
     .repeated = true},
};

static const struct ls_command command = {
    .name = "try",
    .usage = "FILE [FILE] [OPTION...]",
    .help = "tries",
    .options = options,
    .option_count = 4,
    .arguments_min = 1,
    .arguments_max = 2,
    .options_size = sizeof(struct given),
};

enum { WORDS_MAX = 70 };

static enum ls_status parse(char **argv, int argc, struct given *given, struct ls_words *words,
                            struct ls_error *error) {
    static char *room[WORDS_MAX];
    *words = (struct ls_words){.items = room};
    return ls_options_parse(&command, argc, argv, given, words, error);
}

/* Words as an array of writable texts. */
#define W(text)                                                                                    \
    (char[]) {                                                                                     \
        text                                                                                       \
    }

START_TEST(defaults_hold) {
    struct given given;
    struct ls_words words;
    char *argv[] = {W("a.yaml")};
    ls_require(parse(argv, 1, &given, &words, &ls_test_error));
    ck_assert_int_eq(given.ranks, 1);
    ck_assert(!given.restart);
    ck_assert_str_eq(given.out, "runs");
    ck_assert_int_eq(given.set.count, 0);
    ck_assert_int_eq(words.count, 1);
    ck_assert_str_eq(words.items[0], "a.yaml");
}
END_TEST

START_TEST(every_form_is_understood) {
    struct given given;
    struct ls_words words;
    char *argv[] = {
        W("--set"),     W("a=1"),       W("x"),  W("-n"),    W("4"), W("--out=here=there"),
        W("--set=b=2"), W("--restart"), W("--"), W("--out"),
    };
    ls_require(parse(argv, 10, &given, &words, &ls_test_error));
    ck_assert_int_eq(given.ranks, 4);
    ck_assert(given.restart);
    ck_assert_str_eq(given.out, "here=there");
    ck_assert_int_eq(given.set.count, 2);
    ck_assert_str_eq(given.set.items[0], "a=1");
    ck_assert_str_eq(given.set.items[1], "b=2");
    ck_assert_int_eq(words.count, 2);
    ck_assert_str_eq(words.items[1], "--out");
    char *attached[] = {W("-n7"), W("-"), W("--out"), W("")};
    ls_require(parse(attached, 4, &given, &words, &ls_test_error));
    ck_assert_int_eq(given.ranks, 7);
    ck_assert_str_eq(words.items[0], "-");
    ck_assert_str_eq(given.out, "");
}
END_TEST

START_TEST(help_wins) {
    struct given given;
    struct ls_words words;
    char *argv[] = {W("--help")}, *late[] = {W("a"), W("-h"), W("--nonsense")};
    ls_require(parse(argv, 1, &given, &words, &ls_test_error));
    ck_assert(words.help);
    ls_require(parse(late, 3, &given, &words, &ls_test_error));
    ck_assert(words.help);
}
END_TEST

static void check_error(char **argv, int argc, const char *first_line) {
    struct given given;
    struct ls_words words;
    struct ls_error error = {0};
    int lines = 1;
    ck_assert_msg(parse(argv, argc, &given, &words, &error) == LS_INVALID, "accepted: %s", argv[0]);
    for (const char *c = error.text; *c; c++)
        lines += *c == '\n';
    const size_t length = strlen(first_line);
    ck_assert_msg(!strncmp(error.text, first_line, length) &&
                      (!error.text[length] || error.text[length] == '\n'),
                  "expected %s\nfound    %s", first_line, error.text);
    ck_assert_int_le(lines, 6);
}

START_TEST(every_mistake_is_named) {
    check_error((char *[]){W("a"), W("--rank"), W("3")}, 3,
                "try: unknown option '--rank' (did you mean '--ranks'?)");
    check_error((char *[]){W("a"), W("--xyzzy=3")}, 2, "try: unknown option '--xyzzy'");
    check_error((char *[]){W("a"), W("-x")}, 2, "try: unknown option '-x'");
    check_error((char *[]){W("a"), W("-n")}, 2, "try: -n needs a value");
    check_error((char *[]){W("a"), W("--out")}, 2, "try: --out needs a value");
    check_error((char *[]){W("a"), W("-n"), W("0")}, 3,
                "try: -n (processes): expected an integer from 1 to 64, found '0'");
    check_error((char *[]){W("a"), W("--ranks=x")}, 2,
                "try: --ranks (processes): expected an integer from 1 to 64, found 'x'");
    check_error((char *[]){W("a"), W("-n"), W("1"), W("--ranks"), W("2")}, 5,
                "try: --ranks is given twice");
    check_error((char *[]){W("a"), W("--restart=yes")}, 2,
                "try: --restart takes no value, found 'yes'");
    check_error((char *[]){W("-n"), W("1")}, 2, "try: an argument is missing");
    check_error((char *[]){W("a"), W("b"), W("c")}, 3, "try: one argument too many: 'c'");
}
END_TEST

START_TEST(a_repeated_option_has_a_limit) {
    char word[] = "--set=a=1", *argv[WORDS_MAX];
    for (int i = 0; i < WORDS_MAX; i++)
        argv[i] = word;
    check_error(argv, 65, "try: --set is given more than 64 times");
}
END_TEST

LS_SUITE(defaults_hold, every_form_is_understood, help_wins, every_mistake_is_named,
         a_repeated_option_has_a_limit)
