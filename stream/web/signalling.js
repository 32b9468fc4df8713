/**
 * WHIP and WHEP (RFC 9725): one offer over HTTP, one answer, and the address that ends the session.
 *
 * @typedef {{location: string, viewerToken: string | null}} Session
 */

/** Gathering is only waited for where STUN or TURN servers are named, and no longer than this. */
const GATHER_MS = 1000;

/** A network may be gone for a moment, as when a phone changes its mast. */
const GONE_MS = 5000;
const TIMEOUT_MS = 15000;

/** A server that said no, in its own words. */
export class Refused extends Error {
  /** @param {number} status 0 where nobody answered @param {string} text @param {number | null} retryS */
  constructor(status, text, retryS) {
    super(text);
    this.status = status;
    this.retryS = retryS;
  }
}

/** The ICE servers of Link headers. Pure.
 * @param {string | null} links @returns {RTCIceServer[]} */
export function iceServers(links) {
  const found = [...(links ?? "").matchAll(/<((?:stun|turn)s?:[^>]+)>([^<]*)/g)];
  return found
    .filter(([, , rest]) => /rel="?ice-server"?/.test(rest))
    .map(([, urls, rest]) => {
      const username = quoted(rest, "username");
      const credential = quoted(rest, "credential");
      return username === null || credential === null ? { urls } : { urls, username, credential };
    });
}

/** @param {string} text @param {string} name */
function quoted(text, name) {
  const match = new RegExp(`${name}="((?:[^"\\\\]|\\\\.)*)"`).exec(text);
  return match ? match[1].replace(/\\(.)/g, "$1") : null;
}

/** What the endpoint's owner offers: whether `token` is welcome there, and its ICE servers.
 * @param {string} endpoint @param {string | null} token
 * @returns {Promise<RTCIceServer[]>}
 * @throws {Refused} */
export async function ask(endpoint, token) {
  const response = await request(endpoint, { method: "OPTIONS", headers: bearer(token) });
  return iceServers(response.headers.get("Link"));
}

/** Offer what `peer` has and take the answer.
 * @param {RTCPeerConnection} peer @param {string} endpoint @param {string | null} token
 * @returns {Promise<Session>}
 * @throws {Refused} */
export async function connect(peer, endpoint, token) {
  await peer.setLocalDescription();
  if (peer.getConfiguration().iceServers?.length) await gathered(peer);
  const response = await request(endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/sdp", ...bearer(token) },
    body: peer.localDescription?.sdp,
  });
  const location = new URL(response.headers.get("Location") ?? "", endpoint).href;
  const session = { location, viewerToken: response.headers.get("DeepfakeStream-Viewer-Token") };
  try {
    await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
  } catch (error) {
    // Closed meanwhile, or an answer that cannot be taken: the server would wait for nobody.
    end(session, token);
    throw error;
  }
  return session;
}

/** Call `gone` when `peer` will not come back by itself.
 * @param {RTCPeerConnection} peer @param {() => void} gone */
export function onGone(peer, gone) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  peer.addEventListener("connectionstatechange", () => {
    clearTimeout(timer);
    const state = /** @type {string} */ (peer.connectionState);
    const patience = { disconnected: GONE_MS, failed: 0, closed: 0 }[state];
    if (patience !== undefined) timer = setTimeout(gone, patience);
  });
}

/** End a session; also while the page goes away. Who does not hear of it notices by itself.
 * @param {Session} session @param {string | null} token */
export function end(session, token) {
  const options = { method: "DELETE", headers: bearer(token), keepalive: true };
  fetch(session.location, options).catch(() => {});
}

/** @param {string} url @param {RequestInit} options @returns {Promise<Response>} */
async function request(url, options) {
  let response;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    response = await fetch(url, { ...options, cache: "no-store", signal });
  } catch {
    throw new Refused(0, "The server does not answer.", null);
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  const text = String(body?.detail ?? body?.title ?? response.statusText).slice(0, 300);
  const retry = Number(response.headers.get("Retry-After") ?? Number.NaN);
  throw new Refused(response.status, text, Number.isFinite(retry) ? retry : null);
}

/** @param {string | null} token @returns {Record<string, string>} */
const bearer = (token) => (token ? { Authorization: `Bearer ${token}` } : {});

/** @param {RTCPeerConnection} peer @returns {Promise<void>} */
function gathered(peer) {
  return new Promise((resolve) => {
    const done = () => peer.iceGatheringState === "complete" && resolve();
    peer.addEventListener("icegatheringstatechange", done);
    setTimeout(resolve, GATHER_MS);
    done();
  });
}
