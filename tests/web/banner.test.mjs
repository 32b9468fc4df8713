import assert from "node:assert/strict";
import { test } from "node:test";
import { bannerFor, isStale } from "../../stream/web/banner.js";

const LIVE = {
  poll: { state: "ok", streams: [{}], text: "" }, selected: "demo", listed: true,
  sourceState: "live", degraded: [], scoresOpen: true, silentMs: 40, pictureMs: 60, unreadable: "",
  mayPublish: false,
};
const poll = (state, text = "") => ({ state, streams: [], text });

test("a live stream has no banner and is not grey", () => {
  assert.equal(bannerFor(LIVE), null);
  assert.equal(isStale(LIVE), false);
});

for (const [changes, words] of [
  [{ poll: null }, /Connecting to the server/],
  [{ poll: poll("unauthorised") }, /needs a token Open the address that it printed/],
  [{ poll: poll("unauthorised"), mayPublish: true }, /your own camera .* nobody else's/],
  [{ poll: poll("refused", "403 not from there") }, /refused 403 not from there/],
  [{ poll: poll("lost"), silentMs: 2500 }, /Connection to the server lost/],
  [{ poll: poll("ok") }, /No streams/],
  [{ listed: false }, /no stream “demo”/],
  [{ sourceState: "connecting", degraded: ["connection refused"] }, /Connection refused\. Trying/],
  [{ sourceState: "connecting" }, /does not answer yet/],
  [{ sourceState: "stalled", silentMs: 1500 }, /stalled .* 1\.5 s ago/],
  [{ sourceState: "ended" }, /ended/],
  [{ scoresOpen: false }, /Scores are cut off/],
  [{ silentMs: null }, /Waiting/],
  [{ silentMs: 4200 }, /Not live .* 4\.2 s/],
  [{ pictureMs: 3000 }, /picture is old/],
  [{ unreadable: "version 2 instead of 1" }, /Reload the page \(version 2/],
]) {
  test(`${JSON.stringify(changes)} says ${words}`, () => {
    const banner = bannerFor({ ...LIVE, ...changes });
    assert.match(`${banner.title} ${banner.text}`, words);
  });
}

for (const changes of [
  { silentMs: 2001 }, { silentMs: null }, { pictureMs: 2001 }, { sourceState: "stalled" },
  { sourceState: "ended" },
]) {
  test(`${JSON.stringify(changes)} is grey`, () => assert.ok(isStale({ ...LIVE, ...changes })));
}

test("a failed poll is no news while messages come", () => {
  assert.equal(bannerFor({ ...LIVE, poll: poll("lost") }), null);
});

test("a picture that is paused on purpose is not old", () => {
  assert.equal(bannerFor({ ...LIVE, pictureMs: null }), null);
});
