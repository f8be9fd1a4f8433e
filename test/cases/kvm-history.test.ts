import { describe, expect, test } from 'vitest';
import { readHistory } from '../../pipeline/cases/kvm-history.ts';
import { TDX_PATH } from '../../pipeline/extract/kvm/paths.ts';
import { type BlobReader, openBlobs } from '../../pipeline/git/blobs.ts';
import { openRepository } from '../../pipeline/git/repository.ts';
import { DENY, kernelFiles } from '../helpers/kernel-tree.ts';
import { buildRepository, type TestCommit } from '../helpers/repository.ts';

const env = { PATH: process.env.PATH };
/** The history of a repository of these commits; `own` stands in the place of what reads its blobs. */
async function historyOf(
  commits: readonly TestCommit[],
  range: string,
  own: (blobs: BlobReader) => Partial<BlobReader> = () => ({}),
) {
  const repository = openRepository(buildRepository(commits), env, 'example/linux');
  const blobs = openBlobs(repository);
  try {
    const history = await readHistory(repository, { ...blobs, ...own(blobs) }, range);
    return {
      read: blobs.count(),
      before: history.before?.version ?? null,
      steps: history.steps.map(({ change, policy, error }) => [
        change.subject,
        policy === null ? error : policy.deny.map(({ mask }) => mask),
      ]),
    };
  } finally {
    await blobs.close();
  }
}
/** tdx.c that denies these of 7.0.EBX. */
const denying = (names: readonly string[]): string =>
  kernelFiles({
    filter: DENY.replace(
      /#define DENIED_TSX .*/,
      `#define DENIED_TSX (${names.map((name) => `__feature_bit(X86_FEATURE_${name})`).join(' | ')})`,
    ),
  })[TDX_PATH] ?? '';

const plain = { subject: 'no TDX yet', files: { Makefile: kernelFiles().Makefile ?? '' } };
const added = { subject: 'add it', files: kernelFiles() };

describe('the history of what KVM denies', () => {
  test('has a step for each revision that touched what it is read from, the oldest first', async () => {
    const commits = [
      plain,
      added,
      { subject: 'elsewhere', files: { 'mm/x.c': 'int x;\n' } },
      { subject: 'one', files: { [TDX_PATH]: denying(['HLE']) } },
      { subject: 'broken', files: { [TDX_PATH]: 'static int broken(\n' } },
      { subject: 'three', files: { [TDX_PATH]: denying(['HLE', 'RTM', 'QUINCE']) } },
      { subject: 'no version', files: { Makefile: null } },
    ];
    const { steps, before } = await historyOf(commits, 'main');
    expect(steps).toEqual([
      [
        'no TDX yet',
        expect.stringMatching(/^example\/linux@[0-9a-f]{12}: no arch.*\/tdx\.c: this revision has no TDX/),
      ],
      ['add it', [0x810]],
      ['one', [0x10]],
      ['broken', expect.stringMatching(/tdx\.c/)],
      ['three', [0x80810]],
      ['no version', expect.stringMatching(/: no Makefile at the top/)],
    ]);
    expect(before).toBeNull();
  });

  test('of a later range begins with what stood before it', async () => {
    const commits = [plain, added, { subject: 'one', files: { [TDX_PATH]: denying(['HLE']) } }];
    expect(await historyOf(commits, 'main~1..main')).toMatchObject({ before: '7.2.1', steps: [['one', [0x10]]] });
  });

  test('of a range that touched none of it is refused', async () => {
    const commits = [plain, { subject: 'elsewhere', files: { 'mm/x.c': 'int x;\n' } }];
    await expect(historyOf(commits, 'main~1..main')).rejects.toThrow(
      'example/linux: no revision of "main~1..main" touches what KVM\'s policy is read from',
    );
  });

  test('keeps the files of the last revisions, not those of all', async () => {
    const numbered = (at: number) => ({ subject: `${at}`, files: { [TDX_PATH]: `${at}` } });
    const reads = async (...at: readonly number[]): Promise<number> => {
      const [first = numbered(0), ...more] = at.map(numbered);
      const same = { ...first, files: { ...first.files, 'arch/x86/kvm/cpuid.c': 'the same in all' } };
      return (await historyOf([same, ...more], 'main')).read;
    };
    const many = Array.from({ length: 90 }, (_, at) => at);
    expect(await reads(...many, 60)).toBe(91);
    expect(await reads(...many, 0)).toBe(92);
  });

  test('is told in order however many revisions there are, and each file is read once', async () => {
    const names = ['HLE', 'RTM', 'QUINCE'];
    const masks = [0x10, 0x800, 0x80000];
    const commits = [
      added,
      ...Array.from({ length: 11 }, (_, at) => ({
        subject: `step ${at}`,
        files: { [TDX_PATH]: denying([names[at % 3] ?? '']) },
      })),
    ];
    const { steps, read } = await historyOf(commits, 'main');
    expect(steps).toEqual([
      ['add it', [0x810]],
      ...Array.from({ length: 11 }, (_, at) => [`step ${at}`, [masks[at % 3]]]),
    ]);
    // Two files of the tree are empty, which are one blob.
    expect(read).toBe(new Set(Object.values(kernelFiles())).size + 3);
  });
});

test('a file that the clone lacks is said of its revision, and a fault of the program is none of that', async () => {
  const id = async (): Promise<string> => 'f'.repeat(40);
  const lacking = await historyOf([plain], 'main', () => ({ idAt: id, read: async () => null }));
  expect(lacking.steps).toEqual([
    ['no TDX yet', `${TDX_PATH} is object ${'f'.repeat(40)}, which this clone does not have`],
  ]);
  const failing = (own: (name: string, blobs: BlobReader) => boolean) =>
    historyOf([plain, { subject: 'more', files: { Makefile: 'VERSION = 7\n' } }], 'main~1..main', (blobs) => ({
      read: (name) => (own(name, blobs) ? Promise.reject(new RangeError('a bug')) : blobs.read(name)),
    }));
  await expect(failing(() => true)).rejects.toThrow(RangeError);
  // A revision's files are read by their ids; those of what stood before by the name of its commit.
  await expect(failing((name) => name.includes(':'))).rejects.toThrow(RangeError);
  await expect(failing((name) => !name.includes(':'))).rejects.toThrow(RangeError);
});
