"""Tables that a benchmark puts into README.md, between two marks."""
import os

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))


def replace(benchmark, text):
    """Puts `text` between the marks of that benchmark."""
    begin = f"<!-- benchmarks/{benchmark} --readme: from here -->\n"
    end = f"<!-- {benchmark}: to here -->\n"
    path = os.path.join(ROOT, "README.md")
    with open(path) as file:
        before, rest = file.read().split(begin)
    after = rest.split(end)[1]
    with open(path, "w") as file:
        file.write(before + begin + text + end + after)
