"""Listings of sources in Python, written from section 7 of proto/PROTOCOL.md alone."""

import csv
import os
import re
import struct
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sample:
    """A row of the listing: path, encoded bytes, label; where to read it; what else its label is.

    classes are the class numbers of a sample with any number of them, numbers a row of them.
    """

    path: bytes
    length: int
    label: int
    file: bytes
    classes: tuple = None
    numbers: tuple = None
    weight: float = None

    @property
    def text(self):
        """Its bytes in the listing, section 7."""
        rest = b""
        if self.classes is not None:
            rest += struct.pack(f"<I{len(self.classes)}i", len(self.classes), *self.classes)
        if self.numbers is not None:
            rest += struct.pack(f"<{len(self.numbers)}f", *self.numbers)
        if self.weight is not None:
            rest += struct.pack("<d", self.weight)
        return self.path + b"\0" + struct.pack("<Qi", self.length, self.label) + rest


class Listing(list):
    """Samples in order, what their labels are, and the names of the classes."""

    def __init__(self, samples, classes, kind="class"):
        super().__init__(samples)
        self.classes = [os.fsencode(name).decode(errors="replace") for name in classes]
        self.kind = kind

    def only(self, keep):
        """The samples that keep says yes of; classes keep their numbers."""
        return Listing([sample for sample in self if keep(sample)], self.classes, self.kind)


def list_folder(root):
    """The listing of a folder source and the names of its classes, section 7."""
    root = os.fsencode(root)
    classes = sorted(
        entry for entry in os.listdir(root) if os.path.isdir(os.path.join(root, entry))
    )
    samples = []
    for label, name in enumerate(classes):
        for folder, _, files in sorted(os.walk(os.path.join(root, name), followlinks=True)):
            for file in sorted(files):
                path = os.path.join(folder, file)
                if file.lower().endswith((b".jpg", b".jpeg")) and os.path.isfile(path):
                    below = os.path.relpath(path, root)
                    samples.append(Sample(below, os.path.getsize(path), label, path))
    return Listing(samples, classes), classes


def list_csv(file, root=None):
    """The listing of a csv source, section 7, with Python's own reader of CSV."""
    root = root or os.path.dirname(os.path.abspath(file))
    with open(file, newline="", encoding="utf-8-sig") as lines:
        header, *rows = [row for row in csv.reader(lines) if row]
    place = {name: column for column, name in enumerate(header)}
    path = next(place.pop(name) for name in ("path", "filename", "image") if name in place)
    weight = place.pop("weight", None)
    naming = next((name for name in ("class", "label", "labels") if name in place), None)
    samples = []
    for row in rows:
        told = os.fsencode(row[path])
        whole = os.path.join(os.fsencode(root), told)
        share = None if weight is None else float(row[weight]) + 0.0
        samples.append([told, os.path.getsize(whole), -1, whole, None, None, share])
    if naming is None:
        for sample, row in zip(samples, rows):
            sample[5] = tuple(
                np.float32(float(row[column])) + np.float32(0) for column in place.values()
            )
        return Listing([Sample(*sample) for sample in samples], list(place), "numbers")
    fields = [row[place[naming]] for row in rows]
    named = [[field] if naming == "class" else field.split() for field in fields]
    met = {name for names in named for name in names}
    if all(re.fullmatch("0|[1-9][0-9]*", name) for name in met):
        classes = [str(number) for number in range(max(map(int, met)) + 1)]
    else:
        classes = sorted(met, key=os.fsencode)
    number = {name: i for i, name in enumerate(classes)}
    single = naming != "labels" and all(len(names) == 1 for names in named)
    for sample, names in zip(samples, named):
        if single:
            sample[2] = number[names[0]]
        else:
            sample[4] = tuple(sorted(number[name] for name in names))
    return Listing([Sample(*s) for s in samples], classes, "class" if single else "classes")
