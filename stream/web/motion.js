/**
 * Where faces are now, from where they were: for a picture that cannot wait for its own message.
 * Pure.
 *
 * @typedef {import("./message.js").Message} Message
 * @typedef {import("./message.js").Face} Face
 */

/** From a frame's capture to its message's arrival, where that cannot be measured: the way there,
 * the network, and the way back, on a machine that keeps up. */
export const USUAL_LAG_MS = 80;

/** Heads turn round: beyond this a box stays where it is. */
const LONGEST_MS = 250;

/** A face moves less than half its own width in the time that is bridged; more is a wrong track. */
const MOST_SIDES = 0.5;

/** No box without news: the face may be gone. */
const FORGET_MS = 1000;

export class Motion {
  /** @type {{message: Message, takenMs: number} | null} */
  #last = null;
  /** Pixels of media time, by track. @type {Map<number, {x: number, y: number}>} */
  #perS = new Map();

  reset() {
    this.#last = null;
    this.#perS.clear();
  }

  /** @param {Message} message @param {number} takenMs when its frame was taken */
  add(message, takenMs) {
    const before = this.#last?.message;
    const passedS = before?.epoch === message.epoch ? message.mediaTimeS - before.mediaTimeS : 0;
    if (passedS < 0) return;
    /** @type {Map<number, {x: number, y: number}>} */
    const perS = new Map();
    for (const face of message.faces) {
      const old = before?.faces.find(({ trackId }) => trackId === face.trackId);
      if (old && passedS > 0) perS.set(face.trackId, this.#speed(face, old, passedS));
    }
    this.#perS = perS;
    this.#last = { message, takenMs };
  }

  /** The newest message with its faces moved to `nowMs`; null without one that is new enough.
   * @param {number} nowMs @returns {Message | null} */
  at(nowMs) {
    if (!this.#last || nowMs - this.#last.takenMs > FORGET_MS) return null;
    const { message, takenMs } = this.#last;
    const aheadS = Math.min(Math.max(0, nowMs - takenMs), LONGEST_MS) / 1000;
    return { ...message, faces: message.faces.map((face) => this.#move(face, aheadS)) };
  }

  /** @param {Face} face @param {Face} old @param {number} passedS */
  #speed(face, old, passedS) {
    const fresh = { x: middle(face, 0) - middle(old, 0), y: middle(face, 1) - middle(old, 1) };
    const known = this.#perS.get(face.trackId);
    // A detector's box trembles by a pixel or two, which thirty a second would make a speed.
    const weight = known ? 0.5 : 1;
    const blend = (/** @type {"x" | "y"} */ key) =>
      weight * (fresh[key] / passedS) + (1 - weight) * (known?.[key] ?? 0);
    return { x: blend("x"), y: blend("y") };
  }

  /** @param {Face} face @param {number} aheadS @returns {Face} */
  #move(face, aheadS) {
    const speed = this.#perS.get(face.trackId) ?? { x: 0, y: 0 };
    const most = MOST_SIDES * (face.box[2] - face.box[0]);
    const dx = Math.max(-most, Math.min(speed.x * aheadS, most));
    const dy = Math.max(-most, Math.min(speed.y * aheadS, most));
    return {
      ...face,
      box: face.box.map((value, index) => value + (index % 2 ? dy : dx)),
      landmarks: face.landmarks.map(([x, y]) => [x + dx, y + dy]),
    };
  }
}

/** @param {Face} face @param {0 | 1} axis */
const middle = (face, axis) => (face.box[axis] + face.box[axis + 2]) / 2;
