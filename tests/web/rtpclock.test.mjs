import assert from "node:assert/strict";
import { test } from "node:test";
import { RtpClock, rtpApartMs } from "../../stream/web/rtpclock.js";

/** Feeds frames with the given gaps in ms; the encoder and the screen each take their time. */
function fed(gaps, { origin = 1000, encodeMs = 15, showMs = 25, encoded = () => true } = {}) {
  const clock = new RtpClock();
  let at = 0;
  gaps.forEach((gap, index) => {
    at += gap;
    clock.addShown(at / 1000, at + showMs);
    // The encoder's clock is in whole milliseconds.
    const rtp = (origin + Math.round(at) * 90) % 2 ** 32;
    if (encoded(index)) clock.addEncoded(rtp, at + encodeMs);
  });
  return clock;
}

const JITTERY = Array.from({ length: 30 }, (_, index) => 33 + ((index * 7) % 11) - 5 + 0.4);
const STEADY = Array.from({ length: 30 }, () => 1000 / 30);

for (const [name, gaps, how] of [
  ["of a camera that trembles", JITTERY, {}],
  ["of a camera that keeps time", STEADY, {}],
  ["whose encoder leaves frames out", JITTERY, { encoded: (index) => index % 3 !== 0 }],
  ["across the wrap of RTP time", JITTERY, { origin: 2 ** 32 - 30_000 }],
]) {
  test(`frames ${name} are told apart`, () => {
    const clock = fed(gaps, how);
    const mediaMs = gaps.slice(0, 20).reduce((sum, gap) => sum + gap, 0);
    const rtp = ((how.origin ?? 1000) + Math.round(mediaMs) * 90) % 2 ** 32;
    assert.ok(Math.abs(clock.apartMs(mediaMs / 1000, rtp)) < 2);
    assert.ok(Math.abs(clock.apartMs((mediaMs + gaps[20]) / 1000, rtp)) > 20);
  });
}

test("a few frames are not enough, and clocks that do not tick alike never are", () => {
  assert.equal(fed(JITTERY.slice(0, 4)).set, false);
  const clock = new RtpClock();
  for (let index = 0; index < 30; index++) {
    clock.addShown((index * 33) / 1000, index * 33);
    clock.addEncoded(index * 5000, index * 33 + 10);
  }
  assert.equal(clock.set, false);
  assert.equal(clock.apartMs(0.1, 5), null);
});

test("another camera begins anew", () => {
  const clock = fed(JITTERY);
  assert.equal(clock.set, true);
  clock.reset();
  assert.equal(clock.set, false);
});

test("RTP times are subtracted the short way round", () => {
  assert.equal(rtpApartMs(90, 0), 1);
  assert.equal(rtpApartMs(0, 90), -1);
  assert.equal(rtpApartMs(45, 2 ** 32 - 45), 1);
  assert.equal(rtpApartMs(2 ** 32 - 45, 45), -1);
});
