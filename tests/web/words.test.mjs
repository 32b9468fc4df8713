import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as words from "../../stream/web/words.js";

for (const [ms, text] of [
  [null, "none yet"], [-5, "0 ms"], [84, "80 ms"], [994, "990 ms"], [1000, "1.0 s"],
  [9900, "9.9 s"], [12_345, "12 s"], [61_000, "1 min 01 s"], [3_720_000, "1 h 02 min"],
]) {
  test(`an age of ${ms} ms reads ${text}`, () => assert.equal(words.age(ms), text));
}

for (const [probability, text] of [
  [null, "–"], [0, "<1 %"], [0.01, "1 %"], [0.5, "50 %"], [0.994, ">99 %"], [1, ">99 %"],
]) {
  test(`a probability of ${probability} reads ${text}`, () => {
    assert.equal(words.percent(probability), text);
  });
}

test("times and counts", () => {
  assert.equal(words.mediaTime(0), "0:00.0");
  assert.equal(words.mediaTime(75.46), "1:15.4");
  assert.equal(words.clockTime("2026-01-31T12:00:00.250Z"), "12:00:00.250 UTC");
  assert.equal(words.clockTime("soon"), "soon");
  assert.equal(words.count(1234567), "1\u2009234\u2009567");
  assert.equal(words.count(null), "–");
  assert.equal(words.rate(14.96), "15.0");
  assert.equal(words.rate(null), "–");
});

test("every state and reason that the program knows has words of its own", () => {
  const source = readFileSync(new URL("../../stream/types.py", import.meta.url), "utf8");
  const values = (name) => {
    const body = source.split(`class ${name}(StrEnum)`)[1].split("\nclass ")[0];
    return [...body.matchAll(/^ {4}[A-Z_]+ = "(\w+)"/gm)].map((match) => match[1]);
  };
  for (const state of values("FaceState")) assert.ok(Object.hasOwn(words.STATES, state), state);
  assert.deepEqual(values("Reason").filter((reason) => !Object.hasOwn(words.REASONS, reason)), []);
});

test("an unknown word is shown, not hidden, and never looked up in the prototype", () => {
  assert.equal(words.reasonWords("lens_covered"), "Lens covered");
  assert.equal(words.stateWords("constructor"), "Constructor");
});

test("no state claims that a person is real", () => {
  for (const state of ["undecided", "no_evidence", "suspicious", "fake", "no_face"]) {
    assert.doesNotMatch(words.stateWords(state), /real|verified|genuine|authentic/i);
  }
});

const said = (changes) =>
  words.note({ state: "undecided", reasons: [], fakeSinceS: null, undecidedS: 0, ...changes });

test("a swap's beginning is said in media time, where it is known", () => {
  assert.equal(said({ state: "fake", fakeSinceS: 72.34 }), "Swapped since about 1:12.3");
  assert.equal(said({ state: "fake" }), "");
  assert.equal(said({ state: "no_evidence" }), "");
});

test("long abstention is said with its length and its causes", () => {
  const reasons = ["low_quality", "face_too_small", "blurred", "long_undecided"];
  assert.equal(said({ reasons, undecidedS: 45.2 }), "Cannot tell for 45 s: face too small, blurred");
  assert.equal(
    said({ reasons: ["low_quality", "long_undecided"], undecidedS: 100 }),
    "Cannot tell for 1 min 40 s: picture too poor to judge",
  );
  assert.equal(said({ reasons: reasons.slice(0, 3), undecidedS: 20 }), "");
});

for (const [perHour, extrapolated, text] of [
  [0.1, false, /about 1 in 10 hours\.$/],
  [0.4, false, /about 1 in 2\.5 hours\.$/],
  [3, false, /about 3 an hour\.$/],
  [0.01, true, /about 1 in 100 hours\. This is extrapolated: less real video was measured\.$/],
]) {
  test(`${perHour} false alarms an hour are told in words`, () => {
    assert.match(words.alarmWords({ nats: 8, perHour, extrapolated }), text);
  });
}

test("weights that are not calibrated promise nothing", () => {
  assert.match(words.alarmWords(null), /not known/);
});
