import assert from "node:assert/strict";
import { test } from "node:test";
import { Histories, MediaAxis, SPAN_S, alarms, segments, undecided } from "../../stream/web/timeline.js";
import { message } from "./samples.mjs";

const face = (probability, state = "no_evidence", frame = null) => ({
  trackId: 1, probability, state, frameProbability: frame, fakeSinceS: null,
});
const point = (t, rolling, state = "no_evidence", since = null) => ({ t, state, rolling, frame: null, since });

/** Adds frames of one face at `fps`. */
function play(histories, seconds, { from = 0, epoch = 0, arrivedMs = 0, fps = 10 } = {}) {
  for (let n = 0; n < seconds * fps; n++) {
    const t = from + n / fps;
    histories.add(message(n, t, [face(0.5)], epoch), arrivedMs + (n * 1000) / fps);
  }
}

test("media time starts the axis at zero, wherever the stream is", () => {
  const axis = new MediaAxis();
  assert.equal(axis.place(3, 512.5, 0), 0);
  assert.equal(axis.place(3, 513.0, 500), 0.5);
  assert.deepEqual(axis.breaks, []);
});

test("a new epoch goes on after the outage, behind a break", () => {
  const axis = new MediaAxis();
  axis.place(0, 0, 0);
  axis.place(0, 10, 10_000);
  assert.equal(axis.place(1, 0, 13_000), 13);
  assert.deepEqual(axis.breaks, [13]);
});

test("media time that runs backwards is a break too", () => {
  const axis = new MediaAxis();
  axis.place(0, 10, 0);
  assert.ok(axis.place(0, 1, 100) > 0);
  assert.equal(axis.breaks.length, 1);
});

test("old breaks are forgotten", () => {
  const axis = new MediaAxis();
  for (let epoch = 0; epoch < 500; epoch++) axis.place(epoch, 0, epoch * 1000);
  assert.ok(axis.breaks.length <= SPAN_S);
});

test("a face keeps a minute and no more", () => {
  const histories = new Histories();
  play(histories, 200);
  const points = histories.points(1);
  const span = points[points.length - 1].t - points[0].t;
  assert.ok(span <= SPAN_S && span > SPAN_S - 1, String(span));
});

test("more messages than pixels are merged, single frames' scores kept", () => {
  const histories = new Histories();
  for (let n = 0; n < 600; n++) {
    const scored = n % 30 === 0 ? 0.9 : null;
    histories.add(message(n, n / 60, [face(0.5, "no_evidence", scored)]), n * 16);
  }
  const points = histories.points(1);
  assert.ok(points.length < 300, String(points.length));
  assert.equal(points.filter((item) => item.frame !== null).length, 20);
});

test("a face that is gone for a minute is forgotten, and so are floods of faces", () => {
  const histories = new Histories();
  histories.add(message(0, 0, [face(0.5)]), 0);
  for (let n = 1; n < 300; n++) {
    histories.add(message(n, n * 0.1, [{ ...face(0.5), trackId: n + 1 }]), n * 100);
  }
  assert.deepEqual(histories.points(1), []);
  assert.equal(histories.points(300).length, 1);
  const known = Array.from({ length: 400 }, (_, id) => histories.points(id).length);
  assert.ok(known.filter(Boolean).length <= 64);
});

test("the line stops where nothing is decided and where the face was not seen", () => {
  const points = [
    point(0, 0.2), point(0.5, 0.3), point(1, null), point(1.5, 0.3, "undecided"), point(2, 0.4),
    point(2.5, 0.4), point(9, 0.5),
  ];
  assert.deepEqual(segments(points, []).map((run) => run.map(({ t }) => t)), [[0, 0.5], [2, 2.5], [9]]);
  assert.deepEqual(undecided(points, []), [[1, 1.5]]);
});

test("the line does not cross a break", () => {
  const points = [point(0, 0.2), point(0.5, 0.3), point(1, 0.3)];
  assert.equal(segments(points, [0.5]).length, 2);
  assert.equal(segments(points, [0.7]).length, 2);
  assert.equal(segments(points, [3]).length, 1);
});

test("an alarm reaches back to where the swap was switched on, as told in the end", () => {
  const points = [
    point(0, 0.2), point(0.5, 0.7, "suspicious"), point(1, 0.9, "fake", 0.3), point(1.5, 0.9, "fake", 0.25),
    point(2, 0.3), point(2.5, 0.9, "fake"),
  ];
  assert.deepEqual(alarms(points, []), [[0.25, 1, 1.5], [2.5, 2.5, 2.5]]);
});

test("the switch lies on the axis, however media time counts", () => {
  const histories = new Histories();
  histories.add(message(0, 512.5, [{ ...face(0.9, "fake"), fakeSinceS: 510 }]), 0);
  assert.equal(histories.points(1)[0].since, -2.5);
});
