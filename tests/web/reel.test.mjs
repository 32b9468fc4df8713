import assert from "node:assert/strict";
import { test } from "node:test";
import { Reel } from "../../stream/web/reel.js";
import { message } from "./samples.mjs";

const GAP_MS = 33;

/** A camera of jittery pace whose messages come `lagMs` after the frame; `stamps` tells whether the
 * browser says RTP times. */
function watch({ lagMs = 100, frames = 120, stamps = true, silentAfter = Infinity } = {}) {
  const shown = [];
  const open = new Set();
  const reel = new Reel((frame, told, exact) => {
    frame.bitmap.close();
    shown.push({ frame, told, exact });
  });
  const events = [];
  for (let index = 0; index < frames; index++) {
    const at = index * GAP_MS + ((index * 5) % 9);
    const rtp = 7000 + at * 90;
    events.push([at + 10, () => {
      reel.clock.addShown(at / 1000, at);
      const bitmap = { close: () => open.delete(at) };
      open.add(at);
      reel.addFrame({ bitmap, mediaTimeS: at / 1000, atMs: at }, at + 10);
    }]);
    if (stamps) events.push([at + 15, () => reel.clock.addEncoded(rtp, at + 15)]);
    if (index >= silentAfter) continue;
    const told = { ...message(index, at / 1000, [{ trackId: 1, box: [at, 0, at + 100, 100], landmarks: [] }]), rtpTimestamp: rtp };
    events.push([at + lagMs, () => reel.addMessage(told, at + lagMs)]);
  }
  for (const [, run] of events.sort(([a], [b]) => a - b)) run();
  return { reel, shown, open };
}

test("once the clocks are known, each box is on its own frame", () => {
  const { shown } = watch();
  const late = shown.slice(40);
  assert.ok(late.length > 50);
  for (const { frame, told, exact } of late) {
    assert.equal(exact, true);
    assert.equal(told.mediaTimeS, frame.mediaTimeS);
  }
});

test("where a browser tells no RTP times, the newest frame is shown and the box is moved on", () => {
  const { shown } = watch({ stamps: false });
  const last = shown[shown.length - 1];
  assert.equal(last.exact, false);
  const apart = Math.abs(last.told.faces[0].box[0] - last.frame.mediaTimeS * 1000);
  assert.ok(apart < 60, `${apart} px of a face that moves 1000 px/s`);
});

test("a server that is too slow does not hold the picture up", () => {
  const { shown } = watch({ lagMs: 900 });
  assert.equal(shown.length, 120);
  assert.ok(shown.every(({ exact }) => !exact));
});

test("when messages stop, the picture goes on bare", () => {
  const { shown } = watch({ silentAfter: 60, frames: 180 });
  const last = shown[shown.length - 1];
  assert.equal(last.told, null);
  assert.equal(Math.round(last.frame.mediaTimeS * 1000 / GAP_MS), 179);
});

test("every bitmap is closed, by who shows it or by the reel", () => {
  const { reel, open } = watch();
  assert.ok(open.size <= 45);
  reel.reset();
  assert.equal(open.size, 0);
});
