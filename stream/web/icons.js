/**
 * A shape for each state, so that none depends on colour: drawn on the canvas and in the page from
 * the same outlines. Each is stroked in a 16×16 square.
 */

/** @type {Record<string, string>} */
const OUTLINES = {
  undecided: "M2.5 8a5.5 5.5 0 1 1 11 0a5.5 5.5 0 1 1-11 0M6.3 6.4a1.8 1.8 0 1 1 2.6 1.7c-.6.3-.9.6-.9 1.2M8 11.3v.1",
  no_evidence: "M2.5 8a5.5 5.5 0 1 1 11 0a5.5 5.5 0 1 1-11 0M5.5 8h5",
  suspicious: "M8 2.2L14.4 13.4H1.6ZM8 6.4v3.2M8 11.5v.1",
  fake: "M5.4 1.8h5.2l3.6 3.6v5.2l-3.6 3.6H5.4l-3.6-3.6V5.4ZM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4",
};

/** @param {string} state @returns {string} SVG path data; an unknown state gets the question mark */
export function outline(state) {
  return Object.hasOwn(OUTLINES, state) ? OUTLINES[state] : OUTLINES.undecided;
}
