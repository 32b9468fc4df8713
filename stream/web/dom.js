/**
 * Touching the document: only ever text and attributes, never markup, so that nothing a camera's
 * name or a server's sentence contains can become part of the page.
 */

import { outline } from "./icons.js";

/** @param {string} testId @param {ParentNode} [root] @returns {any} */
export function part(testId, root = document) {
  const found = root.querySelector(`[data-testid="${testId}"]`);
  if (!found) throw new Error(`the page has no ${testId}`);
  return found;
}

/** A copy of a template's one element. @param {string} id @returns {HTMLElement} */
export function stamp(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/** Writes only what changed: an equal text would still cost a layout and wake screen readers.
 * @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {HTMLElement} element @param {string} key @param {string} value */
export function setData(element, key, value) {
  if (element.dataset[key] !== value) element.dataset[key] = value;
}

/** The state's shape in an `<svg><path>`. @param {Element} svg @param {string} state */
export function setIcon(svg, state) {
  const path = /** @type {Element} */ (svg.querySelector("path"));
  const data = outline(state);
  if (path.getAttribute("d") !== data) path.setAttribute("d", data);
}

/** Makes the children of a list the given texts. @param {Element} list @param {string[]} texts */
export function setItems(list, texts) {
  while (list.children.length > texts.length) list.lastElementChild?.remove();
  while (list.children.length < texts.length) list.append(document.createElement("li"));
  texts.forEach((text, index) => setText(list.children[index], text));
}
