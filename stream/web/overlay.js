/**
 * Drawing one frame: the picture, then the boxes, labels, landmarks and heat maps that belong to
 * it. Everything is computed from the arguments; nothing is kept between frames.
 *
 * @typedef {import("./message.js").Message} Message
 * @typedef {import("./message.js").Face} Face
 * @typedef {import("./heatmap.js").HeatmapMemory} HeatmapMemory
 * @typedef {{x: number, y: number, width: number, height: number}} Rect
 * @typedef {{landmarks: boolean, heatmap: boolean, mirror: boolean, crop: import("./heatmap.js").Crop}} Layers
 */

import { outline } from "./icons.js";
import { SIDE, cropSquare, paint } from "./heatmap.js";
import { percent, stateWords } from "./words.js";

/** Each state has its own line: colour (blue to red, safe for colour-blind eyes), dash and weight.
 * Undecided, or a state that this page does not know, is thin, grey and dotted. */
const LINES = new Map(Object.entries({
  no_evidence: { color: "#6db8f5", dash: [], width: 2 },
  suspicious: { color: "#f5b93a", dash: [10, 5], width: 3 },
  fake: { color: "#ff7a4d", dash: [], width: 4 },
}));

/** @param {string} state @returns {{color: string, dash: number[], width: number}} */
function lineOf(state) {
  return LINES.get(state) ?? { color: "#c3cad4", dash: [3, 4], width: 2 };
}

const CASING = "rgba(8, 11, 16, 0.75)";
const CHIP = "rgba(8, 11, 16, 0.86)";
const FONT = "600 13px system-ui, sans-serif";
const SMALL_FONT = "600 12px system-ui, sans-serif";
const CHIP_HEIGHT = 22;

/** A picture narrower than this (CSS pixels) has no room for words beside faces. */
const BRIEF_BELOW = 520;

/** The largest rectangle of the picture's shape inside the canvas, centred.
 * @param {number} width @param {number} height picture @param {Rect} into @returns {Rect} */
export function fit(width, height, into) {
  const scale = Math.min(into.width / width, into.height / height);
  const w = width * scale;
  const h = height * scale;
  return { x: into.x + (into.width - w) / 2, y: into.y + (into.height - h) / 2, width: w, height: h };
}

/** From frame pixels to canvas. The preview may be smaller than the frame: only shapes matter.
 * @param {number[]} box @param {number[]} frameSize @param {Rect} area @returns {Rect} */
export function place([x1, y1, x2, y2], [frameWidth, frameHeight], area) {
  const sx = area.width / frameWidth;
  const sy = area.height / frameHeight;
  return {
    x: area.x + x1 * sx,
    y: area.y + y1 * sy,
    width: (x2 - x1) * sx,
    height: (y2 - y1) * sy,
  };
}

/**
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {{width: number, height: number}} size of the canvas in CSS pixels
 * @param {ImageBitmap} bitmap
 * @param {Message | null} message of this very frame, or none
 * @param {HeatmapMemory} heatmaps
 * @param {Layers} layers
 * @returns {number} how many heat maps are in it
 */
export function drawFrame(context, size, bitmap, message, heatmaps, layers) {
  context.clearRect(0, 0, size.width, size.height);
  const area = fit(bitmap.width, bitmap.height, { x: 0, y: 0, ...size });
  drawPicture(context, bitmap, area, layers.mirror);
  return message ? drawMessage(context, area, message, heatmaps, layers) : 0;
}

/** @param {CanvasRenderingContext2D} context @param {CanvasImageSource} image @param {Rect} area @param {boolean} mirror */
function drawPicture(context, image, area, mirror) {
  context.save();
  if (mirror) {
    context.translate(2 * area.x + area.width, 0);
    context.scale(-1, 1);
  }
  context.drawImage(image, area.x, area.y, area.width, area.height);
  context.restore();
}

/**
 * What is said of a picture, over it: `area` is where the picture is.
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {Rect} area
 * @param {Message} said
 * @param {HeatmapMemory} heatmaps
 * @param {Layers} layers
 * @returns {number} how many heat maps are in it
 */
export function drawMessage(context, area, said, heatmaps, layers) {
  // The boxes are mirrored and not the canvas: words must stay readable.
  const message = layers.mirror ? mirrored(said) : said;
  context.save();
  context.beginPath();
  context.rect(area.x, area.y, area.width, area.height);
  context.clip();
  const heated = layers.heatmap ? drawHeatmaps(context, message, heatmaps, area, layers) : 0;
  for (const face of message.faces) {
    const rect = place(face.box, message.frameSize, area);
    drawBox(context, face, rect);
    if (layers.landmarks) drawLandmarks(context, face, message.frameSize, area);
  }
  // Labels last: a neighbour's box must not run through them.
  for (const face of message.faces) {
    drawLabel(context, face, place(face.box, message.frameSize, area), area);
  }
  context.restore();
  return heated;
}

/** As a mirror shows it. Pure. @param {Message} message @returns {Message} */
export function mirrored(message) {
  const [width] = message.frameSize;
  const faces = message.faces.map((face) => {
    const [x1, y1, x2, y2] = face.box;
    const landmarks = face.landmarks.map(([x, y]) => [width - x, y]);
    return { ...face, box: [width - x2, y1, width - x1, y2], landmarks };
  });
  return { ...message, faces };
}

/** @param {CanvasRenderingContext2D} context @param {Face} face @param {Rect} rect */
function drawBox(context, face, rect) {
  const line = lineOf(face.state);
  context.lineJoin = "round";
  context.setLineDash([]);
  context.strokeStyle = CASING;
  context.lineWidth = line.width + 2;
  context.strokeRect(rect.x, rect.y, rect.width, rect.height);
  context.setLineDash(line.dash);
  context.strokeStyle = line.color;
  context.lineWidth = line.width;
  context.strokeRect(rect.x, rect.y, rect.width, rect.height);
  context.setLineDash([]);
}

/**
 * An undecided face gets no number: whoever reads one takes it for an opinion. Where there is no
 * room, the word goes and the state's shape stays.
 * @param {Face} face @param {boolean} brief
 */
export function labelText(face, brief) {
  const number = face.state === "undecided" ? null : face.probability;
  const parts = [`#${face.trackId}`];
  if (!brief || number === null) parts.push(stateWords(face.state));
  if (number !== null) parts.push(percent(number));
  return parts.join(" ");
}

/** @param {CanvasRenderingContext2D} context @param {Face} face @param {Rect} rect @param {Rect} area */
function drawLabel(context, face, rect, area) {
  const line = lineOf(face.state);
  context.font = area.width < BRIEF_BELOW ? SMALL_FONT : FONT;
  const text = labelText(face, area.width < BRIEF_BELOW);
  const width = context.measureText(text).width + 34;
  const x = clamp(rect.x - 1, area.x, area.x + area.width - width);
  const above = rect.y - CHIP_HEIGHT - 4;
  const y = above >= area.y ? above : clamp(rect.y + 4, area.y, area.y + area.height - CHIP_HEIGHT);
  context.fillStyle = CHIP;
  context.beginPath();
  context.roundRect(x, y, width, CHIP_HEIGHT, 4);
  context.fill();
  context.save();
  context.translate(x + 6, y + 3);
  context.strokeStyle = line.color;
  context.lineWidth = 1.7;
  context.lineCap = "round";
  context.stroke(new Path2D(outline(face.state)));
  context.restore();
  context.fillStyle = "#ffffff";
  context.textBaseline = "middle";
  context.fillText(text, x + 27, y + CHIP_HEIGHT / 2 + 0.5);
}

/** @param {CanvasRenderingContext2D} context @param {Face} face @param {number[]} frameSize @param {Rect} area */
function drawLandmarks(context, face, frameSize, area) {
  for (const [x, y] of face.landmarks) {
    const at = place([x, y, x, y], frameSize, area);
    context.beginPath();
    context.arc(at.x, at.y, 2.5, 0, 2 * Math.PI);
    context.fillStyle = "#ffffff";
    context.strokeStyle = CASING;
    context.lineWidth = 2;
    context.stroke();
    context.fill();
  }
}

/** @param {CanvasRenderingContext2D} context @param {Message} message @param {HeatmapMemory} heatmaps @param {Rect} area @param {Layers} layers */
function drawHeatmaps(context, message, heatmaps, area, { crop, mirror }) {
  let drawn = 0;
  for (const face of message.faces) {
    const map = heatmaps.at(face.trackId, message.epoch, message.mediaTimeS);
    if (!map) continue;
    const { x, y, side } = cropSquare(face.box, face.landmarks, crop);
    const rect = place([x, y, x + side, y + side], message.frameSize, area);
    context.globalAlpha = map.strength;
    context.imageSmoothingQuality = "high";
    drawPicture(context, tile(map.values), rect, mirror);
    context.globalAlpha = 1;
    drawn++;
  }
  return drawn;
}

/** @param {Uint8Array} values @returns {OffscreenCanvas} */
function tile(values) {
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  canvas.getContext("2d")?.putImageData(new ImageData(paint(values), SIDE, SIDE), 0, 0);
  return canvas;
}

/** @param {number} value @param {number} low @param {number} high */
function clamp(value, low, high) {
  return Math.max(low, Math.min(value, high));
}
