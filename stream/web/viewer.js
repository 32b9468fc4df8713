/**
 * One stream on show: its scores, its pictures, and what they feed. Choosing another stream, or another
 * token, opens it anew; nothing of the last one stays.
 */

import { ReconnectingSocket } from "./connection.js";
import { PictureFeed } from "./feed.js";
import { UnreadableMessage, parseMessage } from "./message.js";
import { scoresPath, socketUrl } from "./route.js";
import { Histories } from "./timeline.js";

/**
 * @typedef {import("./message.js").Message} Message
 * @typedef {import("./player.js").Player} Player
 * @typedef {import("./cards.js").Cards} Cards
 * @typedef {import("./announcer.js").Announcer} Announcer
 */

/** Pictures that the page has already, as those of its own camera: they only need their messages.
 * @typedef {{addMessage: (message: Message, nowMs: number) => void}} Pictures */

/** A socket that is open but silent for so long, while its source is live, is made anew. */
const SILENT_MS = 10000;

/** Messages that came within this still come. */
const FRESH_MS = 1000;

export class Viewer {
  /** @type {ReconnectingSocket | null} */
  #scores = null;
  /** @type {PictureFeed | null} */
  #video = null;
  /** @type {string | null} */
  #id = null;
  /** @type {string | null} */
  #token = null;
  /** @type {Pictures | null} */
  #pictures = null;
  #heatmap = false;
  #paused = false;
  #openedMs = 0;
  histories = new Histories();
  /** @type {Message | null} */
  message = null;
  messageMs = 0;
  scoresOpen = false;
  unreadable = "";

  /** @param {Player} player @param {Cards} cards @param {Announcer} announcer */
  constructor(player, cards, announcer) {
    this.player = player;
    this.cards = cards;
    this.announcer = announcer;
  }

  /** @param {string | null} id @param {string | null} token
   * @param {Pictures | null} [pictures] null: they come from the server */
  open(id, token, pictures = null) {
    if (id === this.#id && token === this.#token && pictures === this.#pictures) return;
    this.close();
    this.#id = id;
    this.#token = token;
    this.#pictures = pictures;
    this.#openScores();
    this.#openVideo();
  }

  close() {
    this.#scores?.close();
    this.#video?.close();
    this.#scores = this.#video = null;
    this.#id = this.#token = null;
    this.#pictures = null;
    this.scoresOpen = false;
    this.#forget();
  }

  /** Heat maps cost the server something: they are asked for only while they are shown.
   * @param {boolean} on */
  setHeatmap(on) {
    if (on === this.#heatmap) return;
    this.#heatmap = on;
    this.#scores?.close();
    this.#openScores();
  }

  /** A tab that nobody sees needs no pictures. Scores go on, so that the timeline has no hole.
   * @param {boolean} paused */
  setPaused(paused) {
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.player.pause();
    this.#video?.close();
    this.#video = null;
    this.#openVideo();
  }

  /** Milliseconds since the newest message; null before the first. @param {number} nowMs */
  silentMs(nowMs) {
    return this.message ? nowMs - this.messageMs : null;
  }

  /** Renew a line that looks open but brings nothing. @param {number} nowMs @param {boolean} live */
  watch(nowMs, live) {
    this.#video?.check(nowMs, nowMs - this.messageMs < FRESH_MS);
    const silent = nowMs - Math.max(this.messageMs, this.#openedMs);
    if (!live || !this.scoresOpen || silent < SILENT_MS) return;
    this.#openedMs = nowMs;
    this.#scores?.restart();
    this.#video?.restart();
  }

  #openScores() {
    if (this.#id === null) return;
    const url = socketUrl(document.baseURI, scoresPath(this.#id, this.#heatmap));
    this.#scores = new ReconnectingSocket(url, this.#token, {
      onData: (data) => this.#receive(data),
      onState: (open) => {
        this.scoresOpen = open;
        this.#openedMs = performance.now();
      },
    });
  }

  #openVideo() {
    if (this.#id === null || this.#paused || this.#pictures) return;
    this.#video = new PictureFeed(this.#id, this.#token, this.player);
  }

  /** @param {unknown} data */
  #receive(data) {
    try {
      const message = parseMessage(String(data));
      this.unreadable = "";
      this.#take(message, performance.now());
    } catch (error) {
      if (!(error instanceof UnreadableMessage)) throw error;
      this.unreadable = error.message;
    }
  }

  /** @param {Message} message @param {number} nowMs */
  #take(message, nowMs) {
    // A server that counts from the start again knows other faces by the same numbers.
    if (this.message && message.frameSeq < this.message.frameSeq) this.#forget();
    this.message = message;
    this.messageMs = nowMs;
    this.histories.add(message, nowMs);
    this.cards.update(message, nowMs);
    this.announcer.faces(message);
    if (this.#pictures) {
      this.player.remember(message);
      this.#pictures.addMessage(message, nowMs);
    } else {
      this.player.addMessage(message, nowMs);
    }
  }

  #forget() {
    this.message = null;
    this.unreadable = "";
    this.histories = new Histories();
    this.cards.reset();
    this.player.reset();
    this.announcer.reset();
  }
}
