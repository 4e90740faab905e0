/*
 * The cards of the streams, and the tables of trainers and of replaced pictures.
 */
import { Chart } from "./chart.js";
import {
    byId,
    clone,
    count,
    counted,
    duration,
    fill,
    keyed,
    moment,
    part,
    percent,
    ratio,
    setBar,
    setText,
    size,
} from "./tools.js";

/* What helps, as the doctor says it. */
const ADVICE = {
    disk: "Raise readers, or use a faster disk.",
    decode: "Give the daemon more cores, or start another one.",
    network: "Serve u8, use ipc on the same host, or a faster link.",
    trainer: "The loader keeps up: batches lie ready before they are needed.",
};
const DTYPES = { "|u1": "u8", "<f4": "f32", "<f2": "f16" };
const PLACES = ["disk", "decode", "network", "trainer"];

/* Streams. */

function pictureShape(of) {
    return `${of.height} × ${of.width}`;
}

function describe(stream) {
    return [
        counted(stream.samples, "sample", "samples"),
        stream.labels === "numbers"
            ? "labels are numbers"
            : counted(stream.classes, "class", "classes"),
        `batches of ${count(stream.batch)}`,
        `${pictureShape(stream)} ${DTYPES[stream.dtype] ?? stream.dtype}`,
        stream.mix === "none" ? "not mixed" : stream.mix,
    ]
        .filter(Boolean)
        .join(" · ");
}

function capital(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
}

/* The daemon's own sentence, with its word set off. */
function showLimit(card, stream) {
    const [first, ...rest] = stream.sentence.split("; ");
    const limit = part(card, "limit");
    const at = first.indexOf(stream.limit);
    if (limit.dataset.text !== first) {
        limit.dataset.text = first;
        const word = document.createElement("strong");
        word.textContent = at === 0 ? capital(stream.limit) : stream.limit;
        const before = capital(first.slice(0, Math.max(0, at)));
        limit.replaceChildren(before, word, first.slice(at + stream.limit.length));
    }
    card.dataset.limit = stream.limit;
    fill(card, { outlook: capital(rest.join("; ")), advice: ADVICE[stream.limit] ?? "" });
}

function showBusy(card, stream) {
    keyed(
        part(card, "busy"),
        PLACES,
        (place) => place,
        () => clone("share-template"),
        (row, place) => {
            const share = stream[`${place}_busy_permille`] / 1000;
            row.dataset.limits = place === stream.limit;
            fill(row, { name: place, value: percent(share) });
            setBar(part(row, "bar"), share);
        },
    );
}

/* Times are a picture's, on the average since the stream was listed. */
function figuresOf(stream) {
    const each = (ns) => (stream.images_decoded > 0 ? moment(ns / stream.images_decoded) : "–");
    return [
        ["Plan a picture", each(stream.plan_ns_total)],
        ["Read a picture", each(stream.read_ns_total)],
        ["Decode a picture", each(stream.decode_ns_total)],
        ["Mix a picture", each(stream.mix_ns_total)],
        ["Cache hits", percent(ratio(stream.cache_hits, stream.requests))],
        ["Batches sent", count(stream.batches_sent)],
        ["Bytes sent", size(stream.bytes_sent)],
        ["Replaced", count(stream.replaced_total)],
        ["Trainers", count(stream.trainers)],
    ];
}

function showFigures(card, stream) {
    keyed(
        part(card, "figures"),
        figuresOf(stream),
        ([name]) => name,
        () => clone("figure-template"),
        (figure, [name, value]) => fill(figure, { name, value }),
    );
}

function showPhases(card, stream) {
    const phases = stream.phases ?? [];
    const words = phases.map(
        (phase) =>
            `from epoch ${count(phase.epoch)}: ${counted(phase.steps, "step", "steps")} ` +
            `of ${count(phase.batch)}, ${pictureShape(phase)}`,
    );
    part(card, "phases").hidden = phases.length < 2;
    setText(part(card, "phases"), capital(words.join("; ")));
}

function makeCard() {
    const card = clone("stream-template");
    card.chart = new Chart(part(card, "chart"), part(card, "hover"));
    return card;
}

function showCard(card, stream) {
    fill(card, { name: stream.stream, words: describe(stream) });
    part(card, "fault").hidden = !stream.fault;
    setText(part(card, "fault"), stream.fault ? capital(stream.fault) : "");
    showLimit(card, stream);
    showBusy(card, stream);
    showFigures(card, stream);
    showPhases(card, stream);
}

export function showStreams(streams) {
    keyed(byId("streams"), streams, (stream) => stream.stream, makeCard, showCard);
}

export function showHistory(history) {
    const points = new Map(history.streams.map((stream) => [stream.stream, stream.points]));
    for (const card of byId("streams").children)
        card.chart.show(points.get(card.dataset.key) ?? [], history.point_ms);
}

/* Trainers. */

function showTrainer(row, trainer) {
    const ready = trainer.readiness_permille / 1000;
    fill(row, {
        name: trainer.name,
        number: trainer.number,
        stream: trainer.stream || "–",
        transport: trainer.transport || "–",
        epoch: count(trainer.epoch),
        step: count(trainer.step),
        rate: count(trainer.images_per_second),
        window: `${trainer.window_used} of ${trainer.window_granted}`,
        ready: percent(ready),
        waited: duration(trainer.starved_ns_total / 1e6),
    });
    setBar(part(row, "bar"), ready);
}

export function showTrainers(trainers) {
    byId("trainers-empty").hidden = trainers.length > 0;
    byId("trainers-table").hidden = trainers.length === 0;
    setText(
        byId("trainers-words"),
        trainers.length === 0 ? "" : counted(trainers.length, "trainer", "trainers"),
    );
    keyed(
        byId("trainers"),
        trainers,
        (trainer) => `${trainer.number} ${trainer.name}`,
        () => clone("trainer-template"),
        showTrainer,
    );
}

/* Replaced pictures. */

function showReplacedRow(row, sample) {
    fill(row, {
        path: sample.path,
        reason: sample.reason,
        stream: sample.stream,
        address: `epoch ${count(sample.epoch)}, step ${count(sample.step)}`,
        slots: count(sample.slots ?? 1),
        "stand-in": sample.replaced_by ?? "–",
    });
}

/** look is told the address of a batch that somebody wants to see. */
export function showReplaced(streams, look) {
    const samples = streams.flatMap((of) =>
        of.replaced.map((sample) => ({ ...sample, stream: of.stream })),
    );
    const total = streams.reduce((sum, stream) => sum + stream.replaced_total, 0);
    byId("replaced-card").hidden = total === 0;
    setText(
        byId("replaced-words"),
        samples.length < total
            ? `the newest ${count(samples.length)} of ${count(total)}`
            : counted(total, "picture", "pictures"),
    );
    keyed(
        byId("replaced"),
        samples,
        (sample) => `${sample.stream} ${sample.index}`,
        (sample) => {
            const row = clone("replaced-template");
            const { stream, epoch, step } = sample;
            part(row, "address").addEventListener("click", () => look({ stream, epoch, step }));
            return row;
        },
        showReplacedRow,
    );
}
