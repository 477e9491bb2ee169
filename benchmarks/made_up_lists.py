"""Made-up lists with known pairs, of the kinds on which linkers are measured. All synthetic.

    .venv/bin/python benchmarks/made_up_lists.py OUT [--rows 2000] [--seed 1]

Writes OUT/<kind>/{a.csv,b.csv,truth.csv,spec.yaml} for persons, restaurants, papers and products,
and prints precision, recall and F1 of `onesource link a.csv b.csv --spec spec.yaml` as JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

Row = dict[str, str]
_C, _V = "bcdfghjklmnprstvwz", "aeiou"


def word(r: random.Random, least: int = 2, most: int = 4) -> str:
    return "".join(r.choice(_C) + r.choice(_V) for _ in range(r.randint(least, most))) + r.choice(
        ["", "n", "r", "s", "l", ""]
    )


def mistyped(text: str, r: random.Random) -> str:
    """One character added, left out, changed or turned with its neighbour."""
    if len(text) < 2:
        return text
    i = r.randrange(len(text) - 1)
    return r.choice(
        [
            text[:i] + text[i + 1 :],
            text[:i] + r.choice("abcdefghijklmnoprst") + text[i:],
            text[:i] + r.choice("abcdefghijklmnoprst") + text[i + 1 :],
            text[:i] + text[i + 1] + text[i] + text[i + 2 :],
        ]
    )


def skewed(r: random.Random, values: list[str]) -> str:
    return values[min(int(r.paretovariate(0.6)) - 1, len(values) - 1)]


class Persons:
    """Given name, surname, street, suburb, postcode, state, birth date, number; two in five rows
    spoilt in up to four places, names swapped, days in another format."""

    def __init__(self, r: random.Random) -> None:
        self.r = r
        self.given = [word(r, 1, 3) for _ in range(250)]
        self.sur = [word(r) for _ in range(700)]
        self.street = [
            f"{word(r)} {x}" for x in ("street", "place", "crescent") for _ in range(200)
        ]
        self.suburb = [word(r, 2, 4) for _ in range(300)]

    def thing(self) -> Row:
        r = self.r
        y, m, d = r.randint(1910, 2000), r.randint(1, 12), r.randint(1, 28)
        return {
            "given_name": skewed(r, self.given),
            "surname": skewed(r, self.sur),
            "street_number": str(r.randint(1, 300)),
            "address_1": r.choice(self.street),
            "suburb": r.choice(self.suburb),
            "postcode": str(r.randint(2000, 7999)),
            "state": r.choice(["nsw", "vic", "qld", "wa", "sa"]),
            "date_of_birth": f"{y}{m:02d}{d:02d}",
            "soc_sec_id": str(r.randint(10**6, 10**7 - 1)),
        }

    def again(self, row: Row) -> Row:
        r, found = self.r, dict(row)
        if r.random() < 0.08:
            found["given_name"], found["surname"] = row["surname"], row["given_name"]
        for _ in range(r.choice([0, 0, 1, 2, 3, 4])):
            f = r.choice(list(found))
            found[f] = "" if r.random() < 0.2 else mistyped(found[f], r)
        day = found["date_of_birth"]
        if len(day) == 8 and day.isdigit() and r.random() < 0.3:
            found["date_of_birth"] = f"{day[6:]}/{day[4:6]}/{day[:4]}"
        return found

    spec = """
kind: person
id: rec_id
fields:
  given_name:
  surname:
  address: {column: [street_number, address_1]}
  suburb:
  postcode:
  birth_date: {column: date_of_birth, standardiser: date, day_order: dmy}
  number: soc_sec_id
comparisons:
  - {kind: person_name, fields: [given_name, surname]}
  - {kind: string, field: address}
  - {kind: string, field: suburb}
  - {kind: string, field: postcode, measure: levenshtein, levels: [1]}
  - {kind: date, field: birth_date}
  - {kind: string, field: number, measure: levenshtein, levels: [1, 2]}
"""


class Restaurants:
    """Name, address, city, phone and kind of food; the two guides write them each in its way."""

    def __init__(self, r: random.Random) -> None:
        self.r = r
        self.words = [word(r) for _ in range(400)]
        self.cities = ["new york", "los angeles", "san francisco", "atlanta", "las vegas"]

    def thing(self) -> Row:
        r = self.r
        name = " ".join(r.choice(self.words) for _ in range(r.randint(1, 3)))
        return {
            "name": name + r.choice(["", " grill", " cafe", " restaurant", " bar"]),
            "addr": f"{r.randint(1, 9999)} {r.choice(['n.', 's.', ''])} {r.choice(self.words)} "
            f"{r.choice(['st.', 'ave.', 'blvd.'])}",
            "city": r.choice(self.cities),
            "phone": f"{r.randint(200, 999)}/{r.randint(200, 999)}-{r.randint(0, 9999):04d}",
            "type": r.choice(["american", "french", "italian", "delis", "seafood"]),
        }

    def again(self, row: Row) -> Row:
        r, found = self.r, dict(row)
        found["phone"] = row["phone"].replace("/", "-") if r.random() < 0.9 else ""
        for a, b in (("st.", "street"), ("ave.", "avenue"), ("n.", "north"), (" restaurant", "")):
            if r.random() < 0.6:
                found["addr"] = found["addr"].replace(a, b)
                found["name"] = found["name"].replace(a, b)
        if r.random() < 0.3:
            found["name"] = mistyped(found["name"], r)
        if r.random() < 0.4:
            found["addr"] += f" between {r.choice(self.words)} and {r.choice(self.words)} sts."
        if r.random() < 0.3:
            found["city"] = r.choice(self.cities)
        found["type"] = r.choice([row["type"], "continental", "bistro"])
        return found

    spec = """
id: rec_id
fields: {name: , addr: , city: , phone: {standardiser: folded}}
comparisons:
  - {kind: text, field: name}
  - {kind: text, field: addr}
  - {kind: string, field: city}
  - {kind: string, field: phone, measure: levenshtein, levels: [1]}
"""


class Papers:
    """Title, authors, venue, year; initials for given names, venues under other names."""

    def __init__(self, r: random.Random) -> None:
        self.r = r
        self.words = [word(r) for _ in range(900)]
        self.people = [(word(r, 1, 3), word(r)) for _ in range(800)]

    def thing(self) -> Row:
        r = self.r
        authors = r.sample(self.people, r.randint(1, 4))
        return {
            "title": " ".join(skewed(r, self.words) for _ in range(r.randint(3, 10))),
            "authors": ", ".join(f"{a} {b}" for a, b in authors),
            "venue": r.choice(["SIGMOD Conference", "VLDB", "VLDB J.", "SIGMOD Record"]),
            "year": str(r.randint(1994, 2004)),
        }

    def again(self, row: Row) -> Row:
        r, found = self.r, dict(row)
        people = [p.split(" ") for p in row["authors"].split(", ")]
        short = r.random() < 0.5
        found["authors"] = ", ".join(f"{a[0]}. {b}" if short else f"{a} {b}" for a, b in people)
        found["venue"] = {
            "SIGMOD Conference": "International Conference on Management of Data",
            "VLDB": "Very Large Data Bases",
        }.get(row["venue"], row["venue"])
        if r.random() < 0.3:
            found["title"] = mistyped(found["title"], r)
        if r.random() < 0.1:
            found["title"] = " ".join(found["title"].split(" ")[:-1])
        if r.random() < 0.1:
            found["authors"] = ""
        return found

    spec = """
id: rec_id
fields:
  title:
  authors:
  year: {standardiser: number}
comparisons:
  - {kind: text, field: title}
  - {kind: text, field: authors}
  - {kind: number, field: year, levels: [1]}
"""


class Products:
    """Name with maker and model number, description, price; one shop tells more than the other."""

    def __init__(self, r: random.Random) -> None:
        self.r = r
        self.words = [word(r) for _ in range(300)]
        self.makers = [word(r) for _ in range(40)]

    def thing(self) -> Row:
        r = self.r
        model = f"{r.choice('abcdxz')}{r.choice('klmn')}{r.randint(100, 9999)}"
        kind = " ".join(skewed(r, self.words) for _ in range(r.randint(2, 5)))
        return {
            "title": f"{skewed(r, self.makers)} {kind} {model}",
            "description": " ".join(skewed(r, self.words) for _ in range(r.randint(5, 20))),
            "price": f"${r.lognormvariate(4.5, 1):.2f}",
        }

    def again(self, row: Row) -> Row:
        r, found = self.r, dict(row)
        words = row["title"].split(" ")
        kept = [w for w in words[1:-1] if r.random() < 0.75]
        model = words[-1] if r.random() < 0.7 else f"{words[-1][:2]}-{words[-1][2:]}"
        tail = [model] if r.random() < 0.85 else []
        found["title"] = " ".join([words[0], *tail, *kept, *r.sample(self.words, r.randint(0, 2))])
        found["description"] = "" if r.random() < 0.5 else row["description"]
        price = float(row["price"][1:]) * r.uniform(0.85, 1.15)
        found["price"] = "" if r.random() < 0.4 else f"{price:,.2f}"
        return found

    spec = """
id: rec_id
fields:
  title:
  description:
  price: {standardiser: number}
comparisons:
  - {kind: text, field: title}
  - {kind: text, field: description}
  - {kind: number, field: price, share: true, levels: [0.05, 0.15, 0.3]}
"""


KINDS: dict[str, Callable[[random.Random], object]] = {
    "persons": Persons, "restaurants": Restaurants, "papers": Papers, "products": Products,
}  # fmt: skip


def write(folder: Path, kind: str, n: int, seed: int) -> None:
    """Two lists of about `n` rows of which half are in both."""
    maker = KINDS[kind](random.Random(seed))
    folder.mkdir(parents=True, exist_ok=True)
    left: list[Row] = []
    right: list[Row] = []
    for i in range(n):
        row = maker.thing()  # type: ignore[attr-defined]
        left.append({"rec_id": f"a{i}", **row})
        if i < n // 2:
            right.append({"rec_id": f"b{i}", **maker.again(row)})  # type: ignore[attr-defined]
    for i in range(n, n + n // 2):
        right.append({"rec_id": f"b{i}", **maker.again(maker.thing())})  # type: ignore[attr-defined]
    random.Random(seed).shuffle(right)
    for name, rows in (("a", left), ("b", right)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as f:
            out = csv.DictWriter(f, list(rows[0]))
            out.writeheader()
            out.writerows(rows)
    with (folder / "truth.csv").open("w", encoding="utf-8") as f:
        f.write("left,right\n" + "".join(f"a{i},b{i}\n" for i in range(n // 2)))
    (folder / "spec.yaml").write_text(maker.spec.lstrip(), encoding="utf-8")  # type: ignore[attr-defined]


def measured(folder: Path) -> dict[str, float]:
    """Precision, recall and F1 of the command on one pair of lists."""
    clock = time.perf_counter()
    command = [
        sys.executable, "-m", "onesource.cli.main", "link", str(folder / "a.csv"),
        str(folder / "b.csv"), "--spec", str(folder / "spec.yaml"), "--csv",
        str(folder / "out.csv"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    with (folder / "truth.csv").open(encoding="utf-8") as f:
        truth = {(r["left"], r["right"]) for r in csv.DictReader(f)}
    with (folder / "out.csv").open(encoding="utf-8") as f:
        found = {(r["left"], r["right"]) for r in csv.DictReader(f)}
    p, r = len(truth & found) / max(len(found), 1), len(truth & found) / len(truth)
    return {
        "precision": round(p, 4),
        "recall": round(r, 4),
        "f1": round(2 * p * r / max(p + r, 1e-9), 4),
        "seconds": round(time.perf_counter() - clock, 1),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("--rows", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    args = options.parse_args()
    found = {}
    for kind in KINDS:
        write(args.out / kind, kind, args.rows, args.seed)
        found[kind] = measured(args.out / kind)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
