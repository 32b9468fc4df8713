/**
 * One track on its way to the server over WHIP, until either end has had enough.
 */

import { ask, connect, end, onGone } from "./signalling.js";

/**
 * @typedef {object} Handlers
 * @property {(rtp: number, atMs: number) => void} [onEncoded] each frame's RTP timestamp, where the
 * browser tells; `atMs` by `performance.timeOrigin`'s clock
 * @property {(text: string) => void} [onScores] each overlay message, over a data channel
 * @property {() => void} onLost the connection is gone for good; not called after `close`
 */

export class Publisher {
  /** @type {RTCPeerConnection | null} */
  #peer = null;
  /** @type {import("./signalling.js").Session | null} */
  #session = null;
  /** @type {Worker | null} */
  #stamper = null;
  #closed = false;

  /** @param {string} endpoint @param {string | null} token @param {Handlers} handlers */
  constructor(endpoint, token, handlers) {
    this.endpoint = endpoint;
    this.token = token;
    this.handlers = handlers;
  }

  /** Send `track`; gives the token that reads its scores, or null where none is needed.
   * @param {MediaStreamTrack} track @returns {Promise<string | null>}
   * @throws {import("./signalling.js").Refused} */
  async publish(track) {
    const peer = new RTCPeerConnection({ iceServers: await ask(this.endpoint, this.token) });
    this.#peer = peer;
    const { sender } = peer.addTransceiver(track, { direction: "sendonly" });
    this.#stamp(sender);
    if (this.handlers.onScores) this.#listen(peer, this.handlers.onScores);
    onGone(peer, () => !this.#closed && this.handlers.onLost());
    this.#session = await connect(peer, this.endpoint, this.token);
    // Closed while the answer was on its way: the server knows of it, so it must be told.
    if (this.#closed) this.#leave();
    return this.#session?.viewerToken ?? null;
  }

  /** End it and tell the server. No handler is called afterwards. */
  close() {
    this.#closed = true;
    this.#stamper?.terminate();
    this.#leave();
  }

  #leave() {
    if (this.#session) end(this.#session, this.token);
    this.#session = null;
    this.#peer?.close();
  }

  /** @param {RTCRtpSender} sender */
  #stamp(sender) {
    const { onEncoded } = this.handlers;
    const Transform = /** @type {any} */ (globalThis).RTCRtpScriptTransform;
    if (!onEncoded || !Transform || !("transform" in sender)) return;
    try {
      // Of another origin than the page's it is refused; then frames are not told apart.
      this.#stamper = new Worker(new URL("./stamper.js", import.meta.url), { type: "module" });
      this.#stamper.onmessage = ({ data }) => onEncoded(data.rtp, data.atMs);
      sender.transform = new Transform(this.#stamper, {});
    } catch {
      this.#stamper = null;
    }
  }

  /** @param {RTCPeerConnection} peer @param {(text: string) => void} onScores */
  #listen(peer, onScores) {
    const channel = peer.createDataChannel("scores", { ordered: false, maxRetransmits: 0 });
    channel.onmessage = ({ data }) => onScores(String(data));
  }
}
