/**
 * The line to the server: one socket that comes back by itself, and the poll of the streams' list.
 *
 * A browser hides why a WebSocket was refused, so the poll is what learns of a missing token or a
 * server that is gone; sockets only know open and not open.
 *
 * @typedef {"ok" | "unauthorised" | "lost" | "refused"} PollState
 * @typedef {{state: PollState, streams: any[], text: string}} Poll
 */

export const SUBPROTOCOL = "deepfakestream.v1";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;
const POLL_TIMEOUT_MS = 4000;

/** A handshake that hangs longer than this is a server that accepts and does not answer. */
const OPEN_TIMEOUT_MS = 6000;

/**
 * The pause before try number `attempt` (from 0): doubling from 0.5 s to 5 s. Jitter takes off up
 * to half, so that a room of pages does not return in one burst.
 * @param {number} attempt @param {() => number} [random]
 */
export function backoffMs(attempt, random = Math.random) {
  const full = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10), LONGEST_PAUSE_MS);
  return full * (1 - random() / 2);
}

/** A WebSocket that reconnects until closed. One object is one address; it is never reused. */
export class ReconnectingSocket {
  /** @type {WebSocket | null} */
  #socket = null;
  #attempt = 0;
  #closed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {string} url
   * @param {string | null} token
   * @param {{onData: (data: any) => void, onState: (open: boolean) => void}} handlers
   */
  constructor(url, token, handlers) {
    this.url = url;
    this.protocols = token ? [SUBPROTOCOL, `token.${token}`] : [SUBPROTOCOL];
    this.handlers = handlers;
    this.#connect();
  }

  /** Stop for good. No handler is called afterwards. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  /** Drop a connection that is open but has gone silent, and make a new one. */
  restart() {
    if (this.#closed) return;
    this.#drop();
    this.#retry();
  }

  #connect() {
    const socket = this.#construct();
    if (!socket) return;
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    this.#timer = setTimeout(() => this.restart(), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(this.#timer);
      this.handlers.onState(true);
    };
    socket.onmessage = (event) => {
      // Only data proves that the line works: a proxy may accept and close at once, for ever.
      this.#attempt = 0;
      this.handlers.onData(event.data);
    };
    socket.onclose = () => {
      this.#drop();
      this.#retry();
    };
  }

  /** @returns {WebSocket | null} null where the token cannot be a subprotocol; the poll says so */
  #construct() {
    try {
      return new WebSocket(this.url, this.protocols);
    } catch {
      this.handlers.onState(false);
      return null;
    }
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    clearTimeout(this.#timer);
    if (!socket) return;
    // Detached first: a late event of this socket must not speak for the next one.
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #retry() {
    this.handlers.onState(false);
    this.#timer = setTimeout(() => this.#connect(), backoffMs(this.#attempt++));
  }
}

/** Asks for the list of streams every two seconds, or when told to. */
export class StreamsPoll {
  #generation = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {string} url
   * @param {(poll: Poll) => void} onPoll
   * @param {number} [periodMs]
   */
  constructor(url, onPoll, periodMs = 2000) {
    this.url = url;
    this.onPoll = onPoll;
    this.periodMs = periodMs;
    /** @type {string | null} */
    this.token = null;
  }

  /** Ask now, then every period. An answer to an earlier `start` is thrown away.
   * @param {string | null} token */
  async start(token) {
    this.token = token;
    clearTimeout(this.#timer);
    const generation = ++this.#generation;
    const poll = await fetchStreams(this.url, token);
    if (generation !== this.#generation) return;
    this.onPoll(poll);
    this.#timer = setTimeout(() => this.start(this.token), this.periodMs);
  }
}

/** @param {string} url @param {string | null} token @returns {Promise<Poll>} */
export async function fetchStreams(url, token) {
  try {
    const response = await fetch(url, {
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      cache: "no-store",
      signal: AbortSignal.timeout(POLL_TIMEOUT_MS),
    });
    return await readAnswer(response);
  } catch {
    return { state: "lost", streams: [], text: "" };
  }
}

/** @param {Response} response @returns {Promise<Poll>} */
export async function readAnswer(response) {
  const body = await response.json().catch(() => null);
  if (response.status === 401) return { state: "unauthorised", streams: [], text: "" };
  if (!response.ok) {
    const text = body?.detail ?? body?.title ?? response.statusText;
    return { state: "refused", streams: [], text: `${response.status} ${text}`.slice(0, 300) };
  }
  const streams = Array.isArray(body?.streams) ? body.streams : [];
  return { state: "ok", streams, text: "" };
}
