/**
 * The visitor's own camera: opened, sent, and brought back when a line or a server was lost.
 *
 * @typedef {"idle" | "opening" | "connecting" | "live" | "waiting"} State
 */

import { cameraWords, openCamera } from "./camera.js";
import { backoffMs } from "./connection.js";
import { Publisher } from "./publisher.js";
import { Reel } from "./reel.js";
import { Refused } from "./signalling.js";

/** With fewer letters, two visitors' names could meet. */
const ID_BYTES = 5;

/** Refusals that waiting does not heal. */
const FINAL = new Set([400, 401, 403, 413, 415, 422]);

/** @returns {string} a stream id that nobody else has */
export function newStreamId() {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return `me-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export class OwnCamera {
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** @type {Publisher | null} */
  #publisher = null;
  /** What may publish. @type {string | null} */
  #allowed = null;
  #attempt = 0;
  #run = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {State} */
  state = "idle";
  /** What the visitor should know; "" when all is well. */
  words = "";
  /** The stream that is published, while there is one. @type {string | null} */
  id = null;
  /** What reads it. @type {string | null} */
  token = null;

  /**
   * @param {(id: string) => string} endpointOf
   * @param {HTMLVideoElement} video never seen: it plays the camera, frame by frame
   * @param {Reel} reel
   * @param {() => void} onChange of anything that is told here
   */
  constructor(endpointOf, video, reel, onChange) {
    this.endpointOf = endpointOf;
    this.video = video;
    this.reel = reel;
    this.onChange = onChange;
  }

  /** Which camera it is. @returns {string | null} */
  get deviceId() {
    return this.#track?.getSettings().deviceId ?? null;
  }

  /** Open a camera and publish it; another one that runs is ended first.
   * @param {string | null} deviceId @param {string | null} token that may publish */
  async start(deviceId, token) {
    this.stop();
    const run = this.#run;
    this.#tell("opening", "Waiting for the camera. The browser may ask you.");
    let track;
    try {
      track = await openCamera(deviceId);
    } catch (error) {
      if (run === this.#run) this.#tell("idle", cameraWords(/** @type {Error} */ (error)));
      return;
    }
    if (run !== this.#run) return track.stop();
    this.#track = track;
    this.#allowed = token;
    track.addEventListener("ended", () => {
      if (run === this.#run) this.stop("The camera was unplugged or taken away.");
    });
    this.#play(track, run);
    await this.#publish(track, run);
  }

  /** The server is there and does not list the stream: it was started anew, and has no connection
   * to lose. The browser would go on sending for half a minute. */
  missed() {
    if (this.state !== "live" || !this.#track) return;
    this.#again(this.#track, this.#run, "The server has ended this stream.");
  }

  /** Let the camera go. @param {string} [words] why, if the visitor did not ask for it */
  stop(words = "") {
    this.#run++;
    this.#attempt = 0;
    clearTimeout(this.#timer);
    this.#hangUp();
    this.#track?.stop();
    this.#track = null;
    this.video.srcObject = null;
    this.reel.reset();
    this.#tell("idle", words);
  }

  #hangUp() {
    this.#publisher?.close();
    this.#publisher = null;
    this.id = this.token = null;
  }

  /** @param {MediaStreamTrack} track @param {number} run */
  async #publish(track, run) {
    // A new name each time: the server may not have noticed yet that the last one has gone.
    const id = newStreamId();
    this.#tell("connecting", "Connecting.");
    const publisher = new Publisher(this.endpointOf(id), this.#allowed, {
      onEncoded: (rtp, atMs) => this.reel.clock.addEncoded(rtp, atMs - performance.timeOrigin),
      onLost: () => run === this.#run && this.#again(track, run, "The connection was lost."),
    });
    this.#publisher = publisher;
    try {
      const viewer = await publisher.publish(track);
      if (run !== this.#run) return;
      this.id = id;
      this.token = viewer;
      this.#attempt = 0;
      this.#tell("live", "");
    } catch (error) {
      if (run !== this.#run) return;
      const refused = error instanceof Refused ? error : null;
      const why = refused?.message ?? "The browser and the server found no common ground.";
      if (refused && FINAL.has(refused.status)) return this.stop(why);
      this.#again(track, run, why, refused?.retryS ?? null);
    }
  }

  /** @param {MediaStreamTrack} track @param {number} run
   * @param {string} why @param {number | null} [retryS] */
  #again(track, run, why, retryS = null) {
    this.#hangUp();
    this.reel.reset();
    const pause = retryS === null ? backoffMs(this.#attempt++) : retryS * 1000;
    const when = retryS === null ? "Trying again." : `Trying again in ${retryS} s.`;
    this.#tell("waiting", `${why.replace(/[.!]?$/, ".")} ${when}`);
    this.#timer = setTimeout(() => this.#publish(track, run), pause);
  }

  /** @param {MediaStreamTrack} track @param {number} run */
  #play(track, run) {
    const { video, reel } = this;
    video.srcObject = new MediaStream([track]);
    video.play().catch(() => {});
    const look = async (/** @type {number} */ now, /** @type {any} */ { mediaTime, captureTime }) => {
      if (run !== this.#run) return;
      video.requestVideoFrameCallback(look);
      reel.clock.addShown(mediaTime, captureTime ?? now);
      const bitmap = await createImageBitmap(video).catch(() => null);
      if (!bitmap) return;
      if (run !== this.#run) return bitmap.close();
      reel.addFrame({ bitmap, mediaTimeS: mediaTime, atMs: now }, performance.now());
    };
    video.requestVideoFrameCallback(look);
  }

  /** @param {State} state @param {string} words */
  #tell(state, words) {
    this.state = state;
    this.words = words;
    this.onChange();
  }
}
