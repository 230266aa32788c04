/** What is wrong with rule files, all of it, by file and line. */

import { Config, field, log } from "sentinel";

/** More problems than this help nobody. */
const PROBLEMS_MAX = 200;

/** A place in a rule file. */
export class Place {
  constructor(readonly file: string, readonly line: i32) {}

  toString(): string {
    return this.file + ":" + this.line.toString();
  }
}

/** Problems refuse the rules, warnings do not. */
export class Problems {
  private readonly errors: string[] = [];
  private readonly warnings: string[] = [];
  private readonly warningPlaces: Place[] = [];
  private leftOut: i32 = 0;

  /** Something that cannot be loaded. */
  error(place: Place, message: string): void {
    if (this.errors.length < PROBLEMS_MAX) {
      this.errors.push(place.toString() + ": " + message);
    } else this.leftOut++;
  }

  /** Something that is loaded, but has another effect than its author may expect. */
  warn(place: Place, message: string): void {
    if (this.warnings.length >= PROBLEMS_MAX) return;
    this.warnings.push(message);
    this.warningPlaces.push(place);
  }

  get hasErrors(): bool {
    return this.errors.length > 0;
  }

  /** Hands all errors to the proxy. */
  report(config: Config): void {
    for (let index = 0; index < this.errors.length; index++) {
      config.problem(this.errors[index]);
    }
    if (this.leftOut > 0) {
      config.problem(this.leftOut.toString() + " more problems are not listed");
    }
  }

  /** Writes all warnings to the log, which must be granted. */
  logWarnings(): void {
    for (let index = 0; index < this.warnings.length; index++) {
      const place = this.warningPlaces[index];
      log.warn(this.warnings[index], [
        field("file", place.file),
        field("line", place.line.toString()),
      ]);
    }
  }
}
