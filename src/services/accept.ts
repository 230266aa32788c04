/** Headers longer than this are read up to here: nobody needs more to say what they like. */
const ACCEPT_LENGTH_MAX = 2000;

interface MediaRange {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
  readonly position: number;
}

/** A form that an answer can have: the media type it is sent as, then others that ask for it. */
export interface Offer<F extends string> {
  readonly format: F;
  readonly mediaTypes: readonly string[];
}

interface Rating {
  readonly quality: number;
  /** 2 for `type/subtype`, 1 for a `type` wildcard, 0 for the full wildcard. */
  readonly precision: number;
  position: number;
}

/**
 * The offer that an Accept header likes best (RFC 9110 §12.5.1): by quality, then by how exactly it was named,
 * then the first of `offers`, then the order in the header. The first offer when the header is absent or
 * accepts none of them.
 */
export function preferredFormat<F extends string>(
  accept: string | undefined,
  offers: readonly [Offer<F>, ...Offer<F>[]],
): F {
  if (accept === undefined || accept === "*/*") return offers[0].format;
  const ranges = parseAccept(accept);
  let best = offers[0];
  let bestRating: Rating = { quality: 0, precision: 0, position: 0 };
  for (const offer of offers) {
    for (const [i, mediaType] of offer.mediaTypes.entries()) {
      const rating = rate(mediaType, ranges);
      if (rating === undefined || rating.quality === 0) continue;
      // Wildcards speak of the type that is sent, not of the other names that ask for it.
      if (i > 0 && rating.precision < 2) continue;
      // The first offer wins ties, wherever the header names it.
      if (offer === offers[0]) rating.position = -1;
      if (isBetter(rating, bestRating)) {
        best = offer;
        bestRating = rating;
      }
    }
  }
  return best.format;
}

function isBetter(a: Rating, b: Rating): boolean {
  if (a.quality !== b.quality) return a.quality > b.quality;
  if (a.precision !== b.precision) return a.precision > b.precision;
  return a.position < b.position;
}

/** What the most exact range that covers the media type says of it. */
function rate(mediaType: string, ranges: readonly MediaRange[]): Rating | undefined {
  const [type, subtype] = mediaType.split("/");
  let found: Rating | undefined;
  for (const range of ranges) {
    const precision = range.type === "*"
      ? 0
      : range.type !== type
      ? -1
      : range.subtype === "*"
      ? 1
      : range.subtype === subtype
      ? 2
      : -1;
    if (precision < 0 || (found !== undefined && found.precision >= precision)) continue;
    found = { quality: range.quality, precision, position: range.position };
  }
  return found;
}

function parseAccept(accept: string): readonly MediaRange[] {
  const ranges: MediaRange[] = [];
  for (const [position, part] of accept.slice(0, ACCEPT_LENGTH_MAX).toLowerCase().split(",").entries()) {
    const [name, ...parameters] = part.split(";");
    const slash = name!.indexOf("/");
    if (slash < 0) continue;
    ranges.push({
      type: name!.slice(0, slash).trim(),
      subtype: name!.slice(slash + 1).trim(),
      quality: qualityOf(parameters),
      position,
    });
  }
  return ranges;
}

/** The `q` parameter, 1 when absent, 0 when it is no number from 0 to 1. */
function qualityOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [name, value] = parameter.split("=");
    if (name!.trim() !== "q") continue;
    const quality = Number(value?.trim() || NaN);
    return quality >= 0 && quality <= 1 ? quality : 0;
  }
  return 1;
}
