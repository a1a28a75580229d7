// Asks the director once a second while somebody looks, and says so when it does not answer.

import * as actions from "./actions.js";
import { clock } from "./format.js";
import { Panels } from "./panels.js";
import { View } from "./view.js";

const EVERY_MS = 1000;
const RETRY_MS = 2000;
const PATIENCE_MS = 5000;

const live = document.getElementById("live");
const liveText = document.getElementById("live-text");
const banner = document.getElementById("banner");
const lockButton = document.getElementById("lock");

let state = null;
let timer = 0;
let running = false;
let again = false;
let lastAnswer = null;
let hasToken = false;

async function get(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store" });
  if (!answer.ok) {
    throw new Error((await answer.text()).trim() || `status ${answer.status}`);
  }
  return answer.json();
}

const panels = new Panels();
const view = new View((name) => get(`/api/service?name=${encodeURIComponent(name)}`), actions.ask);

function show(kind, text) {
  live.dataset.state = kind;
  if (liveText.textContent !== text) {
    liveText.textContent = text;
  }
}

function silent(reason) {
  const since = lastAnswer === null ? "" : ` since ${clock(lastAnswer)}`;
  show("gone", "No answer");
  document.body.classList.add("stale");
  banner.dataset.about = "silence";
  banner.hidden = false;
  const text = `The director has not answered${since}${reason ? ` (${reason})` : ""}. What stands here is old; it is asked again every`
    + ` ${RETRY_MS / 1000} seconds.`;
  if (banner.textContent !== text) {
    banner.textContent = text;
  }
}

function answered() {
  lastAnswer = Date.now();
  show("live", "Live");
  document.body.classList.remove("stale");
  if (banner.dataset.about === "silence") {
    banner.hidden = true;
    banner.dataset.about = "";
  }
}

async function poll() {
  const next = await get("/api/state");
  const before = state;
  const same = before !== null && next.director.pid === before.director.pid && next.director.uptimeMs >= before.director.uptimeMs;
  const seconds = same ? next.tick - before.tick : 0;
  state = next;
  answered();
  const { actions: offered } = next.director;
  document.body.classList.toggle("with-actions", offered);
  lockButton.hidden = !offered;
  panels.update(next, seconds);
  view.update(next.services, seconds);
  if (!same || seconds > 3) {
    const history = await get("/api/history");
    panels.graphs(history.totals);
    view.graphs(history.services);
    // What was counted by then is in the graphs already.
    state.tick = Math.max(state.tick, history.tick);
    view.update(next.services, 0);
  }
}

async function loop() {
  clearTimeout(timer);
  if (running) {
    again = true;
    return;
  }
  running = true;
  let wait = EVERY_MS;
  try {
    await poll();
  } catch (error) {
    silent(error instanceof TypeError || error.name === "TimeoutError" ? "" : error.message);
    wait = RETRY_MS;
  }
  running = false;
  if (!document.hidden) {
    timer = setTimeout(loop, again ? 0 : wait);
  } else {
    show("wait", "Paused");
  }
  again = false;
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (document.hidden) {
    show("wait", "Paused");
  } else {
    loop();
  }
});

function showLock() {
  lockButton.textContent = hasToken ? "Lock actions" : "Unlock actions";
  document.body.classList.toggle("unlocked", hasToken);
}

actions.listen(
  (changes) => {
    document.getElementById("news").textContent = changes.length ? changes.join("; ") : "Nothing changed.";
    loop();
  },
  (has) => {
    hasToken = has;
    showLock();
  });

lockButton.addEventListener("click", () => {
  if (hasToken) {
    actions.lock();
    hasToken = false;
    showLock();
  } else {
    actions.unlock();
  }
});

const themeButton = document.getElementById("theme");
const root = document.documentElement;

function showTheme() {
  themeButton.textContent = `Theme: ${root.dataset.theme ?? "auto"}`;
}

themeButton.addEventListener("click", () => {
  const next = { auto: "light", light: "dark", dark: "auto" }[root.dataset.theme ?? "auto"];
  if (next === "auto") {
    delete root.dataset.theme;
  } else {
    root.dataset.theme = next;
  }
  try {
    localStorage.setItem("sluice-theme", next);
  } catch {
    // It is forgotten with the page.
  }
  showTheme();
});

showTheme();
document.getElementById("host").textContent = location.hostname;
document.title = `Sluice ${location.hostname}`;
loop();
