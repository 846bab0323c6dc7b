#!/usr/bin/env python3
"""Writes tests/support/metrics.json: logits, labels, and the metrics that scikit-learn finds for them.

Needs Debian's python3-sklearn; run it by hand where the cases are to change. The test reads only what it wrote.
"""
import json
import os

import numpy
from sklearn import metrics

AVERAGES = {"": "macro", "_weighted": "weighted"}


def single(values):
    return values.astype("f4").astype("f8")


def scores(labels, answers):
    found = {}
    for ending, average in AVERAGES.items():
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(labels, answers, average=average, zero_division=0)
        found |= {f"precision{ending}": precision, f"recall{ending}": recall, f"f1{ending}": f1}
    return found


def by_class(labels, answers, count):
    rows = zip(*metrics.precision_recall_fscore_support(labels, answers, labels=range(count), zero_division=0))
    return [dict(zip(("precision", "recall", "f1", "support"), map(float, row))) for row in rows]


def classes(random, rows, count, skew):
    labels = random.choice(count, rows, p=skew)
    logits = single(random.normal(size=(rows, count)).round(2) + 1.5 * numpy.eye(count)[labels] * (random.random((rows, 1)) < 0.7))
    powers = numpy.exp(logits - logits.max(1, keepdims=True))
    p, answers = powers / powers.sum(1, keepdims=True), logits.argmax(1)
    auroc = metrics.roc_auc_score(labels, p[:, 1]) if count == 2 else metrics.roc_auc_score(labels, p, multi_class="ovr")
    return {"logits": logits.tolist(), "labels": labels.tolist(), "classes": by_class(labels, answers, count),
            "metrics": scores(labels, answers) | {
                "accuracy": metrics.accuracy_score(labels, answers), "auroc": auroc,
                "balanced_accuracy": metrics.balanced_accuracy_score(labels, answers),
                "log_loss": metrics.log_loss(labels, p, labels=range(count))}}


def several(random, rows, count):
    labels = (random.random((rows, count)) < [0.5, 0.2, 0.7, 0.1][:count]).astype(int)
    logits = single(random.normal(size=(rows, count)).round(1) + labels - 0.5)  # with scores that are equal
    answers, p = (logits > 0).astype(int), 1 / (1 + numpy.exp(-logits))
    losses = [metrics.log_loss(labels[:, k], p[:, k], labels=[0, 1]) for k in range(count)]
    return {"logits": logits.tolist(), "labels": labels.tolist(), "classes": by_class(labels, answers, count),
            "metrics": scores(labels, answers) | {
                "accuracy": float((labels == answers).mean()), "subset_accuracy": metrics.accuracy_score(labels, answers),
                "auroc": metrics.roc_auc_score(labels, p), "log_loss": float(numpy.mean(losses))}}


def main():
    random = numpy.random.default_rng(3)
    found = {"three": classes(random, 90, 3, [0.6, 0.3, 0.1]), "two": classes(random, 70, 2, [0.8, 0.2]),
             "five": classes(random, 130, 5, [0.5, 0.2, 0.1, 0.1, 0.1]), "several": several(random, 80, 4)}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics.json"), "w", encoding="utf-8") as file:
        json.dump(found, file, separators=(",", ":"))
        file.write("\n")


main()
