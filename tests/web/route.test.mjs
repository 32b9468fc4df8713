import assert from "node:assert/strict";
import { test } from "node:test";
import { formatRoute, parseRoute, scoresPath, socketUrl, videoPath } from "../../stream/web/route.js";

for (const route of [
  { stream: null, token: null },
  { stream: "door-2", token: null },
  { stream: null, token: "a+b/c=&#?%" },
  { stream: "x&token=stolen", token: "t" },
]) {
  test(`${JSON.stringify(route)} survives the address`, () => {
    assert.deepEqual(parseRoute(formatRoute(route)), route);
  });
}

test("an address written by hand is read too", () => {
  assert.deepEqual(parseRoute("#token=a+b"), { stream: null, token: "a+b" });
  assert.deepEqual(parseRoute("#stream=&other=1"), { stream: null, token: null });
});

test("sockets live beside the page, behind any prefix, and never carry the fragment", () => {
  assert.equal(socketUrl("http://a:1/", "v1/x"), "ws://a:1/v1/x");
  assert.equal(socketUrl("https://a/cam/#token=t", "v1/x?y=1"), "wss://a/cam/v1/x?y=1");
});

test("an id is a part of the path, never more", () => {
  assert.equal(scoresPath("../x?y", true), "v1/streams/..%2Fx%3Fy/scores?heatmap=1");
  assert.equal(scoresPath("a", false), "v1/streams/a/scores?heatmap=0");
  assert.equal(videoPath("a b"), "v1/streams/a%20b/video");
});
