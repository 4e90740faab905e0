#!/usr/bin/python3
"""Make a tree of empty files named like ImageNet's, to measure how long its listing takes.

    make_tree.py ROOT [--classes 1000] [--samples 1300000]

The files have no bytes: a listing opens none of them.
"""

import argparse
import os


def make_class(root, number, count):
    name = f"n{1440764 + 7 * number:08d}"
    os.makedirs(os.path.join(root, name))
    folder = os.open(os.path.join(root, name), os.O_RDONLY)
    for i in range(count):
        # A stride that is prime to the count: files are not made in the order of their names.
        os.close(
            os.open(f"{name}_{i * 7919 % 100003}.JPEG", os.O_WRONLY | os.O_CREAT, dir_fd=folder)
        )
    os.close(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root")
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=1300000)
    arguments = parser.parse_args()
    for number in range(arguments.classes):
        first = arguments.samples * number // arguments.classes
        end = arguments.samples * (number + 1) // arguments.classes
        make_class(arguments.root, number, end - first)


if __name__ == "__main__":
    main()
