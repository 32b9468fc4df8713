/**
 * The page: reads the address, polls the streams, shows one, and redraws five times a second what
 * has to go on ageing even when nothing arrives.
 */

import { Announcer } from "./announcer.js";
import { bannerFor, isStale } from "./banner.js";
import { Cards } from "./cards.js";
import { StreamsPoll } from "./connection.js";
import { part, setData, setText } from "./dom.js";
import { renderCaption, renderHealth } from "./health.js";
import { Player } from "./player.js";
import { parseRoute } from "./route.js";
import { bindTheme, bindToggle, isOn } from "./settings.js";
import { StreamList, choose, parseStreams, scoringOf } from "./streams.js";
import { Viewer } from "./viewer.js";
import { alarmWords, stateWords } from "./words.js";

const TICK_MS = 200;
const NO_FACE = "No face in the picture. Nothing is scored until there is one.";
const NOT_LOOKING = "Nothing is being looked at.";

const stage = part("stage");
const banner = part("banner");
const landmarks = part("toggle-landmarks");
const heatmap = part("toggle-heatmap");
const player = new Player(part("picture"), stage);
const cards = new Cards(part("faces"), part("no-faces"));
const announcer = new Announcer(part("announcer"));
const viewer = new Viewer(player, cards, announcer);
const streamList = new StreamList(part("streams"));

/** @type {import("./connection.js").Poll | null} */
let poll = null;
let pollMs = 0;
/** @type {import("./streams.js").Stream[]} */
let streams = [];
/** @type {string | null} */
let selected = null;
/** What is shown while the address names no stream. @type {string | null} */
let unnamed = null;

const poller = new StreamsPoll(new URL("v1/streams", document.baseURI).href, (answer) => {
  poll = answer;
  // While the server is away, its last list stays: the choice must survive a restart.
  pollMs = answer.state === "ok" ? performance.now() : pollMs;
  if (answer.state === "ok") streams = parseStreams(answer.streams);
  if (answer.state === "unauthorised") streams = [];
  select();
  showLayers();
  tick();
});

function select() {
  const route = parseRoute(location.hash);
  // Kept as long as it exists, or another camera's start would steal the view.
  if (!streams.some((stream) => stream.id === unnamed)) unnamed = choose(streams);
  selected = route.stream ?? unnamed;
  viewer.open(streams.some((stream) => stream.id === selected) ? selected : null, route.token);
  streamList.render(streams, selected, route.token, poll?.state === "ok");
  part("no-streams").hidden = streams.length > 0;
}

/** Health from whoever spoke last: a source that is away sends no messages, but the list tells.
 * @param {import("./streams.js").Stream | undefined} stream */
function newestHealth(stream) {
  const { message, messageMs } = viewer;
  if (message && (!stream || messageMs > pollMs)) return { health: message.health, atMs: messageMs };
  return { health: stream?.health ?? null, atMs: pollMs };
}

function tick() {
  const now = performance.now();
  const stream = streams.find((item) => item.id === selected);
  const silentMs = viewer.silentMs(now);
  const { health, atMs } = newestHealth(stream);
  const source = health?.sourceState ?? "";
  const situation = {
    poll,
    selected,
    listed: stream !== undefined,
    sourceState: source,
    degraded: health?.degraded ?? [],
    scoresOpen: viewer.scoresOpen,
    silentMs,
    pictureMs: player.pictureMs === null ? null : now - player.pictureMs,
    unreadable: viewer.unreadable,
  };
  viewer.watch(now, poll?.state === "ok" && source === "live");
  renderStage(situation);
  renderSummary(situation);
  renderHealth(health, now - atMs, viewer.message?.clock ?? "");
  renderCaption(player.shownMessage);
  if (!document.hidden) {
    const { axis } = viewer.histories;
    // The right edge is the newest frame, and runs on when frames stop.
    const edge = { now: axis.now + Math.max(0, (silentMs ?? 0) / 1000 - 0.5), breaks: axis.breaks };
    cards.render(now, viewer.histories, edge, scoringOf(stream));
    const { alarm } = scoringOf(stream);
    setText(part("alarm-rate"), alarmWords(alarm));
    part("key-alarm").hidden = alarm === null;
    setText(part("no-faces"), isStale(situation) ? NOT_LOOKING : NO_FACE);
  }
  announcer.render(now);
}

/** @param {import("./banner.js").Situation} situation */
function renderStage(situation) {
  const shown = bannerFor(situation);
  setData(stage, "stale", String(isStale(situation)));
  banner.hidden = shown === null;
  if (!shown) return announcer.say("");
  setData(banner, "level", shown.level);
  setText(part("banner-title"), shown.title);
  setText(part("banner-text"), shown.text);
  announcer.say(shown.title);
}

/** The header's one-glance answer. @param {import("./banner.js").Situation} situation */
function renderSummary(situation) {
  const pill = part("live-state");
  const stale = isStale(situation);
  const lost = stale && situation.sourceState === "live";
  const state = poll?.state === "ok" && !lost ? situation.sourceState : "offline";
  setData(pill, "state", state || "offline");
  setText(pill, state && state !== "offline" ? stateWords(state) : "Not live");
  setText(part("title-stream"), selected ?? "");
}

function showLayers() {
  const { crop } = scoringOf(streams.find((stream) => stream.id === selected));
  player.show({ landmarks: isOn(landmarks), heatmap: isOn(heatmap), crop });
  viewer.setHeatmap(isOn(heatmap));
}

bindTheme(part("toggle-theme"), tick);
bindToggle(landmarks, "landmarks", showLayers);
bindToggle(heatmap, "heatmap", showLayers);
showLayers();
// Not by the fragment: that holds the stream and the token.
part("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  document.getElementById("faces-heading")?.focus();
});
addEventListener("hashchange", () => {
  select();
  poller.start(parseRoute(location.hash).token);
});
document.addEventListener("visibilitychange", () => viewer.setPaused(document.hidden));
viewer.setPaused(document.hidden);
setInterval(tick, TICK_MS);
poller.start(parseRoute(location.hash).token);
