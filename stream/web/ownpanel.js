/**
 * The controls of the visitor's own camera: start, stop, which one, and what is the matter.
 */

import { cameras, here, unusable } from "./camera.js";
import { part, setData, setText } from "./dom.js";
import { recall, remember } from "./settings.js";

export class OwnPanel {
  /** @type {string | null} */
  #wanted = recall("camera");

  /** @param {import("./own.js").OwnCamera} own @param {() => string | null} token that may publish */
  constructor(own, token) {
    this.own = own;
    this.token = token;
    const problem = unusable(here());
    part("own-start").disabled = problem !== "";
    this.unusable = problem;
    part("own-start").addEventListener("click", () => own.start(this.#wanted, token()));
    part("own-stop").addEventListener("click", () => own.stop());
    part("own-picker").addEventListener("change", () => this.#choose());
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#list());
    this.render();
  }

  /** Show what the camera is up to. */
  render() {
    const { state, words } = this.own;
    const running = state !== "idle";
    setData(part("own"), "state", state);
    part("own-start").hidden = running;
    part("own-stop").hidden = !running;
    if (!running) part("own-picker").hidden = true;
    setText(part("own-status"), this.unusable || words);
    if (state === "connecting" || state === "live") this.#list();
    // A camera that is gone must not be asked for again.
    if (state === "idle" && words) this.#wanted = null;
  }

  #choose() {
    this.#wanted = part("own-picker").value;
    remember("camera", this.#wanted ?? "");
    this.own.start(this.#wanted, this.token());
  }

  async #list() {
    const found = await cameras().catch(() => []);
    const picker = part("own-picker");
    const options = found.map(({ id, name }) => new Option(name, id, false, id === this.own.deviceId));
    picker.replaceChildren(...options);
    picker.disabled = found.length < 2;
    picker.hidden = found.length === 0 || this.own.state === "idle";
  }
}
