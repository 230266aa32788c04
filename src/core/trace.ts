/** One decision, as `sentinel explain`, the debug header and the access log print it. */
export interface TraceStep {
  /** What decided: `listener`, `route`, `filter`, `service`, `upstream`, `error`. */
  readonly step: string;
  /** Which one: a route id, a filter id, a target address. */
  readonly subject: string;
  /** What came out: `matched`, `lost`, `continued`, `answered`, `picked`, `retried`, … */
  readonly outcome: string;
  /** Why, in a few words with the values compared. */
  readonly detail?: string;
}

/** Collects decisions in order. Present only when an explanation was asked for. */
export class Trace {
  readonly steps: TraceStep[] = [];

  note(step: TraceStep): void {
    this.steps.push(step);
  }
}
