import assert from "node:assert/strict";
import { test } from "node:test";
import { outline } from "../../stream/web/icons.js";
import { HOLD_S, HeatmapMemory, cropSquare, decodeHeatmap, paint } from "../../stream/web/heatmap.js";
import { fit, labelText, place } from "../../stream/web/overlay.js";
import { message } from "./samples.mjs";

const MAP = btoa(String.fromCharCode(...Array.from({ length: 196 }, (_, i) => i)));
const face = (changes = {}) => ({ trackId: 3, state: "fake", probability: 0.9, heatmap: null, ...changes });

test("a picture keeps its shape, centred", () => {
  const into = { x: 0, y: 0, width: 400, height: 400 };
  assert.deepEqual(fit(200, 100, into), { x: 0, y: 100, width: 400, height: 200 });
  assert.deepEqual(fit(100, 200, into), { x: 100, y: 0, width: 200, height: 400 });
});

test("a box scales from the frame, however small the preview is", () => {
  const area = { x: 10, y: 20, width: 640, height: 360 };
  const rect = place([128, 72, 256, 144], [1280, 720], area);
  assert.deepEqual(rect, { x: 74, y: 56, width: 64, height: 36 });
});

test("a label has the id, the state and the score, but no number while undecided", () => {
  assert.equal(labelText(face(), false), "#3 Fake 90 %");
  assert.equal(labelText(face(), true), "#3 90 %");
  assert.equal(labelText(face({ state: "undecided" }), false), "#3 Undecided");
  assert.equal(labelText(face({ state: "undecided" }), true), "#3 Undecided");
  assert.equal(labelText(face({ probability: null }), true), "#3 Fake");
});

test("states differ in shape", () => {
  const shapes = ["undecided", "no_evidence", "suspicious", "fake"].map(outline);
  assert.equal(new Set(shapes).size, 4);
  assert.equal(outline("toString"), outline("undecided"));
});

test("a heat map is 196 bytes or nothing", () => {
  assert.equal(decodeHeatmap(MAP)[195], 195);
  for (const text of ["", "AAAA", "%%%", MAP + MAP]) assert.equal(decodeHeatmap(text), null);
});

test("heat is clear where there is none and brightest at its peak", () => {
  const [, , , clear, red, green, , opaque] = paint(Uint8Array.of(0, 255));
  assert.equal(clear, 0);
  assert.ok(red > 200 && green > 200 && opaque > 150);
});

test("the crop's square is centred on the box", () => {
  const points = [[30, 1], [50, 2], [50, 3], [50, 4], [70, 5]];
  const crop = (shiftDown, toLandmarks, landmarks = points) =>
    cropSquare([0, 0, 60, 100], landmarks, { scale: 1.3, shiftDown, toLandmarks });
  assert.deepEqual(crop(0, 0), { x: -35, y: -15, side: 130 });
  assert.deepEqual(crop(0.1, 0), { x: -35, y: -2, side: 130 }, "or moved down by a share of its side");
  assert.deepEqual(crop(0, 0.5), { x: -25, y: -15, side: 130 }, "or half the way to the landmarks");
  assert.deepEqual(crop(0, 0.5, []), { x: -35, y: -15, side: 130 }, "if there are any");
});

test("a heat map rides on, fades, and never crosses an epoch", () => {
  const memory = new HeatmapMemory();
  memory.add(message(1, 1, [face({ heatmap: MAP })]));
  assert.equal(memory.at(3, 0, 1).strength, 1);
  assert.ok(memory.at(3, 0, 1 + HOLD_S / 2).strength < 0.6);
  assert.equal(memory.at(3, 0, 1 + HOLD_S), null);
  assert.equal(memory.at(3, 0, 0.5), null, "a picture from before the map");
  assert.equal(memory.at(3, 1, 1), null);
  assert.equal(memory.at(4, 0, 1), null);
  memory.add(message(2, 0, [], 1));
  assert.equal(memory.at(3, 0, 1), null);
});
