/*
 * Asking the daemon: a path and its parameters, a token where one is wanted, and errors with their
 * status.
 */

const TOKEN = "stoker-token";
const PATIENCE_MS = 15000;

/** The daemon answered, with no. */
export class Refused extends Error {
    constructor(status, sentence, retryMs) {
        super(sentence);
        this.status = status;
        this.retryMs = retryMs;
    }
}

/** Whether it was too busy: to be asked again. */
export function isBusy(error) {
    return error instanceof Refused && error.status === 503;
}

/** Whether nobody answered at all. */
export function isGone(error) {
    return !(error instanceof Refused);
}

/** Keep a token for this tab; false where it is none that a header could hold. */
export function keepToken(token) {
    if (!/^[\x21-\x7e]{1,256}$/.test(token)) return false;
    sessionStorage.setItem(TOKEN, token);
    return true;
}

export function hasToken() {
    return sessionStorage.getItem(TOKEN) !== null;
}

export function forgetToken() {
    sessionStorage.removeItem(TOKEN);
}

function headers() {
    const token = sessionStorage.getItem(TOKEN);
    return token === null ? {} : { Authorization: `Bearer ${token}` };
}

function retryMs(reply) {
    const seconds = Number(reply.headers.get("Retry-After"));
    return seconds >= 1 && seconds <= 60 ? seconds * 1000 : 1000;
}

/** The path with its parameters. */
export function addressOf(path, parameters = {}) {
    const query = new URLSearchParams(parameters).toString();
    return query === "" ? path : `${path}?${query}`;
}

/**
 * Ask for an address; the reply.  Throws Refused where the daemon says no, and what fetch throws
 * where it says nothing for a while.
 */
export async function ask(address) {
    const reply = await fetch(address, {
        headers: headers(),
        credentials: "omit",
        signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!reply.ok) throw new Refused(reply.status, (await reply.text()).trim(), retryMs(reply));
    return reply;
}

export async function askJson(path, parameters) {
    return (await ask(addressOf(path, parameters))).json();
}
