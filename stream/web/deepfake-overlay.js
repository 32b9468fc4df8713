/**
 * <deepfake-overlay>: boxes and scores over a site's own video, one module and no framework.
 *
 *   <script type="module" src="https://detector.example/assets/deepfake-overlay.js"></script>
 *   <deepfake-overlay publish token="…"><video autoplay muted></video></deepfake-overlay>
 *   <deepfake-overlay stream="door" token="…"><video …></video></deepfake-overlay>
 *
 * With `publish` the picture of the video inside (its `srcObject`: a camera, or somebody in a call)
 * is sent to the detector; with `stream` the scores of a stream that is there already are shown,
 * which is to be the same picture. docs/webrtc.md describes attributes, events and what is private.
 */

import { ReconnectingSocket, backoffMs } from "./connection.js";
import { setData } from "./dom.js";
import { HeatmapMemory, CROP } from "./heatmap.js";
import { UnreadableMessage, parseMessage } from "./message.js";
import { Motion, USUAL_LAG_MS } from "./motion.js";
import { drawMessage, fit } from "./overlay.js";
import { newStreamId } from "./own.js";
import { resize } from "./player.js";
import { Publisher } from "./publisher.js";
import { scoresPath, socketUrl, whipPath } from "./route.js";

const ATTRIBUTES = ["stream", "publish", "server", "token", "mirror", "heatmap"];

/** Where this module came from is where the detector is, unless `server` says otherwise. */
const HOME = new URL("..", import.meta.url).href;

export class DeepfakeOverlay extends HTMLElement {
  static observedAttributes = ATTRIBUTES;

  #motion = new Motion();
  #heatmaps = new HeatmapMemory();
  /** @type {{close: () => void} | null} */
  #line = null;
  /** @type {HTMLVideoElement | null} */
  #video = null;
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #attempt = 0;
  #frame = 0;
  #opening = false;
  #canvas = document.createElement("canvas");

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(
      ":host { display: inline-block; position: relative; } :host([hidden]) { display: none; }" +
        "canvas { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }",
    );
    root.adoptedStyleSheets = [sheet];
    const slot = document.createElement("slot");
    slot.addEventListener("slotchange", () => this.#look());
    root.append(slot, this.#canvas);
  }

  connectedCallback() {
    this.#look();
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  disconnectedCallback() {
    cancelAnimationFrame(this.#frame);
    this.#close();
    this.#video = null;
  }

  attributeChangedCallback(/** @type {string} */ name) {
    if (name !== "mirror" && this.isConnected) this.#open();
  }

  /** @returns {string} the detector's address, ending in "/" */
  get server() {
    const named = this.getAttribute("server");
    return named ? new URL(named.replace(/\/?$/, "/"), document.baseURI).href : HOME;
  }

  #look() {
    const video = this.querySelector("video");
    if (video === this.#video) return;
    this.#video = video;
    // A call may give the element another picture at any time.
    video?.addEventListener("loadedmetadata", () => video === this.#video && this.#open());
    this.#open();
  }

  /** Several attributes are often set in a row: one line is opened for all of them. */
  #open() {
    if (this.#opening) return;
    this.#opening = true;
    queueMicrotask(() => {
      this.#opening = false;
      this.#close();
      if (this.isConnected) this.#connect();
    });
  }

  #connect() {
    const token = this.getAttribute("token");
    const stream = this.getAttribute("stream");
    if (this.hasAttribute("publish")) this.#publish(stream ?? newStreamId(), token);
    else if (stream) this.#subscribe(stream, token);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#line?.close();
    this.#line = null;
    this.#track?.stop();
    this.#track = null;
    this.#motion.reset();
    this.#heatmaps.clear();
  }

  /** @param {string} stream @param {string | null} token */
  #subscribe(stream, token) {
    const url = socketUrl(this.server, scoresPath(stream, this.hasAttribute("heatmap")));
    this.#line = new ReconnectingSocket(url, token, {
      onData: (data) => this.#receive(String(data)),
      onState: (open) => this.#tell(open ? "open" : "lost", ""),
    });
  }

  /** @param {string} stream @param {string | null} token */
  async #publish(stream, token) {
    const media = this.#video?.srcObject;
    const track = media instanceof MediaStream ? media.getVideoTracks()[0] : undefined;
    if (!track) return this.#tell("waiting", "the video inside has no live picture yet");
    // A copy: ending ours must not end the call's.
    this.#track = track.clone();
    const publisher = new Publisher(new URL(whipPath(stream), this.server).href, token, {
      onScores: (text) => this.#receive(text),
      onLost: () => this.#again(publisher, "the connection was lost"),
    });
    this.#line = publisher;
    try {
      const viewerToken = await publisher.publish(this.#track);
      if (this.#line !== publisher) return;
      this.#attempt = 0;
      this.#tell("open", "", { stream, viewerToken });
    } catch (error) {
      this.#again(publisher, /** @type {Error} */ (error).message);
    }
  }

  /** @param {Publisher} publisher @param {string} why */
  #again(publisher, why) {
    if (this.#line !== publisher) return;
    this.#close();
    this.#tell("lost", why);
    this.#timer = setTimeout(() => this.#open(), backoffMs(this.#attempt++));
  }

  /** @param {string} text */
  #receive(text) {
    try {
      const message = parseMessage(text);
      this.#motion.add(message, performance.now() - USUAL_LAG_MS);
      this.#heatmaps.add(message);
      this.dispatchEvent(new CustomEvent("scores", { detail: JSON.parse(text) }));
    } catch (error) {
      if (!(error instanceof UnreadableMessage)) throw error;
      this.#tell("unreadable", error.message);
    }
  }

  /** @param {string} state @param {string} why @param {object} [more] */
  #tell(state, why, more = {}) {
    this.dataset.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, why, ...more } }));
  }

  #draw() {
    this.#frame = requestAnimationFrame(() => this.#draw());
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const context = this.#canvas.getContext("2d");
    if (!context || !width || !height) return;
    const ratio = devicePixelRatio || 1;
    resize(this.#canvas, Math.round(width * ratio), Math.round(height * ratio));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const message = this.#motion.at(performance.now());
    setData(this, "boxes", String(message?.faces.length ?? 0));
    if (!message) return;
    const [frameWidth, frameHeight] = message.frameSize;
    const area = fit(frameWidth, frameHeight, { x: 0, y: 0, width, height });
    drawMessage(context, area, message, this.#heatmaps, {
      landmarks: false,
      heatmap: this.hasAttribute("heatmap"),
      mirror: this.hasAttribute("mirror"),
      crop: CROP,
    });
  }
}

customElements.define("deepfake-overlay", DeepfakeOverlay);
