/*
 * What every part of the page uses: pieces of the document, and numbers as people read them.
 *
 * Names of files, classes and trainers are other people's.  They reach the document as text alone,
 * through setText and setAttribute; nothing on this page makes markup of a string.
 */

const SVG = "http://www.w3.org/2000/svg";

export function byId(id) {
    return document.getElementById(id);
}

/** The piece that the markup calls so with data-part. */
export function part(element, name) {
    return element.querySelector(`[data-part="${name}"]`);
}

/** A copy of what a template holds. */
export function clone(id) {
    return byId(id).content.firstElementChild.cloneNode(true);
}

/** Change a text where it differs: what somebody has selected stays selected. */
export function setText(element, text) {
    if (element.textContent !== String(text)) element.textContent = text;
}

/** Fill parts with texts, by name. */
export function fill(element, texts) {
    for (const [name, text] of Object.entries(texts)) setText(part(element, name), text);
}

/** An element of a drawing; undefined attributes are left out. */
export function drawn(name, attributes = {}, text = "") {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) {
        if (value !== undefined) element.setAttribute(key, value);
    }
    element.textContent = text;
    return element;
}

/**
 * A bar that is full at a share of 1.  Its text is beside it, so that it says nothing to who cannot
 * see it.
 */
export function setBar(bar, share) {
    const bounded = Math.min(1, Math.max(0, Number(share) || 0));
    bar.setAttribute("aria-hidden", "true");
    bar.style.setProperty("--share", bounded.toFixed(4));
}

/**
 * Make an element's children those of a list: who is there already stays, with focus and all.
 *
 *   keyOf    what a child is known by
 *   make     a new child
 *   update   tells a child its item
 */
export function keyed(parent, items, keyOf, make, update) {
    const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
    items.forEach((item, place) => {
        const key = String(keyOf(item));
        const child = before.get(key) ?? make(item);
        before.delete(key);
        child.dataset.key = key;
        if (parent.children[place] !== child)
            parent.insertBefore(child, parent.children[place] ?? null);
        update(child, item, place);
    });
    for (const child of before.values()) child.remove();
}

/* Numbers. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** 1281167 as 1,281,167. */
export function count(number) {
    return whole.format(Number(number) || 0);
}

/** "1 batch", "2 batches". */
export function counted(number, one, many) {
    return `${count(number)} ${number === 1 ? one : many}`;
}

export function percent(share) {
    return `${Math.round(share * 100)} %`;
}

/** A part of a whole, of which there may be nothing yet. */
export function ratio(some, all) {
    return all > 0 ? some / all : 0;
}

/* Three digits that count: 0.66, 6.55, 65.5, 655. */
function digits(value) {
    const places = value >= 100 ? 0 : value >= 10 ? 1 : 2;
    return value.toFixed(places);
}

/** A time of nanoseconds to milliseconds, with its unit. */
export function moment(ns) {
    if (ns < 1000) return `${Math.round(ns)} ns`;
    return ns < 1e6 ? `${digits(ns / 1e3)} µs` : `${digits(ns / 1e6)} ms`;
}

/** A time of seconds to days, its two largest units. */
export function duration(ms) {
    const seconds = Math.floor(ms / 1000);
    const units = [
        [86400, "d"],
        [3600, "h"],
        [60, "min"],
        [1, "s"],
    ];
    const first = units.findIndex(([length]) => seconds >= length);
    if (first < 0) return "0 s";
    return units
        .slice(first, first + 2)
        .map(([length, unit], i) => [
            Math.floor((seconds % (i ? units[first][0] : Infinity)) / length),
            unit,
        ])
        .filter(([number], i) => number > 0 || i === 0)
        .map(([number, unit]) => `${number} ${unit}`)
        .join(" ");
}

/** Bytes, in powers of ten as disks and networks count. */
export function size(bytes) {
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let value = bytes;
    let unit = 0;
    while (value >= 999.5 && unit < units.length - 1) {
        value /= 1000;
        unit++;
    }
    return unit === 0 ? `${value} B` : `${digits(value)} ${units[unit]}`;
}
