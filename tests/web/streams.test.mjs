import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, parseStreams } from "../../stream/web/streams.js";
import { rawHealth } from "./samples.mjs";

const item = (id, source_state) => ({ id, source: "demo", state: "no_face", health: rawHealth({ source_state }) });

test("the first that is live is shown unasked, else the first", () => {
  const streams = parseStreams([item("a", "connecting"), item("b", "live"), item("c", "live")]);
  assert.equal(choose(streams), "b");
  assert.equal(choose(parseStreams([item("a", "ended")])), "a");
  assert.equal(choose([]), null);
});

test("a stream without health is listed, one without an id is not", () => {
  const streams = parseStreams([{ id: "a", state: "connecting" }, { source: "x" }, null]);
  assert.equal(streams.length, 1);
  assert.equal(streams[0].sourceState, "connecting");
  assert.equal(streams[0].source, "");
});
