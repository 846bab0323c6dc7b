#include "core/base/field.h"

#include <math.h>
#include <string.h>

#include "tests/support/support.h"

struct options {
    bool flag;
    int64_t count;
    double rate;
    char text[LS_TEXT_MAX];
    int choice;
    int64_t pair[2];
    struct ls_real_list list;
    int64_t free_count;
    int64_t steps;
    double gain;
    struct ls_pattern_list names, factors;
};

static const char *const choices[] = {"sgd", "momentum", "adam", NULL};

#define AT(member) offsetof(struct options, member)
static const struct ls_field items[] = {
    {.name = "flag", .kind = LS_FIELD_BOOL, .offset = AT(flag), .initial = "true"},
    {.name = "count",
     .kind = LS_FIELD_INTEGER,
     .offset = AT(count),
     .initial = "8",
     .min = 1,
     .max = 4096},
    {.name = "rate",
     .kind = LS_FIELD_REAL,
     .offset = AT(rate),
     .initial = "0.1",
     .min = 0,
     .max = 1},
    {.name = "text", .kind = LS_FIELD_TEXT, .offset = AT(text), .initial = "a b"},
    {.name = "choice",
     .kind = LS_FIELD_CHOICE,
     .offset = AT(choice),
     .initial = "adam",
     .choices = choices},
    {.name = "pair", .kind = LS_FIELD_PAIR, .offset = AT(pair), .initial = "3", .min = 1, .max = 9},
    {.name = "list",
     .kind = LS_FIELD_LIST,
     .offset = AT(list),
     .initial = "[]",
     .min = 0,
     .max = 1},
    {.name = "free", .kind = LS_FIELD_INTEGER, .offset = AT(free_count)},
    {.name = "steps",
     .kind = LS_FIELD_INTEGER,
     .offset = AT(steps),
     .initial = "1",
     .min = 1,
     .max = INFINITY},
    {.name = "gain", .kind = LS_FIELD_REAL, .offset = AT(gain)},
    {.name = "names", .kind = LS_FIELD_PATTERNS, .offset = AT(names), .initial = "[]"},
    {.name = "factors",
     .kind = LS_FIELD_FACTORS,
     .offset = AT(factors),
     .initial = "{}",
     .min = 0,
     .max = 10},
};
static const struct ls_fields fields = {items, sizeof items / sizeof *items};

static enum ls_status parse(struct options *options, const char *name, const char *text) {
    return ls_field_parse(ls_fields_find(fields, name), text, options, &ls_test_error);
}

static void round_trip(const char *name, const char *text, const char *printed) {
    struct options options;
    ls_fields_reset(fields, &options);
    char back[LS_TEXT_MAX];
    ls_require(parse(&options, name, text));
    ck_assert_str_eq(ls_field_print(ls_fields_find(fields, name), &options, back, sizeof back),
                     printed);
    ls_require(parse(&options, name, back));
    ck_assert_str_eq(ls_field_print(ls_fields_find(fields, name), &options, back, sizeof back),
                     printed);
}

static void refuse(const char *name, const char *text, const char *message) {
    struct options options, before;
    memset(&options, 0, sizeof options);
    ls_fields_reset(fields, &options);
    before = options;
    ck_assert_msg(parse(&options, name, text) == LS_INVALID, "%s: '%s' was taken", name, text);
    ck_assert_str_eq(ls_test_error.text, message);
    ck_assert_msg(!memcmp(&before, &options, sizeof before), "%s changed by '%s'", name, text);
}

START_TEST(reset_fills_in_the_defaults) {
    struct options options;
    memset(&options, 0x55, sizeof options);
    ls_fields_reset(fields, &options);
    ck_assert(options.flag);
    ck_assert_int_eq(options.count, 8);
    ck_assert(options.rate == 0.1);
    ck_assert_str_eq(options.text, "a b");
    ck_assert_int_eq(options.choice, 2);
    ck_assert(options.pair[0] == 3 && options.pair[1] == 3);
    ck_assert_int_eq(options.list.count, 0);
    ck_assert_int_eq(options.free_count, 0);
}
END_TEST

START_TEST(what_is_parsed_prints_and_parses_back) {
    round_trip("flag", "false", "false");
    round_trip("count", "4096", "4096");
    round_trip("free", "-9223372036854775808", "-9223372036854775808");
    round_trip("steps", "1000000", "1000000");
    round_trip("rate", "0.1", "0.1");
    round_trip("rate", "1e-5", "1e-05");
    round_trip("rate", "0.30000000000000004", "0.30000000000000004");
    round_trip("text", "a: [b] c", "a: [b] c");
    round_trip("text", "", "");
    round_trip("choice", "momentum", "momentum");
    round_trip("pair", "[3,5]", "[3, 5]");
    round_trip("pair", "[ 4 , 4 ]", "4");
    round_trip("list", "[0.8, 0, 0.2]", "[0.8, 0, 0.2]");
    round_trip("list", "0.8", "[0.8]");
    round_trip("list", "[ ]", "[]");
    round_trip("names", "[]", "[]");
    round_trip("names", "encoder", "[\"encoder\"]");
    round_trip("names", "[ 'a.b' ,\"*.bias\", c-1_ ]", "[\"a.b\", \"*.bias\", \"c-1_\"]");
    round_trip("factors", "{}", "{}");
    round_trip("factors", "{ encoder : 0.1 , \"*.bias\": 2 }", "{\"encoder\": 0.1, \"*.bias\": 2}");
}
END_TEST

START_TEST(patterns_mean_names_and_what_lies_below_them) {
    static const struct {
        const char *pattern, *name;
        bool fits;
    } pairs[] = {{"tokens", "tokens.weight", true},
                 {"tokens", "tokens", true},
                 {"tokens", "tokens2.weight", false},
                 {"encoder", "encoder.block0.norm.gain", true},
                 {"encoder.block0", "encoder.block0.norm.gain", true},
                 {"encoder.block1", "encoder.block0.norm.gain", false},
                 {"*.bias", "encoder.block0.linear1.bias", true},
                 {"*.bias", "encoder.block0.linear1.weight", false},
                 {"encoder.block*.norm", "encoder.block12.norm.gain", true},
                 {"norm", "encoder.block0.norm.gain", false},
                 {"*", "a.b", true}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        ck_assert_msg(ls_pattern_matches(pairs[i].pattern, pairs[i].name) == pairs[i].fits,
                      "'%s' and '%s'", pairs[i].pattern, pairs[i].name);
}
END_TEST

START_TEST(wrong_text_is_refused_and_leaves_the_member_alone) {
    refuse("flag", "yes", "expected true or false, found 'yes'");
    refuse("count", "x", "expected an integer from 1 to 4096, found 'x'");
    refuse("count", "0", "expected an integer from 1 to 4096, found '0'");
    refuse("count", "4097", "expected an integer from 1 to 4096, found '4097'");
    refuse("count", "8.0", "expected an integer from 1 to 4096, found '8.0'");
    refuse("count", "8 ", "expected an integer from 1 to 4096, found '8 '");
    refuse("count", "", "expected an integer from 1 to 4096, found ''");
    refuse("free", "1e6", "expected an integer, found '1e6'");
    refuse("free", "1_000", "expected an integer, found '1_000'");
    refuse("free", "0x10", "expected an integer, found '0x10'");
    refuse("free", "9223372036854775808", "expected an integer, found '9223372036854775808'");
    refuse("steps", "0", "expected an integer of at least 1, found '0'");
    refuse("gain", "1e999", "expected a number, found '1e999'");
    refuse("rate", "nan", "expected a number from 0 to 1, found 'nan'");
    refuse("rate", "inf", "expected a number from 0 to 1, found 'inf'");
    refuse("rate", "1e999", "expected a number from 0 to 1, found '1e999'");
    refuse("rate", "-0.1", "expected a number from 0 to 1, found '-0.1'");
    refuse("rate", "0x1p-2", "expected a number from 0 to 1, found '0x1p-2'");
    refuse("choice", "adm", "expected sgd, momentum or adam, found 'adm' (did you mean 'adam'?)");
    refuse("choice", "zebra", "expected sgd, momentum or adam, found 'zebra'");
#define PAIR "expected an integer or a pair of integers like [3, 5], each from 1 to 9, found "
    refuse("pair", "[3]", PAIR "'[3]'");
    refuse("pair", "[1, 2, 3]", PAIR "'[1, 2, 3]'");
    refuse("pair", "[1, 2", PAIR "'[1, 2'");
    refuse("pair", "[1, 2]]", PAIR "'[1, 2]]'");
    refuse("pair", "[0, 2]", PAIR "'[0, 2]'");
#define LIST "expected a number or a list of numbers like [0.8, 0, 0.2], each from 0 to 1, found "
    refuse("list", "[0.5,]", LIST "'[0.5,]'");
    refuse("list", "[0.5, 2]", LIST "'[0.5, 2]'");
    refuse("list", "", LIST "''");
#define NAMES "expected a name or a list of names like [encoder, \"*.bias\"], found "
    refuse("names", "", NAMES "''");
    refuse("names", "[a", NAMES "'[a'");
    refuse("names", "[a,]", NAMES "'[a,]'");
    refuse("names", "[a, a]", NAMES "'[a, a]'");
    refuse("names", "[a b]", NAMES "'[a b]'");
    refuse("names", "[a?]", NAMES "'[a?]'");
    refuse("names", "{a: 1}", NAMES "'{a: 1}'");
#define FACTORS                                                                                    \
    "expected names, each once, with numbers like {encoder: 0.1, \"*.bias\": 2}, each from 0 to "  \
    "10, found "
    refuse("factors", "{a: 11}", FACTORS "'{a: 11}'");
    refuse("factors", "{a: 1, a: 2}", FACTORS "'{a: 1, a: 2}'");
    refuse("factors", "{a: x}", FACTORS "'{a: x}'");
    refuse("factors", "{a}", FACTORS "'{a}'");
    refuse("factors", "[a]", FACTORS "'[a]'");
}
END_TEST

START_TEST(a_text_too_long_is_refused) {
    static char text[LS_TEXT_MAX + 1];
    memset(text, 'a', LS_TEXT_MAX);
    refuse("text", text, "expected a text of at most 1023 bytes, found 1024 bytes");
    struct options options;
    text[LS_TEXT_MAX - 1] = '\0';
    ls_require(parse(&options, "text", text));
}
END_TEST

START_TEST(the_nearest_name_is_found_within_a_third_of_its_length) {
    const char *const names[] = {"epochs", "batch", "microbatches", "learning_rate", "n"};
    ck_assert_str_eq(ls_nearest("epoch", names, 5), "epochs");
    ck_assert_str_eq(ls_nearest("btach", names, 5), "batch");
    ck_assert_str_eq(ls_nearest("lerning_rate", names, 5), "learning_rate");
    ck_assert_str_eq(ls_nearest("microbatch", names, 5), "microbatches");
    ck_assert_ptr_null(ls_nearest("zzz", names, 5));
    ck_assert_ptr_null(ls_nearest("m", names, 5));
    ck_assert_ptr_null(ls_nearest("rate", names, 5));
    ck_assert_ptr_null(ls_nearest("", names, 5));
    ck_assert_ptr_null(ls_nearest("epochs", names, 0));
}
END_TEST

LS_SUITE(reset_fills_in_the_defaults, what_is_parsed_prints_and_parses_back,
         patterns_mean_names_and_what_lies_below_them,
         wrong_text_is_refused_and_leaves_the_member_alone, a_text_too_long_is_refused,
         the_nearest_name_is_found_within_a_third_of_its_length)
