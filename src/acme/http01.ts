import { AcmeError } from "./acme_error.ts";
import type { ChallengeBoard } from "./ports.ts";
import type { Proof, Solver } from "./solver.ts";

/** Proofs that are shown at a time, of all orders together. */
export const PROOFS_MAX = 1_000;
/** RFC 8555 §8.3: base64url characters; at least 128 bits, but that is the authority's part. */
const TOKEN = /^[A-Za-z0-9_-]{1,256}$/;

/** Proves names by answering below `/.well-known/acme-challenge/` (RFC 8555 §8.3). Shared by all orders. */
export class Http01 implements Solver {
  readonly type = "http-01";
  readonly #board: ChallengeBoard;
  readonly #shown = new Map<string, string>();

  constructor(board: ChallengeBoard) {
    this.#board = board;
  }

  async present(proofs: readonly Proof[]): Promise<() => Promise<void>> {
    if (this.#shown.size + proofs.length > PROOFS_MAX) {
      throw new AcmeError("order", `more than ${PROOFS_MAX} proofs at a time`);
    }
    for (const { token } of proofs) {
      if (!TOKEN.test(token)) throw new AcmeError("protocol", "a token that is no base64url");
    }
    for (const { token, keyAuthorization } of proofs) this.#shown.set(token, keyAuthorization);
    const remove = async () => {
      for (const { token } of proofs) this.#shown.delete(token);
      // The threads are gone, or keep answering what is of no use to anybody any more.
      await this.#show().catch(() => {});
    };
    try {
      await this.#show();
    } catch (cause) {
      await remove();
      throw new AcmeError("challenge", "the proofs could not be shown on the listeners", { cause });
    }
    return remove;
  }

  /** What is shown now, for threads that begin late. */
  get shown(): ReadonlyMap<string, string> {
    return this.#shown;
  }

  async #show(): Promise<void> {
    await this.#board.show(new Map(this.#shown));
  }
}
