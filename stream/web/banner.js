/**
 * What stands across the picture when it must not be taken for live. Pure.
 *
 * @typedef {import("./connection.js").Poll} Poll
 * @typedef {{level: "info" | "warning" | "error", title: string, text: string}} Banner
 *
 * @typedef {object} Situation
 * @property {Poll | null} poll the last answer; null before the first
 * @property {string | null} selected the stream on show
 * @property {boolean} listed whether the server lists that stream
 * @property {string} sourceState the newest that is known
 * @property {string[]} degraded what the server says is wrong, newest known
 * @property {boolean} scoresOpen
 * @property {number | null} silentMs since the newest message; null before the first
 * @property {number | null} pictureMs since the newest picture; null before the first or when paused
 * @property {boolean} mayPublish whether the token lets its bearer publish, which is not to read
 * @property {string} unreadable why the newest message could not be read, or ""
 */

import { age } from "./words.js";

/** The newest message or picture is no longer "now" beyond this. */
export const STALE_MS = 2000;


/** @param {Situation} s @returns {Banner | null} the most important thing to know, or nothing */
export function bannerFor(s) {
  return serverBanner(s) ?? choiceBanner(s) ?? sourceBanner(s) ?? silenceBanner(s);
}

/** Whether the picture must be greyed out: it, or what is said of it, may be old.
 * @param {Situation} s */
export function isStale(s) {
  const silent = s.silentMs === null || s.silentMs > STALE_MS;
  const stopped = s.sourceState !== "live" && s.sourceState !== "";
  return silent || stopped || (s.pictureMs !== null && s.pictureMs > STALE_MS);
}

/** @param {Situation} s @returns {Banner | null} */
function serverBanner({ poll, silentMs, mayPublish }) {
  if (poll === null) return info("Connecting to the server", "");
  if (poll.state === "unauthorised" && mayPublish) {
    return info("Show your own camera", "This address lets you use yours, and see nobody else's.");
  }
  if (poll.state === "unauthorised") {
    return error("This server needs a token", "Open the address that it printed.");
  }
  if (poll.state === "refused") return error("The server refused", poll.text);
  // A poll can fail on a busy machine; while messages come, the server is there.
  if (poll.state === "lost" && (silentMs === null || silentMs > STALE_MS)) {
    return error("Connection to the server lost", "Trying again. What you see is not live.");
  }
  return null;
}

/** @param {Situation} s @returns {Banner | null} */
function choiceBanner({ poll, selected, listed }) {
  if (poll?.state !== "ok") return null;
  if (poll.streams.length === 0) {
    return info("No streams", "The server is running, but has no source to watch.");
  }
  if (selected !== null && !listed) {
    return warning(`There is no stream “${selected}”`, "Choose one from the list.");
  }
  return null;
}

/** @param {Situation} s @returns {Banner | null} */
function sourceBanner({ sourceState, silentMs, degraded }) {
  const last = silentMs === null ? "" : ` The last picture came ${age(silentMs)} ago.`;
  const why = degraded.length > 0 ? sentence(degraded[0]) : "It does not answer yet.";
  switch (sourceState) {
    case "connecting":
      return warning("Connecting to the source", `${why} Trying again.${last}`);
    case "stalled":
      return warning("The source has stalled", `No pictures arrive.${last}`);
    case "paused":
      return info("The stream is paused", `Nothing is being looked at.${last}`);
    case "ended":
      return info("The source has ended", `What you see is its last picture.${last}`);
    default:
      return null;
  }
}

/** @param {Situation} s @returns {Banner | null} */
function silenceBanner(s) {
  if (s.unreadable) {
    return error("The server's messages cannot be read", `Reload the page (${s.unreadable}).`);
  }
  if (!s.scoresOpen) return error("Scores are cut off", "Reconnecting. What you see is not live.");
  if (s.silentMs === null) return info("Waiting for the first picture", "");
  if (s.silentMs > STALE_MS) {
    return warning("Not live", `No picture has been looked at for ${age(s.silentMs)}.`);
  }
  if (s.pictureMs !== null && s.pictureMs > STALE_MS) {
    return warning("The picture is old", `Scores go on; the picture stopped ${age(s.pictureMs)} ago.`);
  }
  return null;
}

/** @param {string} text */
function sentence(text) {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

/** @param {string} title @param {string} text @returns {Banner} */
const info = (title, text) => ({ level: "info", title, text });
/** @param {string} title @param {string} text @returns {Banner} */
const warning = (title, text) => ({ level: "warning", title, text });
/** @param {string} title @param {string} text @returns {Banner} */
const error = (title, text) => ({ level: "error", title, text });
