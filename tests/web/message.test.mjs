import assert from "node:assert/strict";
import { test } from "node:test";
import { UnreadableMessage, parseMessage } from "../../stream/web/message.js";
import { raw, rawFace } from "./samples.mjs";

const parse = (changes) => parseMessage(JSON.stringify(raw(changes)));
const face = (changes) => parse({ faces: [rawFace(changes)] }).faces[0];

test("a message is read as the contract writes it", () => {
  const message = parse();
  assert.equal(message.frameSeq, 70);
  assert.deepEqual(message.frameSize, [1280, 720]);
  assert.equal(message.faces[0].trackId, 1);
  assert.equal(message.faces[0].landmarks.length, 5);
  assert.equal(message.health.sourceState, "live");
});

for (const [name, text] of [
  ["not JSON", "{"],
  ["null", "null"],
  ["another version", JSON.stringify(raw({ version: 2 }))],
  ["no frame number", JSON.stringify(raw({ frame_seq: null }))],
  ["no media time", JSON.stringify(raw({ media_time_s: "now" }))],
  ["no frame size", JSON.stringify(raw({ frame_size_px: [0, 720] }))],
]) {
  test(`${name} cannot be read`, () => assert.throws(() => parseMessage(text), UnreadableMessage));
}

test("a number that is missing stays unknown: it does not become 0", () => {
  assert.equal(face({ probability_fake: null }).probability, null);
  assert.equal(face({ probability_fake: "0.9" }).probability, null);
  assert.equal(face({ evidence_age_ms: undefined }).evidenceAgeMs, null);
  assert.equal(parse({ health: {} }).health.fpsIn, null);
});

test("a face without a box is left out, one without landmarks is kept", () => {
  assert.deepEqual(parse({ faces: [rawFace({ box_px: [1, 2, 3] }), null] }).faces, []);
  assert.deepEqual(face({ landmarks_px: [[1, 2]] }).landmarks, []);
});

test("lists and texts of any length cost no more than a screen can show", () => {
  const many = parse({ faces: Array.from({ length: 500 }, (_, id) => rawFace({ track_id: id })) });
  assert.equal(many.faces.length, 32);
  assert.equal(face({ state: "x".repeat(1e5) }).state.length, 200);
  assert.equal(face({ reasons: Array(99).fill("blurred") }).reasons.length, 12);
});

test("what an older server does not say of an alarm is unknown, not wrong", () => {
  const old = face({ fake_since_s: undefined, undecided_s: undefined, evidence_nats: undefined });
  assert.deepEqual([old.fakeSinceS, old.undecidedS, old.evidenceNats], [null, 0, null]);
  const told = face({ fake_since_s: 12.3, undecided_s: 45, evidence_nats: 8.1 });
  assert.deepEqual([told.fakeSinceS, told.undecidedS, told.evidenceNats], [12.3, 45, 8.1]);
});

test("a heat map is passed on only as text", () => {
  assert.equal(face({ heatmap: "AAAA" }).heatmap, "AAAA");
  assert.equal(face({ heatmap: [1, 2] }).heatmap, null);
});
