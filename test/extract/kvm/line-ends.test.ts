import { expect, test } from 'vitest';
import { TDX_PATH } from '../../../pipeline/extract/kvm/paths.ts';
import { canonical } from '../../fuzz/canonical.ts';
import { kernelFiles, policyOf } from '../../helpers/kernel-tree.ts';

const files = kernelFiles();
const paths = Object.keys(files).filter((path) => (files[path] ?? '') !== '');
const withText = (path: string, text: string) => policyOf({ files: { [path]: text } });

test('line ends of CR and LF change no fact, no line and no text, in one file and in all', () => {
  const plain = policyOf();
  const ended = (path: string): string => (files[path] ?? '').replaceAll('\n', '\r\n');
  for (const path of ['arch/x86/kvm/vmx/vmx.c', TDX_PATH])
    expect([path, withText(path, ended(path))]).toEqual([path, plain]);
  expect(policyOf({ files: Object.fromEntries(paths.map((path) => [path, ended(path)])) })).toEqual(plain);
});

/** Comments with what would open a string, a block, a comment or a directive if they were read. */
const COMMENTS = [
  '// x " {',
  "// it's } ) ]",
  '/* } { ; " */',
  '/*\n#if 0\n" // {\n*/',
  '// x " { \\\n   continued } "',
];

/** `text` with a comment on lines of its own before and behind each item of the file: where a line starts at the margin. */
const commented = (text: string, comment: string): string =>
  text.replace(/(?<=^|(?<!\\)\n)(?=[#\w}]|$)/g, (_, at: number) => `${at === 0 ? '' : '\n'}${comment}\n`);

test.each(COMMENTS)('a comment between functions and directives hides nothing: %s', (comment) => {
  const plain = canonical(policyOf());
  const read = (ends: string): string => {
    const texts = paths
      .filter((path) => path !== 'Makefile')
      .map((path) => [path, commented(files[path] ?? '', comment).replaceAll('\n', ends)] as const);
    for (const [, text] of texts) expect(text).toContain(comment.replaceAll('\n', ends));
    return canonical(policyOf({ files: Object.fromEntries(texts) }));
  };
  expect(read('\n')).toBe(plain);
  expect(read('\r\n')).toBe(plain);
});

test('what such a comment stands before counts: the same function in a comment is none', () => {
  const path = 'arch/x86/kvm/vmx/vmx.c';
  const notes = (text: string) => withText(path, text).notes.join();
  expect(notes(`// x " {\n${files[path]}`)).toBe('');
  expect(notes(`/* x " {\n${files[path]}*/`)).toContain('does not settle supported_xss');
  expect(() => withText(TDX_PATH, `/* ${files[TDX_PATH]} */`)).toThrow(/tdx\.c/);
});
