/** The word that someone most likely meant. */

/** `; did you mean "x"?`, or nothing when no word is near. */
export function nearestWord(word: string, words: string[]): string {
  let best = "";
  let bestDistance = max(2, word.length / 3) + 1;
  for (let index = 0; index < words.length; index++) {
    const distance = editDistance(word, words[index], bestDistance);
    if (distance >= bestDistance) continue;
    best = words[index];
    bestDistance = distance;
  }
  return best == "" ? "" : '; did you mean "' + best + '"?';
}

/** Levenshtein's distance in letters of any case, or `limit` when it is not below it. */
function editDistance(a: string, b: string, limit: i32): i32 {
  if (abs(a.length - b.length) >= limit) return limit;
  const row = new StaticArray<i32>(b.length + 1);
  for (let index = 0; index <= b.length; index++) row[index] = index;
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0];
    row[0] = i;
    const left = lower(a.charCodeAt(i - 1));
    for (let j = 1; j <= b.length; j++) {
      const above = row[j];
      const step = diagonal + (left == lower(b.charCodeAt(j - 1)) ? 0 : 1);
      row[j] = min(step, min(above, row[j - 1]) + 1);
      diagonal = above;
    }
  }
  return min(row[b.length], limit);
}

function lower(unit: i32): i32 {
  return <u32> unit - 65 < 26 ? unit + 32 : unit;
}
