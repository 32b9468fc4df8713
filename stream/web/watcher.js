/**
 * One stream watched over WHEP: its pictures, each with the frame that it is.
 */

import { FrameLines, parseLine } from "./framelines.js";
import { ask, connect, end, onGone } from "./signalling.js";

/**
 * @typedef {import("./framelines.js").Line} Line
 * @typedef {object} Handlers
 * @property {(bitmap: ImageBitmap, line: Line) => void} onPicture takes the bitmap over
 * @property {() => void} onLost the connection is gone for good; not called after `close`
 * @property {() => void} onBlind this browser does not tell which picture it shows
 */

/** Snapshots under way. A machine that is slower leaves pictures out. */
const MAX_TAKING = 2;

/** A browser may make up a picture, at the end of a track for one; so many, and it tells of none. */
const MAX_UNTOLD = 5;

export class Watcher {
  /** @type {RTCPeerConnection | null} */
  #peer = null;
  /** @type {import("./signalling.js").Session | null} */
  #session = null;
  #closed = false;
  #taking = 0;
  /** Pictures before the first whose RTP time was told. */
  #untold = 0;
  #taken = Promise.resolve();
  #video = document.createElement("video");
  /** @type {FrameLines<ImageBitmap>} */
  #lines;

  /** @param {string} endpoint @param {string | null} token @param {Handlers} handlers */
  constructor(endpoint, token, handlers) {
    this.endpoint = endpoint;
    this.token = token;
    this.handlers = handlers;
    this.#lines = new FrameLines((bitmap, line) => handlers.onPicture(bitmap, line));
  }

  /** Whether this browser can do it at all. */
  static get possible() {
    const { prototype } = HTMLVideoElement;
    return "RTCPeerConnection" in globalThis && "requestVideoFrameCallback" in prototype;
  }

  /** Connect. @returns {Promise<void>} @throws {import("./signalling.js").Refused} */
  async open() {
    const peer = new RTCPeerConnection({ iceServers: await ask(this.endpoint, this.token) });
    this.#peer = peer;
    if (this.#closed) return this.#leave();
    const { receiver } = peer.addTransceiver("video", { direction: "recvonly" });
    // Pictures are shown when their messages are here, not at an even pace: none need wait for that.
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    const channel = peer.createDataChannel("frames", { ordered: false, maxRetransmits: 0 });
    channel.onmessage = ({ data }) => {
      const line = parseLine(String(data));
      if (line && !this.#closed) this.#lines.addLine(line);
    };
    onGone(peer, () => !this.#closed && this.handlers.onLost());
    this.#play(receiver.track);
    this.#session = await connect(peer, this.endpoint, this.token);
    // Closed while the answer was on its way: the server knows of it, so it must be told.
    if (this.#closed) this.#leave();
  }

  /** End it and tell the server. No handler is called afterwards. */
  close() {
    this.#closed = true;
    this.#lines.reset();
    this.#video.srcObject = null;
    this.#leave();
  }

  #leave() {
    if (this.#session) end(this.#session, this.token);
    this.#session = null;
    this.#peer?.close();
  }

  /** @param {MediaStreamTrack} track */
  #play(track) {
    const video = this.#video;
    video.muted = true;
    video.playsInline = true;
    video.srcObject = new MediaStream([track]);
    video.play().catch(() => {});
    const look = (/** @type {number} */ _, /** @type {any} */ { rtpTimestamp }) => {
      if (this.#closed) return;
      this.#untold = rtpTimestamp === undefined ? this.#untold + 1 : Number.NEGATIVE_INFINITY;
      if (this.#untold >= MAX_UNTOLD) return this.handlers.onBlind();
      video.requestVideoFrameCallback(look);
      if (rtpTimestamp !== undefined && this.#taking < MAX_TAKING) this.#take(rtpTimestamp);
    };
    video.requestVideoFrameCallback(look);
  }

  /** @param {number} rtp */
  #take(rtp) {
    this.#taking++;
    const snapshot = createImageBitmap(this.#video).catch(() => null);
    // One after the other: a snapshot may overtake the one before.
    this.#taken = this.#taken.then(async () => {
      const bitmap = await snapshot;
      this.#taking--;
      if (this.#closed) bitmap?.close();
      else if (bitmap) this.#lines.addPicture(bitmap, rtp);
    });
  }
}
