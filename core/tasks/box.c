/* Boxes [N, 4] around what an image shows: top, left, bottom and right, in any unit. The loss is
 * smooth L1 (Girshick 2015: Huber's, over the mean of the four); the metric is the area that box
 * and target share, over the area that they cover together. */
#include "core/base/tree.h"
#include "core/tasks/list.h"

enum { TOP, LEFT, BOTTOM, RIGHT, SIDES };
enum { SHARED, COUNTED, SUMS };

struct options {
    struct ls_term_options common;
    double delta;
};

static const struct ls_field items[] = {
    LS_LOSS_WEIGHT_FIELD,
    {.name = "delta",
     .kind = LS_FIELD_REAL,
     .offset = offsetof(struct options, delta),
     .initial = "0.1",
     .min = 1e-6,
     .max = 1e6,
     .help = "errors above it count linearly"},
};

static struct ls_value *record(struct ls_term *term, struct ls_builder *builder) {
    const struct options *options = term->spec->options;
    const struct ls_loss_options settings = {.delta = options->delta};
    char text[LS_SHAPE_TEXT_MAX];
    if (ls_shape_row_count(term->of->shape) != SIDES)
        return ls_graph_fail(builder->graph,
                             "expected a box for a sample, 4 numbers (top, left, bottom, right), "
                             "found %s",
                             ls_sample_print(ls_shape_of_row(term->of->shape), text));
    term->target = ls_loss_target(builder, term, LS_TYPE_REAL, ls_shape_of_row(term->of->shape));
    return term->target ? ls_huber(builder->graph, term->of, term->target, NULL, &settings) : NULL;
}

static int sum_count(const struct ls_term *term, bool detailed) {
    (void)term;
    (void)detailed;
    return SUMS;
}

static double area(double height, double width) {
    return height > 0 && width > 0 ? height * width : 0;
}

static double box_area(const float *box) {
    return area((double)box[BOTTOM] - (double)box[TOP], (double)box[RIGHT] - (double)box[LEFT]);
}

/* Intersection over union, from 0 to 1; a box whose sides are the wrong way round has no area. */
static double share(const float *a, const float *b) {
    const double top = (double)(a[TOP] > b[TOP] ? a[TOP] : b[TOP]);
    const double left = (double)(a[LEFT] > b[LEFT] ? a[LEFT] : b[LEFT]);
    const double bottom = (double)(a[BOTTOM] < b[BOTTOM] ? a[BOTTOM] : b[BOTTOM]);
    const double right = (double)(a[RIGHT] < b[RIGHT] ? a[RIGHT] : b[RIGHT]);
    const double both = area(bottom - top, right - left);
    return ls_ratio(both, box_area(a) + box_area(b) - both);
}

static void measure(const struct ls_term *term, const struct ls_run *run, int m, bool detailed,
                    double *sums) {
    (void)detailed;
    const int64_t first = ls_run_microbatch_first(run, m), rows = ls_run_microbatch_rows(run, m);
    const float *boxes = (const float *)term->of->data + first * SIDES;
    const float *targets = (const float *)term->target->data + first * SIDES;
    double lanes[LS_LANES_OF_ROWS] = {0};
    for (int64_t n = 0; n < rows; n++)
        lanes[n % LS_LANES_OF_ROWS] += share(boxes + n * SIDES, targets + n * SIDES);
    sums[SHARED] = ls_tree_sum(lanes, LS_LANES_OF_ROWS, 1);
    sums[COUNTED] = (double)rows;
}

static void add_metrics(const struct ls_term *term, double loss, const double *sums, bool detailed,
                        struct ls_metrics *metrics) {
    (void)term;
    (void)loss;
    (void)detailed;
    ls_metrics_add(metrics, "iou", ls_ratio(sums[SHARED], sums[COUNTED]), true);
}

static const char *const inputs[] = {"target", NULL};

const struct ls_loss ls_loss_box = {
    .layer = {.name = "box",
              .help = "smooth L1 of boxes: top, left, bottom, right (Girshick 2015); iou: the area "
                      "that box and target share, over what they cover together",
              .fields = LS_LAYER_FIELDS(items),
              .options_size = sizeof(struct options),
              .inputs = inputs},
    .watched = "iou",
    .record = record,
    .sum_count = sum_count,
    .measure = measure,
    .metrics = add_metrics,
};
