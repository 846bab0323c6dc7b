#!/usr/bin/env python3
"""Writes tests/support/scikit_learn.json: tables, and what scikit-learn's encoders make of them.

Needs Debian's python3-sklearn; run it by hand where the tables are to change. The test reads only what it wrote.
"""
import json
import os

import numpy
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, OrdinalEncoder, StandardScaler

NUMBERS, WORDS, TARGET = ["age", "income"], ["city", "plan"], "kind"
CITIES, PLANS, KINDS = ["Aachen", "Bonn", "Köln", "Trier"], ["basic", "plus"], ["ant", "bee", "cow"]


def rows(random, count, cities, kinds):
    made = []
    for _ in range(count):
        city, plan, kind = random.choice(cities), random.choice(PLANS), random.choice(kinds)
        age = None if random.random() < 0.2 else round(float(random.normal(40 + 9 * KINDS.index(kind), 6)), 2)
        income = None if random.random() < 0.2 else round(float(random.normal(3 - KINDS.index(kind), 0.7)), 3)
        made.append({"age": age, "income": income, "city": str(city), "plan": None if random.random() < 0.15 else str(plan),
                     "kind": str(kind)})
    return made


def columns(table, names):
    return [[row[name] for name in names] for row in table]


def numbers(table):
    return numpy.array([[numpy.nan if cell is None else cell for cell in row] for row in columns(table, NUMBERS)])


def words(table):
    return numpy.array([["~missing" if cell is None else cell for cell in row] for row in columns(table, WORDS)], object)


def main():
    random = numpy.random.default_rng(7)
    train, test = rows(random, 90, CITIES, KINDS), rows(random, 30, CITIES[1:3], KINDS[1:])
    found = {"train": train, "test": test}
    labels = LabelEncoder().fit(columns(train, [TARGET]) and [row[TARGET] for row in train])
    for name, table in (("train", train), ("test", test)):
        found[f"{name}_targets"] = labels.transform([row[TARGET] for row in table]).tolist()
    for rule in ("mean", "median"):
        filler = SimpleImputer(strategy=rule).fit(numbers(train))
        found[f"{rule}_fill"] = filler.statistics_.tolist()
        for encoding, encoder in (("ordinal", OrdinalEncoder()), ("one-hot", OneHotEncoder(sparse_output=False))):
            encoder.fit(words(train))
            tables = [numpy.hstack([filler.transform(numbers(table)), encoder.transform(words(table))]) for table in (train, test)]
            scaler = StandardScaler().fit(tables[0])
            for name, table in zip(("train", "test"), tables):
                found[f"{name}_{rule}_{encoding}"] = table.tolist()
            found[f"{rule}_{encoding}_mean"], found[f"{rule}_{encoding}_scale"] = scaler.mean_.tolist(), (1 / scaler.scale_).tolist()
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "scikit_learn.json"), "w", encoding="utf-8") as file:
        json.dump(found, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


main()
