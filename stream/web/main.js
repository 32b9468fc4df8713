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
import { OwnCamera } from "./own.js";
import { OwnPanel } from "./ownpanel.js";
import { Player } from "./player.js";
import { Reel } from "./reel.js";
import { formatRoute, parseRoute, whipPath } from "./route.js";
import { bindTheme, bindToggle, isOn } from "./settings.js";
import { ask } from "./signalling.js";
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
const mirror = part("toggle-mirror");
const player = new Player(part("picture"), stage);
const cards = new Cards(part("faces"), part("no-faces"));
const announcer = new Announcer(part("announcer"));
const viewer = new Viewer(player, cards, announcer);
const streamList = new StreamList(part("streams"));

const reel = new Reel((frame, message, exact) => {
  // Whoever looks at another stream meanwhile does not see this one.
  if (!showsOwn()) return frame.bitmap.close();
  const id = frame.mediaTimeS.toFixed(3);
  player.put(frame.bitmap, message, { id, exact }, performance.now());
});
const own = new OwnCamera(
  (id) => new URL(whipPath(id), document.baseURI).href,
  document.createElement("video"),
  reel,
  () => followOwn(),
);
const ownPanel = new OwnPanel(own, () => parseRoute(location.hash).token);
/** The token that was last asked about. @type {{token: string | null, welcome: boolean}} */
let asked = { token: null, welcome: false };
/** The stream that the own camera last had. @type {string | null} */
let ownId = null;

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
  if (answer.state === "ok" && !streams.some((stream) => stream.id === own.id)) own.missed();
  if (answer.state === "unauthorised") {
    streams = [];
    askToPublish(poller.token);
  }
  select();
  showLayers();
  tick();
});

function select() {
  const route = parseRoute(location.hash);
  // Kept as long as it exists, or another camera's start would steal the view.
  if (!streams.some((stream) => stream.id === unnamed)) unnamed = choose(streams);
  selected = route.stream ?? unnamed;
  const listed = streams.some((stream) => stream.id === selected) || showsOwn();
  const token = showsOwn() ? (own.token ?? route.token) : route.token;
  viewer.open(listed ? selected : null, token, showsOwn() ? reel : null);
  streamList.render(streams, selected, route.token, poll?.state === "ok");
  part("no-streams").hidden = streams.length > 0;
}

/** A token that may list nothing may still be one for visitors with a camera. @param {string | null} token */
async function askToPublish(token) {
  if (token === null || token === asked.token) return;
  asked = { token, welcome: false };
  const endpoint = new URL(whipPath("me"), document.baseURI).href;
  const welcome = await ask(endpoint, token).then(() => true, () => false);
  if (asked.token === token) asked = { token, welcome };
}

const showsOwn = () => own.id !== null && own.id === selected;

/** The camera's stream is shown as soon as there is one, and left when it ends. */
function followOwn() {
  ownPanel.render();
  if (own.id === ownId) return;
  const route = parseRoute(location.hash);
  const left = ownId;
  ownId = own.id;
  if (own.id !== null || route.stream === left) {
    // Not a step to go back to: the stream of a camera that was stopped is no more.
    const hash = formatRoute({ stream: own.id, token: route.token });
    history.replaceState(null, "", hash);
  }
  select();
  showLayers();
  poller.start(listToken());
}

/** Who may only publish may still list its own stream. */
function listToken() {
  const { token } = parseRoute(location.hash);
  return poll?.state === "unauthorised" || poller.token === own.token ? (own.token ?? token) : token;
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
    mayPublish: asked.welcome,
  };
  viewer.watch(now, poll?.state === "ok" && source === "live");
  renderStage(situation);
  renderSummary(situation);
  renderHealth(health, now - atMs, viewer.message?.clock ?? "");
  renderCaption(player.shownMessage, player.way);
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
  mirror.hidden = !showsOwn();
  const layers = { landmarks: isOn(landmarks), heatmap: isOn(heatmap) };
  player.show({ ...layers, mirror: showsOwn() && isOn(mirror), crop });
  viewer.setHeatmap(isOn(heatmap));
}

bindTheme(part("toggle-theme"), tick);
bindToggle(landmarks, "landmarks", showLayers);
bindToggle(heatmap, "heatmap", showLayers);
bindToggle(mirror, "mirror", showLayers);
showLayers();
// Not by the fragment: that holds the stream and the token.
part("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  document.getElementById("faces-heading")?.focus();
});
addEventListener("hashchange", () => {
  select();
  showLayers();
  poller.start(parseRoute(location.hash).token);
});
addEventListener("pagehide", () => own.stop());
document.addEventListener("visibilitychange", () => viewer.setPaused(document.hidden));
viewer.setPaused(document.hidden);
setInterval(tick, TICK_MS);
poller.start(parseRoute(location.hash).token);
