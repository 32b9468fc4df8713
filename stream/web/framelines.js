/**
 * Which frame each picture is that comes over WHEP: the server tells on a data channel, by RTP time.
 * Either may be there first, and a line may be lost. Pure.
 *
 * @typedef {{rtp: number, frameSeq: number, mediaTimeS: number}} Line
 */

import { rtpApartMs } from "./rtpclock.js";

/** Clocks of 90 kHz are rounded on their way through a browser: one tick off, and an exact match
 * would lose a third of the pictures. */
const NEAR_MS = 1;

/** Lines kept: eight seconds at 15 pictures a second. */
const MAX_LINES = 120;

/** Pictures that wait for a line. It is sent before its picture: more have lost theirs. */
const MAX_WAITING = 3;

/** @param {string} text a message of the channel @returns {Line | null} null for anything else */
export function parseLine(text) {
  try {
    const { rtp_timestamp: rtp, frame_seq: frameSeq, media_time_s: mediaTimeS } = JSON.parse(text);
    return [rtp, frameSeq, mediaTimeS].every(Number.isFinite) ? { rtp, frameSeq, mediaTimeS } : null;
  } catch {
    return null;
  }
}

/** @template {{close: () => void}} T what is closed when it will never be shown */
export class FrameLines {
  /** @type {Line[]} */
  #lines = [];
  /** @type {{rtp: number, picture: T}[]} */
  #waiting = [];

  /** @param {(picture: T, line: Line) => void} give takes the picture over, in the order of sending */
  constructor(give) {
    this.give = give;
  }

  /** @param {Line} line */
  addLine(line) {
    this.#lines.push(line);
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
    const at = this.#waiting.findIndex(({ rtp }) => near(rtp, line.rtp));
    if (at < 0) return;
    const passed = this.#waiting.splice(0, at + 1);
    const found = /** @type {{picture: T}} */ (passed.pop());
    for (const { picture } of passed) picture.close();
    this.give(found.picture, line);
  }

  /** @param {T} picture @param {number} rtp */
  addPicture(picture, rtp) {
    const line = this.#lines.findLast((one) => near(one.rtp, rtp));
    if (line) {
      this.reset();
      this.give(picture, line);
      return;
    }
    this.#waiting.push({ rtp, picture });
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift()?.picture.close();
  }

  /** Let the pictures go that still wait. */
  reset() {
    for (const { picture } of this.#waiting) picture.close();
    this.#waiting = [];
  }
}

/** @param {number} a @param {number} b */
const near = (a, b) => Math.abs(rtpApartMs(a, b)) <= NEAR_MS;
