/**
 * The line that says how well the detector itself is doing: an old or starved score looks just
 * like a fresh one, so its age and pace stand beside it.
 */

import { part, setData, setItems, setText } from "./dom.js";
import { age, clockTime, clockWords, count, mediaTime, rate, stateWords } from "./words.js";

/**
 * @typedef {import("./message.js").Message} Message
 * @typedef {import("./message.js").Health} Health
 */

const OLD_EVIDENCE_MS = 2000;

/** The list is asked for every 2 s: older than this, an answer is missing. */
const OLD_HEALTH_MS = 5000;

/**
 * @param {Health | null} health @param {number} sinceMs since it was true
 * @param {string} clock of the newest message
 */
export function renderHealth(health, sinceMs, clock) {
  setText(part("health-as-of"), health && sinceMs > OLD_HEALTH_MS ? `as of ${age(sinceMs)} ago` : "");
  const evidence = health?.evidenceAgeMs ?? null;
  const now = evidence === null ? null : evidence + sinceMs;
  const shown = part("health-evidence-age");
  setText(shown, age(now));
  setData(shown, "ms", now === null ? "" : String(Math.round(now)));
  setData(shown, "old", String(now !== null && now > OLD_EVIDENCE_MS));
  setText(part("health-fps-in"), rate(health?.fpsIn ?? null));
  setText(part("health-fps-scored"), rate(health?.fpsScored ?? null));
  setText(part("health-dropped"), count(health?.dropped ?? null));
  setText(part("health-engine"), health?.engine || "–");
  setText(part("health-device"), health?.device ?? "");
  setText(part("health-decoder"), health?.decoder || "–");
  setText(part("health-clock"), clock ? clockWords(clock) : "–");
  const sourceState = health?.sourceState ?? "";
  const source = part("health-source");
  setText(source, sourceState ? stateWords(sourceState) : "–");
  setData(source, "state", sourceState);
  const degraded = part("health-degraded");
  setItems(degraded, (health?.degraded ?? []).map((text) => `Degraded: ${text}`));
}

/** The line under the picture: which frame this is, and how it came.
 * @param {Message | null} shown @param {string} way the player's */
export function renderCaption(shown, way) {
  const came = { webrtc: " · over WebRTC", preview: " · preview" }[way] ?? "";
  const text = shown
    ? `Frame ${shown.frameSeq} · ${mediaTime(shown.mediaTimeS)} · captured ${clockTime(shown.capturedAt)}${came}`
    : "";
  setText(part("caption"), text);
}
