import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Threadable, type ThreadNode, threadsOf } from '../../../pipeline/extract/mail/threads.ts';

const mail = (id: string, links: readonly string[] = [], date = 0, content = id): Threadable => ({
  id,
  links,
  date,
  content,
});

const shape = (node: ThreadNode<Threadable>): string =>
  `${node.mails.length === 0 ? '?' : ''}${node.id}${node.mails.length > 1 ? `x${node.mails.length}` : ''}` +
  (node.children.length === 0 ? '' : `(${node.children.map(shape).join(' ')})`);
const shapes = (mails: readonly Threadable[]): readonly string[] =>
  threadsOf(mails).map((thread) => thread.roots.map(shape).join(' + '));

test('answers stand under what they answer, in the order of their dates', () => {
  const mails = [mail('d', ['a', 'b'], 3), mail('c', ['a'], 2), mail('b', ['a'], 1), mail('a'), mail('z', [], 9)];
  expect(shapes(mails)).toEqual(['a(b(d) c)', 'z']);
});

test('a parent that is not there is a ghost', () => {
  expect(shapes([mail('b', ['a']), mail('c', ['a'], 1)])).toEqual(['?a(b c)']);
});

test('loops are cut: two mails that answer each other, and one that answers itself', () => {
  expect(shapes([mail('a', ['b']), mail('b', ['a'], 1)])).toHaveLength(1);
  expect(shapes([mail('a', ['a'])])).toEqual(['a']);
});

test('one mail that answers two threads joins them', () => {
  expect(threadsOf([mail('a'), mail('b'), mail('c', ['a', 'b'], 1)])).toHaveLength(1);
});

test('a reused Message-ID keeps both mails; the same mail twice counts once', () => {
  const mails = [mail('a', [], 0, 'one'), mail('a', [], 1, 'two'), mail('a', [], 0, 'one'), mail('b', ['a'], 2)];
  expect(shapes(mails)).toEqual(['ax2(b)']);
});

test('mails without a Message-ID are threads of their own', () => {
  expect(threadsOf([mail('', [], 0, 'one'), mail('', [], 0, 'two')])).toHaveLength(2);
});

test('every mail is in exactly one thread, reachable from its roots; the order of the input never matters', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
  const mails = fc.array(
    fc.record({ id, links: fc.array(id, { maxLength: 4 }), date: fc.nat(9), content: fc.constantFrom('1', '2') }),
    { maxLength: 12 },
  );
  const count = (node: ThreadNode<Threadable>): number =>
    node.mails.length + node.children.reduce((sum, child) => sum + count(child), 0);
  fc.assert(
    fc.property(mails, (input) => {
      const unique = [...new Map(input.map((one) => [`${one.id}${one.content}`, one])).values()];
      const threads = threadsOf(unique);
      expect(threads.reduce((sum, thread) => sum + thread.mails.length, 0)).toBe(unique.length);
      const reached = threads.flatMap(({ roots }) => roots).reduce((sum, root) => sum + count(root), 0);
      expect(reached).toBe(unique.length);
      expect(threadsOf([...unique].reverse())).toEqual(threads);
    }),
  );
});
