/*
 * What the trainers see: a batch as pictures, the newest one or the one at an address.
 *
 * The address stands behind the page's own, as #stream=train&epoch=3&step=17&slot=4, for whoever it
 * is sent to; without epoch and step the newest is followed.
 */
import { askJson, isBusy, isGone } from "./api.js";
import { arePicturesThere, dropPictures, showNone, showPicture } from "./pictures.js";
import { closeSlot, faultOf, isSlotOpen, openSlot } from "./slot.js";
import { byId, clone, count, fill, keyed, part, setBar, setText } from "./tools.js";

const NEWEST_MS = 5000; /* at least, between two of them */
const PAGE = 16; /* slots shown together; no more come in one answer */

const view = { stream: "", epoch: 0, step: 0, first: 0, slot: null, follow: true };
let streams = []; /* as the state tells them */
let batch = null; /* that is shown */
let shown = null; /* the address that was answered; null: to be asked for, again */
let shownAt = 0;
let asked = 0; /* counts loads: only the answer to the last one is shown */
let loading = 0; /* the load that is under way; 0: none */

/* The hash. */

function wholeNumber(text) {
    return text !== null && /^[0-9]{1,15}$/.test(text) ? Number(text) : null;
}

function readHash() {
    const told = new URLSearchParams(location.hash.slice(1));
    const epoch = wholeNumber(told.get("epoch"));
    const step = wholeNumber(told.get("step"));
    view.stream = told.get("stream") ?? view.stream;
    view.follow = epoch === null || step === null;
    if (!view.follow) {
        view.epoch = epoch;
        view.step = step;
    }
    view.slot = view.follow ? null : wholeNumber(told.get("slot"));
    view.first = view.slot === null ? 0 : view.slot - (view.slot % PAGE);
}

function writeHash() {
    const told = { stream: view.stream };
    if (!view.follow || view.slot !== null)
        Object.assign(told, { epoch: view.epoch, step: view.step });
    if (view.slot !== null) told.slot = view.slot;
    const hash = `#${new URLSearchParams(told)}`;
    if (location.hash !== hash) history.replaceState(null, "", hash);
}

/* Which one. */

function current() {
    return streams.find((stream) => stream.stream === view.stream);
}

function stepsOf(stream, epoch) {
    const phases = (stream.phases ?? []).filter((phase) => phase.epoch <= epoch);
    return phases.at(-1)?.steps ?? stream.steps;
}

/** Look at the batch at an address from now on. */
export function lookAt({ stream, epoch, step }) {
    closeSlot();
    Object.assign(view, { stream, epoch, step, first: 0, slot: null, follow: false });
    load();
    byId("address").scrollIntoView({ block: "nearest" });
}

function walk(by) {
    const stream = current();
    if (stream === undefined) return;
    let { epoch, step } = view;
    step += by;
    if (step < 0 && epoch > 0) {
        epoch--;
        step = stepsOf(stream, epoch) - 1;
    } else if (step >= stepsOf(stream, epoch)) {
        epoch++;
        step = 0;
    }
    if (step >= 0) lookAt({ stream: view.stream, epoch, step });
}

/* Tiles. */

function words(slot) {
    const told = [`slot ${slot.slot}`];
    if (slot.method !== "none") told.push(slot.method === "cutmix" ? "CutMix" : "mixup");
    if (!slot.valid) told.push("padding");
    if (slot.replaced) told.push("replaced");
    if (slot.failed) told.push("cannot be read");
    if (slot.partner?.failed) told.push("its partner cannot be read");
    return told.join(" · ");
}

/* A partner that leaves no trace is told all the same: that is what was drawn. */
function showTile(tile, slot) {
    const mixed = slot.partner !== null;
    const image = part(tile, "picture");
    fill(tile, {
        own: slot.label,
        "own-share": mixed ? `λ ${slot.lambda.toFixed(2)}` : "",
        partner: mixed ? slot.partner.label : "",
        "partner-share": mixed ? (1 - slot.lambda).toFixed(2) : "",
        words: words(slot),
    });
    setBar(part(tile, "bar"), mixed ? slot.lambda : 1);
    tile.firstElementChild.dataset.replaced = Boolean(slot.replaced);
    tile.firstElementChild.dataset.valid = slot.valid;
    image.alt = `Slot ${slot.slot} as served:`;
    const { stream, epoch, step, fingerprint: fp } = batch;
    if (faultOf(slot) !== "") showNone(image);
    else showPicture(image, { stream, epoch, step, slot: slot.slot, show: "served", fp });
}

function makeTile() {
    const tile = clone("tile-template");
    tile.firstElementChild.addEventListener("click", () =>
        open([...byId("tiles").children].indexOf(tile)),
    );
    return tile;
}

function showTiles() {
    const tiles = byId("tiles");
    tiles.style.setProperty("--ratio", (batch.width / batch.height).toFixed(4));
    tiles.dataset.small = Math.max(batch.width, batch.height) <= 96;
    keyed(tiles, batch.slots, (slot) => slot.slot, makeTile, showTile);
}

function open(place) {
    view.slot = batch.slots[place].slot;
    Object.assign(view, { epoch: batch.epoch, step: batch.step });
    writeHash();
    openSlot(batch, place, {
        moved: (slot) => {
            view.slot = slot;
            writeHash();
        },
        closed: () => {
            view.slot = null;
            writeHash();
        },
    });
}

/* Loading. */

function address() {
    return view.follow ? {} : { epoch: view.epoch, step: view.step };
}

async function load() {
    const turn = ++asked;
    loading = turn;
    shownAt = Date.now();
    const parameters = { stream: view.stream, ...address(), slots: `${view.first}-${PAGE}` };
    showControls();
    writeHash();
    try {
        const answer = await askJson("/api/batch", parameters);
        if (turn === asked) showBatch(answer);
    } catch (error) {
        if (turn === asked) showError(error);
    }
    if (turn === asked) await loadRest(turn);
    if (loading === turn) loading = 0;
}

/* Of large pictures an answer has as many slots as could be made in its time. */
function isWhole() {
    return batch === null || view.first + batch.slots.length >= lastOf(batch);
}

function lastOf({ batch: slots }) {
    return Math.min(view.first + PAGE, slots);
}

async function loadRest(turn) {
    while (turn === asked && !isWhole()) {
        const { stream, epoch, step } = batch;
        const first = view.first + batch.slots.length;
        const slots = `${first}-${lastOf(batch) - first}`;
        try {
            const answer = await askJson("/api/batch", { stream, epoch, step, slots });
            if (turn === asked) showMore(answer);
        } catch (error) {
            if (!isBusy(error) && !isGone(error)) break;
            await new Promise((resolve) => setTimeout(resolve, error.retryMs ?? 1000));
        }
    }
}

function showBatch(answer) {
    batch = answer;
    Object.assign(view, { epoch: batch.epoch, step: batch.step });
    shown = `${batch.stream} ${batch.epoch} ${batch.step}`;
    setEmpty("");
    showControls();
    dropPictures(byId("tiles").querySelectorAll("img"));
    showTiles();
    openNamed();
}

function showMore(answer) {
    batch.slots.push(...answer.slots);
    showTiles();
    if (!isSlotOpen()) openNamed();
}

/* The slot that the page's address names. */
function openNamed() {
    const place = batch.slots.findIndex((slot) => slot.slot === view.slot);
    if (view.slot !== null && (place >= 0 || isWhole())) open(Math.max(0, place));
}

/* A busy daemon is asked again; of one that is gone the head tells. */
function showError(error) {
    if (isBusy(error) || isGone(error)) {
        shown = null;
        return;
    }
    batch = null;
    shown = "none";
    dropPictures(byId("tiles").querySelectorAll("img"));
    byId("tiles").replaceChildren();
    setEmpty(error.status === 401 ? "" : error.message);
    showControls();
}

function setEmpty(sentence) {
    byId("look-empty").hidden = sentence === "";
    setText(byId("look-empty"), sentence);
}

/* Controls. */

function setField(input, value) {
    if (document.activeElement !== input && input.value !== String(value)) input.value = value;
}

function showControls() {
    byId("look-follow").checked = view.follow;
    byId("look-stream").value = view.stream;
    setField(byId("look-epoch"), view.epoch);
    setField(byId("look-step"), view.step);
    byId("look-back").disabled = view.epoch === 0 && view.step === 0;
    setText(
        byId("look-words"),
        batch === null
            ? ""
            : `epoch ${count(batch.epoch)}, step ${count(batch.step)} of ${count(batch.steps)}`,
    );
    const last = lastOf(batch ?? { batch: 0 });
    byId("pager").hidden = batch === null || batch.batch <= PAGE;
    fill(byId("pager"), { range: `Slots ${view.first} to ${last - 1} of ${batch?.batch ?? 0}` });
    part(byId("pager"), "back").disabled = view.first === 0;
    part(byId("pager"), "on").disabled = last >= (batch?.batch ?? 0);
}

function showNames() {
    keyed(
        byId("look-stream"),
        streams,
        (stream) => stream.stream,
        () => document.createElement("option"),
        (option, stream) => {
            setText(option, stream.stream);
            option.value = stream.stream;
        },
    );
    if (current() === undefined && streams.length > 0)
        view.stream = (streams.find((stream) => stream.newest) ?? streams[0]).stream;
}

/**
 * The state as it is now: what is new is shown, and nothing that somebody looks at closely is
 * taken away.
 */
export function follow(state) {
    streams = state.streams;
    showNames();
    const stream = current();
    if (stream === undefined || isSlotOpen() || loading !== 0) return;
    if (!view.follow) {
        if (shown === null && Date.now() - shownAt >= 1000) load();
        return;
    }
    if (!stream.newest) {
        batch = null;
        byId("tiles").replaceChildren();
        showControls();
        setEmpty("No batch was sent yet. The first one that a trainer asks for is shown here.");
        return;
    }
    const newest = `${stream.stream} ${stream.newest.epoch} ${stream.newest.step}`;
    const rested = Date.now() - shownAt >= NEWEST_MS && arePicturesThere();
    if (newest !== shown && (rested || shown === null)) load();
}

function submit(event) {
    event.preventDefault();
    const epoch = wholeNumber(byId("look-epoch").value);
    const step = wholeNumber(byId("look-step").value);
    if (epoch !== null && step !== null) lookAt({ stream: byId("look-stream").value, epoch, step });
}

/* What is typed must not be overtaken by the newest batch, half way. */
function beginTyping() {
    asked++;
    view.follow = false;
    byId("look-follow").checked = false;
}

function turnPage(by) {
    /* Other slots of a batch that goes on being followed would be others of another batch. */
    Object.assign(view, { first: view.first + by, follow: false });
    load();
}

function restart() {
    shown = null;
    shownAt = 0;
    if (view.follow) follow({ streams });
    else load();
}

readHash();
byId("address").addEventListener("submit", submit);
byId("look-epoch").addEventListener("input", beginTyping);
byId("look-step").addEventListener("input", beginTyping);
byId("look-back").addEventListener("click", () => walk(-1));
byId("look-on").addEventListener("click", () => walk(1));
part(byId("pager"), "back").addEventListener("click", () => turnPage(-PAGE));
part(byId("pager"), "on").addEventListener("click", () => turnPage(PAGE));
byId("look-follow").addEventListener("change", (event) => {
    view.follow = event.target.checked;
    view.first = 0;
    writeHash();
    if (view.follow) restart();
});
byId("look-stream").addEventListener("change", (event) => {
    view.stream = event.target.value;
    view.first = 0;
    restart();
    writeHash();
});
window.addEventListener("hashchange", () => {
    readHash();
    if (view.slot === null) closeSlot();
    restart();
});
