import type { CertificateState, RenewalOutcome } from "../acme/managed_certificate.ts";

/** A certificate as the admin listener and `sentinel acme status` show it. */
export interface CertificateView {
  readonly name: string;
  readonly domains: readonly string[];
  readonly directory: string;
  readonly issuer: string;
  /** Self-signed, until the first real one is there. */
  readonly standIn: boolean;
  readonly expires: string;
  /** When it is renewed, or tried again. */
  readonly nextAttempt: string;
  readonly ordering: boolean;
  readonly lastSuccess: string | null;
  readonly failuresInARow: number;
  readonly lastFailure: { readonly at: string; readonly reason: string; readonly message: string } | null;
}

/** All certificates from authorities. */
export interface CertificatesView {
  readonly certificates: readonly CertificateView[];
}

/** What came of a renewal that somebody asked for. */
export interface RenewalView {
  readonly name: string;
  readonly outcome: RenewalOutcome["type"];
  readonly reason: string | null;
  readonly message: string | null;
}

/** States for people and programs. `wallMs` is now: what is due is due now. */
export function certificatesView(states: readonly CertificateState[], wallMs: number): CertificatesView {
  return { certificates: states.map((state) => viewOf(state, wallMs)) };
}

function viewOf(state: CertificateState, wallMs: number): CertificateView {
  const { lastFailure, lastSuccessMs } = state;
  return {
    name: state.name,
    domains: state.domains,
    directory: state.directory,
    issuer: state.issuer,
    standIn: state.isStandIn,
    expires: new Date(state.notAfterMs).toISOString(),
    nextAttempt: new Date(Math.max(state.nextAttemptMs, wallMs)).toISOString(),
    ordering: state.isOrdering,
    lastSuccess: lastSuccessMs === undefined ? null : new Date(lastSuccessMs).toISOString(),
    failuresInARow: state.failuresInARow,
    lastFailure: lastFailure === undefined ? null : {
      at: new Date(lastFailure.atMs).toISOString(),
      reason: lastFailure.reason,
      message: lastFailure.message,
    },
  };
}

/** Outcomes by name, for people and programs. */
export function renewalsView(outcomes: ReadonlyMap<string, RenewalOutcome>): RenewalView[] {
  return [...outcomes].map(([name, outcome]) => ({
    name,
    outcome: outcome.type,
    reason: outcome.type === "failed" ? outcome.reason : null,
    message: outcome.type === "failed" ? outcome.message : null,
  }));
}
