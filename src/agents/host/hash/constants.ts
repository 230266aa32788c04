/**
 * The constants of SHA-1 and SHA-2 are the first bits of roots of primes (FIPS 180-4 §4.2 and §5.3), and are made from
 * them here: a rule of five lines instead of tables that nobody can check by eye.
 */

const PRIMES = primes(80);

/** First 64 bits of the fractions of the cube roots of the first 80 primes, as high and low words in turn. */
export const CUBE_ROOTS: Int32Array = words(PRIMES, 3n);

/** First 64 bits of the fractions of the square roots of the first 16 primes, as high and low words in turn. */
export const SQUARE_ROOTS: Int32Array = words(PRIMES.slice(0, 16), 2n);

/** The high word of each pair: the first 32 bits. */
export function highWords(pairs: Int32Array, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, index) => pairs[index * 2]!);
}

function primes(count: number): bigint[] {
  const found: bigint[] = [];
  for (let candidate = 2n; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime !== 0n)) found.push(candidate);
  }
  return found;
}

function words(numbers: readonly bigint[], degree: bigint): Int32Array {
  const pairs = new Int32Array(numbers.length * 2);
  numbers.forEach((number, index) => {
    const root = rootOf(number << (64n * degree), degree);
    pairs[index * 2] = Number(BigInt.asIntN(32, root >> 32n));
    pairs[index * 2 + 1] = Number(BigInt.asIntN(32, root));
  });
  return pairs;
}

/** The root rounded down, by Newton's method from above. */
function rootOf(value: bigint, degree: bigint): bigint {
  let root = 1n << (BigInt(value.toString(2).length) / degree + 1n);
  for (;;) {
    const next = ((degree - 1n) * root + value / root ** (degree - 1n)) / degree;
    if (next >= root) return root;
    root = next;
  }
}
