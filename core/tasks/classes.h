/* What an evaluation says of classes beside accuracy: of answers (the largest output), and of
 * probabilities. Values are those of scikit-learn. */
#ifndef LS_TASKS_CLASSES_H
#define LS_TASKS_CLASSES_H

#include "core/tasks/loss.h"

/* Of one class against all others; 0 where there is nothing to divide by. */
struct ls_class_scores {
    double precision, recall, f1;
};
struct ls_class_scores ls_classes_score(struct ls_class_counts counts);

/* What is known of the classes of a term. */
struct ls_classes {
    int count;
    const struct ls_class_counts *counts; /* [count] */
    bool exclusive;                       /* a sample has one class; else any number of them */
    double log_loss;                      /* the mean */
    double all_right;    /* not exclusive: share of samples with all labels right */
    const double *auroc; /* NULL: not known */
};

/* Adds precision, recall and f1: means over the classes that occur as a label or as an answer (all,
 * where a sample may have several); auroc and log_loss; balanced_accuracy, the mean recall of the
 * classes that occur as a label, or subset_accuracy, all_right; and the first three with _weighted:
 * each class by its labels. All are marked as of_classes. */
void ls_classes_metrics(const struct ls_classes *classes, struct ls_metrics *metrics);

/* -log of the label's probability: of the softmax of K logits, or of whether one logit's answer is
 * yes (label 1) or no (0). In double, and the same on every host. */
double ls_classes_log_loss(const float *logits, int64_t classes, int64_t label);

/* scores[k] = log(p[k] / (1 - p[k])) with p the softmax of the logits: it orders samples as p does,
 * also where p is rounded to 1. */
void ls_classes_odds(const float *logits, int64_t classes, float *scores);

#endif
