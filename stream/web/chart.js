/**
 * Drawing one face's score timeline: the rolling score as a line, the single frames' scores as
 * dots, the thresholds as shaded bands, an alarm as a shaded stretch that begins where the swap was
 * switched on, nothing where nothing can be said.
 */

import { SPAN_S, alarms, segments, undecided } from "./timeline.js";
import { resize } from "./player.js";

/**
 * @typedef {import("./timeline.js").Point} Point
 * @typedef {{suspicious: number, fake: number | null}} Thresholds of the rolling score; `fake` is null
 * where an alarm goes by more than that
 * @typedef {{left: number, top: number, right: number, bottom: number}} Plot
 */

/** The scoring defaults; a server with other thresholds says so in its list of streams. */
export const THRESHOLDS = { suspicious: 0.6, fake: 0.8 };

const FONT = "10px system-ui, sans-serif";
const LABEL_WIDTH = 40;
const AXIS_HEIGHT = 14;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {readonly Point[]} points
 * @param {{now: number, breaks: readonly number[]}} axis `now` is the right edge
 * @param {Thresholds} thresholds
 */
export function drawChart(canvas, points, axis, thresholds) {
  const context = canvas.getContext("2d");
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!context || !width || !height) return;
  const ratio = devicePixelRatio || 1;
  resize(canvas, Math.round(width * ratio), Math.round(height * ratio));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const ink = colors(canvas);
  const plot = { left: 2, top: 4, right: width - LABEL_WIDTH, bottom: height - AXIS_HEIGHT };
  const x = (/** @type {number} */ t) =>
    plot.right - ((axis.now - t) / SPAN_S) * (plot.right - plot.left);
  const y = (/** @type {number} */ p) => plot.bottom - p * (plot.bottom - plot.top);
  drawBands(context, plot, y, thresholds, ink);
  drawTimes(context, plot, ink);
  context.save();
  context.beginPath();
  context.rect(plot.left, plot.top - 3, plot.right - plot.left + 3, plot.bottom - plot.top + 6);
  context.clip();
  if (thresholds.fake === null) drawAlarms(context, plot, x, alarms(points, axis.breaks), ink);
  drawUndecided(context, plot, x, undecided(points, axis.breaks), ink);
  drawBreaks(context, plot, x, axis.breaks, ink);
  drawDots(context, x, y, points, ink);
  drawLine(context, x, y, segments(points, axis.breaks), ink);
  context.restore();
}

/** The theme's colours, from the style sheet: the chart changes with it. @param {Element} element */
function colors(element) {
  const style = getComputedStyle(element);
  const get = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    line: get("--chart-line"),
    dot: get("--chart-dot"),
    grid: get("--line"),
    text: get("--muted"),
    suspicious: get("--chart-suspicious"),
    fake: get("--chart-fake"),
    alarm: get("--fake"),
    gap: get("--chart-gap"),
  };
}

/** @param {CanvasRenderingContext2D} c @param {Plot} plot @param {(p: number) => number} y @param {Thresholds} thresholds @param {any} ink */
function drawBands(c, plot, y, thresholds, ink) {
  const width = plot.right - plot.left;
  const levels = [0, thresholds.suspicious, ...(thresholds.fake === null ? [] : [thresholds.fake]), 1];
  [ink.suspicious, ink.fake].slice(0, levels.length - 2).forEach((color, band) => {
    const [low, high] = [levels[band + 1], levels[band + 2]];
    c.fillStyle = color;
    c.fillRect(plot.left, y(high), width, y(low) - y(high));
  });
  c.font = FONT;
  c.textBaseline = "middle";
  c.textAlign = "left";
  c.lineWidth = 1;
  for (const level of levels) {
    c.strokeStyle = ink.grid;
    c.beginPath();
    c.moveTo(plot.left, Math.round(y(level)) + 0.5);
    c.lineTo(plot.right, Math.round(y(level)) + 0.5);
    c.stroke();
    c.fillStyle = ink.text;
    c.fillText(`${Math.round(level * 100)} %`, plot.right + 5, y(level) + (level === 1 ? 2 : 0));
  }
}

/** @param {CanvasRenderingContext2D} c @param {Plot} plot @param {any} ink */
function drawTimes(c, plot, ink) {
  c.fillStyle = ink.text;
  c.textBaseline = "bottom";
  const y = plot.bottom + AXIS_HEIGHT;
  c.textAlign = "left";
  c.fillText("−60 s", plot.left, y);
  c.textAlign = "center";
  c.fillText("−30 s", (plot.left + plot.right) / 2, y);
  c.textAlign = "right";
  c.fillText("now", plot.right, y);
}

/** @param {CanvasRenderingContext2D} c @param {Plot} plot @param {(t: number) => number} x @param {[number, number, number][]} spans @param {any} ink */
function drawAlarms(c, plot, x, spans, ink) {
  const height = plot.bottom - plot.top;
  for (const [since, from, to] of spans) {
    c.fillStyle = ink.fake;
    c.fillRect(x(since), plot.top, x(to) - x(since), height);
    // The part that was fake before anybody knew is paler.
    c.fillRect(x(from), plot.top, x(to) - x(from), height);
    c.strokeStyle = ink.alarm;
    c.lineWidth = 1.5;
    c.beginPath();
    c.moveTo(x(since), plot.top);
    c.lineTo(x(since), plot.bottom);
    c.stroke();
  }
}

/** Hatched: the face was there, but nothing could be said. @param {CanvasRenderingContext2D} c @param {Plot} plot @param {(t: number) => number} x @param {[number, number][]} spans @param {any} ink */
function drawUndecided(c, plot, x, spans, ink) {
  c.strokeStyle = ink.gap;
  c.lineWidth = 1;
  for (const [from, to] of spans) {
    c.save();
    c.beginPath();
    c.rect(x(from), plot.top, Math.max(1, x(to) - x(from)), plot.bottom - plot.top);
    c.clip();
    c.beginPath();
    const height = plot.bottom - plot.top;
    // Anchored to media time, so that the hatching travels with what it stands for.
    for (let at = x(from) - height; at < x(to); at += 6) {
      c.moveTo(at, plot.bottom);
      c.lineTo(at + height, plot.top);
    }
    c.stroke();
    c.restore();
  }
}

/** @param {CanvasRenderingContext2D} c @param {Plot} plot @param {(t: number) => number} x @param {readonly number[]} breaks @param {any} ink */
function drawBreaks(c, plot, x, breaks, ink) {
  c.strokeStyle = ink.text;
  c.setLineDash([2, 3]);
  c.lineWidth = 1;
  for (const at of breaks) {
    c.beginPath();
    c.moveTo(Math.round(x(at)) - 0.5, plot.top);
    c.lineTo(Math.round(x(at)) - 0.5, plot.bottom);
    c.stroke();
  }
  c.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} c @param {(t: number) => number} x @param {(p: number) => number} y @param {readonly Point[]} points @param {any} ink */
function drawDots(c, x, y, points, ink) {
  c.fillStyle = ink.dot;
  c.beginPath();
  for (const { t, frame } of points) {
    if (frame === null) continue;
    c.moveTo(x(t), y(frame));
    c.arc(x(t), y(frame), 1.4, 0, 2 * Math.PI);
  }
  c.fill();
}

/** @param {CanvasRenderingContext2D} c @param {(t: number) => number} x @param {(p: number) => number} y @param {Point[][]} runs @param {any} ink */
function drawLine(c, x, y, runs, ink) {
  c.strokeStyle = ink.line;
  c.lineWidth = 2;
  c.lineJoin = "round";
  c.lineCap = "round";
  for (const run of runs) {
    c.beginPath();
    run.forEach(({ t, rolling }, index) => {
      const at = [x(t), y(rolling ?? 0)];
      if (index === 0) c.moveTo(at[0], at[1]);
      // One point alone is a dot: a line to itself with round caps.
      c.lineTo(at[0], at[1]);
    });
    c.stroke();
  }
}
