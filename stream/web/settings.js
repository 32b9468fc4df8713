/**
 * What the viewer chose and the browser keeps: the theme and the picture's layers. Storage may be
 * forbidden (private windows, policies): then the choice lasts as long as the page.
 */

const PREFIX = "deepfakestream.";

/** @param {string} key @returns {string | null} */
export function recall(key) {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

/** @param {string} key @param {string} value */
export function remember(key, value) {
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    // Nothing to do: it still holds for this page.
  }
}

/** A button that switches the theme; until used, the system's choice holds.
 * @param {HTMLElement} button @param {() => void} onChange */
export function bindTheme(button, onChange) {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const current = () => root.dataset.theme ?? (system.matches ? "dark" : "light");
  const label = () => {
    const other = current() === "dark" ? "light" : "dark";
    button.setAttribute("aria-label", `Switch to the ${other} theme`);
    button.title = `Switch to the ${other} theme`;
    button.dataset.current = current();
    onChange();
  };
  const saved = recall("theme");
  if (saved === "dark" || saved === "light") root.dataset.theme = saved;
  button.addEventListener("click", () => {
    root.dataset.theme = current() === "dark" ? "light" : "dark";
    remember("theme", root.dataset.theme);
    label();
  });
  system.addEventListener("change", label);
  label();
}

/** A button that is pressed or not, at first as the page has it.
 * @param {HTMLElement} button @param {string} key @param {() => void} onChange */
export function bindToggle(button, key, onChange) {
  const set = (/** @type {boolean} */ on) => button.setAttribute("aria-pressed", String(on));
  set((recall(key) ?? (isOn(button) ? "on" : "off")) === "on");
  button.addEventListener("click", () => {
    set(!isOn(button));
    remember(key, isOn(button) ? "on" : "off");
    onChange();
  });
}

/** @param {HTMLElement} button */
export const isOn = (button) => button.getAttribute("aria-pressed") === "true";
