/**
 * Which picture is shown, and with which boxes: a box is only ever drawn on the frame that it
 * belongs to. Pure: time comes in as milliseconds.
 *
 * Pictures and messages travel on two sockets and meet here by `frame_seq`. The newest complete
 * pair wins. A picture without its message is passed over while messages for others keep coming
 * (the analyzer looked at another frame: showing it bare would only make the boxes flicker), and
 * is shown bare once none has come for `patience`, so that the video never waits for the analyzer.
 *
 * @typedef {import("./message.js").Message} Message
 * @typedef {{frameSeq: number, mediaTimeUs: number, arrivedMs: number, jpeg?: Uint8Array<ArrayBuffer>, bitmap?: ImageBitmap}} Picture
 * `jpeg` is still to be decoded, `bitmap` is closed when it will not be shown
 * @typedef {{picture: Picture, message: Message | null}} Shown
 */

const HEADER_BYTES = 16;

/** Pictures kept: about 2 s at 15 fps, a few MiB of JPEG. Beyond that the oldest goes. */
const MAX_PICTURES = 30;
const MAX_MESSAGES = 60;

/** Bounds of `patience`: shorter flickers at 8 analysed frames a second, longer feels frozen. */
const MIN_PATIENCE_MS = 250;
const MAX_PATIENCE_MS = 1000;

/** Both ends round the same media time; a difference means that the counter was started anew. */
const MEDIA_TIME_TOLERANCE_S = 0.002;

/**
 * @param {ArrayBuffer} data 8 bytes frame_seq, 8 bytes media time in µs (big endian), then JPEG
 * @param {number} arrivedMs
 * @returns {Picture | null} null for anything else
 */
export function parsePicture(data, arrivedMs) {
  if (data.byteLength <= HEADER_BYTES) return null;
  const view = new DataView(data);
  const jpeg = new Uint8Array(data, HEADER_BYTES);
  if (jpeg[0] !== 0xff || jpeg[1] !== 0xd8) return null;
  return {
    frameSeq: Number(view.getBigUint64(0)),
    mediaTimeUs: Number(view.getBigInt64(8)),
    jpeg,
    arrivedMs,
  };
}

/** @param {Picture} picture @param {Message} message */
export function belong(picture, message) {
  const apart = Math.abs(picture.mediaTimeUs / 1e6 - message.mediaTimeS);
  return picture.frameSeq === message.frameSeq && apart < MEDIA_TIME_TOLERANCE_S;
}

/** Pairs pictures and messages of one stream. Bounded: oldest out first. */
export class FrameMatcher {
  /** @type {Map<number, Picture>} */
  pictures = new Map();
  /** @type {Map<number, Message>} */
  messages = new Map();
  shownSeq = -1;
  lastPictureSeq = -1;
  lastMessageSeq = -1;
  lastMessageMs = Number.NEGATIVE_INFINITY;
  messageGapMs = 0;
  lagMs = 0;
  /** When each recent picture arrived, shown or not: how far messages lag behind pictures. */
  #arrivals = /** @type {Map<number, number>} */ (new Map());

  /** Forget everything: another stream, or a server that counts from the start again. */
  reset() {
    for (const key of this.pictures.keys()) this.#drop(key);
    this.messages.clear();
    this.#arrivals.clear();
    this.shownSeq = -1;
    this.lastPictureSeq = -1;
    this.lastMessageSeq = -1;
    this.lastMessageMs = Number.NEGATIVE_INFINITY;
    this.messageGapMs = 0;
    this.lagMs = 0;
  }

  /** @param {Picture} picture */
  addPicture(picture) {
    if (picture.frameSeq < this.lastPictureSeq) this.reset();
    this.lastPictureSeq = picture.frameSeq;
    if (picture.frameSeq <= this.shownSeq) return;
    this.#arrivals.set(picture.frameSeq, picture.arrivedMs);
    dropOldest(this.#arrivals, MAX_MESSAGES);
    this.pictures.set(picture.frameSeq, picture);
    const [oldest] = this.pictures.keys();
    if (this.pictures.size > MAX_PICTURES) this.#drop(oldest);
  }

  /** @param {Message} message @param {number} nowMs */
  addMessage(message, nowMs) {
    if (message.frameSeq < this.lastMessageSeq) this.reset();
    const gap = Math.min(nowMs - this.lastMessageMs, MAX_PATIENCE_MS);
    this.messageGapMs = blend(this.messageGapMs, gap);
    const arrived = this.#arrivals.get(message.frameSeq);
    if (arrived !== undefined) this.lagMs = blend(this.lagMs, nowMs - arrived);
    this.lastMessageSeq = message.frameSeq;
    this.lastMessageMs = nowMs;
    if (message.frameSeq < this.shownSeq) return;
    this.messages.set(message.frameSeq, message);
    dropOldest(this.messages, MAX_MESSAGES);
  }

  /** How long a picture waits for its message: grows with the analyzer's own pace and delay. */
  get patienceMs() {
    const wanted = Math.max(2 * this.messageGapMs, 1.5 * this.lagMs);
    return Math.min(Math.max(wanted, MIN_PATIENCE_MS), MAX_PATIENCE_MS);
  }

  /**
   * What to show now, newest first; null when what is there should wait or is on show already.
   * @param {number} nowMs
   * @returns {Shown | null}
   */
  next(nowMs) {
    const shown = this.#newestPair() ?? this.#newestOverdue(nowMs);
    if (shown) this.#forgetUpTo(shown.picture.frameSeq);
    return shown;
  }

  /** Milliseconds until `next` may give a bare picture; null when none waits.
   * @param {number} nowMs */
  waitMs(nowMs) {
    const first = this.pictures.values().next().value;
    return first ? Math.max(0, first.arrivedMs + this.patienceMs - nowMs) : null;
  }

  /** The message for a picture that is on show without one, if it came late after all.
   * @param {Picture} picture @returns {Message | null} */
  late(picture) {
    const message = this.messages.get(picture.frameSeq);
    return message && belong(picture, message) ? message : null;
  }

  /** @returns {Shown | null} */
  #newestPair() {
    /** @type {Shown | null} */
    let best = null;
    for (const picture of this.pictures.values()) {
      const message = this.messages.get(picture.frameSeq);
      if (message && belong(picture, message)) best = { picture, message };
    }
    return best;
  }

  /** @param {number} nowMs @returns {Shown | null} */
  #newestOverdue(nowMs) {
    // Once messages have stopped, no picture has anything to wait for.
    const silent = nowMs - this.lastMessageMs >= this.patienceMs;
    /** @type {Shown | null} */
    let best = null;
    for (const picture of this.pictures.values()) {
      const overdue = nowMs - picture.arrivedMs >= this.patienceMs;
      if (silent || overdue) best = { picture, message: null };
    }
    return best;
  }

  /** @param {number} seq */
  #drop(seq) {
    this.pictures.get(seq)?.bitmap?.close();
    this.pictures.delete(seq);
  }

  /** @param {number} seq */
  #forgetUpTo(seq) {
    this.shownSeq = seq;
    this.pictures.delete(seq);
    for (const key of this.pictures.keys()) if (key < seq) this.#drop(key);
    // The shown frame's own place stays open for a late message.
    for (const key of this.messages.keys()) if (key < seq) this.messages.delete(key);
  }
}

/** A running mean over about five values; the first one counts whole.
 * @param {number} mean @param {number} value */
const blend = (mean, value) => (mean === 0 ? value : 0.8 * mean + 0.2 * value);

/** @template T @param {Map<number, T>} map @param {number} limit */
function dropOldest(map, limit) {
  // A Map iterates in order of insertion, and each socket delivers in order.
  for (const key of map.keys()) {
    if (map.size <= limit) return;
    map.delete(key);
  }
}
