/* PyTorch's words for what a layer holds, and those of well-known models for parts of attention. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/import/transfer.h"

/* Index of the parameter "SCOPE.leaf" ("leaf" without a scope); -1: there is none. */
static int find(const struct ls_parameter_set *set, const char *scope, const char *leaf) {
    const size_t length = strlen(scope);
    for (int i = 0; i < set->count; i++) {
        const char *name = set->items[i]->name;
        const bool inside = !strncmp(name, scope, length) && name[length] == '.';
        if (!strcmp(length && inside ? name + length + 1 : name, leaf) && (inside || !length))
            return i;
    }
    return -1;
}

static int64_t outputs_of(const struct ls_parameter_set *set, int parameter) {
    return ls_shape_last(set->items[parameter]->shape);
}

/* A tensor that is all of a parameter. */
static struct ls_transfer_piece whole(const struct ls_parameter_set *set, int parameter) {
    const int64_t outputs = outputs_of(set, parameter);
    return (struct ls_transfer_piece){.parameter = parameter, .count = outputs, .total = outputs};
}

/* A tensor that is outputs first .. first + count - 1 of a parameter. */
static struct ls_transfer_piece part(int parameter, int64_t first, int64_t count) {
    return (struct ls_transfer_piece){
        .parameter = parameter, .count = count, .total = count, .first = first};
}

/* "gain" for the "weight" of a norm; the same word where ours has no other. */
static int resolve_leaf(const struct ls_parameter_set *set, const char *scope, const char *leaf,
                        struct ls_transfer_piece *pieces) {
    static const char *const words[][2] = {{"weight", "gain"},       {"bias", "offset"},
                                           {"gamma", "gain"},        {"beta", "offset"},
                                           {"running_mean", "mean"}, {"running_var", "variance"}};
    int parameter = find(set, scope, leaf);
    for (size_t i = 0; i < sizeof words / sizeof *words && parameter < 0; i++)
        if (!strcmp(leaf, words[i][0]))
            parameter = find(set, scope, words[i][1]);
    if (parameter < 0)
        return 0;
    pieces[0] = whole(set, parameter);
    return 1;
}

/* The scope of a recurrence inside a layer: "layer0", or "layer0.backward". */
static void place_recurrence(const struct ls_parameter_set *set, const char *scope, long layer,
                             bool reverse, char place[2 * LS_NAME_MAX]) {
    const char *direction = reverse ? ".backward" : ".forward";
    snprintf(place, 2 * LS_NAME_MAX, "%s.layer%ld%s", scope, layer, direction);
    if (!reverse && find(set, place, "weight") < 0)
        snprintf(place, 2 * LS_NAME_MAX, "%s.layer%ld", scope, layer);
}

/* weight_ih_l0, bias_hh_l1_reverse, ... of nn.LSTM, nn.GRU and nn.RNN, and weight_ih of their
 * cells. The candidate of a gru has a bias of its own; all others are one bias here. */
static int resolve_recurrence(const struct ls_parameter_set *set, const char *scope,
                              const char *leaf, struct ls_transfer_piece *pieces) {
    static const char *const words[][2] = {{"weight_ih", "weight"},
                                           {"weight_hh", "recurrent_weight"},
                                           {"bias_ih", "bias"},
                                           {"bias_hh", "bias"}};
    char place[2 * LS_NAME_MAX], *rest = NULL;
    int word = 0;
    while (word < 4 && strncmp(leaf, words[word][0], strlen(words[word][0])) != 0)
        word++;
    if (word == 4)
        return 0;
    leaf += strlen(words[word][0]);
    const bool numbered = leaf[0] == '_' && leaf[1] == 'l' && isdigit((unsigned char)leaf[2]);
    const long layer = numbered ? strtol(leaf + 2, &rest, 10) : 0;
    rest = numbered ? rest : (char *)(uintptr_t)leaf;
    if (*rest && strcmp(rest, "_reverse") != 0)
        return 0;
    place_recurrence(set, scope, layer, *rest, place);
    const int parameter = find(set, place, words[word][1]);
    if (parameter < 0)
        return 0;
    const int candidate = find(set, place, "candidate_bias");
    pieces[0] = whole(set, parameter);
    pieces[0].adds = word == 3;
    if (word != 3 || candidate < 0)
        return 1;
    pieces[1] = whole(set, candidate);
    pieces[1].total = pieces[0].total;
    pieces[0].count = pieces[1].from = pieces[0].total - pieces[1].count;
    return 2;
}

/* The weight or bias of a product inside an attention: "qkv", "q", "kv". */
static int find_product(const struct ls_parameter_set *set, const char *scope, const char *product,
                        const char *leaf) {
    char place[2 * LS_NAME_MAX];
    snprintf(place, sizeof place, "%s.%s", scope, product);
    return find(set, place, leaf);
}

/* Queries, keys or values (0, 1, 2) of an attention by themselves: our parameters hold them side by
 * side, all three or the last two. */
static int resolve_part(const struct ls_parameter_set *set, const char *scope, int which,
                        const char *leaf, struct ls_transfer_piece *pieces) {
    int parameter = find_product(set, scope, "qkv", leaf), parts = 3, before = which;
    if (parameter < 0) {
        parameter = find_product(set, scope, which ? "kv" : "q", leaf);
        parts = which ? 2 : 1;
        before = which ? which - 1 : 0;
    }
    if (parameter < 0)
        return 0;
    const int64_t width = outputs_of(set, parameter) / parts;
    pieces[0] = part(parameter, before * width, width);
    return 1;
}

/* All three in one tensor. */
static int resolve_parts(const struct ls_parameter_set *set, const char *scope, const char *leaf,
                         struct ls_transfer_piece *pieces) {
    const int together = find_product(set, scope, "qkv", leaf);
    const int q = find_product(set, scope, "q", leaf), kv = find_product(set, scope, "kv", leaf);
    if (together >= 0)
        pieces[0] = whole(set, together);
    if (together >= 0 || q < 0 || kv < 0)
        return together >= 0;
    pieces[0] = whole(set, q);
    pieces[1] = whole(set, kv);
    pieces[1].from = pieces[0].count;
    pieces[0].total = pieces[1].total = pieces[0].count + pieces[1].count;
    return 2;
}

/* Words for parts of attention: queries, keys, values; all of them; the output. */
enum { QUERIES, KEYS, VALUES, TOGETHER, OUTPUT };
static const struct {
    const char *word;
    int what;
} attention_words[] = {
    {"q_proj", QUERIES},    {"query", QUERIES},   {"to_q", QUERIES},  {"q", QUERIES},
    {"k_proj", KEYS},       {"key", KEYS},        {"to_k", KEYS},     {"k", KEYS},
    {"v_proj", VALUES},     {"value", VALUES},    {"to_v", VALUES},   {"v", VALUES},
    {"in_proj", TOGETHER},  {"c_attn", TOGETHER}, {"qkv", TOGETHER},  {"Wqkv", TOGETHER},
    {"qkv_proj", TOGETHER}, {"out_proj", OUTPUT}, {"c_proj", OUTPUT}, {"o_proj", OUTPUT},
    {"proj", OUTPUT},       {"to_out.0", OUTPUT}, {"dense", OUTPUT},
};

/* word: "q_proj"; leaf: "weight" or "bias". */
static int resolve_attention(const struct ls_parameter_set *set, const char *scope,
                             const char *word, const char *leaf, struct ls_transfer_piece *pieces) {
    size_t i = 0;
    while (i < sizeof attention_words / sizeof *attention_words &&
           strcmp(attention_words[i].word, word) != 0)
        i++;
    if (i == sizeof attention_words / sizeof *attention_words ||
        find(set, scope, "output.weight") < 0)
        return 0;
    const int what = attention_words[i].what;
    char output[2 * LS_NAME_MAX];
    snprintf(output, sizeof output, "%s.output", scope);
    return what == OUTPUT     ? resolve_leaf(set, output, leaf, pieces)
           : what == TOGETHER ? resolve_parts(set, scope, leaf, pieces)
                              : resolve_part(set, scope, what, leaf, pieces);
}

/* Cuts a name at its last dot; returns what is behind it, "" where there is none. */
static char *cut(char *name) {
    char *dot = strrchr(name, '.');
    if (!dot)
        return name + strlen(name);
    *dot = '\0';
    return dot + 1;
}

/* Words of attention: in_proj_weight is one, q_proj.weight two, to_out.0.weight three. */
static int resolve_words(const struct ls_parameter_set *set, const char *name,
                         struct ls_transfer_piece *pieces) {
    char scope[LS_NAME_MAX], word[LS_NAME_MAX];
    snprintf(scope, sizeof scope, "%s", name);
    char *leaf = cut(scope), *underscore = strrchr(leaf, '_');
    if (underscore && (!strcmp(underscore, "_weight") || !strcmp(underscore, "_bias"))) {
        snprintf(word, sizeof word, "%.*s", (int)(underscore - leaf), leaf);
        return resolve_attention(set, scope, word, underscore + 1, pieces);
    }
    char *last = cut(scope);
    snprintf(word, sizeof word, "%s", last);
    int count = resolve_attention(set, scope, word, leaf, pieces);
    if (count)
        return count;
    char *before = cut(scope);
    snprintf(word, sizeof word, "%.60s.%.60s", before, last);
    return resolve_attention(set, scope, word, leaf, pieces);
}

int ls_transfer_resolve(const struct ls_parameter_set *parameters, const char *name,
                        struct ls_transfer_piece pieces[LS_TRANSFER_PIECES_MAX]) {
    char scope[LS_NAME_MAX];
    const int parameter = find(parameters, "", name);
    if (parameter >= 0) {
        pieces[0] = whole(parameters, parameter);
        return 1;
    }
    snprintf(scope, sizeof scope, "%s", name);
    const char *leaf = cut(scope);
    int count = *leaf ? resolve_leaf(parameters, scope, leaf, pieces) : 0;
    if (!count && *leaf)
        count = resolve_recurrence(parameters, scope, leaf, pieces);
    return count ? count : resolve_words(parameters, name, pieces);
}
