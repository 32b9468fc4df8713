import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { choose, parseStreams, scoringOf } from "../../stream/web/streams.js";
import { rawHealth } from "./samples.mjs";

const item = (id, source_state) => ({ id, source: "demo", state: "no_face", health: rawHealth({ source_state }) });

test("the first that is live is shown unasked, else the first", () => {
  const streams = parseStreams([item("a", "connecting"), item("b", "live"), item("c", "live")]);
  assert.equal(choose(streams), "b");
  assert.equal(choose(parseStreams([item("a", "ended")])), "a");
  assert.equal(choose([]), null);
});

test("a stream without health is listed, one without an id is not", () => {
  const streams = parseStreams([{ id: "a", state: "connecting" }, { source: "x" }, null]);
  assert.equal(streams.length, 1);
  assert.equal(streams[0].sourceState, "connecting");
  assert.equal(streams[0].source, "");
});

test("what the server says about its scoring is used, and nonsense is not", () => {
  const [told] = parseStreams([
    { ...item("a", "live"), crop_scale: 1.2, crop_shift_down: 0.06, crop_to_landmarks: 0.7, thresholds: { suspicious_above: 0.5, fake_above: 0.7 } },
  ]);
  assert.deepEqual(scoringOf(told), {
    thresholds: { suspicious: 0.5, fake: 0.7 },
    alarm: null,
    crop: { scale: 1.2, shiftDown: 0.06, toLandmarks: 0.7 },
  });
  const [odd] = parseStreams([{ ...item("a", "live"), crop_scale: -1, thresholds: "high" }]);
  assert.deepEqual(scoringOf(odd), scoringOf(undefined));
});

test("a calibrated alarm takes the place of the score's threshold", () => {
  const thresholds = {
    suspicious_above: 0.5, fake_above: null, alarm_nats: 8.5, false_alarms_per_hour: 0.1, extrapolated: true,
  };
  const [told] = parseStreams([{ ...item("a", "live"), thresholds }]);
  assert.deepEqual(scoringOf(told).thresholds, { suspicious: 0.5, fake: null });
  assert.deepEqual(scoringOf(told).alarm, { nats: 8.5, perHour: 0.1, extrapolated: true });
  assert.equal(scoringOf(undefined).alarm, null);
});

test("the defaults are those that the program ships with", () => {
  const { thresholds, crop } = scoringOf(undefined);
  const options = read("../../stream/scoring/options.py");
  assert.equal(thresholds.suspicious, Number(/suspicious_above: float = ([\d.]+)/.exec(options)[1]));
  assert.equal(thresholds.fake, Number(/fake_above: float = ([\d.]+)/.exec(options)[1]));
  const spec = "../../weights/detector.json";
  if (existsSync(new URL(spec, import.meta.url))) {
    const told = JSON.parse(read(spec));
    const { crop_scale: scale, crop_shift_down: shiftDown, crop_to_landmarks: toLandmarks } = told;
    assert.deepEqual(crop, { scale, shiftDown, toLandmarks });
  }
});

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
