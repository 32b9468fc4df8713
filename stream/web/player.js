/**
 * The picture on show: decodes what the matcher chooses, draws it, and fits the canvas to the
 * screen's pixels.
 */

import { FrameMatcher, parsePicture } from "./frames.js";
import { CROP, HeatmapMemory } from "./heatmap.js";
import { drawFrame } from "./overlay.js";

/**
 * @typedef {import("./message.js").Message} Message
 * @typedef {import("./frames.js").Picture} Picture
 * @typedef {import("./overlay.js").Layers} Layers
 * @typedef {{bitmap: ImageBitmap, message: Message | null, id: string, exact: boolean, picture?: Picture}} OnShow
 * `picture`: where a message may still come for it
 */

export class Player {
  #matcher = new FrameMatcher();
  #heatmaps = new HeatmapMemory();
  /** @type {OnShow | null} */
  #current = null;
  #decoding = false;
  #generation = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #redraw = 0;
  /** @type {Layers} */
  #layers = { landmarks: false, heatmap: false, mirror: false, crop: CROP };

  /** @param {HTMLCanvasElement} canvas @param {HTMLElement} stage takes the picture's shape */
  constructor(canvas, stage) {
    this.canvas = canvas;
    this.stage = stage;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    new ResizeObserver(() => this.#scheduleDraw()).observe(canvas);
  }

  /** When the newest picture arrived; null before the first. @type {number | null} */
  pictureMs = null;

  /** By which way it came: "webrtc", "preview", or "own" for the own camera's.
   * @returns {string} "" before the first */
  get way() {
    if (!this.#current) return "";
    const { picture } = this.#current;
    if (!picture) return "own";
    return picture.bitmap ? "webrtc" : "preview";
  }

  /** What is on show, for the caption. @returns {Message | null} */
  get shownMessage() {
    return this.#current?.message ?? null;
  }

  /** Forget the stream. The canvas is emptied: nothing of the last stream may stay. */
  reset() {
    this.#generation++;
    this.#matcher.reset();
    this.#heatmaps.clear();
    this.#current?.bitmap.close();
    this.#current = null;
    this.pictureMs = null;
    clearTimeout(this.#timer);
    this.#scheduleDraw();
  }

  /** The picture stops on purpose (a hidden tab): its age says nothing until it is back. */
  pause() {
    this.pictureMs = null;
  }

  /** @param {Layers} layers */
  show(layers) {
    this.#layers = layers;
    if (!layers.heatmap) this.#heatmaps.clear();
    this.#scheduleDraw();
  }

  /** @param {ArrayBuffer} data @param {number} nowMs */
  addPicture(data, nowMs) {
    const picture = parsePicture(data, nowMs);
    if (!picture) return;
    this.pictureMs = nowMs;
    this.#matcher.addPicture(picture);
    this.#pump();
  }

  /** A picture that came decoded. One that the other way had brought already is left out.
   * @param {Picture & {bitmap: ImageBitmap}} picture its bitmap is taken over */
  addBitmap(picture) {
    if (picture.frameSeq <= this.#matcher.lastPictureSeq) return picture.bitmap.close();
    this.pictureMs = picture.arrivedMs;
    this.#matcher.addPicture(picture);
    this.#pump();
  }

  /** @param {Message} message @param {number} nowMs */
  addMessage(message, nowMs) {
    this.#matcher.addMessage(message, nowMs);
    this.#heatmaps.add(message);
    if (this.#takeLateMessage()) this.#scheduleDraw();
    this.#pump();
  }

  /** A picture whose message is known, or that has none, is shown at once. Takes `bitmap` over.
   * @param {ImageBitmap} bitmap @param {Message | null} message
   * @param {{id: string, exact: boolean}} what which frame it is, and whether the message is its own
   * @param {number} nowMs */
  put(bitmap, message, what, nowMs) {
    this.pictureMs = nowMs;
    this.#put({ bitmap, message, ...what });
  }

  /** Heat maps outlive their messages, also where pictures come by another way.
   * @param {Message} message */
  remember(message) {
    this.#heatmaps.add(message);
  }

  /** One decode at a time: while it runs, newer pictures replace older ones in the matcher. */
  async #pump() {
    if (this.#decoding) return;
    const now = performance.now();
    const chosen = this.#matcher.next(now);
    if (!chosen) return this.#pumpLater(now);
    const generation = this.#generation;
    this.#decoding = true;
    try {
      const bitmap = await decoded(chosen.picture);
      const id = String(chosen.picture.frameSeq);
      if (generation === this.#generation) this.#put({ ...chosen, bitmap, id, exact: true });
      else bitmap.close();
    } catch {
      // A damaged picture is skipped: the next one is on its way.
    } finally {
      this.#decoding = false;
    }
    this.#pump();
  }

  /** @param {number} now */
  #pumpLater(now) {
    const wait = this.#matcher.waitMs(now);
    clearTimeout(this.#timer);
    if (wait !== null) this.#timer = setTimeout(() => this.#pump(), wait + 1);
  }

  /** @param {OnShow} next */
  #put(next) {
    this.#current?.bitmap.close();
    this.#current = next;
    this.#takeLateMessage();
    this.#scheduleDraw();
  }

  #takeLateMessage() {
    if (!this.#current?.picture || this.#current.message) return false;
    this.#current.message = this.#matcher.late(this.#current.picture);
    return this.#current.message !== null;
  }

  #scheduleDraw() {
    if (!this.#redraw) this.#redraw = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#redraw = 0;
    const { canvas, context } = this;
    const ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    resize(canvas, Math.round(width * ratio), Math.round(height * ratio));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!this.#current) {
      context.clearRect(0, 0, width, height);
      this.#describe(null, 0);
      return;
    }
    const { bitmap, message } = this.#current;
    const size = { width, height };
    const heatmaps = drawFrame(context, size, bitmap, message, this.#heatmaps, this.#layers);
    this.stage.style.setProperty("--picture-shape", `${bitmap.width} / ${bitmap.height}`);
    this.#describe(this.#current, heatmaps);
  }

  /** What is on the screen, for tests and tools; screen readers get the cards.
   * @param {OnShow | null} shown @param {number} heatmaps */
  #describe(shown, heatmaps) {
    const { dataset } = this.canvas;
    const faces = shown?.message?.faces ?? [];
    dataset.frameSeq = shown?.id ?? "";
    dataset.messageSeq = shown?.message ? String(shown.message.frameSeq) : "";
    dataset.way = this.way;
    dataset.exact = String(shown?.exact ?? false);
    dataset.boxes = String(faces.length);
    dataset.boxesPx = JSON.stringify(faces.map(({ box }) => box.map(Math.round)));
    dataset.heatmaps = String(heatmaps);
  }
}

/** @param {Picture} picture @returns {Promise<ImageBitmap>} */
async function decoded({ bitmap, jpeg }) {
  return bitmap ?? createImageBitmap(new Blob([jpeg ?? ""], { type: "image/jpeg" }));
}

/** Setting a canvas's size clears it even when nothing changes, so only when it does.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height */
export function resize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}
