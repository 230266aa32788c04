/** A tournament: of numbered players, each with a score and a second one for ties, the one with the least wins. */
export class MinTree {
  readonly #scores: Float64Array;
  readonly #ties: Float64Array;
  /** Winner of each match; the root is at 1, player `i` enters at `#leaves + i`. */
  readonly #winners: Int32Array;
  readonly #leaves: number;

  /** All players begin with a score of Infinity: out of the game. */
  constructor(players: number) {
    let leaves = 1;
    while (leaves < players) leaves *= 2;
    this.#leaves = leaves;
    this.#scores = new Float64Array(leaves).fill(Infinity);
    this.#ties = new Float64Array(leaves);
    this.#winners = new Int32Array(leaves * 2);
    for (let at = leaves; at < leaves * 2; at++) this.#winners[at] = at - leaves;
    for (let at = leaves - 1; at >= 1; at--) this.#winners[at] = this.#winners[at * 2]!;
  }

  /** The player with the least score. */
  get first(): number {
    return this.#winners[1]!;
  }

  score(player: number): number {
    return this.#scores[player]!;
  }

  tie(player: number): number {
    return this.#ties[player]!;
  }

  /** Changes a player's scores. Takes the logarithm of the number of players, and less when nothing changes. */
  set(player: number, score: number, tie: number): void {
    if (this.#scores[player] === score && this.#ties[player] === tie) return;
    this.#scores[player] = score;
    this.#ties[player] = tie;
    const winners = this.#winners;
    for (let at = (this.#leaves + player) >> 1; at >= 1; at >>= 1) {
      const left = winners[at * 2]!;
      const right = winners[at * 2 + 1]!;
      winners[at] = this.#isBefore(right, left) ? right : left;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const left = this.#scores[a]!;
    const right = this.#scores[b]!;
    return left < right || (left === right && this.#ties[a]! < this.#ties[b]!);
  }
}
