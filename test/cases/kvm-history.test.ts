import { describe, expect, test } from 'vitest';
import { readHistory } from '../../pipeline/cases/kvm-history.ts';
import { TDX_PATH } from '../../pipeline/extract/kvm/paths.ts';
import { type BlobReader, openBlobs } from '../../pipeline/git/blobs.ts';
import { openRepository } from '../../pipeline/git/repository.ts';
import { DENY, kernelFiles } from '../helpers/kernel-tree.ts';
import { buildRepository, type TestCommit } from '../helpers/repository.ts';

const env = { PATH: process.env.PATH };
/** The history of a repository of these commits; `own` stands in the place of what reads its blobs. */
async function historyOf(commits: readonly TestCommit[], range: string, own: Partial<BlobReader> = {}) {
  const repository = openRepository(buildRepository(commits), env, 'example/linux');
  const blobs = openBlobs(repository);
  try {
    const history = await readHistory(repository, { ...blobs, ...own }, range);
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
    // A later range begins with what stood before it.
    expect(await historyOf(commits, 'main~5..main~3')).toMatchObject({ before: '7.2.1', steps: [['one', [0x10]]] });
    expect((await historyOf(commits, 'main~6..main~5')).before).toBeNull();
    await expect(historyOf(commits, 'main~5..main~4')).rejects.toThrow(
      'example/linux: no revision of "main~5..main~4" touches what KVM\'s policy is read from',
    );
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
  const lacking = await historyOf([added], 'main', { idAt: id, read: async () => null });
  expect(lacking.steps).toEqual([
    ['add it', `${TDX_PATH} is object ${'f'.repeat(40)}, which this clone does not have`],
  ]);
  const broken = { read: () => Promise.reject(new RangeError('a bug')) };
  await expect(historyOf([added], 'main', broken)).rejects.toThrow(RangeError);
});
