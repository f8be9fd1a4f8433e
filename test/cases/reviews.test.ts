import { describe, expect, test } from 'vitest';
import { decisionsOf, idleDecisions, withDecisions } from '../../pipeline/cases/decisions.ts';
import { withDenial, withOptIn } from '../../pipeline/cases/draft-text.ts';
import { pageFactsOf } from '../../pipeline/cases/page-facts.ts';
import { passedBetween } from '../../pipeline/cases/release-steps.ts';
import { reviewFacts, reviewTitle } from '../../pipeline/cases/review.ts';
import { groundOf, policyStepReview, quoteArgument, releaseReview } from '../../pipeline/cases/reviews.ts';
import { statusReviews } from '../../pipeline/cases/status.ts';
import { EFFECTS, updateOf } from '../../pipeline/cases/update.ts';
import { everyReview, wholeReport } from '../../pipeline/cases/whole-report.ts';
import type { DenialPlaces } from '../../pipeline/extract/kvm/places.ts';
import type { ClassedRelease } from '../../pipeline/model/class.ts';
import type { Computation, DeciderRule, DeciderRules } from '../../pipeline/model/decider-rules.ts';
import type { ReportFacts, Review } from '../../pipeline/model/review.ts';
import { briefingOf } from '../../pipeline/report/briefing.ts';
import { kvmTitle } from '../../pipeline/report/status-words.ts';
import { unknownRelease } from '../../pipeline/specs/lists-file.ts';
import { shippedSpecs } from '../helpers/specs.ts';
import { clobbers, entry, PLACE, policy, release } from '../judge/ground.ts';
import { moduleWith, specsOf } from './facts.ts';

const ALL = { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };
const offering = (name: string, mask: number, rules: readonly DeciderRule[] | null = null) =>
  release(name, [{ fixed0: { ...ALL, eax: ~mask >>> 0 }, allow: { eax: mask } }], {}, rules);
const based = (version: string, name: string) =>
  policy({ version, requires: [], base: { release: name, because: 'said' } });
const TODAY = '2026-11-21';
const scopeOf = (to: ClassedRelease) => ({ release: to, since: null, policies: [null] });

test('a decision on what a release has from the one before settles it there, and is not idle', () => {
  const specs = specsOf({
    releases: [offering('1.5.06', 0x4), offering('1.5.16', 0x4)],
    policies: [policy({ version: '7.0', requires: [] })],
    decisions: [{ bits: '7.1.EAX[2]', releases: '1.5.16', kernels: '>=7.0', because: 'b', by: 'B' }],
  });
  const [older, newer] = specs.releases;
  const [on = null] = specs.policies;
  if (older === undefined || newer === undefined) throw new Error('two releases are needed');
  const review = releaseReview(specs, { from: older, to: newer, policy: on });
  const none = releaseReview(specs, { from: older, to: newer, policy: null });
  const facts: Review = { kind: 'facts', id: 'specs', findings: [], command: 'c' };
  expect(review.kvm?.standing.map(({ mask }) => mask)).toEqual([0x4]);
  const report = { reviews: [facts, none, review], coverage: reviewFacts(specs, scopeOf(newer), TODAY).coverage };
  const decided = withDecisions(report, specs, TODAY).reviews;
  expect(decided.map((each) => each.kind === 'release' && [each.kvm?.standing, each.kvm?.settled[0]?.mask])).toEqual([
    false,
    [undefined, undefined],
    [[], 0x4],
  ]);
  const idle = (...reviews: readonly Review[]) => idleDecisions(reviews, decisionsOf(specs), TODAY).length;
  expect([idle(review), idle(facts, none, review), idle(facts), idle(none)]).toEqual([0, 0, 1, 1]);
});

test('a title names the tree of a kernel that a person named', () => {
  expect([kvmTitle({ name: '7.1.5' }), kvmTitle({ name: '7.1.5', operand: '../linux@HEAD' })]).toEqual([
    'KVM 7.1.5',
    'KVM 7.1.5 (../linux@HEAD)',
  ]);
  const specs = specsOf({ releases: [offering('1.5.06', 1)], policies: [] });
  const [whole] = specs.releases;
  const named = (extra: object) =>
    whole === undefined
      ? expect.fail('a release')
      : releaseReview(specs, { from: whole, to: whole, policy: policy({ version: '7.1.5', ...extra }) }).policy;
  expect([named({})?.operand, named({ operand: 'mine' })?.operand]).toEqual([undefined, 'mine']);
  expect(Object.keys(named({}) ?? {})).not.toContain('operand');
});

test('the way from one release to another passes those that could not be read, in the order of versions', async () => {
  const specs = await shippedSpecs();
  expect(passedBetween(specs, '1.5.06', '2.0.16')).toEqual(['1.5.20', '1.5.24', '1.5.25']);
  expect([passedBetween(specs, '2.0.16', '2.0.16'), passedBetween(specs, '2.0.16', '1.5.06')]).toEqual([[], []]);
});

test('a tree that names no base is taken for one of the newest kernel that names one', () => {
  const policies = [based('6.15', '1.5.05'), based('6.16', '1.5.06'), policy({ version: '6.17' })];
  const ground = groundOf(specsOf({ policies, clobbers: [{ ...clobbers('none'), release: '1.5.06' }] }));
  expect([ground.base, [...ground.clobbers.keys()], groundOf(specsOf()).base]).toEqual(['1.5.06', ['1.5.06'], null]);
});

test('what a reader pastes is quoted where a shell would part it', () => {
  expect(['1.5.06', 'a/b.yaml@v6.16', '1.5 Beta', "it's", '$(x)', ''].map(quoteArgument)).toEqual([
    '1.5.06',
    'a/b.yaml@v6.16',
    "'1.5 Beta'",
    "'it'\\''s'",
    "'$(x)'",
    "''",
  ]);
});

describe('a review', () => {
  const [old, mid, now] = [offering('1.5 Beta', 1), offering('1.5.06', 3), offering('1.5.08', 7)];
  const kvm = policy({ version: '6.16', requires: [], notes: ['n'] });
  const specs = specsOf({
    releases: [old, mid, now],
    policies: [kvm],
    lineage: [{ release: '1.5.08', follows: '1.5.06', why: 'its code' }],
  });

  test('says where the sources of TDX_FEATURES0 disagree, but for bits of the platform', () => {
    const of = (features0: bigint | null, published: bigint | null, features0Conditional: readonly number[] = []) => {
      const module = moduleWith(now, { features0, features0Conditional });
      const known = [{ ...unknownRelease('1.5.08'), features0: published }];
      const review = releaseReview(specsOf({ releases: [mid, module], policies: [kvm], known }), {
        from: mid,
        to: module,
        policy: kvm,
      });
      const shown = briefingOf(review, { releases: [], policies: [], unread: [], cells: 0, skipped: [] });
      return [review.disputed, shown.facts.filter(([label]) => label === 'disputed').map(([, text]) => text)];
    };
    expect(of(0x5n, 0x7n)).toEqual([
      [{ release: '1.5.08', source: 0x5n, published: 0x7n }],
      ['TDX_FEATURES0 of 1.5.08: 0x5 by its source, which is told here, and 0x7 by mapping_file.json'],
    ]);
    for (const agree of [of(0x5n, 0x5n), of(null, 0x7n), of(0x5n, null), of(0x5n, 0x7n, [1])])
      expect(agree).toEqual([[], []]);
  });

  test('names who took part, why, and the command that gives it again', () => {
    expect(releaseReview(specs, { from: mid, to: now, policy: kvm })).toMatchObject({
      id: '1.5.06..1.5.08 on 6.16',
      policy: { name: '6.16', notes: ['n'] },
      lineage: { follows: '1.5.06', why: 'its code' },
      isOldest: false,
      command: 'bitwatch review 1.5.08 --from 1.5.06 --kvm 6.16',
    });
    expect(releaseReview(specs, { from: old, to: now, policy: null })).toMatchObject({
      id: '1.5 Beta..1.5.08',
      policy: null,
      lineage: null,
      command: "bitwatch review 1.5.08 --from '1.5 Beta'",
    });
    expect(releaseReview(specs, { from: old, to: old, policy: null })).toMatchObject({
      isOldest: true,
      command: "bitwatch review '1.5 Beta'",
    });
    expect(releaseReview(specs, { from: now, to: now, policy: null }).command).toBe(
      'bitwatch review 1.5.08 --from 1.5.08',
    );
    expect(policyStepReview(kvm, policy({ version: 'my kernel' }), groundOf(specs))).toMatchObject({
      id: '6.16..my kernel',
      command: "bitwatch diff 6.16 'my kernel'",
    });
  });

  test('of a release is held against the one that it follows, or the one that is named, and says what it rests on', () => {
    const facts = (since: typeof old | null, ...policies: Parameters<typeof reviewFacts>[1]['policies']) => {
      const { reviews, coverage } = reviewFacts(specs, { release: now, since, policies }, TODAY);
      return [reviews.map(({ id }) => id), coverage.releases, coverage.policies];
    };
    expect(facts(null, kvm, null)).toEqual([
      ['1.5.06..1.5.08 on 6.16', '1.5.06..1.5.08'],
      ['1.5.06', '1.5.08'],
      ['6.16'],
    ]);
    expect(facts(old, null)).toEqual([['1.5 Beta..1.5.08'], ['1.5 Beta', '1.5.08'], []]);
    expect(facts(now, null)).toEqual([['1.5.08..1.5.08'], ['1.5.08'], []]);
    const oldest = reviewFacts(specs, { release: old, since: null, policies: [null] }, TODAY);
    expect([oldest.reviews.map(({ id }) => id), oldest.coverage.releases]).toEqual([
      ['1.5 Beta..1.5 Beta'],
      ['1.5 Beta'],
    ]);
  });

  test('of what a person named gives the command that reads the same again', () => {
    const command = (
      operands: Partial<Record<'release' | 'from', string>>,
      since = mid,
      on = kvm as typeof kvm | null,
    ) => {
      const [review] = reviewFacts(
        specs,
        { release: now, since, policies: [on], operands: { release: null, from: null, ...operands } },
        TODAY,
      ).reviews;
      return review?.command;
    };
    expect(command({})).toBe(releaseReview(specs, { from: mid, to: now, policy: kvm }).command);
    expect(command({ release: 'my tree@x' })).toBe("bitwatch review 'my tree@x' --from 1.5.06 --kvm 6.16");
    expect(command({ from: 'old.yaml' })).toBe('bitwatch review 1.5.08 --from old.yaml --kvm 6.16');
    const tree = { ...kvm, operand: 'linux@main' };
    expect(command({}, mid, tree)).toBe('bitwatch review 1.5.08 --from 1.5.06 --kvm linux@main');
    expect(command({ release: 'm.yaml' }, mid, tree)).toBe('bitwatch review m.yaml --from 1.5.06 --kvm linux@main');
    expect(command({ release: 'm.yaml' }, now, null)).toBe('bitwatch review m.yaml');
    // What nobody named otherwise has the command of the specifications, to the word.
    expect(command({}, now, null)).toBe('bitwatch review 1.5.08 --from 1.5.08');
  });

  test('of a tree that is named like a release says whose rules were taken', () => {
    const unknown = (name: string, rules: readonly DeciderRule[] | null) => {
      const to = offering(name, 7, rules);
      const operands = { release: 'tree', from: null, kvm: null };
      const [review] = reviewFacts(
        { ...specs, releases: [...specs.releases, to] },
        { release: to, since: mid, policies: [null], operands },
        TODAY,
      ).reviews;
      return review?.kind === 'release' ? review.diff.coverage.unknown : null;
    };
    const taken = 'who decides the bits of 1.5.08+abc: the rules of 1.5.08 were taken';
    const rest = unknown('1.5.08', []);
    expect(unknown('1.5.08+abc', [])?.filter((text) => text === taken)).toEqual([taken]);
    expect(unknown('1.5.08+abc', [])).toHaveLength((rest?.length ?? 0) + 1);
    expect(unknown('1.5.08+abc', null)).not.toContain(taken);
    expect(reviewTitle('1.5.08')).toBe('bitwatch: review of TDX module 1.5.08');
  });

  test('of the whole history tells each step under the newest kernel, each kernel’s step, and the facts', () => {
    const newer = policy({ version: '6.17', requires: [], deny: [entry(1)] });
    const both = { ...specs, policies: [kvm, newer] };
    expect(wholeReport(both, TODAY).reviews.map(({ kind, id }) => `${kind} ${id}`)).toEqual([
      'release 1.5 Beta..1.5.06 on 6.17',
      'release 1.5.06..1.5.08 on 6.17',
      'policy-step 6.16..6.17',
      'policy 6.17',
      'facts specs',
    ]);
    expect(everyReview(both).map(({ id }) => id)).toEqual([
      ...['1.5 Beta..1.5.06', '1.5.06..1.5.08'].flatMap((id) => [id, `${id} on 6.16`, `${id} on 6.17`]),
      '6.16',
      '6.17',
      '6.16..6.17',
      'specs',
    ]);
    expect(wholeReport({ ...specs, policies: [] }, TODAY).reviews.map(({ id }) => id)).toEqual([
      '1.5 Beta..1.5.06',
      '1.5.06..1.5.08',
      'specs',
    ]);
    expect(wholeReport(both, TODAY).reviews[2]?.findings.map(({ rule }) => rule)).toEqual(['policy-deny-added']);
  });

  test('of the status is that of the newest release of each line under the newest kernel of the last two series', () => {
    const versions = ['6.15.1', '6.16.1', '6.16.9', '7.1', '7.1.5'];
    const many = specsOf({
      releases: [old, mid, now, offering('2.0.02', 1), offering('2.0.08', 1)],
      policies: versions.map((version) => policy({ version, requires: [] })),
      known: [unknownRelease('2.0.09')],
    });
    const { reviews, coverage } = statusReviews(many, TODAY);
    expect(reviews.map(({ id }) => id)).toEqual([
      '2.0.02..2.0.08 on 7.1.5',
      '2.0.02..2.0.08 on 6.16.9',
      '1.5.06..1.5.08 on 7.1.5',
      '1.5.06..1.5.08 on 6.16.9',
    ]);
    expect([coverage.unread.map((each) => each.release), coverage.releases, coverage.cells]).toEqual([
      ['2.0.09'],
      [],
      0,
    ]);
    const one = statusReviews({ ...many, releases: [now] }, TODAY);
    expect([one.reviews.length, one.coverage.unread.map((each) => each.release)]).toEqual([2, ['2.0.09']]);
    expect(statusReviews(specsOf(), TODAY)).toMatchObject({ reviews: [], coverage: { unread: [] } });
  });

  test('gives a decision to the findings that it is about, and says where it decides nothing', () => {
    const by = { because: 'harmless', by: 'A. Person' };
    const decided = {
      ...specs,
      decisions: [
        { ...by, rule: 'exposed-unreviewed' },
        { ...by, finding: 'f'.repeat(16) },
      ],
    };
    const { reviews } = wholeReport(decided, TODAY);
    const all = reviews.flatMap(({ findings }) => findings);
    expect(
      all.filter(({ rule, decided: each }) => rule === 'exposed-unreviewed' && each?.by === 'A. Person').length,
    ).toBeGreaterThan(0);
    expect(all.filter(({ rule, decided: each }) => rule !== 'exposed-unreviewed' && each !== null)).toEqual([]);
    expect(all.filter(({ rule }) => rule === 'waiver-unmatched').map(({ facts }) => facts)).toMatchObject([
      { selector: 'f'.repeat(16) },
    ]);
    const idle = (decisions: readonly string[], waivers: readonly string[]) =>
      wholeReport(
        {
          ...specs,
          decisions: decisions.map((finding) => ({ ...by, finding })),
          waivers: waivers.map((fingerprint) => ({ reason: 'harmless', by: 'A. Person', fingerprint })),
        },
        TODAY,
      )
        .reviews.flatMap(({ findings }) => findings)
        .filter(({ rule }) => rule === 'waiver-unmatched').length;
    expect([idle(['e'.repeat(16)], []), idle([], ['e'.repeat(16)]), idle(['e'.repeat(16)], ['d'.repeat(16)])]).toEqual([
      1, 1, 2,
    ]);
    expect(
      wholeReport(specs, TODAY)
        .reviews.flatMap(({ findings }) => findings)
        .some(({ rule }) => rule === 'waiver-unmatched'),
    ).toBe(false);
  });

  test('is shown first on the page where the run is about one step or one kernel', () => {
    const first = (...pairs: readonly [string | null, string][]) =>
      pageFactsOf(
        specs,
        {
          reviews: pairs.map(([on, to]) =>
            releaseReview(specs, {
              from: old,
              to: to === 'now' ? now : mid,
              policy: on === null ? null : policy({ version: on }),
            }),
          ),
        } as unknown as ReportFacts,
        { script: '', today: '2026-11-21' },
      ).first;
    expect(first(['6.16', 'now'])).toEqual({ from: '1.5 Beta', to: '1.5.08', kvm: '6.16' });
    expect(first([null, 'now'])).toEqual({ from: '1.5 Beta', to: '1.5.08', kvm: null });
    expect(first(['6.16', 'now'], ['6.16', 'mid'])).toEqual({ from: null, to: null, kvm: '6.16' });
    expect(first(['6.16', 'now'], ['6.17', 'mid'])).toEqual({ from: null, to: null, kvm: null });
    const whole = wholeReport({ ...specs, releases: [old, mid] }, TODAY);
    expect(whole.reviews.map(({ kind }) => kind)).toEqual(['release', 'policy', 'facts']);
    expect(pageFactsOf(specs, whole, { script: '', today: TODAY }).first).toEqual({
      from: '1.5 Beta',
      to: '1.5.06',
      kvm: '6.16',
    });
  });
});

describe('an update of the module', () => {
  const rule = (mask: number, effect: DeciderRule['effect'], stage: DeciderRule['stage'] = 'init'): DeciderRule => ({
    id: 'r',
    stage,
    leaf: 7,
    masks: { eax: mask },
    effect,
    source: 's',
    lines: null,
  });
  const coded = (name: string, eax: { zero: number; one?: number; allow?: number }, rules: readonly DeciderRule[]) =>
    release(
      name,
      [{ fixed0: { ...ALL, eax: eax.zero }, fixed1: { eax: eax.one ?? 0 }, allow: { eax: eax.allow ?? 0 } }],
      {},
      rules,
    );
  const own = (rules: readonly DeciderRule[], ...inferred: readonly (readonly [string, string | null])[]) =>
    ({
      rules,
      sources: [{ how: 'read', path: 'r.c' }, ...inferred.map(([path, reason]) => ({ how: 'inferred', path, reason }))],
    }) as unknown as DeciderRules;
  const guest = rule(0x100, { do: 'zero' }, 'guest');
  const [a, b] = [
    coded('1.5.06', { zero: 0xfffffff0, one: 0x1, allow: 0x2 }, []),
    // Settable comes, goes; fixed to 1 goes to 0 and 0 to 1; the rest is the host's now.
    coded('1.5.08', { zero: 0xffffff83, one: 0x10, allow: 0x4 }, [guest]),
  ];
  const known = (name: string, updatesFrom: string | null) => ({
    ...unknownRelease(name),
    updatesFrom,
    seamldr: ['2.0'],
    seen: ['a README.md', 'b mapping_file.json'],
  });
  const specs = specsOf({
    releases: [a, b],
    deciders: new Map([
      ['1.5.06', own([])],
      ['1.5.08', own([guest], ['x.c', 'same size'], ['y.c', null])],
    ]),
    known: [known('1.5.08', '1.5.05'), known('1.5.06', null), known('1.5.09', '1.5.08'), known('2.0.08', '2.0.02')],
  });

  test('says who decides otherwise, bit by bit, and what that does to a TD that is built then', () => {
    const { newTds, guest: rules } = updateOf(
      specs,
      '1.5.06',
      '1.5.08',
      policy({ version: '6.16', requires: [], deny: [entry(0x4)] }),
    );
    expect(
      newTds?.changes
        .filter(({ register }) => register === 'eax')
        .map(({ mask, effect, verdicts }) => [mask, effect, verdicts]),
    ).toEqual([
      [0x1, 'zero', []],
      [0x2, 'not-settable', []],
      [0x4, 'settable', [{ verdict: 'denied', mask: 0x4 }]],
      [0x60, 'other', []],
      [0x10, 'one', []],
    ]);
    // A page groups what changes by this list: what is not in it would be told nowhere.
    expect(new Set(newTds?.changes.map(({ effect }) => effect))).toEqual(new Set(EFFECTS));
    expect([rules?.added.length, rules?.removed.length]).toEqual([1, 0]);
    expect(newTds?.changes.find(({ mask }) => mask === 0x2)?.bits).toEqual([{ bit: 1, name: 'CLOB' }]);
    expect(
      updateOf(specs, '1.5.06', '1.5.08', null).newTds?.changes.find(({ mask }) => mask === 0x4)?.verdicts,
    ).toEqual([]);
  });

  test('takes what a VMM still has a say in for settable, and an answer behind #VE for always the same', () => {
    const effects = (before: readonly DeciderRule[], then: readonly DeciderRule[], one = 0) => {
      const [from, to] = [before, then].map((rules, at) =>
        coded(at === 0 ? '1.5.06' : '1.5.08', { zero: 0xfffffff7, one, allow: 0x8 & ~one }, rules),
      );
      if (from === undefined || to === undefined) return expect.fail('no releases');
      const deciders = new Map([
        ['1.5.06', own(before)],
        ['1.5.08', own(then)],
      ]);
      const kvm = policy({ version: '6.16', requires: [], deny: [entry(0x8)] });
      const { newTds } = updateOf({ ...specs, releases: [from, to], deciders }, '1.5.06', '1.5.08', kvm);
      // What KVM makes of a bit is told where it became settable, and nowhere else.
      for (const { effect, verdicts } of newTds?.changes ?? [])
        expect(verdicts).toEqual(effect === 'settable' ? [{ verdict: 'denied', mask: 0x8 }] : []);
      return newTds?.changes.map(({ register, mask, effect }) => [register, mask, effect]);
    };
    const computed = (what: Computation) => rule(0x8, { do: 'compute', what, when: [], open: false }, 'guest');
    // A computation that begins with what the VMM said is one that it set; another one is not.
    for (const what of ['fms', 'maxpa', 'topology', 'native-cache'] as const)
      expect(effects([], [computed(what)]), what).toEqual([['eax', 0x8, 'other']]);
    expect(effects([computed('maxpa')], [])).toEqual([['eax', 0x8, 'other']]);
    for (const what of ['tsc-frequency', 'maxgpa'] as const)
      expect(effects([], [computed(what)]), what).toEqual([['eax', 0x8, 'not-settable']]);
    expect(effects([computed('tsc-frequency')], [])).toEqual([['eax', 0x8, 'settable']]);
    const zero = rule(0x8, { do: 'zero' });
    expect(effects([computed('tsc-frequency')], [zero])).toEqual([['eax', 0x8, 'zero']]);
    expect(effects([zero], [computed('tsc-frequency')])).toEqual([['eax', 0x8, 'other']]);
    const asked = (control: 'REDUCE_VE'): DeciderRule =>
      rule(0x8, { do: 've', unless: [{ kind: 'guest', control }] }, 'guest');
    // Where it is answered it is 0 as before: not one TD gets another value.
    expect(effects([zero], [zero, asked('REDUCE_VE')])).toEqual([['eax', 0x8, 'other']]);
    expect(effects([zero, asked('REDUCE_VE')], [zero])).toEqual([['eax', 0x8, 'other']]);
    // What is 1 for each TD that is answered was so before; what a TD without the guest's word reads as 0 was not.
    const clears = rule(0x8, { do: 'clear', unless: [{ kind: 'guest', control: 'REDUCE_VE' }] }, 'guest');
    expect(effects([], [asked('REDUCE_VE')], 0x8)).toEqual([['eax', 0x8, 'other']]);
    expect(effects([asked('REDUCE_VE')], [], 0x8)).toEqual([['eax', 0x8, 'other']]);
    expect(effects([clears], [], 0x8)).toEqual([['eax', 0x8, 'one']]);
    expect(effects([], [clears], 0x8)).toEqual([['eax', 0x8, 'other']]);
    expect(effects([zero], [clears], 0x8)).toEqual([['eax', 0x8, 'other']]);
    expect(effects([asked('REDUCE_VE'), clears], [], 0x8)).toEqual([['eax', 0x8, 'one']]);
    expect(effects([zero, asked('REDUCE_VE'), clears], [zero])).toEqual([['eax', 0x8, 'other']]);
  });

  test('says of each bit that became settable what KVM makes of it, at its own place', () => {
    const masked = (name: string, eax: number, ebx: number) =>
      release(
        name,
        [{ fixed0: { ...ALL, eax: ~eax >>> 0, ebx: ~ebx >>> 0 }, direct: { eax }, allow: { ebx } }],
        {},
        [],
      );
    const releases = [masked('1.5.06', 0, 0), masked('1.5.08', 0x5, 0x1)];
    const kvm = policy({ version: '6.16', requires: [], deny: [entry(0x4)] });
    const deciders = new Map(['1.5.06', '1.5.08'].map((name) => [name, own([])]));
    const { newTds } = updateOf({ ...specs, releases, deciders }, '1.5.06', '1.5.08', kvm);
    const told = newTds?.changes.map(({ register, mask, effect, verdicts }) => [register, mask, effect, verdicts]);
    expect(told).toEqual([
      [
        'eax',
        0x5,
        'settable',
        [
          { verdict: 'denied', mask: 0x4 },
          { verdict: 'exposed', mask: 0x1 },
        ],
      ],
      ['ebx', 0x1, 'settable', [{ verdict: 'exposed', mask: 0x1 }]],
    ]);
  });

  test('says of a leaf that comes or goes what it is to a TD', () => {
    const leaf9 = {
      leaf: 9,
      fixed0: { ...ALL, eax: 0xfffffff0, ebx: 0xfffffffe },
      allow: { eax: 0x1 },
      fixed1: { eax: 0x2 },
    };
    const [without, having] = [release('1.5.06', [{}], {}, []), release('1.5.08', [{}, leaf9], {}, [])];
    const deciders = new Map(['1.5.06', '1.5.08'].map((name) => [name, own([])]));
    const effects = (from: string, to: string) =>
      updateOf({ ...specs, releases: [without, having], deciders }, from, to, null)
        .newTds?.changes.filter(({ register }) => register === 'eax')
        .map(({ mask, effect }) => [mask, effect]);
    expect(effects('1.5.06', '1.5.08')).toEqual([
      [0x1, 'settable'],
      [0x2, 'one'],
      [0xc, 'other'],
      [0xfffffff0, 'zero'],
    ]);
    expect(effects('1.5.08', '1.5.06')?.map(([, effect]) => effect)).toEqual([
      'not-settable',
      'other',
      'other',
      'other',
    ]);
  });

  test('says whether running TDs are carried over, by what is published', () => {
    const carry = (from: string, to: string) => {
      const { answer, why, minimum } = updateOf(specs, from, to, null).carry;
      return [answer, why, minimum];
    };
    expect(carry('1.5.06', '1.5.08')).toEqual(['yes', 'from-the-minimum-on', '1.5.05']);
    expect(carry('1.5.08', '1.5.09')).toEqual(['yes', 'from-the-minimum-on', '1.5.08']);
    expect(carry('1.5.06', '1.5.09')).toEqual(['no', 'below-the-minimum', '1.5.08']);
    expect(carry('1.5.08', '1.5.08')).toEqual(['yes', 'from-the-minimum-on', '1.5.05']);
    expect(carry('1.5.09', '1.5.08')).toEqual(['unknown', 'older-release', '1.5.05']);
    expect(carry('1.5.08', '1.5.06')).toEqual(['unknown', 'not-published', null]);
    expect(carry('1.5.08', '2.0.08')).toEqual(['no', 'other-line', '2.0.02']);
    expect(updateOf(specs, '1.5.06', '1.5.08', null).carry).toMatchObject({
      seamldr: ['2.0'],
      source: 'b mapping_file.json',
    });
  });

  test('says what is not known: tables, code, and files that were inferred', () => {
    const { unknown, newTds, guest: rules } = updateOf(specs, '1.5.06', '1.5.09', null);
    expect([newTds, rules]).toEqual([null, null]);
    expect(unknown).toEqual(['the tables of 1.5.09 could not be read: what its TDs see is not known']);
    expect(updateOf(specs, '1.5.06', '1.5.08', null).unknown.slice(0, 2)).toEqual([
      '1.5.08: x.c is inferred, not read: same size',
      '1.5.08: y.c is inferred, not read: no reason',
    ]);
    const unread = updateOf({ ...specs, deciders: new Map([['1.5.06', own([])]]) }, '1.5.06', '1.5.08', null);
    expect([unread.newTds, unread.guest, unread.unknown[0]]).toEqual([
      null,
      null,
      'the code of 1.5.08 was not examined: who decides its bits is not known',
    ]);
    expect(() => updateOf(specs, '1.5.06', '1.5.88', null)).toThrow(
      /no release "1\.5\.88" is known; did you mean "1\.5\.08"\?; `bitwatch list releases`/,
    );
  });

  test('says whether the KVM that is asked about takes the new release', () => {
    const runs = (limit: number) => {
      const { runs: each, kvm } = updateOf(
        specs,
        '1.5.06',
        '1.5.08',
        policy({ version: '6.16', requires: [{ kind: 'config-slots', limit, path: 'x.c', line: 1 }] }),
      );
      return [kvm, each?.kind];
    };
    expect([runs(0), runs(1)]).toEqual([
      ['6.16', 'no'],
      ['6.16', 'yes'],
    ]);
    expect(updateOf(specs, '1.5.06', '1.5.08', null)).toMatchObject({ kvm: null, runs: null });
  });
});

describe('a draft', () => {
  const bits = { ...PLACE, mask: 0x80000004, names: 'A B' };
  const lines = 'one\ntwo\nthree\nfour\nfive';

  test('denies bits where the tree does, each text before its line', () => {
    const places = { helpers: 2, clear: 4, refuse: 5, entries: { clear: 'c', refuse: 'r' } } as unknown as DenialPlaces;
    const text = withDenial(
      lines,
      places,
      [bits, { ...bits, leaf: 0x19, subleaf: null, register: 'ecx', mask: 1, names: 'x */ y' }],
      'why */ so',
    );
    expect(text.split('\n').slice(0, 14)).toEqual([
      'one',
      '/* DRAFT, not reviewed: why * / so */',
      'static bool tdx_undecided_cpuid(const struct kvm_cpuid_entry2 *entry)',
      '{',
      '\t/* 7.1.EAX: A B */',
      '\tif (entry->function == 0x7 && entry->index == 0x1 && (entry->eax & 0x80000004))',
      '\t\treturn true;',
      '\t/* 0x19.ECX: x * / y */',
      '\tif (entry->function == 0x19 && entry->index == 0x0 && (entry->ecx & 0x00000001))',
      '\t\treturn true;',
      '\treturn false;',
      '}',
      '',
      'static void tdx_clear_undecided_cpuid(struct kvm_cpuid_entry2 *entry)',
    ]);
    expect(text.split('\n').slice(14)).toEqual([
      '{',
      '\tif (entry->function == 0x7 && entry->index == 0x1)',
      '\t\tentry->eax &= ~0x80000004;',
      '\tif (entry->function == 0x19 && entry->index == 0x0)',
      '\t\tentry->ecx &= ~0x00000001;',
      '}',
      '',
      'two',
      'three',
      '',
      '\ttdx_clear_undecided_cpuid(c);',
      'four',
      '\t\tif (tdx_undecided_cpuid(r))',
      '\t\t\treturn -EINVAL;',
      '',
      'five',
    ]);
    expect(withDenial(lines, { ...places, refuse: null }, [bits], 'w')).not.toContain('EINVAL');
  });

  test('opts bits in by name where all have one, else as a mask, joined as the code around them is', () => {
    const at = (
      line: string,
      column: number,
      joins: '|' | ',',
      names: readonly (string | null)[],
      macro: string | null = 'F',
    ) => withOptIn(`first\n${line}\nlast`, { line: 2, column, joins, macro }, bits, { names, why: 'w' }).split('\n')[1];
    const note = '/* DRAFT, not reviewed: 7.1.EAX: A B; w */';
    expect(at('x = F(A);', 9, '|', ['P', 'Q'])).toBe(`x = F(A) | F(P) | F(Q) ${note};`);
    expect(at('  F(A)', 7, ',', ['P', 'Q'])).toBe(`  F(A), F(P), F(Q) ${note}`);
    expect(at('  F(A),', 8, ',', ['P', 'Q'])).toBe(`  F(A), F(P), F(Q) ${note}`);
    expect(at('x = 1;', 6, '|', ['P', null])).toBe(`x = 1 | 0x80000004 ${note};`);
    expect(at('x = 1;', 6, '|', [null])).toBe(`x = 1 | 0x80000004 ${note};`);
  });
});
