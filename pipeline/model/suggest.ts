/** `; did you mean "1.5.06"?` where a known name is close to what was typed, else nothing. */
export function suggest(typed: string, known: readonly string[]): string {
  const scored = known
    .map((name) => ({ name, distance: editDistance(typed.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = scored;
  const isClose = best !== undefined && best.distance <= Math.max(2, Math.floor(typed.length / 3));
  const meant = isClose ? best.name : partlyNamed(typed, known);
  return meant === undefined ? '' : `; did you mean ${JSON.stringify(meant)}?`;
}

/** The one name of which a word was typed: `niooss` of `tdx-module-niooss`. */
function partlyNamed(typed: string, known: readonly string[]): string | undefined {
  const isPart = (name: string): boolean =>
    name
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .includes(typed.toLowerCase());
  const [only, ...others] = known.filter(isPart);
  return others.length === 0 ? only : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    }
    row = next;
  }
  return row[b.length] ?? a.length;
}
