import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bareMentions, bareNames } from '../../../pipeline/extract/mail/bare-names.ts';

const at = (name: string, low: number, extra: object = {}) =>
  ({ leaf: 7, subleaf: 0, register: 'ecx', high: low, low, name, ...extra }) as const;
const NAMES = bareNames([
  at('WAITPKG', 5),
  at('WAITPKG', 5, { subleaf: null }),
  at('SYSCALL', 11),
  at('FRED', 17),
  at('cpu_type', 3),
  at('TWICE', 1),
  at('TWICE', 2),
  at('FIELD_OF_BITS', 6, { high: 9 }),
]);
const named = (text: string): readonly string[] => bareMentions(text, NAMES).map(({ text: spelling }) => spelling);

test('a bare name is the kernel’s, in capitals, of five characters or more, of one bit, and not used for something else', () => {
  expect([...NAMES]).toEqual(['WAITPKG']);
});

test.each(['WAITPKG', 'The guest sees (WAITPKG).', 'no "WAITPKG", yet', 'deny WAITPKG; done', 'WAITPKG\u2019s MSR'])(
  '%s names the feature',
  (text) => {
    expect(bareMentions(text, NAMES)).toEqual([{ kind: 'feature', name: 'WAITPKG', text: 'WAITPKG' }]);
  },
);

test.each([
  'waitpkg',
  'WAITPKG2',
  'MSR_WAITPKG',
  'WAITPKG_CONTROL',
  'X86_FEATURE_WAITPKG',
  'WAITPKG=y',
  '-WAITPKG',
  'docs/WAITPKG.rst',
  'SHAPE_{A,WAITPKG,B}',
  'WAITPKG-like',
])('%s does not', (text) => {
  expect(named(text)).toEqual([]);
});

test('what stands in a patch is code around a change, not prose', () => {
  expect(named('About FRED.\n---\ndiff --git a/x b/x\n+\tF(WAITPKG),\n')).toEqual([]);
  expect(named('About WAITPKG.\n---\ndiff --git a/x b/x\n')).toEqual(['WAITPKG']);
});

test('any text gives only known names, each once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('WAITPKG', ' ', '{', ',', '.', '_', 'a', '\n', 'diff --git ', 'SYSCALL')),
      (pieces) => {
        expect(['', 'WAITPKG']).toContain(named(pieces.join('')).join());
      },
    ),
  );
});
