import { DataError } from '../model/errors.ts';
import type { ArchiveState, Part, Skipped, State } from './state.ts';

type Growing = { rows: Map<string, string>; skipped: Skipped[] };

/** What identifies a row's bytes: the blob in git; elsewhere the place is the identity. */
const locationOf = (row: string): string => row.slice(0, row.indexOf(' '));

function take(state: Growing, commit: string, row: string): void {
  const location = locationOf(row);
  if (state.rows.has(location)) state.skipped.push({ at: commit, reason: 'duplicate', detail: location });
  else state.rows.set(location, row);
}

function drop(state: Growing, commit: string, blob: string): void {
  state.rows.delete(blob);
  state.skipped.push({ at: commit, reason: 'deleted', detail: blob });
}

/** Applies one event line (see `Part`). */
function apply(state: Growing, line: string): void {
  const blank = line.indexOf(' ', 2);
  const at = line.slice(2, blank);
  const rest = line.slice(blank + 1);
  if (line.startsWith('+ ')) take(state, at, rest);
  else if (line.startsWith('- ')) drop(state, at, rest);
  else {
    const end = rest.indexOf(' ');
    state.skipped.push({ at, reason: rest.slice(0, end) as Skipped['reason'], detail: rest.slice(end + 1) });
  }
}

function mismatch(part: Part, expected: string, found: string): DataError {
  return new DataError({
    where: { file: part.archive, at: `part ${part.index}/${part.of}` },
    expected,
    found,
    hint: 'give every part of one run, and the state that the run went on from',
  });
}

/** The parts of one archive in their order; throws where one lacks, stands twice or is of another run. */
function inOrder(parts: readonly Part[]): readonly Part[] {
  const sorted = [...parts].sort((a, b) => a.index - b.index);
  const first = sorted[0];
  if (first === undefined) return [];
  sorted.forEach((part, position) => {
    if (part.index !== position + 1 || part.of !== sorted.length) {
      throw mismatch(
        part,
        `parts 1 to ${part.of} once each`,
        `part ${part.index} as number ${position + 1} of ${sorted.length}`,
      );
    }
    if (part.tip !== first.tip || part.after !== first.after || part.kind !== first.kind) {
      throw mismatch(part, `the run that ends at ${first.tip}`, part.tip);
    }
  });
  return sorted;
}

function extend(before: ArchiveState | undefined, parts: readonly Part[]): ArchiveState | null {
  const sorted = inOrder(parts);
  const last = sorted.at(-1);
  if (last === undefined) return before ?? null;
  if (last.after !== null && before?.tip !== last.after) {
    throw mismatch(last, `a state of this archive at ${last.after}`, before === undefined ? 'none' : before.tip);
  }
  const known = last.after === null ? undefined : before;
  const growing: Growing = {
    rows: new Map(known?.rows.map((row) => [locationOf(row), row])),
    skipped: [...(known?.skipped ?? [])],
  };
  for (const part of sorted) for (const line of part.events) apply(growing, line);
  return {
    name: last.archive,
    kind: last.kind,
    tip: last.tip,
    rows: [...growing.rows.values()],
    skipped: growing.skipped,
  };
}

/**
 * Joins what the parts of runs found to the state that they went on from, in any order of the parts: the same state as one run
 * over everything. Throws DataError where a part lacks, stands twice, or goes on from another state.
 */
export function mergeScans(before: State, parts: readonly Part[]): State {
  const names = new Set([...before.archives, ...parts.map((part) => ({ name: part.archive }))].map(({ name }) => name));
  const archives: ArchiveState[] = [];
  for (const name of [...names].sort()) {
    const known = before.archives.find((archive) => archive.name === name);
    const extended = extend(
      known,
      parts.filter((part) => part.archive === name),
    );
    if (extended !== null) archives.push(extended);
  }
  return { schema: 'bitwatch.archive/1', archives };
}
