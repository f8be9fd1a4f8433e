import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { captureJson } from '../../pipeline/cases/capture.ts';
import type { Host } from '../../pipeline/td/case.ts';
import { bitwatch, ROOT } from '../helpers/run.ts';
import { shippedSpecs } from '../helpers/specs.ts';
import { hostFor } from '../helpers/td.ts';

const page = readFileSync(join(ROOT, 'docs', 'questions.md'), 'utf8');
/** Each command of the page with the output that stands under it; its made-up hosts are made again below. */
/** And those of the README. */
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const shown = [...`${page}\n${README}`.matchAll(/```\n(.*?)```/gs)]
  .flatMap(([, block = '']) => block.split(/^\$ bitwatch /m).slice(1))
  .map((text) => {
    const [command = '', ...output] = text.split('\n');
    return { command, output: output.join('\n').trimEnd() };
  });

const release = (await shippedSpecs()).releases.find(({ module }) => module.release === '2.0.18');
if (release === undefined) throw new Error('not in specs/');
const full = hostFor(release);
/** A host without these bits of a leaf, by the registers in their order. */
function without(host: Host, key: string, masks: readonly number[]): Host {
  const registers = host.leaves.get(key)?.map((value, at) => (value & ~(masks[at] ?? 0)) >>> 0);
  const [eax = 0, ebx = 0, ecx = 0, edx = 0] = registers ?? [];
  return { ...host, leaves: new Map([...host.leaves, [key, [eax, ebx, ecx, edx] as const]]) };
}
/** `old.json` lacks WRMSRNS and AMX. */
const old = [
  ['7.1', [0x00280000, 0, 0, 0]],
  ['7.0', [0, 0, 0, 0x03400000]],
  ['13.0', [0x00060000, 0, 0, 0]],
] as const satisfies readonly (readonly [string, readonly number[]])[];
const HOSTS: Readonly<Record<string, Host>> = {
  'host.json': full,
  'new.json': full,
  'old.json': old.reduce((host, [key, masks]) => without(host, key, masks), full),
};

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'bitwatch-test-'));
  for (const [name, host] of Object.entries(HOSTS)) {
    const capture = { kernel: null, module: null, host, capabilities: null, missing: [] };
    writeFileSync(join(folder, name), JSON.stringify(captureJson(capture)));
  }
  const before = process.cwd();
  process.chdir(folder);
  return () => {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  };
});

test('the page has a command for each of the six questions', () => {
  expect(page.match(/^## /gm)).toHaveLength(7);
  expect(shown.length).toBeGreaterThanOrEqual(6);
});

test.each(shown)('$command prints what the page shows', async ({ command, output }) => {
  const { status, stdout } = await bitwatch(command.split(' '));
  expect(status).toBe(0);
  const isCut = output.endsWith('\n…');
  const whole = stdout.trimEnd();
  const wanted = isCut ? output.slice(0, -2) : output;
  expect(isCut ? whole.slice(0, wanted.length) : whole).toBe(wanted);
});

test('the README is at most 150 lines, and its sample is one of those that were run', () => {
  expect(README.trimEnd().split('\n').length).toBeLessThanOrEqual(150);
  expect(shown.map(({ command }) => command)).toContain('review 2.0.08 --kvm 6.16.1 --from 1.5.06');
});
