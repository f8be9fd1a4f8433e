export type TreeEntry = { readonly mode: string; readonly oid: string };

/**
 * The entry of a name in a tree object, or null. A tree is a run of `<mode> <name>NUL<id>`, the id in bytes: 20 of them, or
 * 32 in a SHA-256 repository.
 */
export function entryOf(tree: Buffer, name: string, idLength: number): TreeEntry | null {
  const wanted = Buffer.from(name);
  let at = 0;
  while (at < tree.length) {
    const blank = tree.indexOf(0x20, at);
    const end = tree.indexOf(0, blank);
    if (blank === -1 || end === -1) return null;
    if (tree.subarray(blank + 1, end).equals(wanted))
      return { mode: tree.toString('latin1', at, blank), oid: tree.toString('hex', end + 1, end + 1 + idLength) };
    at = end + 1 + idLength;
  }
  return null;
}
