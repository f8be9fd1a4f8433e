import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readInputText } from '../disk/read.ts';
import { DataError, NoInputError, UsageError } from '../model/errors.ts';
import { openCache } from '../specs/cache.ts';
import { openFolder, type SpecsFolder } from '../specs/folder.ts';
import type { Specs } from '../specs/store.ts';

/** What a question is answered from: the environment, the day, and where specifications and clones are. */
export type Context = {
  readonly env: NodeJS.ProcessEnv;
  /** The day as `2026-11-21`, for decisions that end. */
  readonly today: () => string;
  /** Where the program's own files are: `specs/` and the cache of the build. */
  readonly home: string;
  /** A line of progress: on a terminal only, and never with `--quiet`. */
  readonly progress: (text: string) => void;
  readonly options: { readonly offline: boolean; readonly specs: string | null; readonly cache: string | null };
};

/** The specifications that the options name, else the program's own. */
export async function specsOf(context: Context): Promise<Specs> {
  const directory = specsDirectory(context);
  try {
    return await specsIn(context, directory);
  } catch (error) {
    throw whereItIs(error, directory);
  }
}

/** Facts name files as `specs/NAME` wherever they are; who is to mend one is told where it is. */
function whereItIs(error: unknown, directory: string): unknown {
  if (!(error instanceof DataError) || !error.problem.where.file.startsWith('specs/')) return error;
  const { where } = error.problem;
  const file = join(directory, where.file.slice('specs/'.length));
  return new DataError({ ...error.problem, where: { ...where, file } }, { cause: error });
}

/** The last that this run has read: where a folder is as it was, what was worked out of it is not worked out again. */
let recent: readonly { readonly folder: SpecsFolder; readonly specs: Specs }[] = [];
const MOST_RECENT = 4;

/** The specifications of a folder; what of them the build or this run has parsed before is not parsed again. */
export async function specsIn(context: Context, directory: string): Promise<Specs> {
  const known = recent.find(({ folder }) => folder.directory === directory && folder.stands());
  if (known !== undefined) return known.specs;
  const { loadSpecs } = await import('../specs/store.ts');
  const folder = openFolder(directory);
  const specs = await loadSpecs(folder, openCache(cacheFile(context)));
  const others = recent.filter((each) => each.folder.directory !== directory);
  recent = [{ folder, specs }, ...others].slice(0, MOST_RECENT);
  return specs;
}

/** The names of bits alone, for what needs no other specification. */
export async function namesOf(context: Context): Promise<Specs['knowledge']['names']> {
  const { loadNames } = await import('../specs/names.ts');
  return loadNames(openFolder(specsDirectory(context)), openCache(cacheFile(context)));
}

export const specsDirectory = (context: Context): string => context.options.specs ?? join(context.home, 'specs');

/**
 * The specifications of a command that writes them. Throws a UsageError where the program stands installed, without its sources,
 * and `--specs` names no others: what it wrote there would be gone with the next version.
 */
export function writtenSpecs(context: Context, command: string): string {
  if (context.options.specs === null && !existsSync(join(context.home, 'pipeline')))
    throw new UsageError(
      `${command} writes specifications, and those of an installed bitwatch are replaced with the next version: name a folder with --specs DIR, or run it in a checkout`,
    );
  return specsDirectory(context);
}

export const cacheFile = (context: Context): string => join(context.home, 'dist', 'specs-cache.jsonl');

/** The script of the page of bits, as a build leaves it beside the program. Throws a NoInputError where nobody built it. */
export function pageScript({ home }: Pick<Context, 'home'>): string {
  const file = join(home, 'dist', 'page.js');
  if (!existsSync(file)) throw new NoInputError(`${file}: no such file; \`npm run build\` makes the page's script`);
  return readInputText(file);
}

/** Where clones are kept: `--cache`, else `$XDG_CACHE_HOME/bitwatch`, else `~/.cache/bitwatch`. */
export function cloneDirectory(context: Context): string {
  const { XDG_CACHE_HOME: xdg, HOME: home } = context.env;
  return (
    context.options.cache ?? join(xdg !== undefined && xdg !== '' ? xdg : join(home ?? homedir(), '.cache'), 'bitwatch')
  );
}
