/*
 * One slot, looked at closely: the files that went into it, what was cut out of them, and what came
 * of it.
 */
import { dropPictures, showNone, showPicture } from "./pictures.js";
import { byId, clone, count, drawn, fill, keyed, part, percent, setBar, setText } from "./tools.js";

const dialog = byId("slot");
const SMALL = 96; /* pictures below this are shown with their pixels as squares */

let batch = null;
let place = 0; /* within batch.slots */
let notifyClosed = () => {};
let notifyMoved = () => {};

/* Drawing. */

/* A box as four numbers, or null for anything else that was told. */
function boxOf(told) {
    const fine = Array.isArray(told) && told.length === 4 && told.every(Number.isFinite);
    return fine && told[2] > 0 && told[3] > 0 ? told : null;
}

/* A box twice, light on dark, so that it is seen on any picture. */
function drawBox(box, kind) {
    const [y, x, height, width] = box;
    return ["halo", "line"].map((layer) =>
        drawn("rect", { class: `${layer} ${kind}`, x, y, height, width }),
    );
}

/* All around the box, in the shade. */
function drawShade(box, sides) {
    const [y, x, height, width] = box;
    const around = `M0 0H${sides.width}V${sides.height}H0Z`;
    return drawn("path", {
        class: "shade",
        d: `${around}M${x} ${y}v${height}h${width}v${-height}Z`,
    });
}

/*
 * A picture with boxes upon it.
 *
 *   sides    of what the boxes are counted in, which need not be the sides that are shown
 *   shaded   a box whose outside is in the shade, or null
 *   lines    boxes with their kinds
 *   missing  there is no picture, and why was told
 */
function makeFrame(frame, { show, words, sides, shaded = null, lines = [], missing = false }) {
    const image = document.createElement("img");
    image.alt = words;
    const drawing = drawn("svg", {
        viewBox: `0 0 ${sides.width} ${sides.height}`,
        preserveAspectRatio: "none",
        "aria-hidden": "true",
    });
    if (shaded) drawing.append(drawShade(shaded, sides));
    for (const [box, kind] of lines) {
        if (box) drawing.append(...drawBox(box, kind));
    }
    frame.parentElement.style.setProperty("--ratio", (sides.width / sides.height).toFixed(4));
    frame.dataset.small = Math.max(sides.width, sides.height) <= SMALL;
    frame.replaceChildren(image, drawing);
    if (missing) showNone(image);
    else showPicture(image, pictureOf(show), true);
}

function pictureOf(show) {
    const { stream, epoch, step, fingerprint: fp } = batch;
    return { stream, epoch, step, slot: batch.slots[place].slot, show, fp };
}

/* What stands there. */

function fact(name, value) {
    const row = clone("figure-template");
    fill(row, { name, value });
    return row;
}

/* Those of a file that could not be read are not known. */
function sidesOf({ source_height: height, source_width: width }) {
    return height > 0 && width > 0 ? { height, width } : batch;
}

function boxWords([top, left, height, width]) {
    return `${height} × ${width} at ${top}, ${left}`;
}

function factsOf(sample) {
    const erase = boxOf(sample.erase);
    return [
        fact("File", sample.path),
        fact("Index", count(sample.index)),
        fact(
            "Its sides",
            sample.source_height ? `${sample.source_height} × ${sample.source_width}` : "–",
        ),
        fact("Crop", boxOf(sample.crop) ? boxWords(sample.crop) : "–"),
        ...(erase ? [fact("Erased", boxWords(erase))] : []),
    ];
}

/* role is "own" or "partner". */
function showSource(section, role, sample) {
    const title = role === "own" ? "The slot's own" : "Its partner";
    const crop = boxOf(sample.crop);
    fill(section, { role: title, label: sample.label });
    setText(
        part(section, "cropped-words"),
        sample.flip ? "cropped, resized, flipped" : "cropped, resized",
    );
    makeFrame(part(section, "original"), {
        show: `${role}_source`,
        words: `${title}: the whole of ${sample.path}, with its crop`,
        sides: sidesOf(sample),
        missing: Boolean(sample.failed),
        shaded: crop,
        lines: [[crop, "crop"]],
    });
    makeFrame(part(section, "cropped"), {
        show: role,
        words: `${title}: what was cropped`,
        sides: batch,
        lines: [[boxOf(sample.erase), "erase"]],
        missing: Boolean(sample.failed),
    });
    part(section, "facts").replaceChildren(...factsOf(sample));
}

function mixedWords(slot) {
    if (slot.method === "none" || !slot.partner) return "Not mixed.";
    const share = slot.lambda;
    const shares = `${percent(share)} its own, ${percent(1 - share)} its partner's`;
    const where = slot.partner.slot === null ? "the data set" : `slot ${slot.partner.slot}`;
    const method = slot.method === "cutmix" ? "CutMix" : "mixup";
    return `${method}, λ ${share.toFixed(3)}: ${shares}. The partner comes from ${where}.`;
}

function showTarget(target) {
    keyed(
        part(dialog, "target"),
        target.map((row, i) => ({ ...row, i })),
        (row) => row.i,
        () => clone("share-template"),
        (item, row) => {
            fill(item, { name: row.name, value: row.share.toFixed(row.share < 0.01 ? 5 : 3) });
            setBar(part(item, "bar"), row.share);
        },
    );
}

/** Why a slot has no picture; empty where it has one. */
export function faultOf(slot) {
    return slot.failed ?? slot.partner?.failed ?? "";
}

function troubleOf(slot) {
    if (slot.replaced) return `The sample that belongs here was replaced: ${slot.replaced}`;
    return faultOf(slot);
}

function showSlot() {
    const slot = batch.slots[place];
    const sources = [["own", slot], ...(slot.partner ? [["partner", slot.partner]] : [])];
    dropPictures(dialog.querySelectorAll("img"));
    fill(dialog, {
        title: `Slot ${slot.slot}`,
        words: `${batch.stream}, epoch ${count(batch.epoch)}, step ${count(batch.step)}`,
        trouble: troubleOf(slot),
        mixed: slot.valid ? mixedWords(slot) : "Padding: this slot does not count.",
    });
    part(dialog, "trouble").hidden = troubleOf(slot) === "";
    makeFrame(part(dialog, "served"), {
        show: "served",
        words: `Slot ${slot.slot} as served`,
        sides: batch,
        lines: [[boxOf(slot.cut), "cut"]],
        missing: faultOf(slot) !== "",
    });
    keyed(
        part(dialog, "sources"),
        sources,
        ([role]) => role,
        () => clone("source-template"),
        (section, [role, sample]) => showSource(section, role, sample),
    );
    showTarget(slot.target ?? []);
}

/* Coming, going, and moving on. */

function move(by) {
    const next = place + by;
    if (next < 0 || next >= batch.slots.length) return;
    place = next;
    showSlot();
    notifyMoved(batch.slots[place].slot);
}

/**
 * Open a slot of a batch.
 *
 *   at       its place within of.slots
 *   moved    told the slot that is shown instead
 *   closed   told when the dialog is
 */
export function openSlot(of, at, { moved, closed }) {
    batch = of;
    place = at;
    notifyMoved = moved;
    notifyClosed = closed;
    showSlot();
    if (!dialog.open) dialog.showModal();
}

export function closeSlot() {
    if (dialog.open) dialog.close();
}

export function isSlotOpen() {
    return dialog.open;
}

part(dialog, "back").addEventListener("click", () => move(-1));
part(dialog, "on").addEventListener("click", () => move(1));
part(dialog, "close").addEventListener("click", () => dialog.close());
dialog.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by !== undefined) move(by);
});
/* Outside of it is its backdrop, which belongs to it. */
dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
});
dialog.addEventListener("close", () => {
    dropPictures(dialog.querySelectorAll("img"));
    notifyClosed();
});
