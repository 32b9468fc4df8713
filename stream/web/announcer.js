/**
 * What a screen reader is told: changes of state, once each, and never faster than it can speak.
 */

import { setText } from "./dom.js";
import { stateWords } from "./words.js";

const PAUSE_MS = 2000;

export class Announcer {
  #said = "";
  #states = new Map();
  #next = "";
  #lastMs = Number.NEGATIVE_INFINITY;

  /** @param {HTMLElement} region aria-live="polite" */
  constructor(region) {
    this.region = region;
  }

  reset() {
    this.#states.clear();
  }

  /** @param {import("./message.js").Message} message */
  faces(message) {
    const now = new Map(message.faces.map((face) => [face.trackId, face.state]));
    for (const [id, state] of now) {
      if (this.#states.get(id) !== state) this.#next = `Face ${id}: ${stateWords(state)}.`;
    }
    this.#states = now;
  }

  /** The newest change wins; what a slow reader missed is on the cards. @param {string} text */
  say(text) {
    if (text && text !== this.#said) this.#next = text;
    this.#said = text;
  }

  /** @param {number} nowMs */
  render(nowMs) {
    if (!this.#next || nowMs - this.#lastMs < PAUSE_MS) return;
    setText(this.region, this.#next);
    this.#next = "";
    this.#lastMs = nowMs;
  }
}
