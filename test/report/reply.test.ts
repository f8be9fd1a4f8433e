import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { composeMail } from '../../pipeline/deliver/mail/compose.ts';
import { dateText } from '../../pipeline/deliver/mail/date-text.ts';
import { TAG } from '../../pipeline/deliver/mail/letter.ts';
import { recipientsOf } from '../../pipeline/deliver/mail/recipients.ts';
import { letterTo } from '../../pipeline/deliver/mail/reply-to.ts';
import { bodyText, type Mail, readMail } from '../../pipeline/extract/mail/mail.ts';
import { type Applied, replyHash, replyRows, silenceOf } from '../../pipeline/judge/reply.ts';
import type { SeriesEffect } from '../../pipeline/model/series-effect.ts';
import { columnLines } from '../../pipeline/report/columns.ts';
import { replyText } from '../../pipeline/report/mail/reply.ts';
import { namingRank, quoteOf } from '../../pipeline/report/mail/reply-quote.ts';
import { releasesText } from '../../pipeline/report/releases-text.ts';
import { ROOT } from '../helpers/run.ts';
import { expectFile } from './golden.ts';
import { hostileText } from './hostile.ts';

const CASES = join(ROOT, 'fixtures', 'reply');
const names = readdirSync(CASES).sort();

function caseOf(name: string): { readonly effect: SeriesEffect; readonly outcome: Applied; readonly parent: Mail } {
  const text = readFileSync(join(CASES, name, 'effect.json'), 'utf8');
  const effect = JSON.parse(text, (key, value: unknown) =>
    key === 'attributes' ? mapped(value as Record<string, string>) : value,
  ) as SeriesEffect;
  if (effect.outcome.kind !== 'applied') throw new Error(`${name} is no applied series`);
  return { effect, outcome: effect.outcome, parent: readMail(readFileSync(join(CASES, name, 'parent.eml'))) };
}
const mapped = (masks: Record<string, string>): Record<string, bigint> =>
  Object.fromEntries(Object.entries(masks).map(([key, text]) => [key, BigInt(text)]));

function mailOf({ effect, outcome, parent }: ReturnType<typeof caseOf>): Buffer {
  return composeMail(
    letterTo(parent, recipientsOf(parent, 'bot@example.org', []), {
      from: { name: 'bitwatch', email: 'bot@example.org' },
      messageId: `bitwatch-${replyHash(parent.id, outcome)}@example.org`,
      date: 1_795_255_200,
      body: replyText({
        effect,
        outcome,
        parent: { author: parent.author.name, date: dateText(parent.date ?? 0), part: null, text: bodyText(parent) },
        patches: [],
        unread: 12,
        optOut: 'bot@example.org',
      }),
    }),
  );
}

/** The rules of MAIL.md for what list readers accept. */
function expectAcceptable(bytes: Buffer): void {
  const body = bodyText(readMail(bytes));
  const lines = body.slice(0, -1).split('\n');
  for (const line of lines) expect([...line].length <= 72 || TAG.test(line), line).toBe(true);
  expect(lines.length).toBeLessThanOrEqual(60);
  expect(body).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
  // A tab stands only where somebody wrote it.
  expect(lines.filter((line) => line.includes('\t') && !line.startsWith('> '))).toEqual([]);
  for (const said of ['base-commit:', 'read:', 'may be\nwrong', 'reproduce:', 'To get no more of these, write to'])
    expect(body).toContain(said);
  const quote = lines.findLastIndex((line) => line.startsWith('>'));
  expect(lines.findIndex((line) => line.startsWith('This series '))).toBeGreaterThan(quote);
}

test.each(names)('%s: the mail is as reviewed, and as lists accept it', (name) => {
  const input = caseOf(name);
  expect(silenceOf(input.effect, true)).toBeNull();
  const bytes = mailOf(input);
  expectFile(join(CASES, name, 'expected.eml'), bytes.toString('utf8'));
  expectAcceptable(bytes);
  expect(mailOf(caseOf(name)).equals(bytes)).toBe(true);
});

test('whatever a mail and the facts hold, the reply keeps to the rules of lists', () => {
  const { effect, outcome, parent } = caseOf('cover');
  fc.assert(
    fc.property(
      hostileText,
      hostileText,
      fc.array(hostileText, { maxLength: 20 }),
      hostileText,
      (author, name, text, note) => {
        const renamed = outcome.effects.map((each) => ({
          ...each,
          verdicts: each.verdicts.map((change) => ({ ...change, bits: change.bits.map(({ bit }) => ({ bit, name })) })),
        }));
        const body = replyText({
          effect: { ...effect, notes: [note] },
          outcome: { ...outcome, effects: renamed },
          parent: { author, date: dateText(0), part: null, text: text.join('\n') },
          patches: [{ author, date: dateText(0), part: '1/2', text: text.join('\n') }],
          unread: 0,
          optOut: 'bot@example.org',
        });
        const subject = `Re: ${parent.subject}`;
        const letter = letterTo({ ...parent, subject }, recipientsOf(parent, 'bot@example.org', []), {
          from: { name: 'bitwatch', email: 'bot@example.org' },
          messageId: 'a@example.org',
          date: 0,
          body,
        });
        expect(letter.subject).toBe(subject);
        expectAcceptable(composeMail(letter));
      },
    ),
    { numRuns: 300 },
  );
});

test('silence: a newer version, no change, nothing touched, nothing known', () => {
  const { effect, outcome } = caseOf('cover');
  const none = { added: [], removed: [] };
  const still: Applied = {
    ...outcome,
    changes: { ...outcome.changes, deny: none },
    effects: outcome.effects.map((each) => ({ ...each, verdicts: [] })),
  };
  const newer = { id: 'v3@example.com', version: 3, rfc: false };
  expect(silenceOf({ ...effect, series: { ...effect.series, newer } })).toEqual({
    kind: 'newer',
    id: 'v3@example.com',
    version: 3,
  });
  expect(silenceOf({ ...effect, outcome: still })).toEqual({ kind: 'unchanged' });
  const place = { leaf: 7, subleaf: 1, register: 'eax' } as const;
  const opened = [{ rule: 'needs-optin', level: 'info', place, mask: 1, bits: [{ bit: 0, name: null }] }] as const;
  const quiet = { ...outcome, effects: outcome.effects.map((each) => ({ ...each, opened })) };
  expect(silenceOf({ ...effect, outcome: quiet })).toEqual({ kind: 'minor' });
  expect(silenceOf({ ...effect, outcome: quiet }, true)).toBeNull();
  expect(silenceOf({ ...effect, outcome: still }, true)).toBeNull();
  const loud = [{ ...opened[0], level: 'warning' }] as const;
  for (const side of [{ opened: loud }, { closed: loud }])
    expect(
      silenceOf({ ...effect, outcome: { ...outcome, effects: outcome.effects.map((each) => ({ ...each, ...side })) } }),
    ).toBeNull();
  // A name that KVM comes to know is no news to a TD.
  expect(
    silenceOf({ ...effect, outcome: { ...still, changes: { ...still.changes, known: outcome.changes.deny } } }),
  ).toEqual({
    kind: 'unchanged',
  });
  expect(silenceOf({ ...effect, outcome: { kind: 'untouched' } })).toEqual({ kind: 'untouched' });
  expect(silenceOf({ ...effect, outcome: { kind: 'incomplete', reason: 'part 2' } })).toMatchObject({
    kind: 'incomplete',
  });
});

test('the Message-ID follows the facts and the parent, not the wording', () => {
  const { outcome } = caseOf('cover');
  const id = replyHash('a@b', outcome);
  expect(replyHash('a@b', { ...outcome, offsets: 3 })).toBe(id);
  expect(replyHash('c@d', outcome)).not.toBe(id);
  const between = [{ after: 1, until: 2, kind: 'unread', isUnnamed: false, places: [] }] as const;
  expect(replyHash('a@b', { ...outcome, between })).not.toBe(id);
});

test('rows join bits that change alike, riskiest first', () => {
  const rows = replyRows(caseOf('cover').outcome);
  expect(rows.map(({ register, from, to, releases }) => [register, from, to, releases.length])).toEqual([
    ['ecx', 'denied', 'allowed', 5],
    ['edx', 'exposed', 'denied', 3],
  ]);
});

test('releases: neighbours as ranges, others apart', () => {
  const all = ['1', '2', '3', '4', '5'];
  expect(releasesText(['5', '1', '2', '3'], all)).toBe('1..3, 5');
  expect(releasesText(['4'], all)).toBe('4');
});

test('quotes are marked, trimmed and within the columns; a patch is quoted by its changed lines', () => {
  expect(quoteOf('Hello\n\none\ntwo FIG\n\nthree\n', ['FIG'], [], 3)).toEqual(['> [...]', '> two FIG', '> [...]']);
  expect(quoteOf('one\n\ntwo\n', [], [], 3)).toEqual(['> one', '>', '> two']);
  const diff =
    'FIG\n---\ndiff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-\tFIG a\n+\tFIG b\n FIG\ndiff --git a/y b/y\n+FIG\n-- \n2.4\n';
  expect(quoteOf(diff, ['fig'], ['x.c'], 3)).toEqual(['> [...]', '> -\tFIG a', '> +\tFIG b', '> [...]']);
  // The line that does it, before one that is called after it; a line that is too long is left out whole.
  const long = 'x'.repeat(80);
  const code = `diff --git a/x.c b/x.c\n+static bool has_fig(void)\n+\t${long} F(FIG)\n+\tF(FIG),\n+\tF(FIGS),\n`;
  expect(quoteOf(code, ['FIG'], ['x.c'], 3)).toEqual(['> [...]', '> +\tF(FIG),', '> [...]']);
  const rank = (text: string, path: string) => namingRank(text, ['FIG'], [path]);
  expect([rank(code, 'x.c'), rank(code, 'y.c'), rank('FIG', 'x.c')]).toEqual([0, 2, 2]);
  // Where the only line that names it cannot be quoted, another patch is looked for.
  const only = `diff --git a/x.c b/x.c\n+${long} F(FIG)\n`;
  expect([rank(code.replace('+\tF(FIG),\n', ''), 'x.c'), rank(only, 'x.c')]).toEqual([1, 2]);
});

test('columns stay within 72 whatever is in them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string(), fc.constantFrom('allowed', 'needs-optin'), fc.string()), {
        minLength: 1,
        maxLength: 5,
      }),
      (rows) => {
        const clean = rows.map((row) => row.map((cell) => cell.replace(/\s+/g, ' ').trim()));
        for (const line of columnLines(['CPUID bits', 'after', 'TDX module'], clean))
          expect(line.length).toBeLessThanOrEqual(72);
      },
    ),
  );
});

test('what base was taken is said of the one that the series names', () => {
  const [name = ''] = names;
  const own = caseOf(name);
  const said = (base: Partial<Applied['base']>): string => {
    const outcome = { ...own.outcome, base: { ...own.outcome.base, commit: 'ab'.repeat(20), ...base } };
    const { effect, parent } = own;
    const text = bodyText(readMail(mailOf({ effect: { ...effect, outcome }, outcome, parent })));
    return (/^base-commit: .*\n((?: {13}.*\n)+)/m.exec(text)?.[1] ?? '').replace(/\s+/g, ' ').trim();
  };
  expect(said({ by: 'base-commit', named: 'ab'.repeat(20) })).toBe('as the series names it');
  expect(said({ by: 'given', named: null })).toBe('chosen by hand (the series names none)');
  expect(said({ by: 'given', named: 'ab'.repeat(6) })).toBe('chosen by hand, as the series names it');
  // Whether it is at hand nobody asked.
  expect(said({ by: 'given', named: 'cd'.repeat(20) })).toBe('chosen by hand (the series names cdcdcdcdcdcd)');
  expect(said({ by: 'applies', named: 'cd'.repeat(20) })).toMatch(/applies \(the named cdcdcdcdcdcd is not at hand\)$/);
});
