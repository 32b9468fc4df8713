/**
 * The network's 14×14 heat map: from base64 to something that can be drawn, and kept for a moment.
 */

export const SIDE = 14;
const CELLS = SIDE * SIDE;

/**
 * How long a map stays, in media time. The network scores a face about four times a second, so a
 * map drawn only on its very frame would flash; it rides on the face's box and fades instead.
 */
export const HOLD_S = 0.6;

/** The network's crop, for a server that does not say: the shipped weights'. @type {Crop} */
export const CROP = { scale: 0.85, shiftDown: 0.076, toLandmarks: 0.8 };

/** @param {string} base64 @returns {Uint8Array | null} 196 values, or null for anything else */
export function decodeHeatmap(base64) {
  // 196 bytes are 264 characters; a longer text is not even looked at.
  if (base64.length > 264) return null;
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return bytes.length === CELLS ? bytes : null;
  } catch {
    return null;
  }
}

/**
 * RGBA for one map: from clear through violet to yellow. Brightness and opacity both rise with the
 * value, so that it reads without colour vision too.
 * @param {Uint8Array} values @returns {Uint8ClampedArray<ArrayBuffer>}
 */
export function paint(values) {
  const rgba = new Uint8ClampedArray(values.length * 4);
  values.forEach((value, index) => {
    const v = value / 255;
    rgba[index * 4] = 90 + 165 * Math.min(1, v * 1.5);
    rgba[index * 4 + 1] = 20 + 210 * v * v;
    rgba[index * 4 + 2] = 150 * (1 - v) + 40 * v;
    rgba[index * 4 + 3] = 200 * Math.min(1, v * 1.2);
  });
  return rgba;
}

/** @typedef {{scale: number, shiftDown: number, toLandmarks: number}} Crop the side in box sides;
 * how far the crop's centre lies below the box's, in its own sides; and how far sideways, as a share
 * of the way to the landmarks' mean */

/** The square that the network saw.
 * @param {number[]} box x1, y1, x2, y2 @param {number[][]} landmarks none leave it on the box
 * @param {Crop} crop
 * @returns {{x: number, y: number, side: number}} */
export function cropSquare([x1, y1, x2, y2], landmarks, { scale, shiftDown, toLandmarks }) {
  const side = scale * Math.max(x2 - x1, y2 - y1);
  const middle = (x1 + x2) / 2;
  const seen = landmarks.reduce((sum, [x]) => sum + x / landmarks.length, 0);
  const aside = landmarks.length ? toLandmarks * (seen - middle) : 0;
  return { x: middle + aside - side / 2, y: (y1 + y2 - side) / 2 + shiftDown * side, side };
}

/** The newest map of each face, as long as it holds. */
export class HeatmapMemory {
  /** @type {Map<number, {epoch: number, t: number, values: Uint8Array}>} */
  #maps = new Map();

  clear() {
    this.#maps.clear();
  }

  /** @param {import("./message.js").Message} message */
  add(message) {
    const { epoch, mediaTimeS: t } = message;
    for (const [id, map] of this.#maps) {
      if (map.epoch !== epoch || t - map.t > HOLD_S) this.#maps.delete(id);
    }
    for (const face of message.faces) {
      const values = face.heatmap === null ? null : decodeHeatmap(face.heatmap);
      if (values) this.#maps.set(face.trackId, { epoch, t, values });
    }
  }

  /**
   * @param {number} trackId @param {number} epoch @param {number} t media time of the frame drawn
   * @returns {{values: Uint8Array, strength: number} | null} strength 1 fresh … 0 gone
   */
  at(trackId, epoch, t) {
    const map = this.#maps.get(trackId);
    if (!map || map.epoch !== epoch || t < map.t) return null;
    const strength = 1 - (t - map.t) / HOLD_S;
    return strength > 0 ? { values: map.values, strength } : null;
  }
}
