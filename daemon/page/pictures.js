/*
 * Pictures, a few at a time: the daemon makes them one after another and only so many a second.
 *
 * They are fetched, because a token travels in a header, which the src of an img cannot send.  An
 * address never changes its bytes, so what was fetched is kept for a while.
 */
import { addressOf, ask, isBusy } from "./api.js";

const AT_ONCE = 2;
const KEPT = 160;

const kept = new Map(); /* address: URL of its bytes; the one that was shown last is last */
let wanted = []; /* img elements whose picture is not there yet; the next one is first */
let underWay = 0;
let resting = false;

/**
 * Show a picture in an img, at once or as soon as it can be had.
 *
 *   urgent   before all others that wait
 */
export function showPicture(image, parameters, urgent = false) {
    const address = addressOf("/api/picture", parameters);
    if (image.dataset.address === address && image.dataset.is !== "failed") return;
    image.dataset.address = address;
    wanted = wanted.filter((other) => other !== image);
    if (kept.has(address)) {
        place(image, address);
        return;
    }
    image.dataset.is = "waiting";
    wanted = urgent ? [image, ...wanted] : [...wanted, image];
    next();
}

/** Show in an img that there is no picture. */
export function showNone(image) {
    dropPictures([image]);
    image.dataset.address = "";
    image.dataset.is = "failed";
    image.removeAttribute("src");
}

/** Of these nothing is wanted any more. */
export function dropPictures(images) {
    const dropped = new Set(images);
    wanted = wanted.filter((image) => !dropped.has(image));
}

/** Whether every picture that was asked for has come. */
export function arePicturesThere() {
    return wanted.length === 0 && underWay === 0;
}

function place(image, address) {
    const url = kept.get(address);
    kept.delete(address);
    kept.set(address, url);
    image.src = url;
    image.dataset.is = "there";
}

function keep(address, bytes) {
    kept.set(address, URL.createObjectURL(bytes));
    while (kept.size > KEPT) {
        const [oldest, url] = kept.entries().next().value;
        URL.revokeObjectURL(url);
        kept.delete(oldest);
    }
}

function next() {
    if (resting || wanted.length === 0 || underWay >= AT_ONCE) return;
    fetchFor(wanted.shift());
    next();
}

async function fetchFor(image) {
    const address = image.dataset.address;
    underWay++;
    try {
        keep(address, await (await ask(address)).blob());
        if (image.dataset.address === address) place(image, address);
    } catch (error) {
        fail(image, address, error);
    }
    underWay--;
    next();
}

/* A busy daemon is asked again when it said; by then the page may show something else.  What it put
 * off may be dearer than what waits here: that goes first. */
function fail(image, address, error) {
    if (image.dataset.address !== address) return;
    if (!isBusy(error)) {
        image.dataset.is = "failed";
        return;
    }
    wanted.push(image);
    resting = true;
    setTimeout(() => {
        resting = false;
        next();
    }, error.retryMs);
}
