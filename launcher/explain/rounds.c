/* Samples, or units, round by round: each rank explains its run of a round's, rank 0 gathers and
 * writes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/base/parallel.h"
#include "io/file.h"
#include "launcher/explain/explain.h"
#include "launcher/worker/progress.h"
#include "launcher/worker/run_parts.h"

/* Rows of a rank in a round: many, since ranks wait for each other at its end; and at a time. */
enum { ROUND_MAX = 1024, BLOCK_MAX = 16, PROGRESS_SECONDS = 5 };
static const size_t gathered_bytes_max = (size_t)1 << 28; /* of a result, of one rank */

void ls_explain_progress(const char *what, int64_t done, int64_t total, double *said) {
    const double now = ls_seconds();
    if (now - *said < PROGRESS_SECONDS)
        return;
    *said = now;
    ls_log(LS_LOG_INFO, "%lld of %lld %s", (long long)done, (long long)total, what);
}

/* The arrays that travel: those of the method, then what all have. */
struct rounds {
    struct ls_subject *subject;
    struct ls_communicator *communicator;
    int rank, size, arrays;
    int first_rank;                                   /* has the first row of all */
    int64_t rows_max;                                 /* of a rank */
    size_t bytes[LS_RESULTS_MAX + LS_EXPLAIN_COMMON]; /* of a row */
    char *mine[LS_RESULTS_MAX + LS_EXPLAIN_COMMON];   /* [rows_max] owned */
    char *all[LS_RESULTS_MAX + LS_EXPLAIN_COMMON];    /* [size * rows_max] owned; rank 0 */
    struct ls_sample_block block;
    struct ls_explained *explained; /* [BLOCK_MAX] owned */
    int64_t missed;
    struct ls_explain_file *file;
};

/* An array of the method that has one row for all samples. */
static bool is_single(const struct rounds *r, int array) {
    return array < r->subject->results.count && r->subject->results.items[array].single;
}

static int64_t rows_of(const struct rounds *r, int array) {
    return is_single(r, array) ? 1 : r->rows_max;
}

static void make_rooms(struct rounds *r) {
    const struct ls_results *results = &r->subject->results;
    const int64_t share = (r->subject->rows + r->size - 1) / r->size;
    r->rows_max = share < ROUND_MAX ? share : ROUND_MAX;
    r->arrays = results->count + (r->subject->method->units ? 0 : LS_EXPLAIN_COMMON);
    for (int i = 0; i < r->arrays; i++) {
        r->bytes[i] = ls_explain_row_bytes(r->subject, i);
        while (!is_single(r, i) && r->rows_max > 1 &&
               r->bytes[i] * (size_t)r->rows_max > gathered_bytes_max)
            r->rows_max /= 2;
    }
    for (int i = 0; i < r->arrays; i++) {
        r->mine[i] = ls_calloc((size_t)rows_of(r, i), r->bytes[i]);
        if (r->rank == 0)
            r->all[i] = ls_calloc((size_t)(rows_of(r, i) * r->size), r->bytes[i]);
    }
    r->block.rows_max = r->subject->method->judges ? (int64_t)r->subject->count : BLOCK_MAX;
    r->explained = ls_calloc(BLOCK_MAX, sizeof *r->explained);
}

static void free_rooms(struct rounds *r) {
    for (int i = 0; i < r->arrays; i++) {
        free(r->mine[i]);
        free(r->all[i]);
    }
    free(r->explained);
    ls_sample_block_clear(&r->block);
}

/* Some of this rank's rows of a round: at, .. of them are first, .. of all. */
struct span {
    int64_t at, first, rows;
};

/* From what the explainer shows. */
static void call_method(struct rounds *r, struct span span) {
    struct ls_subject *subject = r->subject;
    struct ls_explanation explanation = {.explainer = &subject->explainer,
                                         .options = subject->options,
                                         .first = span.first + subject->unit,
                                         .count = span.rows};
    for (int i = 0; i < subject->results.count; i++)
        explanation.results[i] = r->mine[i] + (is_single(r, i) ? 0 : (size_t)span.at * r->bytes[i]);
    subject->method->explain(&explanation);
    ls_checks_run(subject, &explanation);
    r->missed += explanation.missed;
}

static enum ls_status explain_samples(struct rounds *r, struct span span, struct ls_error *error) {
    struct ls_subject *subject = r->subject;
    const enum ls_status status =
        ls_subject_read(subject, &r->block, (uint64_t)span.first, span.rows, error);
    if (status != LS_OK)
        return status;
    ls_subject_show(subject, &r->block, span.rows);
    if (subject->cut[0])
        ls_explainer_layer(&subject->explainer, r->block.inputs);
    char *common[LS_EXPLAIN_COMMON];
    for (int i = 0; i < LS_EXPLAIN_COMMON; i++) {
        const int array = subject->results.count + i;
        common[i] = r->mine[array] + (size_t)span.at * r->bytes[array];
    }
    ls_target_choose(&subject->explainer, &subject->target, r->explained, (void *)common[1],
                     (void *)common[0]);
    subject->explainer.explained = r->explained;
    for (int64_t n = 0; n < span.rows; n++) {
        const struct ls_explained *explained = &r->explained[n];
        ((int32_t *)(void *)common[2])[n] = explained->count > 1 ? -1 : (int32_t)explained->element;
        ((int64_t *)(void *)common[3])[n] = (int64_t)r->block.ids[n];
    }
    call_method(r, span);
    return LS_OK;
}

/* This rank's rows of a round, a block at a time. */
static enum ls_status explain_mine(struct rounds *r, int64_t first, int64_t rows, double *said,
                                   struct ls_error *error) {
    enum ls_status status = LS_OK;
    for (int64_t at = 0; at < rows && status == LS_OK; at += BLOCK_MAX) {
        const int64_t left = rows - at;
        const struct span span = {at, first + at, left < BLOCK_MAX ? left : BLOCK_MAX};
        if (ls_run_stop_asked())
            status = ls_fail(error, LS_SYSTEM, "stopped by a signal: nothing is written");
        else if (r->subject->method->units)
            call_method(r, span);
        else
            status = explain_samples(r, span, error);
        if (r->rank == 0) /* the others are about as far */
            ls_explain_progress("rows", first + (at + span.rows) * r->size, r->subject->rows, said);
    }
    return status;
}

/* All ranks' rows of the round into r->all, one behind the other; rank 0 writes them. */
static enum ls_status gather(struct rounds *r, int64_t round, struct ls_error *error) {
    char *written[LS_RESULTS_MAX + LS_EXPLAIN_COMMON];
    for (int i = 0; i < r->arrays; i++)
        ls_communicator_gather(r->communicator, r->mine[i], rows_of(r, i) * (int64_t)r->bytes[i],
                               r->all[i]);
    if (r->rank != 0)
        return LS_OK;
    for (int i = 0; i < r->arrays; i++) {
        written[i] = r->all[i] + (is_single(r, i) ? (size_t)r->first_rank * r->bytes[i] : 0);
        for (int rank = 1; rank < r->size && !is_single(r, i); rank++) {
            const int64_t first = ls_even_first(round, rank, r->size);
            const int64_t rows = ls_even_first(round, rank + 1, r->size) - first;
            memmove(r->all[i] + (size_t)first * r->bytes[i],
                    r->all[i] + (size_t)(rank * r->rows_max) * r->bytes[i],
                    (size_t)rows * r->bytes[i]);
        }
    }
    return ls_explain_file_append(r->file, written, round, error);
}

static enum ls_status run_rounds(struct rounds *r, struct ls_error *error) {
    const int64_t total = r->subject->rows;
    double said = ls_seconds();
    enum ls_status status = LS_OK;
    for (int64_t done = 0, round; done < total && status == LS_OK; done += round) {
        const int64_t most = r->rows_max * r->size;
        round = total - done < most ? total - done : most;
        const int64_t first = ls_even_first(round, r->rank, r->size);
        const int64_t rows = ls_even_first(round, r->rank + 1, r->size) - first;
        while (done == 0 && ls_even_first(round, r->first_rank + 1, r->size) == 0)
            r->first_rank++;
        status = explain_mine(r, done + first, rows, &said, error);
        if ((status = ls_communicator_agree(r->communicator, status, error)) == LS_OK)
            status = ls_communicator_agree(r->communicator, gather(r, round, error), error);
    }
    return status;
}

static void say_missed(const struct rounds *r) {
    double missed = (double)r->missed;
    double *all = ls_calloc((size_t)r->size, sizeof *all);
    all[r->rank] = missed;
    ls_communicator_combine(r->communicator, all, r->size);
    missed = 0;
    for (int i = 0; i < r->size; i++)
        missed += all[i];
    free(all);
    if (missed > 0 && r->rank == 0)
        ls_log(LS_LOG_WARNING, "%.0f of %llu samples: %s", missed,
               (unsigned long long)r->subject->count, r->subject->method->missed);
}

enum ls_status ls_subject_explain(struct ls_subject *subject, struct ls_communicator *communicator,
                                  struct ls_error *error) {
    struct rounds r = {.subject = subject,
                       .communicator = communicator,
                       .rank = ls_communicator_rank(communicator),
                       .size = ls_communicator_size(communicator)};
    enum ls_status status = LS_OK;
    if (r.rank == 0)
        status = ls_folder_create(subject->wanted->out, error);
    if (r.rank == 0 && status == LS_OK)
        status = ls_explain_file_create(&r.file, subject, error);
    if ((status = ls_communicator_agree(communicator, status, error)) != LS_OK)
        return status;
    make_rooms(&r);
    if (subject->method->judges)
        status = ls_subject_read(subject, &r.block, 0, (int64_t)subject->count, error);
    if (status == LS_OK && subject->method->judges)
        ls_subject_show(subject, &r.block, (int64_t)subject->count);
    status = ls_communicator_agree(communicator, status, error);
    if (status == LS_OK && subject->method->training)
        status = ls_subject_learn(subject, communicator, error);
    if (status == LS_OK)
        status = run_rounds(&r, error);
    struct ls_error ignored;
    enum ls_status closed = LS_OK;
    if (r.rank == 0)
        closed = ls_explain_file_close(r.file, status == LS_OK, status == LS_OK ? error : &ignored);
    if (status == LS_OK)
        status = ls_communicator_agree(communicator, closed, error);
    if (status == LS_OK)
        say_missed(&r);
    free_rooms(&r);
    return status;
}
