/*
 * The page's start: it asks how things stand while somebody looks, and says when nobody answers.
 */
import { Refused, askJson, forgetToken, hasToken, isBusy, keepToken } from "./api.js";
import { follow, lookAt } from "./look.js";
import { showHistory, showReplaced, showStreams, showTrainers } from "./streams.js";
import { byId, count, counted, duration, part, setText } from "./tools.js";

const STATE_MS = 2000;
const HISTORY_MS = 5000; /* a point's length */

let answeredAt = null; /* the last time that the daemon did */
let historyAt = 0;
let timer = 0;

/* The head. */

function setStatus(is, words) {
    byId("status").dataset.is = is;
    setText(byId("status").firstElementChild, words);
}

function showHead({ daemon, trainers }) {
    setText(byId("daemon-name"), daemon.name);
    setText(
        byId("daemon-words"),
        `${daemon.version} · up ${duration(daemon.uptime_ms)} · ` +
            `${counted(daemon.workers, "worker", "workers")} · ` +
            counted(trainers.length, "trainer", "trainers"),
    );
    byId("total").hidden = false;
    setText(part(byId("total"), "rate"), count(daemon.images_per_second));
    document.title = `${count(daemon.images_per_second)} images/s · stoker ${daemon.name}`;
    if (daemon.draining) setStatus("gone", "shutting down");
    else setStatus("live", "live");
}

/* How things stand. */

function show(state) {
    byId("token").hidden = true;
    byId("main").hidden = false;
    document.body.dataset.stale = false;
    showHead(state);
    showStreams(state.streams);
    showTrainers(state.trainers);
    showReplaced(state.streams, lookAt);
    follow(state);
}

function clock(date) {
    return date.toLocaleTimeString("en-GB");
}

/* What is shown grows old; it stays, with a word on how old it is. */
function showGone() {
    document.body.dataset.stale = true;
    setStatus(
        "gone",
        answeredAt === null ? "no answer yet" : `no answer since ${clock(answeredAt)}`,
    );
}

function askForToken() {
    setText(byId("token-error"), hasToken() ? "This is not its token." : "");
    forgetToken();
    setStatus("waiting", "locked");
    setText(byId("daemon-words"), "shown to who has its token");
    byId("main").hidden = true;
    if (byId("token").hidden) {
        byId("token").hidden = false;
        byId("token-text").focus();
    }
}

function showError(error) {
    if (error instanceof Refused && error.status === 401) askForToken();
    else if (!isBusy(error)) showGone();
}

async function look() {
    try {
        show(await askJson("/api/state"));
        answeredAt = new Date();
        if (Date.now() - historyAt >= HISTORY_MS) {
            historyAt = Date.now();
            showHistory(await askJson("/api/history"));
        }
    } catch (error) {
        showError(error);
    }
}

/* Nobody looks at a hidden page, and so it asks for nothing; nor while it is locked. */
function isWatched() {
    return document.visibilityState === "visible" && byId("token").hidden;
}

async function keepLooking() {
    clearTimeout(timer);
    timer = 0;
    await look();
    if (isWatched() && timer === 0) timer = setTimeout(keepLooking, STATE_MS);
}

document.addEventListener("visibilitychange", () => {
    if (isWatched()) keepLooking();
    else clearTimeout(timer);
});

byId("token").addEventListener("submit", (event) => {
    event.preventDefault();
    const input = byId("token-text");
    if (keepToken(input.value.trim())) keepLooking();
    else setText(byId("token-error"), "A token is visible ASCII, without blanks.");
    input.value = "";
});

keepLooking();
