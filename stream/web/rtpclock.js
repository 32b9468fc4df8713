/**
 * Which RTP timestamp an own frame was sent with. Pure.
 *
 * A browser says when a frame was captured (`mediaTime`) and, in another place, with which RTP
 * timestamp a frame was encoded, but not that both are the same frame. The two clocks tick alike
 * and differ by a constant: every pair of a shown and an encoded frame that were close in time
 * votes for one difference, and the right one gets a vote from each frame. Cameras that keep time
 * so well that a difference that is wrong by whole frames gets as many are told apart by which pair
 * is closest in time.
 */

const TICKS_MS = 90;
const WRAP = 2 ** 32;
const MAX_FRAMES = 24;

/** No frame takes longer from the camera to the encoder's end, or to the screen. */
const NEAR_MS = 400;

/** Differences with nearly as many votes as the first are its equals. */
const EQUAL_SHARE = 0.9;

/** A difference that holds is looked at again after so many frames: it costs a little. */
const AGAIN_FRAMES = 15;

/** Both clocks are rounded to a millisecond on the way. */
const TOLERANCE_MS = 1.5;

/** Votes that a difference needs, and the share of those frames that could vote. With fewer, the
 * first frames, which an encoder is slowest with, decide wrongly. */
const MIN_VOTES = 12;
const MIN_SHARE = 0.6;

/** Difference of two RTP timestamps in ms, across the wrap. @param {number} a @param {number} b */
export function rtpApartMs(a, b) {
  const ticks = (a - b) % WRAP;
  const short = ticks > WRAP / 2 ? ticks - WRAP : ticks < -WRAP / 2 ? ticks + WRAP : ticks;
  return short / TICKS_MS;
}

export class RtpClock {
  /** @type {{rtp: number, atMs: number}[]} */
  #encoded = [];
  /** @type {{mediaMs: number, atMs: number}[]} */
  #shown = [];
  /** Encoded frames since the last election. */
  #since = 0;
  /** The RTP timestamp at media time 0. @type {number | null} */
  #origin = null;

  /** Another camera, or another connection: nothing that was known holds. */
  reset() {
    this.#encoded = [];
    this.#shown = [];
    this.#origin = null;
  }

  /** @param {number} rtp @param {number} atMs when it left the encoder */
  addEncoded(rtp, atMs) {
    this.#encoded.push({ rtp, atMs });
    if (this.#encoded.length > MAX_FRAMES) this.#encoded.shift();
    this.#since++;
    if (this.#encoded.length < MIN_VOTES || (this.set && this.#since < AGAIN_FRAMES)) return;
    this.#since = 0;
    this.#origin = this.#elect();
  }

  /** @param {number} mediaTimeS @param {number} atMs when it was captured, else shown */
  addShown(mediaTimeS, atMs) {
    this.#shown.push({ mediaMs: mediaTimeS * 1000, atMs });
    if (this.#shown.length > 2 * MAX_FRAMES) this.#shown.shift();
  }

  /** How far the frame of `mediaTimeS` is from `rtp`, in ms; null as long as that is not known.
   * @param {number} mediaTimeS @param {number} rtp @returns {number | null} */
  apartMs(mediaTimeS, rtp) {
    if (this.#origin === null) return null;
    return rtpApartMs(this.#origin, rtp) + mediaTimeS * 1000;
  }

  /** Whether both clocks are known to belong together. */
  get set() {
    return this.#origin !== null;
  }

  /** @returns {number | null} */
  #elect() {
    const base = this.#encoded[0].rtp;
    const pairs = this.#encoded.flatMap(({ rtp, atMs }) =>
      this.#shown
        .filter((shown) => Math.abs(shown.atMs - atMs) < NEAR_MS)
        .map((shown) => ({
          difference: rtpApartMs(rtp, base) - shown.mediaMs,
          apart: Math.abs(shown.atMs - atMs),
        })),
    );
    const groups = group(pairs.sort((a, b) => a.difference - b.difference));
    const most = Math.max(0, ...groups.map(({ votes }) => votes));
    if (most < Math.max(MIN_VOTES, MIN_SHARE * this.#encoded.length)) return null;
    const equals = groups.filter(({ votes }) => votes >= EQUAL_SHARE * most);
    const best = equals.reduce((a, b) => (b.apart < a.apart ? b : a));
    return (((base + best.difference * TICKS_MS) % WRAP) + WRAP) % WRAP;
  }
}

/** Neighbours within the tolerance, as one vote for their mean.
 * @param {{difference: number, apart: number}[]} pairs ascending */
function group(pairs) {
  return pairs.map(({ difference }) => {
    const near = pairs.filter((pair) => Math.abs(pair.difference - difference) <= TOLERANCE_MS);
    const mean = (/** @type {"difference" | "apart"} */ key) =>
      near.reduce((sum, pair) => sum + pair[key], 0) / near.length;
    return { difference: mean("difference"), apart: mean("apart"), votes: near.length };
  });
}
