import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameLines, parseLine } from "../../stream/web/framelines.js";

const STEP = 6000;
const FIRST = 2 ** 32 - 3 * STEP;
const rtp = (seq) => (FIRST + seq * STEP) % 2 ** 32;
const line = (seq) => ({ rtp: rtp(seq), frameSeq: seq, mediaTimeS: seq / 15 });

function watched() {
  const given = [];
  const open = new Set();
  const lines = new FrameLines((picture, { frameSeq }) => {
    open.delete(picture.seq);
    given.push([picture.seq, frameSeq]);
  });
  const picture = (seq) => {
    open.add(seq);
    return { seq, close: () => open.delete(seq) };
  };
  return { lines, given, open, picture };
}

for (const off of [-90, -1, 0, 1, 90]) {
  test(`a picture ${off} ticks off its line is that line's, across the wrap`, () => {
    const { lines, given, picture } = watched();
    for (let seq = 0; seq < 10; seq++) lines.addLine(line(seq));
    for (let seq = 0; seq < 10; seq++) lines.addPicture(picture(seq), (rtp(seq) + off + 2 ** 32) % 2 ** 32);
    assert.deepEqual(given, Array.from({ length: 10 }, (_, seq) => [seq, seq]));
  });
}

test("a picture more than a millisecond off is nobody's", () => {
  const { lines, given, picture } = watched();
  lines.addLine(line(1));
  lines.addPicture(picture(1), rtp(1) + 91);
  assert.deepEqual(given, []);
});

test("a picture that is there before its line waits for it", () => {
  const { lines, given, picture } = watched();
  lines.addPicture(picture(1), rtp(1));
  lines.addPicture(picture(2), rtp(2));
  lines.addLine(line(2));
  lines.addLine(line(1));
  assert.deepEqual(given, [[2, 2]]);
});

test("pictures whose lines were lost are let go", () => {
  const { lines, given, open, picture } = watched();
  for (let seq = 0; seq < 50; seq++) lines.addPicture(picture(seq), rtp(seq));
  assert.ok(open.size <= 3);
  lines.addLine(line(60));
  lines.addPicture(picture(60), rtp(60));
  assert.deepEqual(given, [[60, 60]]);
  assert.equal(open.size, 0);
});

test("a line is read, and nothing else is taken for one", () => {
  const text = '{"rtp_timestamp": 4294967295, "frame_seq": 7, "epoch": 0, "media_time_s": 0.5}';
  assert.deepEqual(parseLine(text), { rtp: 4294967295, frameSeq: 7, mediaTimeS: 0.5 });
  for (const other of ["", "null", "[]", "{}", '{"rtp_timestamp": "1", "frame_seq": 1, "media_time_s": 1}']) {
    assert.equal(parseLine(other), null);
  }
});
