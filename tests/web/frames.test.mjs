import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameMatcher, parsePicture } from "../../stream/web/frames.js";
import { message, rawPicture } from "./samples.mjs";

const FPS = 25;
const at = (seq) => seq / FPS;
const picture = (seq, ms = seq * 40) => parsePicture(rawPicture(seq, at(seq)), ms);
const told = (seq) => message(seq, at(seq));

/** A matcher whose messages come steadily, so that pictures have something to wait for. */
function running() {
  const matcher = new FrameMatcher();
  for (let seq = 0; seq < 10; seq++) {
    matcher.addPicture(picture(seq));
    matcher.addMessage(told(seq), seq * 40);
    matcher.next(seq * 40);
  }
  return matcher;
}

test("the header is read big endian and the JPEG follows it", () => {
  const found = parsePicture(rawPicture(2 ** 33 + 5, 1.5), 9);
  assert.equal(found.frameSeq, 2 ** 33 + 5);
  assert.equal(found.mediaTimeUs, 1_500_000);
  assert.equal(found.jpeg.length, 3);
});

for (const [name, data] of [
  ["empty", new ArrayBuffer(0)],
  ["a header alone", new ArrayBuffer(16)],
  ["no JPEG", rawPicture(1, 1, [0x89, 0x50])],
]) {
  test(`${name} is no picture`, () => assert.equal(parsePicture(data, 0), null));
}

test("a picture waits for its message and gets it", () => {
  const matcher = running();
  matcher.addPicture(picture(10));
  assert.equal(matcher.next(410), null);
  matcher.addMessage(told(10), 420);
  assert.equal(matcher.next(420).message.frameSeq, 10);
});

test("a message that comes first waits for its picture", () => {
  const matcher = running();
  matcher.addMessage(told(10), 400);
  assert.equal(matcher.next(400), null);
  matcher.addPicture(picture(10));
  assert.equal(matcher.next(410).picture.frameSeq, 10);
});

test("the newest pair wins and older ones are never shown", () => {
  const matcher = running();
  for (const seq of [10, 11, 12]) matcher.addPicture(picture(seq));
  for (const seq of [10, 11, 12]) matcher.addMessage(told(seq), seq * 40);
  assert.equal(matcher.next(480).picture.frameSeq, 12);
  assert.equal(matcher.next(480), null);
  assert.equal(matcher.pictures.size, 0);
});

test("a picture that was not analysed is passed over, never shown with another's box", () => {
  const matcher = running();
  for (const seq of [10, 11, 12]) matcher.addPicture(picture(seq));
  matcher.addMessage(told(11), 450);
  const shown = matcher.next(450);
  assert.equal(shown.picture.frameSeq, 11);
  assert.equal(shown.message.frameSeq, 11);
  assert.equal(matcher.next(460), null, "frame 12 waits for its own message");
});

test("a picture whose message is late is shown bare, and takes it after all", () => {
  const matcher = running();
  matcher.addPicture(picture(10));
  assert.ok(matcher.waitMs(400) >= 250);
  const shown = matcher.next(400 + matcher.patienceMs);
  assert.equal(shown.message, null);
  assert.equal(matcher.late(shown.picture), null);
  matcher.addMessage(told(10), 700);
  assert.equal(matcher.late(shown.picture).frameSeq, 10);
});

test("once messages have stopped, pictures do not wait", () => {
  const matcher = running();
  matcher.addPicture(picture(200));
  assert.equal(matcher.next(8000).message, null);
  matcher.addPicture(picture(201));
  assert.equal(matcher.next(8040).picture.frameSeq, 201);
});

test("a slow analyzer is waited for longer, but not for ever", () => {
  const matcher = new FrameMatcher();
  for (let seq = 0; seq < 20; seq++) matcher.addMessage(told(seq * 10), seq * 400);
  assert.ok(matcher.patienceMs > 700, String(matcher.patienceMs));
  for (let seq = 20; seq < 40; seq++) matcher.addMessage(told(seq * 10), 8000 + seq * 5000);
  assert.equal(matcher.patienceMs, 1000);
});

test("messages that always lag hold the picture back until they are there", () => {
  const matcher = new FrameMatcher();
  const shown = [];
  for (let seq = 0; seq < 100; seq++) {
    matcher.addPicture(picture(seq));
    if (seq >= 15) matcher.addMessage(told(seq - 15), seq * 40);
    const next = matcher.next(seq * 40);
    if (next && seq > 40) shown.push(next);
  }
  assert.ok(shown.length > 50, String(shown.length));
  assert.ok(shown.every((item) => item.message), "none bare");
});

test("the same number with another media time is another frame", () => {
  const matcher = running();
  matcher.addPicture(picture(10));
  matcher.addMessage(message(10, 99), 410);
  assert.equal(matcher.next(410), null);
});

test("a counter that starts again brings a clean slate", () => {
  const matcher = running();
  matcher.addPicture(picture(900));
  matcher.addMessage(told(2), 500);
  assert.equal(matcher.pictures.size, 0);
  matcher.addPicture(picture(2, 510));
  assert.equal(matcher.next(510).message.frameSeq, 2);
  matcher.addMessage(told(3), 550);
  matcher.addPicture(picture(1, 560));
  assert.equal(matcher.messages.size, 0);
});

test("what was shown is not shown again", () => {
  const matcher = running();
  matcher.addPicture(picture(9, 400));
  matcher.addMessage(told(9), 400);
  assert.equal(matcher.next(5000), null);
  assert.equal(matcher.waitMs(5000), null);
});

test("nothing grows without bound, whichever socket runs alone", () => {
  const matcher = new FrameMatcher();
  for (let seq = 0; seq < 5000; seq++) matcher.addPicture(picture(seq, 0));
  for (let seq = 5000; seq < 9000; seq++) matcher.addMessage(told(seq), seq);
  assert.ok(matcher.pictures.size <= 30);
  assert.ok(matcher.messages.size <= 60);
  assert.ok(matcher.pictures.has(4999), "the oldest goes first");
});

test("decoded pictures that will not be shown are closed, the one on show is not", () => {
  const matcher = running();
  const open = new Set();
  const decoded = (seq) => {
    open.add(seq);
    return { frameSeq: seq, mediaTimeUs: at(seq) * 1e6, arrivedMs: seq * 40, bitmap: { close: () => open.delete(seq) } };
  };
  for (const seq of [10, 11, 12]) matcher.addPicture(decoded(seq));
  matcher.addMessage(told(11), 480);
  assert.equal(matcher.next(480).picture.frameSeq, 11);
  assert.deepEqual([...open], [11, 12]);
  matcher.reset();
  assert.deepEqual([...open], [11]);
  for (let seq = 20; seq < 90; seq++) matcher.addPicture(decoded(seq));
  assert.ok(open.size <= 31);
});
