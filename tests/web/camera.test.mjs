import assert from "node:assert/strict";
import { test } from "node:test";
import { cameraWords, unusable } from "../../stream/web/camera.js";
import { newStreamId } from "../../stream/web/own.js";

for (const [name, browser, words] of [
  ["a page over HTTP", { secure: false, media: false, rtc: true }, /HTTPS/],
  ["a browser without cameras", { secure: true, media: false, rtc: true }, /no access to cameras/],
  ["a browser without WebRTC", { secure: true, media: true, rtc: false }, /no WebRTC/],
]) {
  test(`${name} is told why there is no camera`, () => assert.match(unusable(browser), words));
}

test("nothing is said where all is there", () => {
  assert.equal(unusable({ secure: true, media: true, rtc: true }), "");
});

for (const [name, words] of [
  ["NotAllowedError", /allow/i],
  ["NotFoundError", /no camera/i],
  ["NotReadableError", /another program/],
  ["OverconstrainedError", /not there any more/],
]) {
  test(`${name} is put in words`, () => assert.match(cameraWords({ name, message: "x" }), words));
}

test("an error that nobody knows is shown as it came", () => {
  assert.equal(cameraWords({ name: "Odd", message: "bus fell off" }), "The camera did not start: bus fell off");
});

test("each stream has a name of its own that the server takes", () => {
  const names = new Set(Array.from({ length: 100 }, newStreamId));
  assert.equal(names.size, 100);
  for (const name of names) assert.match(name, /^[A-Za-z0-9_-]{1,32}$/);
});
