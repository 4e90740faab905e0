"""Figures to medians, to the targets' ratios, and to a table for people."""

import statistics
import sys

BOUNDS = {
    "decode_whole": "libjpeg-turbo, the whole picture",
    "decode_crop": "libjpeg-turbo, the rows and columns of the crop",
    "huffman": "libjpeg-turbo, all coefficients, no pixel",
    "huffman_crop": "libjpeg-turbo, Huffman codes down to the crop's end",
    "memcpy": "memory to memory, a batch at once",
    "ipc": "libzmq over ipc, a batch a message, both ends",
    "tcp": "libzmq over tcp, a batch a message, both ends",
}
STAGES = {
    "plan": "plan: slots, crops, partners, lambdas",
    "plan_1e9": "plan of 10^9 samples",
    "read": "read a file that is in memory",
    "header": "read its header",
    "decode": "decode the crop's rows and columns",
    "decode_library": "the same by libjpeg-turbo alone",
    "decode_entered": "the same by the picture's map",
    "decode_collecting": "the same, and collect the map",
    "map": "make a picture's map",
    "jpeg_entropy": "a whole picture: to coefficients",
    "jpeg_skip": "pass over all of them",
    "jpeg_idct": "coefficients to samples",
    "jpeg_colour": "upsampling and colours",
    "resize": "resize them",
    "slot_u8_nhwc": "all into the slot, u8 nhwc",
    "slot_entered": "the same by the picture's map",
    "slot_u8_nchw": "all into the slot, u8 nchw",
    "slot_f32_nhwc": "all into the slot, f32 nhwc",
    "slot_f32_nchw": "all into the slot, f32 nchw",
    "format_u8_nchw": "of that, pixels to u8 nchw",
    "format_f32_nhwc": "of that, pixels to f32 nhwc",
    "format_f32_nchw": "of that, pixels to f32 nchw",
    "format_f16_nchw": "of that, pixels to f16 nchw",
    "format_bf16_nchw": "of that, pixels to bf16 nchw",
    "mix_u8": "mixup of a batch, u8",
    "mix_f32": "mixup of a batch, f32",
    "mix_f16": "mixup of a batch, f16",
    "mix_bf16": "mixup of a batch, bf16",
    "encode": "the reply's header",
}
# Of a crop: what is measured, which each includes the one above it; by libjpeg-turbo, whose IDCT
# cannot be measured without what follows it, by our own decoder, and by that with a map.
JPEG_STEPS = {
    "entropy decoding": ("huffman_crop", "jpeg_crop_entropy", "jpeg_crop_entropy_entered"),
    "IDCT": (None, "jpeg_crop_samples", "jpeg_crop_samples_entered"),
    "upsampling and colours (turbo: IDCT)": ("decode_crop", "jpeg_crop", "jpeg_crop_entered"),
}
JPEG_PARTS = [name for names in JPEG_STEPS.values() for name in names if name]
SAMPLINGS = {"2x2": "4:2:0", "1x1": "4:4:4"}
PEERS = {
    "full": "PyTorch DataLoader, f32, normalised, mixup",
    "lean": "PyTorch DataLoader, u8, nothing mixed",
}

# Rows that decide targets, and so are measured turn by turn: transport, dtype, mix, clients.
IPC = ("ipc", "u8", "mixup", 1)
TCP = ("tcp", "u8", "mixup", 1)
EIGHT = ("ipc", "u8", "mixup", 8)
HEADLINE = [IPC, TCP, EIGHT]

WAYS = {
    "library": "libjpeg-turbo alone",
    "whole": "our decoder, whole files",
    "index": "with an index",
}
AS_IT_IS = "as it is"

MIB = 1 << 20
FLAT_MIB = 4  # that resident memory may wander and still count as flat
OTHER_LOAD_MAX = 0.1  # of the cores, before figures by the clock are called into doubt
ROW = ("transport", "dtype", "mix", "clients")
LABELS = ("group", "name", "sampling", "threads", "workers", *ROW, "cold", "way")


def progress(text):
    """One line that is written over, on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def labels_of(run):
    return {label: run[label] for label in LABELS if label in run}


def medians(runs):
    """A row for each distinct run, in order of the first of them."""
    groups = {}
    for run in runs:
        groups.setdefault(tuple(labels_of(run).items()), []).append(run)
    rows = []
    for same in groups.values():
        row = labels_of(same[0]) | {"runs": len(same)}
        for key in same[0]:
            if key not in row and key not in ("phase", "turn", "epoch"):
                row[key] = statistics.median(run[key] for run in same)
        rows.append(row)
    return rows


def find(rows, **labels):
    """The rows with these labels."""
    return [row for row in rows if all(row.get(key) == labels[key] for key in labels)]


# Targets.


def turns(result, key, row):
    """A figure of a headline row, turn by turn."""
    labels = dict(zip(ROW, row))
    return [run[key] for run in find(result["runs"], phase="headline", group="stoker", **labels)]


def part_turns(result, key, name="decode_crop"):
    """Crop-only decoding, turn by turn: the mean of what was measured before and after."""
    runs = find(result["runs"], phase="headline", name=name)
    count = result["settings"]["turns"]
    return [statistics.mean(run[key] for run in find(runs, turn=turn)) for turn in range(count)]


def peer_turns(result, name, key="images_per_s"):
    return [run[key] for run in find(result["runs"], group="peer", name=name)]


def ratio(above, below):
    """The median of the turns' ratios; None where one of them was not measured."""
    if not above or not below:
        return None
    return statistics.median(a / b for a, b in zip(above, below))


def target(name, value, limit, unit="", at_most=True):
    met = None if value is None else (value <= limit if at_most else value >= limit)
    return {
        "name": name,
        "value": value,
        "target": limit,
        "at_most": at_most,
        "met": met,
        "unit": unit,
    }


def targets(result):
    """What the measurements are for, each with its limit."""
    bound_cpu, bound_rate = part_turns(result, "cpu_ms"), part_turns(result, "pictures_per_s")
    entered_cpu = part_turns(result, "cpu_ms", "decode_entered")
    rate = turns(result, "images_per_s", IPC)
    plan = find(result["medians"], name="plan_1e9", threads=1)[0]["cpu_ms"] * 1000
    memory = result["memory"]
    over_plan = (memory["peak_bytes"] - memory["plan_bytes"]) / MIB
    growth = (memory["rss_bytes"][-1] - memory["rss_bytes"][1]) / MIB
    cpu = "CPU of daemon and client, over crop-only decoding"
    return [
        target(f"{cpu}, ipc", ratio(turns(result, "cpu_ms", IPC), bound_cpu), 1.30),
        target(f"{cpu}, tcp", ratio(turns(result, "cpu_ms", TCP), bound_cpu), 1.36),
        target("decoding by an index, over crop-only decoding", ratio(entered_cpu, bound_cpu), 0.5),
        target("images/s, over crop-only on all cores", ratio(rate, bound_rate), 0.75, "", False),
        target(
            "images/s, over PyTorch with mixup",
            ratio(rate, peer_turns(result, "full")),
            3.5,
            "",
            False,
        ),
        target(
            "images/s of eight clients together, over one",
            ratio(turns(result, "images_per_s", EIGHT), rate),
            5,
            "",
            False,
        ),
        *index_targets(result),
        target("first batch after a client's start", first_batch(result), 100, "ms"),
        target("peak resident memory, over the printed plan", over_plan, 32, "MiB"),
        target("resident memory, growth from epoch 2 to 20", growth, FLAT_MIB, "MiB"),
        target("plan of 10^9 samples, a sample", plan, 1, "us"),
    ]


def way_turns(result, key, way):
    """A figure of one way to decode the data as it is, turn by turn."""
    return [run[key] for run in find(result["runs"], group="indexed", way=way, sampling=AS_IT_IS)]


def index_targets(result):
    """What an index is worth, beside both decoders of whole files."""
    for way, text in (("whole", "without"), ("library", "libjpeg-turbo alone")):
        cpu = ratio(way_turns(result, "cpu_ms", "index"), way_turns(result, "cpu_ms", way))
        rate = ratio(
            way_turns(result, "images_per_s", "index"), way_turns(result, "images_per_s", way)
        )
        yield target(f"CPU with an index, over {text}", cpu, 0.65)
        yield target(f"images/s with an index, over {text}", rate, 1.5, "", False)


def first_batch(result):
    return statistics.median(turns(result, "first_batch_ms", IPC))


# The table.


def number(value, width=9):
    """Three significant digits or so."""
    if value is None:
        return f"{'-':>{width}}"
    magnitude = abs(value)
    digits = 0 if magnitude >= 100 else 1 if magnitude >= 20 else 2 if magnitude >= 1 else 3
    if 0 < magnitude < 0.001:
        digits = 6
    return f"{value:>{width},.{digits}f}"


def head_lines(result):
    about, software, data = result["machine"], result["software"], result["data"]
    cores = f"{about['cores']} core" + ("s" if about["cores"] != 1 else "")
    mean_kb = data["bytes"] / data["pictures"] / 1000
    yield f"{about['cpu']}, {cores}, {software['decoder']}"
    side = result["settings"]["side"]
    pictures = f"{data['pictures']:,} pictures of {mean_kb:.0f} kB on average"
    yield f"{pictures}; batches of {result['settings']['batch']}, {side} x {side}"
    load = f"other work had {result['other_load']:.0%} of the machine's cores meanwhile"
    if result["other_load"] > OTHER_LOAD_MAX:
        load += ": do not trust images/s, nor ratios of them"
    yield load


def target_lines(result):
    yield f"{'target':<52}{'measured':>10}{'wanted':>12}"
    for row in result["targets"]:
        sign = "<=" if row["at_most"] else ">="
        wanted = f"{sign} {row['target']:g} {row['unit']}".strip()
        verdict = {True: "met", False: "missed", None: "not measured"}[row["met"]]
        yield f"{row['name']:<52}{number(row['value'], 10)}{wanted:>12}  {verdict}"


def step_figures(result, sampling, side):
    """What each step of a crop takes beyond the one that was measured before it; and all."""
    figures, before = [], 0
    for names in JPEG_STEPS.values():
        rows = find(result["medians"], name=names[side], sampling=sampling)
        figures.append(rows[0]["cpu_ms"] - before if rows else None)
        before = rows[0]["cpu_ms"] if rows else before
    return figures + [before or None]


def jpeg_lines(result):
    """A crop's steps by both decoders, side by side."""
    heads = [f"{by}, {text}" for text in SAMPLINGS.values() for by in ("turbo", "ours", "map")]
    yield f"{'a crop in parts, CPU ms a picture':<38}" + "".join(f"{head:>13}" for head in heads)
    columns = [step_figures(result, sampling, side) for sampling in SAMPLINGS for side in range(3)]
    for i, text in enumerate([*JPEG_STEPS, "together"]):
        yield f"{text:<38}" + "".join(number(column[i], 13) for column in columns)
    resize = [find(result["medians"], name="resize", sampling=sampling) for sampling in SAMPLINGS]
    cells = [number(rows[0]["cpu_ms"] if rows else None, 39) for rows in resize]
    yield f"{'and resizing it':<38}" + "".join(cells)


def part_lines(result, group, title, texts):
    found = find(result["medians"], group=group, sampling="any")
    counts = sorted({row["threads"] for row in found})
    heads = [f"{count} thread{'s' if count > 1 else ''}" for count in counts]
    yield f"{title:<56}" + "".join(f"{head:>11}" for head in heads)
    for name, text in texts.items():
        figures = []
        for count in counts:
            rows = find(found, name=name, threads=count)
            figures.append(number(rows[0]["cpu_ms"] if rows else None, 11))
        yield f"{text:<56}" + "".join(figures)


def row_text(row):
    """A row's labels in words."""
    words = [
        f"{row['workers']} worker" + ("s" if row["workers"] > 1 else ""),
        row["transport"],
        row["dtype"],
    ]
    if row["mix"] != "none":
        words.append(row["mix"])
    if row["clients"] > 1:
        words.append(f"{row['clients']} clients")
    if row["cold"]:
        words.append("cold files")
    return ", ".join(words)


def stoker_lines(result):
    head = "stokerd and a client, CPU ms a picture"
    yield f"{head:<44}{'images/s':>10}{'CPU ms':>9}{'daemon':>9}{'over crop':>11}"
    rows = find(result["medians"], group="stoker")
    rows.sort(key=lambda row: (row["workers"], row["clients"], row["cold"], row["mix"]))
    for row in rows:
        bounds = find(result["medians"], name="decode_crop", sampling="any", threads=row["workers"])
        over = row["cpu_ms"] / bounds[0]["cpu_ms"] if bounds else None
        yield (
            f"{row_text(row):<44}{number(row['images_per_s'], 10)}{number(row['cpu_ms'])}"
            f"{number(row['daemon_cpu_ms'])}{number(over, 11)}"
        )


def index_lines(result):
    """What each way to decode takes, over the first of them: the median of the turns' ratios."""
    head = "stokerd and a client, with an index and without"
    yield f"{head:<54}{'images/s':>10}{'CPU ms':>9}{'daemon':>9}{'CPU':>7}{'rate':>7}"
    rows = find(result["medians"], group="indexed")
    for row in rows:
        runs = find(result["runs"], group="indexed", sampling=row["sampling"])
        mine, first = find(runs, way=row["way"]), find(runs, way="library")
        cpu, rate = (
            ratio([run[key] for run in mine], [run[key] for run in first])
            for key in ("cpu_ms", "images_per_s")
        )
        yield (
            f"{'data ' + row['sampling'] + ', ' + WAYS[row['way']]:<54}"
            f"{number(row['images_per_s'], 10)}{number(row['cpu_ms'])}"
            f"{number(row['daemon_cpu_ms'])}{number(cpu, 7)}{number(rate, 7)}"
        )


def peer_lines(result):
    """The peer, and what ours is of it: the median of the turns' ratios, by clock and by CPU."""
    head = "peer, as many workers, CPU ms a picture"
    yield f"{head:<44}{'images/s':>10}{'CPU ms':>9}{'slower':>9}{'more CPU':>11}"
    for name, text in PEERS.items():
        for row in find(result["medians"], group="peer", name=name):
            faster = ratio(turns(result, "images_per_s", IPC), peer_turns(result, name))
            dearer = ratio(peer_turns(result, name, "cpu_ms"), turns(result, "cpu_ms", IPC))
            yield (
                f"{text:<44}{number(row['images_per_s'], 10)}{number(row['cpu_ms'])}"
                f"{number(faster, 8)}x{number(dearer, 10)}x"
            )


def table(result):
    """All of it, grouped."""
    bounds = "bare bounds, CPU ms a picture"
    stages = "our stages, each alone, CPU ms a picture"
    parts = [
        head_lines(result),
        target_lines(result),
        stoker_lines(result),
        index_lines(result),
        part_lines(result, "bound", bounds, BOUNDS),
        part_lines(result, "stage", stages, STAGES),
        jpeg_lines(result),
    ]
    if find(result["medians"], group="peer"):
        parts.insert(3, peer_lines(result))
    lines = ["\n".join(part) for part in parts]
    lines += [f"left out: {sentence}" for sentence in result["left_out"]]
    return "\n\n".join(lines) + "\n"
