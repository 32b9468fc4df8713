import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused, ask, iceServers } from "../../stream/web/signalling.js";

test("ICE servers are read from Link headers, with what was quoted", () => {
  const links =
    '<stun:stun.example.org:3478>; rel="ice-server", ' +
    '<turn:turn.example.org?transport=tcp>; rel="ice-server"; username="a\\"b"; credential="c,d"; credential-type="password"';
  assert.deepEqual(iceServers(links), [
    { urls: "stun:stun.example.org:3478" },
    { urls: "turn:turn.example.org?transport=tcp", username: 'a"b', credential: "c,d" },
  ]);
});

for (const links of [null, "", '<https://example.org>; rel="next"', '<stun:x>; rel="other"']) {
  test(`${links} names none`, () => assert.deepEqual(iceServers(links), []));
}

/** Runs `work` with a server that gives `answer`. */
async function withAnswer(answer, work) {
  const before = globalThis.fetch;
  globalThis.fetch = async () => answer();
  try {
    return await work();
  } finally {
    globalThis.fetch = before;
  }
}

test("a refusal carries the server's words, and when to come again", async () => {
  const full = () =>
    new Response('{"detail": "all 8 places are taken"}', { status: 503, headers: { "Retry-After": "30" } });
  const error = await withAnswer(full, () => ask("http://x/v1/whip/a", null)).catch((e) => e);
  assert.ok(error instanceof Refused);
  assert.deepEqual([error.status, error.message, error.retryS], [503, "all 8 places are taken", 30]);
});

test("a server that does not answer is a refusal too", async () => {
  const away = () => Promise.reject(new TypeError("fetch failed"));
  const error = await withAnswer(away, () => ask("http://x/v1/whip/a", null)).catch((e) => e);
  assert.deepEqual([error.status, error.retryS], [0, null]);
});
