/**
 * The page's address: which stream is on show, and the token, both in the fragment, which never
 * leaves the browser. Pure.
 *
 * @typedef {{stream: string | null, token: string | null}} Route
 */

/** @param {string} hash with or without "#" @returns {Route} */
export function parseRoute(hash) {
  // A "+" means itself here: a token that its owner chose may hold one.
  const params = new URLSearchParams(hash.replace(/^#/, "").replaceAll("+", "%2B"));
  return { stream: params.get("stream") || null, token: params.get("token") || null };
}

/** @param {Route} route @returns {string} with "#" */
export function formatRoute(route) {
  const parts = [];
  if (route.stream) parts.push(`stream=${encodeURIComponent(route.stream)}`);
  if (route.token) parts.push(`token=${encodeURIComponent(route.token)}`);
  return `#${parts.join("&")}`;
}

/** Sockets live beside the page, whatever path prefix a proxy puts before both.
 * @param {string} base the document's base URI @param {string} path */
export function socketUrl(base, path) {
  const url = new URL(path, base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.hash = "";
  return url.href;
}

/** @param {string} id @param {boolean} heatmap */
export function scoresPath(id, heatmap) {
  return `v1/streams/${encodeURIComponent(id)}/scores?heatmap=${heatmap ? 1 : 0}`;
}

/** @param {string} id */
export const videoPath = (id) => `v1/streams/${encodeURIComponent(id)}/video`;

/** @param {string} id */
export const whepPath = (id) => `v1/whep/${encodeURIComponent(id)}`;

/** @param {string} id */
export const whipPath = (id) => `v1/whip/${encodeURIComponent(id)}`;
