import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Timing } from '../deliver/github/client.ts';
import { openCache } from '../specs/cache.ts';
import { loadSpecs, type Specs } from '../specs/store.ts';

/** What a run gets from outside: arguments come apart, everything else comes here. */
export type Surroundings = {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: { readonly write: (text: string) => void; readonly isTerminal: boolean };
  readonly stderr: { readonly write: (text: string) => void; readonly isTerminal: boolean };
  /** The day as `2026-11-21`, for waivers. */
  readonly today: () => string;
  /** The time in epoch seconds, for the Date of a reply; where there is none, the caller has to name one. */
  readonly now?: () => number;
  /** Where the program's own files are: `specs/` and the cache of the build. */
  readonly home: string;
  /** How a run waits for a forge; the program's own waits where it is not given. */
  readonly timing?: Timing;
};

/** Options that every command takes. */
export type Common = {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  readonly offline: boolean;
  readonly specs: string | null;
  readonly cache: string | null;
  /** `FORMAT=PATH`, each. */
  readonly out: readonly string[];
};

export type Context = Surroundings & { readonly options: Common };

/** The specifications that the options name, else the program's own. */
export async function specsOf(context: Context): Promise<Specs> {
  return loadSpecs(specsDirectory(context), openCache(cacheFile(context)));
}

export const specsDirectory = (context: Context): string => context.options.specs ?? join(context.home, 'specs');
export const cacheFile = (context: Context): string => join(context.home, 'dist', 'specs-cache.json');

/** Where clones are kept: `--cache`, else `$XDG_CACHE_HOME/bitwatch`, else `~/.cache/bitwatch`. */
export function cloneDirectory(context: Context): string {
  const { XDG_CACHE_HOME: xdg, HOME: home } = context.env;
  return (
    context.options.cache ?? join(xdg !== undefined && xdg !== '' ? xdg : join(home ?? homedir(), '.cache'), 'bitwatch')
  );
}

/** A line of progress: on a terminal only, and never with `--quiet`. */
export function progress(context: Context, text: string): void {
  if (context.stderr.isTerminal && !context.options.quiet) context.stderr.write(`${text}\n`);
}
