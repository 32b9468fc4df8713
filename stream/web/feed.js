/**
 * The pictures of one stream: over WebRTC where that works, and until it does as JPEG over a socket.
 */

import { ReconnectingSocket, backoffMs } from "./connection.js";
import { socketUrl, videoPath, whepPath } from "./route.js";
import { Refused } from "./signalling.js";
import { Watcher } from "./watcher.js";

/** Refusals that waiting does not heal; 405 and 501 are from servers without WebRTC. */
const FINAL = new Set([400, 401, 403, 404, 405, 415, 422, 501]);

/** A way on which no picture ever came is not tried often: something between lets none through. */
const BLOCKED_MS = 60_000;

/** Pictures come with their messages: so much later, they have stopped. */
const SILENT_MS = 3000;

export class PictureFeed {
  /** @type {ReconnectingSocket | null} */
  #socket = null;
  /** @type {Watcher | null} */
  #watcher = null;
  #closed = false;
  #attempt = 0;
  #pictureMs = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {string} id @param {string | null} token @param {import("./player.js").Player} player */
  constructor(id, token, player) {
    this.id = id;
    this.token = token;
    this.player = player;
    this.#openSocket();
    this.#watch();
  }

  /** Stop for good. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#closeSocket();
  }

  /** Renew a line that looks open but brings nothing. */
  restart() {
    this.#socket?.restart();
  }

  /** Leave a connection that holds and brings nothing. @param {number} nowMs
   * @param {boolean} fresh whether messages come */
  check(nowMs, fresh) {
    const silent = !this.#socket && nowMs - this.#pictureMs > SILENT_MS;
    if (silent && fresh && this.#watcher) this.#lost(this.#watcher);
  }

  #openSocket() {
    this.#socket ??= new ReconnectingSocket(socketUrl(document.baseURI, videoPath(this.id)), this.token, {
      onData: (data) => {
        if (data instanceof ArrayBuffer) this.player.addPicture(data, performance.now());
      },
      onState: () => {},
    });
  }

  #closeSocket() {
    this.#socket?.close();
    this.#socket = null;
  }

  async #watch() {
    if (!Watcher.possible) return;
    const endpoint = new URL(whepPath(this.id), document.baseURI).href;
    /** @type {Watcher} */
    const watcher = new Watcher(endpoint, this.token, {
      onPicture: (bitmap, line) => this.#show(bitmap, line),
      onLost: () => this.#lost(watcher),
      onBlind: () => this.#fallBack(watcher),
    });
    this.#watcher = watcher;
    this.#pictureMs = 0;
    try {
      await watcher.open();
    } catch (error) {
      if (error instanceof Refused && !FINAL.has(error.status)) this.#again(watcher, error.retryS);
      else this.#fallBack(watcher);
    }
  }

  /** @param {ImageBitmap} bitmap @param {import("./framelines.js").Line} line */
  #show(bitmap, { frameSeq, mediaTimeS }) {
    this.#closeSocket();
    this.#attempt = 0;
    this.#pictureMs = performance.now();
    this.player.addBitmap({ frameSeq, mediaTimeUs: mediaTimeS * 1e6, bitmap, arrivedMs: this.#pictureMs });
  }

  /** @param {Watcher} watcher */
  #lost(watcher) {
    this.#again(watcher, this.#pictureMs ? null : BLOCKED_MS / 1000);
  }

  /** @param {Watcher} watcher @param {number | null} retryS */
  #again(watcher, retryS) {
    if (!this.#fallBack(watcher)) return;
    const pause = retryS === null ? backoffMs(this.#attempt++) : retryS * 1000;
    this.#timer = setTimeout(() => this.#watch(), pause);
  }

  /** @param {Watcher} watcher @returns {boolean} whether it was the one that counts */
  #fallBack(watcher) {
    watcher.close();
    if (this.#closed || watcher !== this.#watcher) return false;
    this.#watcher = null;
    this.#openSocket();
    return true;
  }
}
