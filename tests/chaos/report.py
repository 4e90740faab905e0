"""The figures of a run of chaos: from the trainers' logs and the victims' journals."""

import bisect

import check
import faults


def times_of(trainer):
    """When its records were written, those that a checkpoint undid too."""
    records = check.read_log(trainer.log)[0] + check.read_undone(trainer.log)
    return sorted(record.at_ns for record in records)


def first_after(times, since_ns):
    at = bisect.bisect_right(times, since_ns)
    return times[at] if at < len(times) else None


def disturbed(journal, from_ns, until_ns):
    return any(entry.from_ns < until_ns and entry.until_ns > from_ns for entry in journal)


def waits_after(starts, times, *journals):
    """ms from each start to the first batch behind it, unless something else came between."""
    waits = []
    for start_ns in starts:
        first_ns = first_after(times, start_ns)
        if first_ns is None:
            continue
        if not any(disturbed(journal, start_ns, first_ns) for journal in journals):
            waits.append((first_ns - start_ns) / 1e6)
    return waits


def trainer_restarts(chaos):
    """First batch after the start of a trainer; while daemons fail it takes what it takes."""
    waits = []
    for trainer in chaos.trainers:
        waits += waits_after(trainer.starts_ns, times_of(trainer), trainer.journal)
    return waits


def lone_daemon_restarts(chaos):
    """First batch of a trainer that knows one daemon alone after that one's start."""
    waits = []
    for trainer in chaos.trainers:
        if not trainer.lone:
            continue
        daemon, line = chaos.lone(trainer)
        starts = [e.until_ns for e in daemon.journal if not e.kind.startswith("stop")]
        waits += waits_after(starts, times_of(trainer), trainer.journal, daemon.journal, line)
    return waits


def longest_wait(trainer):
    """The longest that next took, in ms, while the trainer itself was not stopped."""
    stops = [entry for entry in trainer.journal if entry.kind.startswith("stop")]
    return max(
        record.wait_ns / 1e6
        for record in check.read_log(trainer.log)[0]
        if not disturbed(stops, record.at_ns - record.wait_ns, record.at_ns)
    )


def spread(values):
    """p50, p99 and the longest."""
    values = sorted(values)
    if not values:
        return None
    at = [values[min(len(values) - 1, int(share * len(values)))] for share in (0.5, 0.99)]
    return dict(count=len(values), p50=at[0], p99=at[1], max=values[-1])


def gather(chaos, results, seconds):
    """Everything that the table shows."""
    done = dict.fromkeys(faults.SHARES, 0)
    for victim in chaos.victims():
        for entry in victim.journal:
            done[entry.kind] += 1
    columns = ("delivered", "undone", *check.FAULTS)
    total = {column: sum(counts[column] for counts in results.values()) for column in columns}
    waits = {lone: [longest_wait(t) for t in chaos.trainers if t.lone == lone] for lone in (0, 1)}
    return dict(
        seed=chaos.seed,
        seconds=seconds,
        kills=sum(done[kind] for kind in faults.KILLS),
        faults=done,
        planned=len(chaos.plan),
        batches=total,
        longest_wait_ms=dict(two_daemons=max(waits[0]), one_daemon=max(waits[1])),
        first_batch_ms=dict(
            trainer=spread(trainer_restarts(chaos)), lone_daemon=spread(lone_daemon_restarts(chaos))
        ),
    )


def print_table(figures):
    rows = [("seed", figures["seed"]), ("seconds", f"{figures['seconds']:.0f}")]
    rows += [(f"fault: {kind}", f"{count:,}") for kind, count in figures["faults"].items()]
    rows += [("faults together", f"{sum(figures['faults'].values()):,}")]
    rows += [("kills", f"{figures['kills']:,}")]
    rows += [(f"batches {what}", f"{count:,}") for what, count in figures["batches"].items()]
    for who, wait in figures["longest_wait_ms"].items():
        rows.append((f"longest wait, {who.replace('_', ' ')}", f"{wait:,.0f} ms"))
    for who, waits in figures["first_batch_ms"].items():
        if waits is not None:
            three = ", ".join(f"{key} {waits[key]:,.0f}" for key in ("p50", "p99", "max"))
            what = f"first batch after a {who.replace('_', ' ')}'s start"
            rows.append((what, f"{three} ms, of {waits['count']}"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:{width}}  {value}")
