/** A duration for people: `1d 2h 3m 4s`, without leading units that are zero. */
export function uptimeText(ms: number): string {
  const seconds = Math.max(0, Math.trunc(ms / 1000));
  const parts = [
    { unit: "d", amount: Math.trunc(seconds / 86_400) },
    { unit: "h", amount: Math.trunc(seconds / 3600) % 24 },
    { unit: "m", amount: Math.trunc(seconds / 60) % 60 },
    { unit: "s", amount: seconds % 60 },
  ];
  const first = parts.findIndex((part) => part.amount > 0);
  return parts.slice(first < 0 ? -1 : first).map(({ unit, amount }) => `${amount}${unit}`).join(" ");
}
