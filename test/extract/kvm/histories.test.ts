import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openTree, type UnitCache } from '../../../pipeline/extract/kvm/open-tree.ts';
import { CODE, KVM_PATHS, TDX_PATH } from '../../../pipeline/extract/kvm/paths.ts';
import { readPolicy } from '../../../pipeline/extract/kvm/policy.ts';
import { KnownError } from '../../../pipeline/model/errors.ts';
import { kernelFiles } from '../../helpers/kernel-tree.ts';
import { ROOT } from '../../helpers/run.ts';

type Files = Readonly<Record<string, string>>;

const repository = process.env.BITWATCH_KERNEL_REPO;
const revision = process.env.BITWATCH_KERNEL_REVISION ?? '210b82c35000b63a0fa95d42feccddea97681b97';
const numRuns = Number(process.env.BITWATCH_KVM_HISTORIES ?? 12);
const seed = Number(process.env.BITWATCH_KVM_SEED ?? 13);

const corpus = readdirSync(join(ROOT, 'fixtures/kvm'))
  .sort()
  .map((name): Files => {
    const filter = readFileSync(join(ROOT, 'fixtures/kvm', name, 'filter.c'), 'utf8');
    return kernelFiles({ filter, init: 'hide(entry);', refusal: 'if (refuses(entry)) return -EINVAL;' });
  });

function kernel(): Files {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', repository ?? '.', ...args], { encoding: 'latin1', maxBuffer: 1 << 26 });
  const present = new Set(git('ls-tree', '-r', '--name-only', revision, '--', ...KVM_PATHS).split('\n'));
  return Object.fromEntries(
    KVM_PATHS.filter((path) => present.has(path)).map((path) => [path, git('show', `${revision}:${path}`)]),
  );
}

/** A policy as it is written, lines included, or the error. */
function printed(files: Files, cache?: UnitCache): string {
  const tree = Object.entries(files).map(
    ([path, text]) => [path, { text, blob: createHash('sha1').update(text).digest('hex') }] as const,
  );
  try {
    const policy = readPolicy(openTree('example/linux', 'a'.repeat(40), new Map(tree), cache), '7.2.1');
    return inspect(policy, { depth: null, maxArrayLength: null, sorted: true });
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return `${error.name}: ${error.message}`;
  }
}

/** Numbers that an edit is made of: which file, which kind of edit, and two choices more. */
type Choice = readonly [file: number, kind: number, where: number, what: number];

const at = <T>(list: readonly T[], choice: number): T | undefined => list[choice % list.length];
const namesIn = (files: Files): readonly string[] => [
  ...new Set([TDX_PATH, ...CODE].flatMap((path) => (files[path] ?? '').match(/\b[A-Za-z_]\w+\b/g) ?? [])),
];
const FUNCTION = /^(?:static |void |int |bool )[^;]*?\n\{[\s\S]*?\n\}\n/gm;

/** Files where one is changed: a line, a word, a number, a name that gets another meaning, a function that goes elsewhere. */
function edited(files: Files, [file, kind, where, what]: Choice): Files {
  const paths = Object.keys(files).filter((path) => path !== 'Makefile');
  const path = at([TDX_PATH, TDX_PATH, ...CODE, ...paths], file) ?? TDX_PATH;
  const text = files[path] ?? '';
  const lines = text.split('\n');
  const line = where % lines.length;
  const name = at(namesIn(files), what) ?? 'none';
  const put = (...own: readonly string[]): Files => ({ ...files, [path]: lines.toSpliced(line, 0, ...own).join('\n') });
  const top = (own: string): Files => ({ ...files, [path]: `${own}\n${text}` });
  const end = (own: string): Files => ({ ...files, [path]: `${text}\n${own}\n` });
  const replaced = (pattern: RegExp, by: string): Files => {
    const found = at([...text.matchAll(pattern)], where);
    return found === undefined
      ? files
      : { ...files, [path]: text.slice(0, found.index) + by + text.slice(found.index + found[0].length) };
  };
  switch (kind % 14) {
    case 0:
      return put('');
    case 1:
      return put('/* a comment', `that names ${name} */`);
    case 2:
      return { ...files, [path]: lines.toSpliced(line, 1).join('\n') };
    case 3:
      return put(lines[line] ?? '');
    case 4:
      return replaced(/\b(?:0x[0-9a-f]+|\d+)\b/g, `${what % 40}`);
    case 5:
      return replaced(/\b[A-Za-z_]\w+\b/g, name);
    case 6:
      return top(`#define ${name} ${what % 9}`);
    case 7:
      return end(`#define ${name} ${what % 9}`);
    case 8:
      return end(`enum { ${name} = ${what % 9} };`);
    case 9:
      return end(`bool ${name}(const struct kvm_cpuid_entry2 *entry)\n{\n\treturn entry->eax & ${what % 9};\n}`);
    case 10:
      return top(`static bool ${name};`);
    case 11:
      return end(`static int helper_${what}(void)\n{\n\treturn ${name};\n}`);
    case 12:
      return replaced(/[-+&|~!]|==|!=|<<|>>/g, at(['&', '|', '~', '!', '==', '!=', '<<', '>>'], what) ?? '');
    default: {
      const [fn] = at([...text.matchAll(FUNCTION)], where) ?? [''];
      const to = at([TDX_PATH, ...CODE, ...paths.filter((each) => each.endsWith('.h'))], what) ?? TDX_PATH;
      const rest = { ...files, [path]: text.replace(fn, () => '') };
      return { ...rest, [to]: `${rest[to] ?? ''}${fn}` };
    }
  }
}

const number = fc.nat({ max: 99_999 });
const choices = fc.array(fc.tuple(number, number, number, number), { minLength: 1, maxLength: 9 });

/** Whether each revision of a history, read with what was remembered of those before, comes out as it does alone. */
function follows(first: Files, edits: readonly Choice[]): void {
  const cache: UnitCache = new Map();
  printed(first, cache);
  let now = first;
  for (const edit of edits) {
    const next = edited(now, edit);
    const alone = printed(next);
    expect(printed(next, cache)).toBe(alone);
    // What cannot be read is mended: an edit behind it would tell little.
    if (!/^\w+Error: /.test(alone)) now = next;
    else expect(printed(now, cache)).toBe(printed(now));
  }
}

test(`${numRuns} histories are read as each of their revisions alone (more with BITWATCH_KVM_HISTORIES)`, {
  timeout: 3_600_000,
}, () => {
  fc.assert(
    fc.property(fc.constantFrom(...corpus), choices, (files, edits) => follows(files, edits)),
    { numRuns, seed },
  );
});

test.skipIf(repository === undefined)(
  'so are histories of a real kernel (skipped without BITWATCH_KERNEL_REPO)',
  { timeout: 3_600_000 },
  () => {
    const files = kernel();
    fc.assert(
      fc.property(choices, (edits) => follows(files, edits)),
      { numRuns, seed },
    );
  },
);
