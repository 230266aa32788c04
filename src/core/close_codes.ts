/** Bytes of a Close frame's reason at most (RFC 6455 §5.5). */
export const CLOSE_REASON_BYTES_MAX = 123;

/** Whether a code may stand in a Close frame of a WebSocket (RFC 6455 §7.4): 1004 to 1006 and 1015 never do. */
export function isCloseCode(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}
