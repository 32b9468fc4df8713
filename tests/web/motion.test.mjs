import assert from "node:assert/strict";
import { test } from "node:test";
import { Motion } from "../../stream/web/motion.js";
import { message } from "./samples.mjs";

const face = (x, trackId = 1) => ({
  trackId, box: [x, 50, x + 100, 150], landmarks: [[x + 10, 60]],
});

/** A face that moves 100 px a second to the right, told every 100 ms. */
function walking() {
  const motion = new Motion();
  for (let at = 0; at <= 1000; at += 100) {
    motion.add(message(at, at / 1000, [face(at / 10)]), at);
  }
  return motion;
}

test("a box goes on as its face moved", () => {
  const [moved] = walking().at(1100).faces;
  assert.deepEqual(moved.box.map(Math.round), [110, 50, 210, 150]);
  assert.deepEqual(moved.landmarks[0].map(Math.round), [120, 60]);
});

test("nothing is known of the future for long", () => {
  const motion = walking();
  assert.equal(Math.round(motion.at(1900).faces[0].box[0]), 125);
  assert.equal(motion.at(2100), null);
  assert.equal(new Motion().at(0), null);
});

test("a face that was seen once stays where it is", () => {
  const motion = new Motion();
  motion.add(message(1, 0.1, [face(30)]), 100);
  assert.equal(motion.at(200).faces[0].box[0], 30);
});

test("another face, or another epoch, has no speed of the last one", () => {
  const motion = walking();
  motion.add(message(1100, 1.1, [face(400, 2)]), 1100);
  assert.equal(motion.at(1200).faces[0].box[0], 400);
  const again = walking();
  again.add(message(1, 0.1, [face(30)], 1), 1100);
  assert.equal(again.at(1200).faces[0].box[0], 30);
});

test("a leap moves no box further than half its width", () => {
  const motion = new Motion();
  motion.add(message(1, 0.0, [face(0)]), 0);
  motion.add(message(2, 0.04, [face(300)]), 40);
  assert.equal(motion.at(240).faces[0].box[0], 350);
});
