/* Learning pieces: pairs of neighbours are counted once, and then wherever two become one. */
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "io/pieces.h"

enum { CHARACTER_BYTES = 4 };

/* Two pieces side by side in words, and how often; a and b -1: a free slot. */
struct pair {
    int32_t a, b;
    int64_t times;
};

/* The pieces of all words as they are at some time of learning. */
struct learner {
    struct ls_vocabulary *vocabulary;
    struct learned {
        uint64_t first;
        int count;
        int64_t times;
    } * stretches;      /* [stretch_count] owned, like the rest; pieces from `first` on */
    int32_t *ids;       /* of all stretches */
    struct pair *pairs; /* [room] a hash table with open addressing; room is a power of two */
    uint64_t stretch_count, room, used;
};

static struct pair *find_pair(const struct learner *learner, int32_t a, int32_t b) {
    uint64_t at = ((uint64_t)(uint32_t)a << 32 | (uint32_t)b) * 0x9E3779B97F4A7C15u;
    for (at ^= at >> 32;; at++) {
        struct pair *pair = &learner->pairs[at & (learner->room - 1)];
        if (pair->a < 0 || (pair->a == a && pair->b == b))
            return pair;
    }
}

static void make_room(struct learner *learner) {
    struct pair *old = learner->pairs;
    const uint64_t room = learner->room;
    learner->room = room ? 2 * room : 1024;
    learner->pairs = ls_calloc(learner->room, sizeof *learner->pairs);
    for (uint64_t i = 0; i < learner->room; i++)
        learner->pairs[i].a = -1;
    for (uint64_t i = 0; i < room; i++)
        if (old[i].a >= 0)
            *find_pair(learner, old[i].a, old[i].b) = old[i];
    free(old);
}

static void count_pair(struct learner *learner, int32_t a, int32_t b, int64_t times) {
    if (a < 0 || b < 0)
        return;
    if (2 * learner->used >= learner->room)
        make_room(learner);
    struct pair *pair = find_pair(learner, a, b);
    learner->used += pair->a < 0;
    pair->a = a;
    pair->b = b;
    pair->times += times;
}

static int compare_pairs(const struct learner *learner, const struct pair *x,
                         const struct pair *y) {
    char **texts = learner->vocabulary->texts;
    const int order = strcmp(texts[x->a], texts[y->a]);
    return order ? order : strcmp(texts[x->b], texts[y->b]);
}

/* The pair that comes most often, at least twice; NULL: none does. */
static const struct pair *most_frequent(const struct learner *learner) {
    const struct pair *best = NULL;
    for (uint64_t i = 0; i < learner->room; i++) {
        const struct pair *pair = &learner->pairs[i];
        const int64_t least = best ? best->times : 2;
        if (pair->a < 0 || pair->times < least)
            continue;
        if (!best || pair->times > least || compare_pairs(learner, pair, best) < 0)
            best = pair;
    }
    return best;
}

/* In one stretch: every a in front of a b becomes one piece with it. */
static void join_in(struct learner *learner, struct learned *stretch, struct pair pair,
                    int32_t id) {
    int32_t *ids = learner->ids + stretch->first;
    for (int i = 0; i + 1 < stretch->count; i++) {
        if (ids[i] != pair.a || ids[i + 1] != pair.b)
            continue;
        count_pair(learner, pair.a, pair.b, -stretch->times);
        if (i > 0) {
            count_pair(learner, ids[i - 1], pair.a, -stretch->times);
            count_pair(learner, ids[i - 1], id, stretch->times);
        }
        if (i + 2 < stretch->count) {
            count_pair(learner, pair.b, ids[i + 2], -stretch->times);
            count_pair(learner, id, ids[i + 2], stretch->times);
        }
        ids[i] = id;
        stretch->count--;
        memmove(ids + i + 1, ids + i + 2, (size_t)(stretch->count - i - 1) * sizeof *ids);
    }
}

/* The id of the piece that two become: a new one, unless others have become the same text. */
static int32_t name_piece(struct ls_vocabulary *vocabulary, struct pair pair) {
    const char *a = vocabulary->texts[pair.a], *b = vocabulary->texts[pair.b];
    char *text = ls_calloc(strlen(a) + strlen(b) + 1, 1);
    memcpy(text, a, ls_piece_length(a));
    strcat(text, b);
    for (int32_t id = pair.a > pair.b ? pair.a : pair.b; id < vocabulary->count; id++)
        if (!strcmp(vocabulary->texts[id], text)) {
            free(text);
            return id;
        }
    vocabulary->texts[vocabulary->count] = text;
    return vocabulary->count++;
}

/* A character with its mark, as a piece's text. */
struct character {
    char text[CHARACTER_BYTES + sizeof LS_PIECE_GOES_ON];
    uint64_t times;
};

static int by_text(const void *a, const void *b) {
    return strcmp(((const struct character *)a)->text, ((const struct character *)b)->text);
}

static int by_times(const void *a, const void *b) {
    const uint64_t x = ((const struct character *)a)->times,
                   y = ((const struct character *)b)->times;
    return x != y ? (x < y) - (x > y) : by_text(a, b);
}

/* Equal neighbours of a sorted list become one. */
static uint64_t unite(struct character *characters, uint64_t count) {
    uint64_t used = 0;
    for (uint64_t i = 0; i < count; i++)
        if (used && !strcmp(characters[used - 1].text, characters[i].text))
            characters[used - 1].times += characters[i].times;
        else
            characters[used++] = characters[i];
    return used;
}

/* Looks at the characters of a stretch of a word. */
typedef void stretch_look(void *context, const struct ls_stretch *stretch, uint64_t times);

static void each_stretch(const char *bytes, const struct ls_counted_unit *words, uint64_t count,
                         stretch_look *look, void *context) {
    for (uint64_t w = 0; w < count; w++)
        for (size_t at = 0; at < words[w].unit.length;) {
            const struct ls_stretch stretch =
                ls_stretch_begin(bytes + words[w].unit.at + at, words[w].unit.length - at);
            look(context, &stretch, words[w].times);
            at += stretch.starts[stretch.count];
        }
}

struct characters {
    struct character *items; /* [room] owned; each once, or some more often */
    uint64_t count, room;
    uint64_t stretches, all; /* that were looked at; and the characters in them */
};

static void note_characters(void *context, const struct ls_stretch *stretch, uint64_t times) {
    struct characters *all = context;
    all->stretches++;
    all->all += (uint64_t)stretch->count;
    for (int i = 0; i < stretch->count; i++) {
        if (all->count == all->room) { /* most of them were there before */
            if (all->count)            /* qsort takes no NULL */
                qsort(all->items, all->count, sizeof *all->items, by_text);
            all->count = unite(all->items, all->count);
            if (2 * all->count >= all->room) {
                all->room = all->room ? 2 * all->room : 4096;
                all->items = ls_realloc(all->items, all->room, sizeof *all->items);
            }
        }
        struct character *character = &all->items[all->count++];
        const size_t length = stretch->starts[i + 1] - stretch->starts[i];
        *character = (struct character){.times = times};
        memcpy(character->text, stretch->bytes + stretch->starts[i], length);
        strcpy(character->text + length, ls_stretch_ending(stretch, i + 1));
    }
}

/* The characters as pieces, in the order of their texts. */
static void add_characters(struct ls_vocabulary *vocabulary, struct characters *all,
                           uint64_t most) {
    if (!all->count)
        return;
    qsort(all->items, all->count, sizeof *all->items, by_text);
    all->count = unite(all->items, all->count);
    if (all->count > most) {
        qsort(all->items, all->count, sizeof *all->items, by_times);
        all->count = most;
        qsort(all->items, all->count, sizeof *all->items, by_text);
    }
    for (uint64_t i = 0; i < all->count; i++)
        vocabulary->texts[vocabulary->count++] = ls_strdup(all->items[i].text);
    ls_vocabulary_sort(vocabulary);
}

static void take_stretch(void *context, const struct ls_stretch *stretch, uint64_t times) {
    struct learner *learner = context;
    const uint64_t at = learner->stretch_count++;
    struct learned *learned = &learner->stretches[at];
    if (at)
        learned->first = learned[-1].first + (uint64_t)learned[-1].count;
    learned->count = stretch->count;
    learned->times = (int64_t)times;
    int32_t *ids = learner->ids + learned->first;
    for (int i = 0; i < stretch->count; i++)
        ids[i] = ls_stretch_find(learner->vocabulary, stretch, i, i + 1);
    for (int i = 1; i < stretch->count; i++)
        count_pair(learner, ids[i - 1], ids[i], learned->times);
}

void ls_pieces_learn(struct ls_vocabulary *vocabulary, const char *bytes,
                     const struct ls_counted_unit *words, uint64_t count, uint64_t most) {
    struct characters characters = {0};
    struct learner learner = {.vocabulary = vocabulary};
    each_stretch(bytes, words, count, note_characters, &characters);
    if (most > 2 * characters.all) /* there cannot be as many */
        most = 2 * characters.all;
    const uint64_t end = (uint64_t)vocabulary->count + most;
    vocabulary->texts = ls_realloc(vocabulary->texts, end + 1, sizeof *vocabulary->texts);
    add_characters(vocabulary, &characters, most);
    free(characters.items);
    learner.stretches = ls_calloc(characters.stretches + 1, sizeof *learner.stretches);
    learner.ids = ls_calloc(characters.all + 1, sizeof *learner.ids);
    make_room(&learner);
    each_stretch(bytes, words, count, take_stretch, &learner);
    while ((uint64_t)vocabulary->count < end) {
        const struct pair *found = most_frequent(&learner);
        if (!found)
            break;
        const struct pair pair = *found; /* the table moves when it grows */
        const int32_t id = name_piece(vocabulary, pair);
        for (uint64_t s = 0; s < learner.stretch_count; s++)
            join_in(&learner, &learner.stretches[s], pair, id);
    }
    free(learner.stretches);
    free(learner.ids);
    free(learner.pairs);
}
