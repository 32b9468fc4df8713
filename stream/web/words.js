/**
 * Enumerations and numbers as a person reads them. Pure.
 *
 * A word that is not known is shown as it came, with spaces for underscores: a newer server must
 * not make an older page silent.
 *
 * @typedef {{nats: number, perHour: number, extrapolated: boolean}} Alarm the evidence that an alarm
 * takes, and how many false ones that gives
 */

/** No state says "real" or "verified": a passive detector cannot know that. */
export const STATES = {
  undecided: "Undecided",
  no_evidence: "No evidence",
  suspicious: "Suspicious",
  fake: "Fake",
  no_face: "No face",
  connecting: "Connecting",
  live: "Live",
  stalled: "Stalled",
  paused: "Paused",
  ended: "Ended",
};

export const REASONS = {
  face_too_small: "Face too small",
  blurred: "Blurred",
  compressed: "Strongly compressed",
  extreme_pose: "Turned too far away",
  under_exposed: "Too dark",
  over_exposed: "Too bright",
  decode_errors: "Picture damaged on the way",
  out_of_frame: "Partly outside the picture",
  low_confidence: "Hardly recognisable as a face",
  few_samples: "Too few scores yet",
  low_quality: "Picture too poor to judge",
  long_undecided: "Cannot tell for long",
};

/** What only says that something is the matter, beside the reasons that say what. */
const GENERAL = ["long_undecided", "low_quality"];

const CLOCKS = { sender: "Sender's", arrival: "On arrival" };

/** @param {Record<string, string>} table @param {string} key */
function lookUp(table, key) {
  return Object.hasOwn(table, key) ? table[key] : plain(key);
}

/** @param {string} key */
function plain(key) {
  const text = String(key).replaceAll("_", " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {string} state a face's, a stream's or a source's */
export const stateWords = (state) => lookUp(STATES, state);

/** @param {string} reason */
export const reasonWords = (reason) => lookUp(REASONS, reason);

/**
 * The one sentence on a face that its state and its number do not tell: since when it is swapped,
 * or that nothing could be said of it for long. Empty where there is none.
 * @param {{state: string, reasons: string[], fakeSinceS: number | null, undecidedS: number}} face
 */
export function note({ state, reasons, fakeSinceS, undecidedS }) {
  if (state === "fake" && fakeSinceS !== null) return `Swapped since about ${mediaTime(fakeSinceS)}`;
  if (!reasons.includes("long_undecided")) return "";
  const special = reasons.filter((reason) => !GENERAL.includes(reason));
  const why = (special.length > 0 ? special : ["low_quality"]).map(reasonWords);
  return `Cannot tell for ${age(undecidedS * 1000)}: ${why.join(", ").toLowerCase()}`;
}

/** How sure an alarm is. @param {Alarm | null} alarm null: not calibrated */
export function alarmWords(alarm) {
  if (!alarm) return "How often an alarm is false is not known for these weights.";
  const { perHour, extrapolated } = alarm;
  const often =
    perHour < 1 ? `1 in ${short(1 / perHour)} hours` : `${short(perHour)} an hour`;
  const doubt = extrapolated ? ". This is extrapolated: less real video was measured" : "";
  return `False alarms to expect of a real face: about ${often}${doubt}.`;
}

/** At most one decimal, and none that says nothing. @param {number} value */
const short = (value) => String(Number(value.toFixed(value < 10 ? 1 : 0)));

/** @param {string} clock */
export const clockWords = (clock) => lookUp(CLOCKS, clock);

/**
 * A probability as percent. The ends are written as bounds, since "100 %" would claim a certainty
 * that no window of scores can have.
 * @param {number | null} probability
 */
export function percent(probability) {
  if (probability === null) return "–";
  if (probability > 0.99) return ">99 %";
  if (probability < 0.01) return "<1 %";
  return `${Math.round(probability * 100)} %`;
}

/**
 * A span of time at a resolution that still reads while it ticks.
 * @param {number | null} ms
 */
export function age(ms) {
  if (ms === null) return "none yet";
  const s = Math.max(0, ms) / 1000;
  if (s < 1) return `${Math.round(s * 100) * 10} ms`;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${pad(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${pad((s % 3600) / 60)} min`;
}

/** Media time as minutes and seconds. @param {number} s */
export function mediaTime(s) {
  const tenths = Math.floor(s * 10);
  return `${Math.floor(tenths / 600)}:${pad((tenths % 600) / 10)}.${tenths % 10}`;
}

/** Clock time, UTC, of an RFC 3339 stamp; the stamp itself if it is none. @param {string} stamp */
export function clockTime(stamp) {
  const match = /T(\d\d:\d\d:\d\d(?:\.\d{1,3})?)/.exec(stamp);
  return match ? `${match[1]} UTC` : stamp;
}

/** @param {number | null} value @param {number} [digits] */
export function rate(value, digits = 1) {
  return value === null ? "–" : value.toFixed(digits);
}

/** A count with thin spaces between thousands. @param {number | null} value */
export function count(value) {
  return value === null ? "–" : String(value).replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

/** @param {number} value */
function pad(value) {
  return String(Math.floor(value)).padStart(2, "0");
}
