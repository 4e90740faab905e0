"""What an index is worth: the same stream with it, without it, and by libjpeg-turbo alone.

Three daemons serve one stream, in turns, over the data as it is and over copies of its pictures in
4:4:4.  Runs have the label "way": library, whole or index, and "sampling": as it is, or 4:4:4.
"""

import contextlib
import os
import shutil

import report
import stokerd

WAYS = {
    "library": ("stokerd-library", "off"),
    "whole": ("stokerd", "off"),
    "index": ("stokerd", "auto"),
}
COPIES_MAX = 400


def copy_444(files, folder):
    """The first of the pictures again, without a sample of colour less; None without Pillow."""
    try:
        from PIL import Image
    except ImportError:
        return None
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "all"))
    for i, path in enumerate(files[:COPIES_MAX]):
        with Image.open(path) as picture:
            copy = os.path.join(folder, "all", f"{i:05d}.jpg")
            picture.convert("RGB").save(copy, quality=90, subsampling=0)
    return folder


def measure(bench, files):
    """All ways in turns, over each of the data sets."""
    bench.phase = "indexed"
    sets = {"as it is": bench.data, "4:4:4": copy_444(files, os.path.join(bench.folder, "444"))}
    for sampling, data in sets.items():
        if data is None:
            bench.result["left_out"].append("pictures in 4:4:4: there is no Pillow to make them")
        else:
            measure_ways(bench, sampling, data)


def measure_ways(bench, sampling, data):
    shutil.rmtree(os.path.join(bench.folder, "state"), ignore_errors=True)
    name = stokerd.stream_name("u8", "mixup")
    with contextlib.ExitStack() as stack:
        daemons = {}
        for way, (program, index) in WAYS.items():
            sections = [stokerd.stream_text(data, bench.side, "u8", "mixup", index)]
            daemons[way] = stack.enter_context(
                stokerd.Daemon(
                    bench.build, bench.folder, f"{way}-way", sections, bench.cores, program=program
                )
            )
        if not daemons["index"].note_index(name):
            bench.result["left_out"].append(f"an index of the data {sampling}: none was finished")
            return
        for turn in range(bench.turns):
            for way, daemon in daemons.items():
                report.progress(f"turn {turn}: {way}, {sampling}")
                figures = daemon.measure(name, "ipc", bench.seconds / 2)
                labels = bench.labels(bench.cores, report.IPC)
                bench.keep("indexed", turn, {**labels, "way": way, "sampling": sampling}, figures)
