import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../../stream/web/theme.css", import.meta.url), "utf8");
const blocks = [...css.matchAll(/(:root[^{]*)\{([^{}]*)\}/g)].map(([, selector, body]) => [
  selector.trim(),
  Object.fromEntries([...body.matchAll(/--([\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, value])),
]);
const [[, light], [, system], [, chosen]] = blocks;

/** Relative luminance, WCAG 2.2. */
function luminance(hex) {
  const [r, g, b] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const PAIRS = [
  ["ink", "panel"], ["ink", "page"], ["ink", "sunken"], ["muted", "panel"], ["muted", "page"],
  ["muted", "sunken"], ["muted", "accent-soft"], ["accent", "panel"], ["accent", "accent-soft"],
  ["undecided", "panel"], ["undecided", "undecided-soft"], ["no-evidence", "panel"],
  ["no-evidence", "no-evidence-soft"], ["no-evidence", "accent-soft"], ["suspicious", "panel"],
  ["suspicious", "suspicious-soft"], ["suspicious", "accent-soft"], ["fake", "panel"],
  ["fake", "fake-soft"], ["fake", "accent-soft"],
];

for (const [name, colors] of [["light", light], ["dark", chosen]]) {
  for (const [text, surface] of PAIRS) {
    test(`${text} on ${surface} can be read (${name}, WCAG AA)`, () => {
      const ratio = contrast(colors[text], colors[surface]);
      assert.ok(ratio >= 4.5, ratio.toFixed(2));
    });
  }
}

test("the system's dark and the chosen dark are one theme", () => assert.deepEqual(system, chosen));
