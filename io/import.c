/* `lockstep data import`: its words, and which function does the work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/memory.h"
#include "io/file.h"
#include "io/import_internal.h"
#include "io/schema.h"
#include "io/vocabulary.h"

#define CSV (1u << LS_IMPORT_CSV)
#define TEXT (1u << LS_IMPORT_TEXT)
#define PAIRS (1u << LS_IMPORT_PAIRS)
#define IMAGES (1u << LS_IMPORT_IMAGES)
#define TOKENS (TEXT | PAIRS | CSV)

/* X(option, what stands for its value, member, kind, default, choices, formats, help): parser and
 * help text. */
#define IMPORT_OPTIONS(X)                                                                          \
    X("no-header", "", no_header, LS_FIELD_BOOL, "false", NULL, CSV,                               \
      "the first line holds values, not names (csv)")                                              \
    X("skip-lines", " N", skip_lines, LS_FIELD_INTEGER, "0", NULL, CSV,                            \
      "leave out N lines at the start (csv)")                                                      \
    X("target", " COLUMNS", target, LS_FIELD_TEXT, "", NULL, CSV,                                  \
      "what is predicted: names, or numbers from 1 on, or from the end: -1; none (csv; the last)") \
    X("targets", " FILE", target_file, LS_FIELD_TEXT, "", NULL, CSV,                               \
      "another file whose columns are predicted, row by row (csv)")                                \
    X("id", " COLUMN", id, LS_FIELD_TEXT, "", NULL, CSV,                                           \
      "a column that names rows: kept for predictions, never an input (csv)")                      \
    X("rename", " OLD=NEW,...", rename, LS_FIELD_TEXT, "", NULL, CSV,                              \
      "other names for columns; all other options use these (csv)")                                \
    X("categorical", " COLUMNS|auto", categorical, LS_FIELD_TEXT, "", NULL, CSV,                   \
      "columns whose values are words; auto: all that hold words rather than numbers (csv)")       \
    X("encoding", " ordinal|one-hot|feed", encoding, LS_FIELD_CHOICE, "ordinal",                   \
      ls_encoding_names, CSV,                                                                      \
      "inputs of words: their numbers in order, 0 and 1 for each word, or only /COLUMN, for "      \
      "feeds "                                                                                     \
      "(csv; ordinal)")                                                                            \
    X("unknown", " error|category", unknown, LS_FIELD_CHOICE, "error", ls_unknown_names, CSV,      \
      "words that later data has and this has not; category: one of their own (csv; error)")       \
    X("dates", " COLUMNS", dates, LS_FIELD_TEXT, "", NULL, CSV,                                    \
      "columns of dates like 2024-02-29 or 2024-02-29T12:30:00Z (csv)")                            \
    X("date-rule", " days|hour|weekday|day-of-year|year", date_rule, LS_FIELD_CHOICE, "days",      \
      ls_date_rules, CSV,                                                                          \
      "their numbers, in UTC; days: since 1970, with a fraction; weekday: Monday is 0 (csv; "      \
      "days)")                                                                                     \
    X("missing", " error|drop|mean|median|zero|VALUE", missing, LS_FIELD_TEXT, "", NULL, CSV,      \
      "an empty cell, NA or ?: its row is left out, or it is a number (of training), or a "        \
      "word of its own (csv; error)")                                                              \
    X("text", " COLUMN", text, LS_FIELD_TEXT, "", NULL, CSV,                                       \
      "a column of texts: /COLUMN has the tokens of each, with special ones (csv)")                \
    X("separator", " C", separator, LS_FIELD_TEXT, ",", NULL, CSV,                                 \
      "the byte between fields, or tab, or space: runs of blanks (csv; a comma)")                  \
    X("decimal", " C", decimal, LS_FIELD_TEXT, ".", NULL, CSV,                                     \
      "the byte in front of a number's fraction (csv; a point)")                                   \
    X("like", " FILE", like, LS_FIELD_TEXT, "", NULL, CSV,                                         \
      "reads with the columns and words of other data: its imported .h5 file, or a run's "         \
      "schema.json (csv)")                                                                         \
    X("series", "", series, LS_FIELD_BOOL, "false", NULL, CSV,                                     \
      "rows follow each other in time: all columns become one stream, /series (csv)")              \
    X("drop", " COLUMNS", drop, LS_FIELD_TEXT, "", NULL, CSV, "columns to leave out (csv)")        \
    X("unit", " char|byte|word|piece", unit, LS_FIELD_CHOICE, "char", ls_text_units, TOKENS,       \
      "what a token is (text; char; pairs, and csv with --text: word); piece: see --bpe")          \
    X("words", " N", words, LS_FIELD_INTEGER, "0", NULL, TOKENS,                                   \
      "only the N most frequent words; others are unknown tokens (pairs; csv with "                \
      "--text; text with --special or --lines)")                                                   \
    X("bpe", " N", bpe, LS_FIELD_INTEGER, "0", NULL, TOKENS,                                       \
      "tokens are N pieces of words, learned by byte pair encoding (as --words)")                  \
    X("lower", "", lower, LS_FIELD_BOOL, "false", NULL, TOKENS,                                    \
      "capitals are read as small letters (text, pairs, csv with --text)")                         \
    X("special", "", special, LS_FIELD_BOOL, "false", NULL, TEXT,                                  \
      "tokens 0 to 4 are padding, begin, end, unknown and mask (text)")                            \
    X("lines", "", lines, LS_FIELD_BOOL, "false", NULL, TEXT,                                      \
      "each line that is not empty is a row of its own length, with special tokens (text)")        \
    X("columns", " COLUMNS", columns, LS_FIELD_TEXT, "", NULL, CSV | PAIRS,                        \
      "the only columns that are used (csv); N,M: fields of source and target (pairs; 1,2)")       \
    X("size", " HxW", size, LS_FIELD_TEXT, "", NULL, IMAGES,                                       \
      "pictures are scaled until they cover HxW pixels; their middle is taken (images; without "   \
      "it, all have one size)")                                                                    \
    X("vocabulary", " FILE", vocabulary, LS_FIELD_TEXT, "", NULL, TOKENS,                          \
      "tokens of another text: its imported .h5 file, or a run's vocabulary.json (text, pairs; "   \
      "csv, with --text)")

static const struct ls_field fields[] = {
#define X(option, value, member, field_kind, default_text, choice_list, takers, text)              \
    {.name = option,                                                                               \
     .kind = field_kind,                                                                           \
     .offset = offsetof(struct ls_import, member),                                                 \
     .initial = default_text,                                                                      \
     .max = field_kind == LS_FIELD_INTEGER ? 1e9 : 0,                                              \
     .choices = choice_list,                                                                       \
     .help = text},
    IMPORT_OPTIONS(X)
#undef X
};
static const struct ls_fields options = {fields, (int)(sizeof fields / sizeof *fields)};

static const char *const value_of_option[] = {
#define X(option, value, member, kind, initial, choices, takers, help) value,
    IMPORT_OPTIONS(X)
#undef X
};

static const unsigned formats_of_option[] = {
#define X(option, value, member, kind, initial, choices, takers, help) takers,
    IMPORT_OPTIONS(X)
#undef X
};

const char *const ls_import_help =
    "Formats (may be left out where names tell: *ubyte*, *.bin, *.csv, *.npy, *.npz, *.txt, "
    "*.tsv, or .gz of it; a folder):\n"
    "  idx IMAGES [LABELS]     MNIST's format; more pairs are joined\n"
    "  cifar FILE...           CIFAR-10's binary records\n"
    "  csv FILE...             a table, or (--series) a series; more files are further rows\n"
    "  npy INPUTS [TARGETS]    NumPy arrays; more pairs are joined\n"
    "  npz FILE                NumPy's archive: every array of numbers, under its name\n"
    "  images FOLDER           PNG and JPEG files, FOLDER/CLASS/FILE; or files alone, without "
    "targets\n"
    "  text FILE               a stream of tokens, or (--lines) rows of them, /text, with its "
    "vocabulary\n"
    "  pairs FILE              lines of fields between tabs: rows of tokens, /source and /target, "
    "and their texts\n"
    "Options:\n"
#define X(option, value, member, kind, initial, choices, takers, help)                             \
    "  --" option value "\n      " help "\n"
    IMPORT_OPTIONS(X);
#undef X

static const struct {
    const char *name;
    enum ls_status (*run)(const struct ls_import *, struct ls_writer *, struct ls_error *);
} formats[] = {
    [LS_IMPORT_IDX] = {"idx", ls_import_arrays}, [LS_IMPORT_CIFAR] = {"cifar", ls_import_cifar},
    [LS_IMPORT_CSV] = {"csv", ls_import_csv},    [LS_IMPORT_NPY] = {"npy", ls_import_arrays},
    [LS_IMPORT_TEXT] = {"text", ls_import_text}, [LS_IMPORT_PAIRS] = {"pairs", ls_import_pairs},
    [LS_IMPORT_NPZ] = {"npz", ls_import_npz},    [LS_IMPORT_IMAGES] = {"images", ls_import_images},
};
enum { FORMATS = sizeof formats / sizeof *formats };

/* Which format the file's name tells; -1: none. */
static int guess_format(const char *path) {
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return LS_IMPORT_IMAGES;
    const char *slash = strrchr(path, '/');
    char name[256];
    snprintf(name, sizeof name, "%s", slash ? slash + 1 : path);
    if (ls_path_ends(name, ".gz"))
        name[strlen(name) - 3] = '\0';
    if (strstr(name, "ubyte"))
        return LS_IMPORT_IDX;
    if (ls_path_ends(name, ".bin"))
        return LS_IMPORT_CIFAR;
    if (ls_path_ends(name, ".csv"))
        return LS_IMPORT_CSV;
    if (ls_path_ends(name, ".txt"))
        return LS_IMPORT_TEXT;
    if (ls_path_ends(name, ".tsv"))
        return LS_IMPORT_PAIRS;
    if (ls_path_ends(name, ".npz"))
        return LS_IMPORT_NPZ;
    return ls_path_ends(name, ".npy") ? LS_IMPORT_NPY : -1;
}

static enum ls_status unknown_option(const char *option, struct ls_error *error) {
    const char *names[sizeof fields / sizeof *fields];
    for (int i = 0; i < options.count; i++)
        names[i] = fields[i].name;
    const char *nearest = ls_nearest(option, names, options.count);
    return ls_fail(error, LS_INVALID, "unknown import option '--%s'%s%s%s", option,
                   nearest ? "; did you mean '--" : "", nearest ? nearest : "",
                   nearest ? "'?" : "");
}

/* --NAME VALUE, --NAME=VALUE or, for what is true or false, --NAME; *at moves over a value that is
 * a word of its own. */
static enum ls_status take_option(struct ls_import *import, int count, char *const *words, int *at,
                                  const struct ls_field **taken, struct ls_error *error) {
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(words[*at] + 2, "="), words[*at] + 2);
    const char *value = strchr(words[*at], '=');
    const struct ls_field *field = *taken = ls_fields_find(options, name);
    if (!field)
        return unknown_option(name, error);
    const char *text = value ? value + 1 : "true";
    if (!value && field->kind != LS_FIELD_BOOL) {
        if (*at + 1 == count)
            return ls_fail(error, LS_INVALID, "--%s needs a value", name);
        text = words[++*at];
    }
    if (ls_field_parse(field, text, import, error) != LS_OK)
        return ls_fail_context(error, "--%s: ", name);
    return LS_OK;
}

static bool was_given(unsigned used, const char *option) {
    return used & 1u << (ls_fields_find(options, option) - fields);
}

/* The first format that takes an option. */
static const char *taker(unsigned takers) {
    int format = 0;
    while (!(takers >> format & 1u))
        format++;
    return formats[format].name;
}

/* Rows of tokens have special ones; those of pairs and tables are of words unless told. */
static void settle_tokens(struct ls_import *import, unsigned used) {
    const bool pairs = import->format == LS_IMPORT_PAIRS || import->text[0];
    import->unit_given = was_given(used, "unit");
    import->special = import->special || import->lines || pairs;
    if (import->bpe && !import->unit_given)
        import->unit = LS_UNIT_PIECE;
    else if (pairs && !import->unit_given)
        import->unit = LS_UNIT_WORD;
}

/* used: which options were given, by bit. */
static enum ls_status find_format(struct ls_import *import, int named, unsigned used,
                                  struct ls_error *error) {
    if (!import->file_count)
        return ls_fail(error, LS_INVALID, "import: no file is named");
    const int format = named >= 0 ? named : guess_format(import->files[0]);
    if (format < 0)
        return ls_fail(error, LS_INVALID,
                       "%s: its name does not tell the format; put idx, cifar, csv, npy, npz, "
                       "text, pairs or images in front",
                       import->files[0]);
    for (int i = 0; i < options.count; i++)
        if ((used >> i & 1u) && !(formats_of_option[i] >> format & 1u))
            return ls_fail(error, LS_INVALID,
                           "--%s is an option for %s files, but the format is %s", fields[i].name,
                           taker(formats_of_option[i]), formats[format].name);
    import->format = (enum ls_import_format)format;
    static const char *const of_texts[] = {"unit", "words", "bpe", "lower", "vocabulary"};
    for (size_t i = 0; i < sizeof of_texts / sizeof *of_texts; i++)
        if (format == LS_IMPORT_CSV && !import->text[0] && was_given(used, of_texts[i]))
            return ls_fail(error, LS_INVALID,
                           "--%s is about texts: --text says which column holds them", of_texts[i]);
    settle_tokens(import, used);
    return ls_import_tokens_check(import, error);
}

enum ls_status ls_import_parse(struct ls_import *import, int count, char *const *arguments,
                               const char *folder, struct ls_error *error) {
    *import = (struct ls_import){0};
    ls_fields_reset(options, import);
    int named = -1, at = 0;
    for (int i = 0; i < FORMATS && count > 0; i++)
        if (strcmp(arguments[0], formats[i].name) == 0)
            named = i;
    unsigned used = 0;
    enum ls_status status = LS_OK;
    for (at = named >= 0; at < count && status == LS_OK; at++) {
        if (strncmp(arguments[at], "--", 2) == 0) {
            const struct ls_field *option = NULL;
            status = take_option(import, count, arguments, &at, &option, error);
            if (status == LS_OK)
                used |= 1u << (option - fields);
        } else {
            status = ls_import_locate(import, arguments[at], folder, error);
        }
    }
    if (status == LS_OK)
        status = find_format(import, named, used, error);
    import->header_given = was_given(used, "no-header");
    import->given_encoding = was_given(used, "encoding");
    import->given_date_rule = was_given(used, "date-rule");
    if (status == LS_OK && import->format == LS_IMPORT_CSV)
        status = ls_csv_options_settle(import, error);
    static const struct {
        const char *option;
        size_t offset;
    } others[] = {{"vocabulary", offsetof(struct ls_import, vocabulary)},
                  {"targets", offsetof(struct ls_import, target_file)},
                  {"like", offsetof(struct ls_import, like)}};
    for (size_t i = 0; i < sizeof others / sizeof *others && status == LS_OK; i++)
        status = ls_import_locate_option((char *)import + others[i].offset, others[i].option,
                                         folder, error);
    if (status != LS_OK)
        ls_import_clear(import);
    return status;
}

int ls_import_file_in(int count, char *const *words, int wanted) {
    int first = 0;
    for (int i = 0; i < FORMATS; i++)
        if (count && !strcmp(words[0], formats[i].name))
            first = 1;
    for (int at = first; at <= wanted; at++) {
        char name[64];
        const size_t length = strcspn(words[at], "=");
        snprintf(name, sizeof name, "%.*s", (int)length, words[at]);
        if (strncmp(name, "--", 2) != 0) {
            if (at == wanted)
                return 0;
            continue;
        }
        const struct ls_field *field = ls_fields_find(options, name + 2);
        const bool file = field && !strcmp(value_of_option[field - fields], " FILE");
        const bool joined = words[at][length] == '=';
        if (at == wanted)
            return file && joined ? (int)length + 1 : -1;
        if (field && field->kind != LS_FIELD_BOOL && !joined && ++at == wanted)
            return file ? 0 : -1;
    }
    return -1;
}

char *ls_import_print(const struct ls_import *import) {
    char *text = NULL, value[LS_TEXT_MAX];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LS_ASSERT(out, "no memory to print an import of %s", formats[import->format].name);
    fputs(formats[import->format].name, out);
    for (int i = 0; i < options.count; i++)
        fprintf(out, " --%s=%s", fields[i].name,
                ls_field_print(&fields[i], import, value, sizeof value));
    fprintf(out, " given=%d%d%d targets=%d schema=%s", import->header_given, import->given_encoding,
            import->given_date_rule, !import->no_targets, import->schema ? import->schema : "");
    LS_ASSERT(!fclose(out), "no memory to print an import of %s", formats[import->format].name);
    return text;
}

void ls_import_clear(struct ls_import *import) {
    for (int i = 0; i < import->file_count; i++)
        free(import->files[i]);
    *import = (struct ls_import){0};
}

enum ls_status ls_import_run(const struct ls_import *import, const char *path,
                             struct ls_error *error) {
    struct ls_writer *writer;
    enum ls_status status = ls_writer_create(&writer, path, error);
    if (status != LS_OK)
        return status;
    status = formats[import->format].run(import, writer, error);
    if (status == LS_OK)
        status = ls_writer_texts(writer, -1, "source", (const char *const *)import->files,
                                 import->file_count, error);
    if (status == LS_OK)
        status = ls_writer_texts(writer, -1, "format", &formats[import->format].name, 1, error);
    if (import->sealed)
        ls_writer_seal(writer);
    if (status == LS_OK)
        return ls_writer_finish(writer, error);
    ls_writer_abandon(writer);
    return status;
}
