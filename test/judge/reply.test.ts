import { describe, expect, test } from 'vitest';
import {
  type Applied,
  newlyOpen,
  replyHash,
  replyRows,
  riskOf,
  seriesKey,
  silenceOf,
} from '../../pipeline/judge/reply.ts';
import type { ClobberFact, Verdict } from '../../pipeline/model/finding.ts';
import { bitsOf } from '../../pipeline/model/mask.ts';
import { formatPlace, type Place } from '../../pipeline/model/place.ts';
import type { PolicyChanges, SeriesEffect, VerdictChange } from '../../pipeline/model/series-effect.ts';
import { CHANGES, entry, PLACE } from './ground.ts';

const LOST: ClobberFact = { feature: 'F', msr: 'M', exit: 'none', restoredByKvm: false };
const KEPT: ClobberFact = { ...LOST, exit: 'restored' };
const change = (
  mask: number,
  from: Verdict | null,
  to: Verdict,
  extra: Partial<VerdictChange & Place> = {},
): VerdictChange => ({
  ...PLACE,
  mask,
  bits: bitsOf(mask).map((bit) => ({ bit, name: `b${bit}` })),
  class: 'allow-direct',
  from,
  to,
  clobbers: [],
  ...extra,
});
const applied = (effects: Readonly<Record<string, readonly VerdictChange[]>>, changes: Partial<PolicyChanges> = {}) =>
  ({
    kind: 'applied',
    base: { commit: 'a'.repeat(40) },
    changes: { ...CHANGES, ...changes },
    effects: Object.entries(effects).map(([release, verdicts]) => ({ release, verdicts, closed: [], opened: [] })),
    open: [],
    findings: [],
    between: [],
  }) as unknown as Applied;
const rows = (effects: Readonly<Record<string, readonly VerdictChange[]>>) =>
  replyRows(applied(effects)).map((row) => [
    formatPlace(row),
    row.mask,
    `${row.from}>${row.to}`,
    row.releases.join(' '),
    row.bits.map(({ bit }) => bit).join(),
  ]);

describe('the rows of a reply', () => {
  test('join bits of a register that change alike in the same releases', () => {
    const same = [change(0x1, 'exposed', 'denied'), change(0x4, 'exposed', 'denied')];
    expect(rows({ 'r 1': [...same].reverse() })).toEqual([['7.1.EAX', 0x5, 'exposed>denied', 'r 1', '0,2']]);
    expect(rows({ 'r 1': same, 'r 2': [change(0x5, 'exposed', 'denied')] })).toEqual([
      ['7.1.EAX', 0x5, 'exposed>denied', 'r 1 r 2', '0,2'],
    ]);
    expect(rows({ 'r 1': [change(0x5, 'exposed', 'denied')], 'r 2': [change(0x4, 'exposed', 'denied')] })).toEqual([
      ['7.1.EAX', 0x1, 'exposed>denied', 'r 1', '0'],
      ['7.1.EAX', 0x4, 'exposed>denied', 'r 1 r 2', '2'],
    ]);
  });

  test('part by register, by either verdict and by what is known of the host', () => {
    const ebx = { register: 'ebx' } as const;
    expect(
      rows({
        r: [
          change(0x1, null, 'denied'),
          change(0x2, 'exposed', 'denied'),
          change(0x4, null, 'closed'),
          change(0x8, null, 'denied', ebx),
        ],
      }),
    ).toEqual([
      ['7.1.EAX', 0x2, 'exposed>denied', 'r', '1'],
      ['7.1.EAX', 0x1, 'null>denied', 'r', '0'],
      ['7.1.EBX', 0x8, 'null>denied', 'r', '3'],
      ['7.1.EAX', 0x4, 'null>closed', 'r', '2'],
    ]);
    expect(rows({ r: [change(0x1, null, 'exposed'), change(0x2, null, 'exposed', { clobbers: [KEPT] })] })).toEqual([
      ['7.1.EAX', 0x1, 'null>exposed', 'r', '0'],
      ['7.1.EAX', 0x2, 'null>exposed', 'r', '1'],
    ]);
  });

  test('stand in the order of what a maintainer decides on: risk, what TDs get, what they lose', () => {
    const to = (verdict: Verdict, bit: number, clobbers: readonly ClobberFact[] = []) =>
      change(1 << bit, null, verdict, { clobbers });
    const list = [
      to('closed', 0),
      to('needs-optin', 1),
      to('denied', 2, [LOST]),
      to('allowed', 3),
      to('passed', 4),
      to('exposed', 5),
      to('allowed', 6, [LOST]),
    ];
    expect(rows({ r: list }).map(([, , verdicts, , bits]) => `${verdicts} ${bits}`)).toEqual([
      'null>allowed 6',
      'null>exposed 5',
      'null>passed 4',
      'null>allowed 3',
      'null>denied 2',
      'null>needs-optin 1',
      'null>closed 0',
    ]);
    expect(rows({ r: [...list].reverse() })).toEqual(rows({ r: list }));
  });

  test('of one verdict stand by place, what was before, mask and releases', () => {
    const deny = (mask: number, from: Verdict | null, extra: Partial<Place> = {}) =>
      change(mask, from, 'denied', extra);
    const shown = rows({
      a: [
        deny(0x8, 'passed'),
        deny(0x4, 'exposed'),
        deny(0x1, 'passed', { leaf: 9 }),
        deny(0x2, 'passed', { leaf: 1 }),
      ],
      b: [deny(0x2, 'exposed')],
    });
    expect(shown.map(([place, mask, verdicts]) => `${place} ${mask} ${verdicts}`)).toEqual([
      '1.1.EAX 2 passed>denied',
      '7.1.EAX 2 exposed>denied',
      '7.1.EAX 4 exposed>denied',
      '7.1.EAX 8 passed>denied',
      '9.1.EAX 1 passed>denied',
    ]);
  });
});

test('a risk is what is lost where a TD gets the bits, and none where it does not', () => {
  const risk = (to: Verdict) => riskOf({ to, clobbers: [LOST, KEPT, { ...LOST, restoredByKvm: true }] });
  for (const to of ['allowed', 'exposed', 'passed'] as const) expect(risk(to)).toEqual([LOST]);
  for (const to of ['denied', 'needs-optin', 'closed'] as const) expect(risk(to)).toEqual([]);
});

test('what a series newly leaves to decide is told by register, errors first, with the releases that are told', () => {
  const opened = (rule: string, mask: number, extra: object = {}) => ({
    rule,
    level: 'warning',
    place: PLACE,
    mask,
    bits: bitsOf(mask).map((bit) => ({ bit, name: null })),
    ...extra,
  });
  const outcome = (told: readonly string[], effects: Readonly<Record<string, readonly object[]>>) =>
    ({
      ...applied({}),
      open: told.map((release) => ({ release, findings: [] })),
      effects: Object.entries(effects).map(([release, all]) => ({ release, verdicts: [], closed: [], opened: all })),
    }) as unknown as Applied;
  const shown = (told: readonly string[], effects: Readonly<Record<string, readonly object[]>>) =>
    newlyOpen(outcome(told, effects)).map(
      ({ rule, level, place, releases }) =>
        `${level} ${rule} ${formatPlace(place)} ${place.mask} ${place.bits.map(({ bit }) => bit).join()} ${releases.join('+')}`,
    );
  const same = opened('needs-optin', 0x5);
  expect(shown(['a', 'b'], { a: [same], b: [same], c: [same] })).toEqual(['warning needs-optin 7.1.EAX 5 0,2 a+b']);
  expect(shown([], { a: [same] })).toEqual([]);
  const list = [
    opened('needs-optin', 0x1, { place: { ...PLACE, leaf: 9 } }),
    opened('needs-optin', 0x2),
    opened('exposed-clobbers-host', 0x4, { level: 'error', place: { ...PLACE, leaf: 9 } }),
    opened('exposed-clobbers-host', 0x4, { level: 'error', place: { ...PLACE, leaf: 8 } }),
  ];
  const sorted = [
    'error exposed-clobbers-host 8.1.EAX 4 2 a',
    'error exposed-clobbers-host 9.1.EAX 4 2 a',
    'warning needs-optin 7.1.EAX 2 1 a',
    'warning needs-optin 9.1.EAX 1 0 a',
  ];
  expect([shown(['a'], { a: list }), shown(['a'], { a: [...list].reverse() })]).toEqual([sorted, sorted]);
  expect(replyHash('p', outcome(['a'], { a: list }))).not.toBe(replyHash('p', outcome(['a'], { a: [same] })));
});

describe('silence', () => {
  const silence = (outcome: object, newer: object | null = null) =>
    silenceOf({ series: { newer }, outcome } as unknown as SeriesEffect);

  test('is kept of what is old, does not touch the policy, or is not known for sure', () => {
    expect(silence(applied({}), { id: 'x@y', version: 3, rfc: false })).toEqual({
      kind: 'newer',
      id: 'x@y',
      version: 3,
    });
    expect(silence({ kind: 'untouched' })).toEqual({ kind: 'untouched' });
    for (const kind of ['incomplete', 'unreadable'])
      expect(silence({ kind, reason: 'why' })).toEqual({ kind, reason: 'why' });
    expect(silence({ kind: 'rejected', rejection: { reason: 'hunk' } })).toEqual({ kind: 'rejected', reason: 'hunk' });
  });

  test('is broken by each change of what the policy does to a TD, added or removed', () => {
    expect(silence(applied({}))).toEqual({ kind: 'unchanged' });
    expect(silence(applied({ r: [] }, { known: { added: [{ ...entry(1), bits: [] }], removed: [] } }))).toEqual({
      kind: 'unchanged',
    });
    const entries = [{ ...entry(1), bits: [] }];
    const news: readonly Partial<PolicyChanges>[] = [
      ...(['deny', 'allow', 'adds'] as const).flatMap((list) => [
        { [list]: { added: entries, removed: [] } },
        { [list]: { added: [], removed: entries } },
      ]),
      { restores: { added: ['STAR'], removed: [] } },
      { restores: { added: [], removed: ['STAR'] } },
      { xfam: { added: ['avx'], removed: [] } },
      { xfam: { added: [], removed: ['avx'] } },
      { attributes: { added: 1n, removed: 0n } },
      { attributes: { added: 0n, removed: 1n } },
      { configLimit: { from: 80, to: 128 } },
      { configLimit: { from: null, to: 128 } },
    ];
    // It is news, and for nobody to act on without a finding at warning or above.
    for (const changes of news) expect([changes, silence(applied({}, changes))]).toEqual([changes, { kind: 'minor' }]);
    expect(silence(applied({ a: [], b: [change(1, 'exposed', 'passed')] }))).toEqual({ kind: 'minor' });
    const found = (level: string) => ({ ...applied({}), findings: [{ level, decided: null }] });
    expect(['info', 'warning', 'error'].map((level) => silence(found(level))?.kind)).toEqual([
      'minor',
      undefined,
      undefined,
    ]);
    const between = (kind: string) => ({ ...applied({}), between: [{ kind }] });
    expect(['open', 'refused'].map((kind) => silence(between(kind)))).toEqual([null, null]);
  });
});

test('a version of a series has one key; the same facts to the same mail are one reply', () => {
  const series = { author: { name: 'J', email: 'j@x.org' }, title: 'T', version: 2, rfc: false };
  const key = (extra: object) => seriesKey({ series: { ...series, ...extra } } as unknown as SeriesEffect);
  const others = [{}, { author: { name: 'J', email: 'k@x.org' } }, { title: 'U' }, { version: 3 }, { rfc: true }];
  expect(new Set(others.map(key)).size).toBe(others.length);
  expect(key({ author: { name: 'Other', email: 'j@x.org' }, id: 'x' })).toBe(key({}));
  // Kept in outboxes: another key would answer a series once more.
  expect(key({})).toBe('7fdc12b104396474');
  const one = applied({ r: [change(1, 'exposed', 'denied')] }, { attributes: { added: 5n, removed: 0n } });
  const hashes = [
    replyHash('p', one),
    replyHash('q', one),
    replyHash('p', { ...one, base: { ...one.base, commit: 'b' } }),
    replyHash('p', applied({ r: [change(1, 'exposed', 'denied')] })),
    replyHash('p', applied({ r: [change(2, 'exposed', 'denied')] }, { attributes: { added: 5n, removed: 0n } })),
    replyHash('p', { ...one, findings: [{ fingerprint: 'f' }] } as unknown as Applied),
    replyHash('p', { ...one, findings: [{ fingerprint: 'g' }] } as unknown as Applied),
  ];
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(hashes[0]).toBe('acb51919a2d0bfe2');
  expect(
    replyHash('p', applied({ r: [change(1, 'exposed', 'denied')] }, { attributes: { added: 5n, removed: 0n } })),
  ).toBe(hashes[0]);
});
