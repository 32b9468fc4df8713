/**
 * One card for each face: what is thought of it, why, how old that is, and its score over time.
 */

import { drawChart } from "./chart.js";
import { part, setData, setIcon, setItems, setText, stamp } from "./dom.js";
import { age, note, percent, reasonWords, stateWords } from "./words.js";

/**
 * @typedef {import("./message.js").Face} Face
 * @typedef {import("./message.js").Message} Message
 * @typedef {import("./timeline.js").Histories} Histories
 * @typedef {ReturnType<typeof import("./streams.js").scoringOf>} Scoring
 * @typedef {{element: HTMLElement, face: Face, seenMs: number, present: boolean}} Card
 */

/** How long a card outlives its face: long enough to read, short enough not to mislead. */
const KEEP_MS = 6000;

/** Beyond this age the number on the card is history. */
const OLD_EVIDENCE_MS = 2000;

export class Cards {
  /** @type {Map<number, Card>} */
  #cards = new Map();

  /** @param {HTMLElement} list @param {HTMLElement} empty shown while there is no card */
  constructor(list, empty) {
    this.list = list;
    this.empty = empty;
  }

  reset() {
    this.#cards.clear();
    this.list.replaceChildren();
    this.empty.hidden = false;
  }

  /** Take note; the screen changes at the next `render`. @param {Message} message @param {number} nowMs */
  update(message, nowMs) {
    for (const card of this.#cards.values()) card.present = false;
    for (const face of message.faces) {
      const card = this.#cards.get(face.trackId) ?? this.#create(face);
      card.face = face;
      card.seenMs = nowMs;
      card.present = true;
    }
  }

  /**
   * @param {number} nowMs
   * @param {Histories} histories
   * @param {{now: number, breaks: readonly number[]}} axis
   * @param {Scoring} scoring
   */
  render(nowMs, histories, axis, scoring) {
    for (const [id, card] of this.#cards) {
      const gone = !card.present && nowMs - card.seenMs > KEEP_MS;
      if (gone) this.#remove(id, card);
      else renderCard(card, nowMs, histories, axis, scoring);
    }
    this.empty.hidden = this.#cards.size > 0;
  }

  /** @param {Face} face @returns {Card} */
  #create(face) {
    const element = stamp("face-card");
    const card = { element, face, seenMs: 0, present: true };
    setData(element, "trackId", String(face.trackId));
    setText(part("face-name", element), `Face ${face.trackId}`);
    // In order of id: a card that jumped to the top at each change could not be read.
    const later = [...this.#cards.entries()].filter(([id]) => id > face.trackId);
    const next = later.sort(([a], [b]) => a - b)[0]?.[1].element ?? null;
    this.list.insertBefore(element, next);
    this.#cards.set(face.trackId, card);
    return card;
  }

  /** @param {number} id @param {Card} card */
  #remove(id, card) {
    card.element.remove();
    this.#cards.delete(id);
  }
}

/**
 * @param {Card} card @param {number} nowMs @param {Histories} histories
 * @param {{now: number, breaks: readonly number[]}} axis @param {Scoring} scoring
 */
function renderCard({ element, face, seenMs, present }, nowMs, histories, axis, scoring) {
  const since = nowMs - seenMs;
  const evidence = face.evidenceAgeMs === null ? null : face.evidenceAgeMs + since;
  setData(element, "state", face.state);
  setData(element, "present", String(present));
  setData(element, "probability", face.probability === null ? "" : String(face.probability));
  setIcon(part("face-icon", element), face.state);
  setText(part("face-state", element), stateWords(face.state));
  setText(part("face-score", element), percent(face.probability));
  setText(part("face-note", element), note(face));
  setItems(part("face-reasons", element), reasons(face, present, since));
  renderFacts(element, face, evidence);
  renderAlarm(element, face, scoring.alarm);
  const points = histories.points(face.trackId);
  const chart = part("face-chart", element);
  drawChart(chart, points, axis, scoring.thresholds);
  const span = points.length > 0 ? points[points.length - 1].t - points[0].t : 0;
  setData(chart, "spanS", span.toFixed(1));
}

/** @param {Face} face @param {boolean} present @param {number} since */
function reasons(face, present, since) {
  // Long abstention has a sentence of its own.
  const words = face.reasons.filter((reason) => reason !== "long_undecided").map(reasonWords);
  return present ? words : [`Not in the picture for ${age(since)}`, ...words];
}

/** @param {HTMLElement} element @param {Face} face @param {number | null} evidence */
function renderFacts(element, face, evidence) {
  const meter = part("face-quality", element);
  if (meter.value !== face.quality) meter.value = face.quality;
  setText(part("face-quality-text", element), `${Math.round(face.quality * 100)} %`);
  setText(part("face-samples", element), String(face.samples));
  const shown = part("face-evidence-age", element);
  setText(shown, age(evidence));
  setData(shown, "ms", evidence === null ? "" : String(Math.round(evidence)));
  setData(shown, "old", String(evidence !== null && evidence > OLD_EVIDENCE_MS));
}

/** How much of what an alarm takes has come together; nothing for weights that cannot say.
 * @param {HTMLElement} element @param {Face} face @param {Scoring["alarm"]} alarm */
function renderAlarm(element, face, alarm) {
  const known = alarm !== null && face.evidenceNats !== null;
  part("face-alarm", element).hidden = !known;
  if (!known) return;
  const share = Math.min(1, (face.evidenceNats ?? 0) / alarm.nats);
  const meter = part("face-alarm-meter", element);
  if (meter.value !== share) meter.value = share;
  setText(part("face-alarm-text", element), `${Math.round(share * 100)} %`);
}
