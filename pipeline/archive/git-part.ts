import type { Repository } from '../git/repository.ts';
import { requireSuccess, runGit } from '../git/run.ts';
import { type Event, listEvents } from './events.ts';
import { blobScanner } from './readers.ts';
import type { Part } from './state.ts';

/** Which part of the new events a run reads: `index` of `of`, from 1. */
export type Shard = { readonly index: number; readonly of: number };

export type GitScan = {
  readonly repository: Repository;
  readonly name: string;
  /** The tip of the last scan, `null` where there was none. */
  readonly after: string | null;
  readonly jobs: number;
  readonly shard: Shard;
};

/** The commit that HEAD names; `null` in a repository without commits. */
export async function tipOf(repository: Repository): Promise<string | null> {
  const args = ['rev-parse', '--quiet', '--verify', '--end-of-options', 'HEAD^{commit}'];
  const { stdout, ...result } = await runGit(args, repository);
  if (result.status === 0) return stdout.toString('latin1').trim();
  if (result.cut !== null || result.stderr !== '') requireSuccess(repository.path, args, result);
  return null;
}

/** The last tip, if history still holds it: a purged archive is rewritten and must be read anew. */
async function usableTip({ repository, after }: GitScan, tip: string): Promise<string | null> {
  if (after === null || !/^[0-9a-f]{40,64}$/.test(after)) return null;
  const args = ['merge-base', '--is-ancestor', after, tip];
  const { cut, ...result } = await runGit(args, repository);
  if (cut !== null) requireSuccess(repository.path, args, { cut, ...result });
  return result.status === 0 ? after : null;
}

function eventLine(event: Event, lineOf: ReadonlyMap<string, string>): string {
  if (event.kind === 'empty') return `! ${event.commit} empty-commit nothing changed`;
  if (event.kind === 'other') return `! ${event.commit} not-a-mail ${event.path}`;
  if (event.kind === 'deleted') return `- ${event.commit} ${event.blob}`;
  const line = lineOf.get(event.blob) ?? `! ${event.blob} missing`;
  if (!line.startsWith('!')) return `+ ${event.commit} ${line}`;
  const [, blob, kind, size] = line.split(' ');
  if (kind !== 'missing' && kind !== 'large') return `! ${event.commit} not-a-mail ${blob} is a ${kind}`;
  const reason = kind === 'missing' ? 'missing-blob' : 'too-large';
  return `! ${event.commit} ${reason} ${blob}${size === undefined ? '' : ` of ${size} bytes`}`;
}

const blobsOf = (event: Event): readonly string[] => (event.kind === 'mail' ? [event.blob] : []);

function partOf(scan: GitScan, after: string | null, tip: string, events: readonly string[]): Part {
  const { name, shard } = scan;
  return { schema: 'bitwatch.archive-part/1', archive: name, kind: 'git', after, tip, ...shard, events };
}

/** Reads what is new in one epoch, or one shard of it; `null` where nothing is new. */
export async function scanGit(scan: GitScan): Promise<Part | null> {
  const tip = await tipOf(scan.repository);
  if (tip === null || tip === scan.after) return null;
  const after = await usableTip(scan, tip);
  const scanner = blobScanner(scan.repository, scan.jobs);
  const { index, of } = scan.shard;
  const all = await listEvents(scan.repository, tip, after, of === 1 ? scanner.add : undefined);
  const events = all.slice(Math.floor((all.length * (index - 1)) / of), Math.floor((all.length * index) / of));
  if (of !== 1) for (const blob of new Set(events.flatMap(blobsOf))) scanner.add(blob);
  const lineOf = await scanner.finish();
  return partOf(
    scan,
    after,
    tip,
    events.map((event) => eventLine(event, lineOf)),
  );
}
