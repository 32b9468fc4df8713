/**
 * The list of streams, as links: the fragment says which one is on show, so that back, forward and
 * bookmarks work.
 */

import { THRESHOLDS } from "./chart.js";
import { part, setData, setText, stamp } from "./dom.js";
import { CROP } from "./heatmap.js";
import { parseHealth } from "./message.js";
import { formatRoute } from "./route.js";
import { stateWords } from "./words.js";

/** @typedef {{id: string, source: string, state: string, sourceState: string, health: import("./message.js").Health, raw: any}} Stream */

/** @param {any[]} raw the server's list @returns {Stream[]} */
export function parseStreams(raw) {
  return raw
    .filter((item) => typeof item?.id === "string")
    .map((item) => {
      const health = parseHealth(item.health);
      const state = typeof item.state === "string" ? item.state : "";
      return {
        id: item.id,
        source: typeof item.source === "string" ? item.source : "",
        state,
        sourceState: health.sourceState || state,
        health,
        raw: item,
      };
    });
}

/**
 * What the server may say beside the contract about how a stream's scores are made, else the
 * defaults that it ships with: where the thresholds lie, and what part of a face is looked at.
 * @param {Stream | undefined} stream
 */
export function scoringOf(stream) {
  const told = stream?.raw.thresholds ?? {};
  const { suspicious_above: suspicious, fake_above: fake, alarm_nats: nats } = told;
  const calibrated = typeof nats === "number" && nats > 0;
  const { crop_scale: scale, crop_shift_down: shiftDown = 0 } = stream?.raw ?? {};
  const { crop_to_landmarks: toLandmarks = 0 } = stream?.raw ?? {};
  const moves = [shiftDown, toLandmarks].every((move) => typeof move === "number");
  const square = typeof scale === "number" && scale > 0 && moves;
  const given = typeof suspicious === "number" && (calibrated || typeof fake === "number");
  const perHour = told.false_alarms_per_hour;
  return {
    thresholds: given ? { suspicious, fake: calibrated ? null : fake } : THRESHOLDS,
    alarm:
      calibrated && typeof perHour === "number" && perHour > 0
        ? { nats, perHour, extrapolated: told.extrapolated === true }
        : null,
    crop: square ? { scale, shiftDown, toLandmarks } : CROP,
  };
}

/** Which stream to show unasked: the first that is live, else the first.
 * @param {Stream[]} streams @returns {string | null} */
export function choose(streams) {
  const live = streams.find((stream) => stream.sourceState === "live");
  return (live ?? streams[0])?.id ?? null;
}

export class StreamList {
  /** @param {HTMLElement} list */
  constructor(list) {
    this.list = list;
    /** @type {Map<string, HTMLElement>} */
    this.items = new Map();
  }

  /**
   * @param {Stream[]} streams @param {string | null} selected @param {string | null} token
   * @param {boolean} current whether the list is true now: what a lost server said is no state
   */
  render(streams, selected, token, current) {
    const ids = new Set(streams.map((stream) => stream.id));
    for (const [id, item] of this.items) {
      if (!ids.has(id)) this.#remove(id, item);
    }
    for (const stream of streams) {
      const item = this.items.get(stream.id) ?? this.#create(stream.id);
      renderItem(item, stream, stream.id === selected, token);
      renderState(item, stream, current);
    }
  }

  /** @param {string} id */
  #create(id) {
    const item = stamp("stream-item");
    this.items.set(id, item);
    this.list.append(item);
    return item;
  }

  /** @param {string} id @param {HTMLElement} item */
  #remove(id, item) {
    item.remove();
    this.items.delete(id);
  }
}

/** @param {HTMLElement} item @param {Stream} stream @param {boolean} selected @param {string | null} token */
function renderItem(item, stream, selected, token) {
  const link = part("stream-link", item);
  const href = formatRoute({ stream: stream.id, token });
  if (link.getAttribute("href") !== href) link.setAttribute("href", href);
  if (selected) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  setData(item, "streamId", stream.id);
  setText(part("stream-id", item), stream.id);
  setText(part("stream-source", item), stream.source);
}

/** @param {HTMLElement} item @param {Stream} stream @param {boolean} current */
function renderState(item, stream, current) {
  const source = current ? stream.sourceState : "unknown";
  const live = source === "live";
  const state = part("stream-state", item);
  setText(state, stateWords(source));
  setData(state, "state", source);
  // What is thought of a stream's faces only counts while somebody looks.
  const verdict = part("stream-verdict", item);
  setText(verdict, live ? stateWords(stream.state) : "");
  setData(verdict, "state", live ? stream.state : "");
}
