/**
 * The visitor's cameras: opening one, the list to choose from, and what went wrong, in words.
 */

/** A face at arm's length is about 150 px wide then; more pixels would cost time, and say little. */
const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30, max: 30 } };

const WORDS = new Map(Object.entries({
  NotAllowedError: "The browser was not allowed to use the camera. Allow it beside the address, then try again.",
  SecurityError: "The browser's settings forbid cameras on this page.",
  NotFoundError: "No camera was found. Plug one in, then try again.",
  NotReadableError: "The camera cannot be read: another program may be using it.",
  AbortError: "The camera did not start. Try again.",
  OverconstrainedError: "This camera is not there any more. Choose another one.",
}));

/** Why there can be no camera at all here, or "". Pure.
 * @param {{secure: boolean, media: boolean, rtc: boolean}} browser */
export function unusable({ secure, media, rtc }) {
  if (!secure) return "Browsers give a camera only to pages over HTTPS, or on this very machine. Open this page over HTTPS.";
  if (!media) return "This browser has no access to cameras.";
  return rtc ? "" : "This browser has no WebRTC, by which the picture would be sent.";
}

/** @param {{name?: string, message?: string}} error of getUserMedia; pure */
export function cameraWords(error) {
  return WORDS.get(error.name ?? "") ?? `The camera did not start: ${error.message || error.name}`;
}

/** What this browser has. */
export const here = () => ({
  secure: isSecureContext,
  media: Boolean(navigator.mediaDevices?.getUserMedia),
  rtc: typeof RTCPeerConnection === "function",
});

/** @param {string | null} deviceId null: whichever the browser likes
 * @returns {Promise<MediaStreamTrack>} */
export async function openCamera(deviceId) {
  const video = deviceId ? { ...WANTED, deviceId: { exact: deviceId } } : WANTED;
  const media = await navigator.mediaDevices.getUserMedia({ video, audio: false });
  return media.getVideoTracks()[0];
}

/** Names are given only once a camera was allowed.
 * @returns {Promise<{id: string, name: string}[]>} */
export async function cameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter(({ kind, deviceId }) => kind === "videoinput" && deviceId)
    .map(({ deviceId, label }, index) => ({ id: deviceId, name: label || `Camera ${index + 1}` }));
}
