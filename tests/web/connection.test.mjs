import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { ReconnectingSocket, StreamsPoll, backoffMs, fetchStreams, readAnswer } from "../../stream/web/connection.js";

/** A browser's WebSocket, as far as it is used: tests open, feed and close it. */
class FakeSocket {
  static made = [];
  constructor(url, protocols) {
    if (protocols.some((item) => /[ ,"]/.test(item))) throw new SyntaxError("bad subprotocol");
    Object.assign(this, { url, protocols, closed: false });
    FakeSocket.made.push(this);
  }
  close() {
    this.closed = true;
  }
}

const newest = () => FakeSocket.made[FakeSocket.made.length - 1];

function open(token = null) {
  const seen = { data: [], states: [] };
  const socket = new ReconnectingSocket("ws://here/", token, {
    onData: (data) => seen.data.push(data),
    onState: (state) => seen.states.push(state),
  });
  return { socket, seen };
}

const original = { WebSocket: globalThis.WebSocket, fetch: globalThis.fetch };

beforeEach(() => {
  FakeSocket.made = [];
  globalThis.WebSocket = FakeSocket;
  mock.timers.enable({ apis: ["setTimeout"] });
});

afterEach(() => {
  mock.timers.reset();
  Object.assign(globalThis, original);
});

test("pauses double from half a second to five, and jitter only shortens them", () => {
  const full = [0, 1, 2, 3, 4, 50].map((attempt) => backoffMs(attempt, () => 0));
  assert.deepEqual(full, [500, 1000, 2000, 4000, 5000, 5000]);
  assert.equal(backoffMs(0, () => 1), 250);
});

test("the token travels as a subprotocol", () => {
  open("s3cret");
  assert.deepEqual(newest().protocols, ["deepfakestream.v1", "token.s3cret"]);
  open();
  assert.deepEqual(newest().protocols, ["deepfakestream.v1"]);
});

test("a closed connection comes back", () => {
  const { seen } = open();
  newest().onopen();
  newest().onmessage({ data: "one" });
  newest().onclose();
  mock.timers.tick(500);
  assert.equal(FakeSocket.made.length, 2);
  newest().onopen();
  assert.deepEqual(seen, { data: ["one"], states: [true, false, true] });
});

test("a server that accepts and closes at once is tried ever more slowly", () => {
  open();
  for (let round = 0; round < 6; round++) {
    newest().onopen();
    newest().onclose();
    mock.timers.tick(5000);
  }
  const before = FakeSocket.made.length;
  newest().onclose();
  mock.timers.tick(2400);
  assert.equal(FakeSocket.made.length, before);
});

test("a handshake that hangs is given up", () => {
  open();
  mock.timers.tick(6000);
  assert.ok(FakeSocket.made[0].closed);
  mock.timers.tick(500);
  assert.equal(FakeSocket.made.length, 2);
});

test("after close nothing is heard and nothing is tried", () => {
  const { socket, seen } = open();
  socket.close();
  socket.restart();
  mock.timers.tick(60_000);
  assert.equal(FakeSocket.made.length, 1);
  assert.ok(newest().closed && newest().onmessage === null);
  assert.deepEqual(seen.states, []);
});

test("a token that cannot be a subprotocol is no crash", () => {
  assert.deepEqual(open("a b").seen.states, [false]);
});

const answer = (status, body) => new Response(body, { status });

test("an answer becomes the list, or why there is none", async () => {
  const ok = await readAnswer(answer(200, '{"streams": [{"id": "a"}]}'));
  assert.deepEqual(ok, { state: "ok", streams: [{ id: "a" }], text: "" });
  assert.equal((await readAnswer(answer(401, "{}"))).state, "unauthorised");
  const refused = await readAnswer(answer(403, '{"detail": "not from there"}'));
  assert.deepEqual(refused, { state: "refused", streams: [], text: "403 not from there" });
  assert.match((await readAnswer(answer(502, "<html>"))).text, /^502/);
  assert.deepEqual((await readAnswer(answer(200, "null"))).streams, []);
});

test("the list is asked for with the token, and a dead server is lost", async () => {
  let asked;
  globalThis.fetch = async (url, options) => {
    asked = options.headers;
    return answer(200, '{"streams": []}');
  };
  assert.equal((await fetchStreams("http://here/", "s3cret")).state, "ok");
  assert.deepEqual(asked, { Authorization: "Bearer s3cret" });
  globalThis.fetch = async () => Promise.reject(new TypeError("failed to fetch"));
  assert.equal((await fetchStreams("http://here/", null)).state, "lost");
});

test("an answer to an earlier question is thrown away", async () => {
  const answers = [];
  globalThis.fetch = () => new Promise((resolve) => answers.push(resolve));
  const polls = [];
  const poll = new StreamsPoll("http://here/", (result) => polls.push(result.streams));
  const first = poll.start(null);
  const second = poll.start("t");
  answers[1](answer(200, '{"streams": ["new"]}'));
  await second;
  answers[0](answer(200, '{"streams": ["old"]}'));
  await first;
  assert.deepEqual(polls, [["new"]]);
  mock.timers.tick(2000);
  assert.equal(answers.length, 3, "and it asks again after its period, once");
});
