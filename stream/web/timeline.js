/**
 * The memory behind the score timelines: what was said of each face over the last minute of media
 * time. Pure.
 *
 * @typedef {import("./message.js").Message} Message
 * @typedef {import("./message.js").Face} Face
 * @typedef {{t: number, state: string, rolling: number | null, frame: number | null, since: number | null}} Point
 * `since`: when the swap was switched on, on the same axis as `t`
 */

export const SPAN_S = 60;

/** Points closer than this are merged: 15 a second is more than a card has pixels for. */
const MERGE_S = 1 / 15;
const MAX_POINTS = SPAN_S * 20;
const MAX_TRACKS = 64;

/** A face unseen for longer than this leaves a gap in its line. */
const GAP_S = 1.0;

/**
 * One axis for all epochs. Media time starts again at a reconnect or a loop; here it runs on, the
 * outage included, and each new start is remembered as a break.
 */
export class MediaAxis {
  #epoch = Number.NaN;
  #lastMedia = 0;
  #offset = 0;
  #lastArrivalMs = 0;
  now = 0;
  /** @type {number[]} */
  breaks = [];

  /** @param {number} epoch @param {number} mediaTimeS @param {number} arrivedMs */
  place(epoch, mediaTimeS, arrivedMs) {
    if (epoch !== this.#epoch || mediaTimeS < this.#lastMedia) {
      this.#begin(mediaTimeS, arrivedMs);
    }
    this.#epoch = epoch;
    this.#lastMedia = mediaTimeS;
    this.#lastArrivalMs = arrivedMs;
    this.now = mediaTimeS + this.#offset;
    return this.now;
  }

  /** @param {number} mediaTimeS @param {number} arrivedMs */
  #begin(mediaTimeS, arrivedMs) {
    const first = Number.isNaN(this.#epoch);
    const outage = (arrivedMs - this.#lastArrivalMs) / 1000;
    const start = first ? 0 : this.now + Math.min(Math.max(outage, 0.1), SPAN_S);
    this.#offset = start - mediaTimeS;
    if (first) return;
    this.breaks.push(start);
    this.breaks = this.breaks.filter((at) => at > start - SPAN_S);
  }
}

/** The points of every face, oldest out first; tracks unseen for a whole span are forgotten. */
export class Histories {
  axis = new MediaAxis();
  /** @type {Map<number, Point[]>} */
  #tracks = new Map();

  /** @param {Message} message @param {number} arrivedMs */
  add(message, arrivedMs) {
    const t = this.axis.place(message.epoch, message.mediaTimeS, arrivedMs);
    for (const face of message.faces) this.#append(face, t, t - message.mediaTimeS);
    for (const [id, points] of this.#tracks) {
      const newest = points[points.length - 1];
      if (newest.t < t - SPAN_S || this.#tracks.size > MAX_TRACKS) this.#tracks.delete(id);
    }
  }

  /** @param {number} trackId @returns {readonly Point[]} */
  points(trackId) {
    return this.#tracks.get(trackId) ?? [];
  }

  /** @param {Face} face @param {number} t @param {number} offset of the axis against media time */
  #append(face, t, offset) {
    const points = this.#tracks.get(face.trackId) ?? [];
    this.#tracks.delete(face.trackId);
    this.#tracks.set(face.trackId, points);
    const since = face.fakeSinceS === null ? null : face.fakeSinceS + offset;
    const { state, probability: rolling, frameProbability: frame } = face;
    const point = { t, state, rolling, frame, since };
    const before = points[points.length - 1];
    if (before && point.t - before.t < MERGE_S && point.state === before.state) {
      // A single frame's score is rare and stays; between two without one, the newer wins.
      if (before.frame !== null && point.frame === null) return;
      if (before.frame === null) points.pop();
    }
    points.push(point);
    const first = points.findIndex((item) => item.t >= t - SPAN_S);
    points.splice(0, Math.max(first, points.length - MAX_POINTS));
  }
}

/** Whether the rolling score stands for anything at this point. @param {Point} point */
const decided = (point) => point.rolling !== null && point.state !== "undecided";

/**
 * The stretches over which one line may be drawn: decided, without a gap, within one epoch.
 * @param {readonly Point[]} points @param {readonly number[]} breaks
 * @returns {Point[][]}
 */
export function segments(points, breaks) {
  return split(points, breaks, decided);
}

/**
 * The stretches in which the face was seen but nothing could be said, as [from, to].
 * @param {readonly Point[]} points @param {readonly number[]} breaks
 * @returns {[number, number][]}
 */
export function undecided(points, breaks) {
  return split(points, breaks, (point) => !decided(point)).map((run) => [
    run[0].t,
    run[run.length - 1].t,
  ]);
}

/**
 * The stretches over which an alarm stood, as [since, from, to]: when the swap was switched on as far
 * as the evidence told in the end, when the alarm came, and when it went.
 * @param {readonly Point[]} points @param {readonly number[]} breaks
 * @returns {[number, number, number][]}
 */
export function alarms(points, breaks) {
  return split(points, breaks, (point) => point.state === "fake").map((run) => {
    const { since, t } = run[run.length - 1];
    return [since ?? run[0].t, run[0].t, t];
  });
}

/**
 * @param {readonly Point[]} points @param {readonly number[]} breaks
 * @param {(point: Point) => boolean} wanted
 */
function split(points, breaks, wanted) {
  /** @type {Point[][]} */
  const runs = [];
  points.forEach((point, index) => {
    if (!wanted(point)) return;
    const before = points[index - 1];
    const joins = before && wanted(before) && point.t - before.t <= GAP_S;
    const broken = joins && breaks.some((at) => at > before.t && at <= point.t);
    if (!joins || broken) runs.push([]);
    runs[runs.length - 1].push(point);
  });
  return runs;
}
