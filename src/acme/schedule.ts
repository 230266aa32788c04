/** When a certificate is renewed, and when it is tried again after a failure. */

import type { CertificateFacts } from "./x509/certificate.ts";

const DAY_MS = 86_400_000;
/** Share of the time before expiry by which renewals are spread, so that many do not come at once. */
const SPREAD = 0.1;
/** Public authorities allow five failures in an hour for one name: this leaves room for some by hand. */
const BACKOFF_MIN_MS = 2 * 60_000;
const BACKOFF_MAX_MS = 12 * 3_600_000;

/**
 * When a certificate is to be renewed, in Unix milliseconds: `beforeDays` before it expires, but not before two
 * thirds of its time are over, and up to a tenth of that earlier by `chance` (0 to 1).
 */
export function renewalMs(
  { notBeforeMs, notAfterMs }: Pick<CertificateFacts, "notBeforeMs" | "notAfterMs">,
  { beforeDays, chance }: { readonly beforeDays: number; readonly chance: number },
): number {
  const before = Math.min(beforeDays * DAY_MS, (notAfterMs - notBeforeMs) / 3);
  return notAfterMs - before * (1 + SPREAD * chance);
}

/** The pause after so many failures in a row, spread by a tenth around by `chance` (0 to 1). */
export function backoffMs(failuresInARow: number, chance: number): number {
  const pause = Math.min(BACKOFF_MIN_MS * 2 ** Math.min(failuresInARow - 1, 20), BACKOFF_MAX_MS);
  return pause * (1 + SPREAD * (2 * chance - 1));
}
