/**
 * The overlay message as the page uses it: checked once, here, so that nothing behind it has to
 * doubt a field. Pure.
 *
 * @typedef {object} Face
 * @property {number} trackId
 * @property {number[]} box x1, y1, x2, y2 in the decoded frame
 * @property {number[][]} landmarks five points in the decoded frame, or none
 * @property {number | null} probability over the window; null while no sample is in it
 * @property {number | null} frameProbability null unless the network scored this very frame
 * @property {string} state
 * @property {string[]} reasons
 * @property {number} quality
 * @property {number} samples
 * @property {number | null} evidenceAgeMs
 * @property {number | null} fakeSinceS media time of the switch; null unless fake, or unknown
 * @property {number} undecidedS media time for which nothing could be said, 0 in other states
 * @property {number | null} evidenceNats what the alarm goes by; null without a calibrated one
 * @property {string | null} heatmap 196 bytes, base64
 *
 * @typedef {object} Health
 * @property {number | null} evidenceAgeMs
 * @property {number | null} fpsIn
 * @property {number | null} fpsScored
 * @property {number | null} dropped
 * @property {string} engine
 * @property {string} device
 * @property {string} decoder
 * @property {string} sourceState
 * @property {string[]} degraded
 *
 * @typedef {object} Message
 * @property {number} seq
 * @property {number} frameSeq
 * @property {number} epoch
 * @property {number} mediaTimeS
 * @property {string} capturedAt
 * @property {string} clock
 * @property {number | null} rtpTimestamp of the packets that the frame came in
 * @property {number[]} frameSize
 * @property {string} state
 * @property {Face[]} faces
 * @property {Health} health
 */

export const VERSION = 1;

/** More faces than a screen can tell apart; the bound keeps a hostile message from costing more. */
const MAX_FACES = 32;
const MAX_TEXT = 200;

/** A message that this page cannot read. */
export class UnreadableMessage extends Error {}

/**
 * @param {string} text one WebSocket message
 * @returns {Message}
 * @throws {UnreadableMessage} for another version or a missing essential field
 */
export function parseMessage(text) {
  const raw = parseJson(text);
  if (raw?.version !== VERSION) {
    throw new UnreadableMessage(`version ${label(raw?.version)} instead of ${VERSION}`);
  }
  const size = numbers(raw.frame_size_px, 2);
  if (!size || size[0] <= 0 || size[1] <= 0) throw new UnreadableMessage("no frame size");
  return {
    seq: essential(raw.seq, "seq"),
    frameSeq: essential(raw.frame_seq, "frame_seq"),
    epoch: essential(raw.epoch, "epoch"),
    mediaTimeS: essential(raw.media_time_s, "media_time_s"),
    capturedAt: label(raw.captured_at),
    clock: label(raw.clock),
    rtpTimestamp: number(raw.rtp_timestamp),
    frameSize: size,
    state: label(raw.state),
    faces: list(raw.faces).slice(0, MAX_FACES).map(parseFace).filter((face) => face !== null),
    health: parseHealth(raw.health),
  };
}

/** Also used for the streams' list, where a stream that never ran may have no health yet.
 * @param {any} raw @returns {Health} */
export function parseHealth(raw) {
  return {
    evidenceAgeMs: number(raw?.evidence_age_ms),
    fpsIn: number(raw?.fps_in),
    fpsScored: number(raw?.fps_scored),
    dropped: number(raw?.dropped),
    engine: label(raw?.engine),
    device: label(raw?.device),
    decoder: label(raw?.decoder),
    sourceState: label(raw?.source_state),
    degraded: list(raw?.degraded).map(label).filter(Boolean).slice(0, 8),
  };
}

/** @param {any} raw @returns {Face | null} null for a face without a box: nothing can be drawn */
function parseFace(raw) {
  const box = numbers(raw?.box_px, 4);
  const trackId = number(raw?.track_id);
  if (!box || trackId === null) return null;
  const points = list(raw.landmarks_px).flatMap((point) => [numbers(point, 2) ?? []]);
  return {
    trackId,
    box,
    landmarks: points.length === 5 && points.every((point) => point.length === 2) ? points : [],
    probability: number(raw.probability_fake),
    frameProbability: number(raw.frame_probability_fake),
    state: label(raw.state),
    reasons: list(raw.reasons).map(label).filter(Boolean).slice(0, 12),
    quality: number(raw.quality) ?? 0,
    samples: number(raw.samples) ?? 0,
    evidenceAgeMs: number(raw.evidence_age_ms),
    fakeSinceS: number(raw.fake_since_s),
    undecidedS: number(raw.undecided_s) ?? 0,
    evidenceNats: number(raw.evidence_nats),
    heatmap: typeof raw.heatmap === "string" ? raw.heatmap : null,
  };
}

/** @param {string} text */
function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreadableMessage("not JSON");
  }
}

/** @param {any} value @param {string} name */
function essential(value, name) {
  const found = number(value);
  if (found === null) throw new UnreadableMessage(`no ${name}`);
  return found;
}

/** @param {any} value @returns {number | null} */
function number(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** @param {any} value @param {number} length @returns {number[] | null} */
function numbers(value, length) {
  if (!Array.isArray(value) || value.length !== length) return null;
  return value.every((item) => number(item) !== null) ? value : null;
}

/** @param {any} value @returns {any[]} */
function list(value) {
  return Array.isArray(value) ? value : [];
}

/** @param {any} value @returns {string} */
function label(value) {
  if (typeof value !== "string" && typeof value !== "number") return "";
  return String(value).slice(0, MAX_TEXT);
}
