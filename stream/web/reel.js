/**
 * The own camera's last frames, each kept until its message is back: a box is drawn on the very
 * frame that it was computed from. As long as it is not known which frame that is, the newest one
 * is shown, with the boxes moved on by the faces' own motion.
 *
 * @typedef {import("./message.js").Message} Message
 * @typedef {{bitmap: ImageBitmap, mediaTimeS: number, atMs: number}} Frame
 */

import { Motion, USUAL_LAG_MS } from "./motion.js";
import { RtpClock } from "./rtpclock.js";

/** About 1.5 s at 30 fps. Beyond that the oldest goes: its message will not come. */
const MAX_FRAMES = 45;

/** Frames are at least 8 ms apart, and the clocks agree to 1.5 ms. */
const NEAR_MS = 4;

/** Frames wait no longer than this for their messages. On a machine that is slower, the newest
 * frame is shown at once: an own picture that lags a second is worse than a box that was moved. */
const PATIENCE_MS = 800;

/** When frames were taken is kept for longer than they are: 3 s at 30 fps. */
const MAX_TIMES = 90;

export class Reel {
  clock = new RtpClock();
  #motion = new Motion();
  /** @type {Frame[]} */
  #frames = [];
  /** @type {{mediaTimeS: number, atMs: number}[]} */
  #times = [];
  #messageMs = Number.NEGATIVE_INFINITY;
  #waitUntilMs = Number.NEGATIVE_INFINITY;

  /** @param {(frame: Frame, message: Message | null, exact: boolean) => void} show takes the frame's
   * bitmap over; `exact` where the message is that frame's own */
  constructor(show) {
    this.show = show;
  }

  /** Forget the camera, or the connection. */
  reset() {
    this.#drop();
    this.#times = [];
    this.clock.reset();
    this.#motion.reset();
    this.#messageMs = this.#waitUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** @param {Frame} frame @param {number} nowMs */
  addFrame(frame, nowMs) {
    this.#times.push({ mediaTimeS: frame.mediaTimeS, atMs: frame.atMs });
    if (this.#times.length > MAX_TIMES) this.#times.shift();
    if (nowMs < this.#waitUntilMs) {
      this.#frames.push(frame);
      if (this.#frames.length > MAX_FRAMES) this.#frames.shift()?.bitmap.close();
      return;
    }
    this.#drop();
    this.show(frame, this.#motion.at(nowMs), false);
  }

  /** @param {Message} message @param {number} nowMs */
  addMessage(message, nowMs) {
    const steady = nowMs - this.#messageMs < PATIENCE_MS / 2;
    this.#messageMs = nowMs;
    const taken = this.#times[this.#nearest(this.#times, message.rtpTimestamp)];
    this.#motion.add(message, taken?.atMs ?? nowMs - USUAL_LAG_MS);
    const at = this.#nearest(this.#frames, message.rtpTimestamp);
    if (at >= 0) {
      const passed = this.#frames.splice(0, at + 1);
      const found = /** @type {Frame} */ (passed.pop());
      for (const { bitmap } of passed) bitmap.close();
      this.show(found, message, true);
    }
    if (taken && steady && nowMs - taken.atMs < PATIENCE_MS) this.#waitUntilMs = nowMs + PATIENCE_MS;
  }

  /** @param {{mediaTimeS: number}[]} frames @param {number | null} rtp
   * @returns {number} -1 where none is near */
  #nearest(frames, rtp) {
    if (rtp === null) return -1;
    return frames.findIndex(({ mediaTimeS }) => {
      const apart = this.clock.apartMs(mediaTimeS, rtp);
      return apart !== null && Math.abs(apart) <= NEAR_MS;
    });
  }

  #drop() {
    for (const { bitmap } of this.#frames) bitmap.close();
    this.#frames = [];
  }
}
