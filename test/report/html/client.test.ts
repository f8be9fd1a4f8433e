import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { pageFactsOf } from '../../../pipeline/cases/page-facts.ts';
import { wholeReport } from '../../../pipeline/cases/whole-report.ts';
import { formatPlace } from '../../../pipeline/model/place.ts';
import { type Facts, factsOf, nameOf } from '../../../pipeline/report/html/client/facts.ts';
import { hashOf, partsOf, readRoute, searched, VIEWS } from '../../../pipeline/report/html/client/route.ts';
import { pageData } from '../../../pipeline/report/html/data.ts';
import { pack, unpack } from '../../../pipeline/report/html/pack.ts';
import { viewOf } from '../../../pipeline/report/view.ts';
import type { Specs } from '../../../pipeline/specs/store.ts';
import { pageFacts } from '../../helpers/page-facts.ts';
import { shippedSpecs } from '../../helpers/specs.ts';
import { reportOf } from '../builder.ts';

describe('the facts of the page', () => {
  let specs: Specs;
  let facts: Facts;
  beforeAll(async () => {
    specs = await shippedSpecs();
    const report = wholeReport(specs, '2026-11-21');
    const page = pageFactsOf(specs, report, { script: '', today: '2026-11-21' });
    const data = pageData(viewOf(report, 'title', page), page);
    facts = factsOf(unpack(JSON.parse(JSON.stringify(pack(data)))) as typeof data);
  });

  it('are those of the commands: every class, gate, decider and line of every release', () => {
    expect(facts.specs.releases.map(({ registers }) => registers)).toEqual(
      specs.releases.map(({ registers }) => registers),
    );
    expect(facts.specs.policies).toEqual(specs.policies);
    expect(facts.specs.knowledge).toEqual(specs.knowledge);
  });

  it('have releases that are known by name only among the others, in order', () => {
    const unread = facts.axis.filter(({ release }) => release === null).map(({ name }) => name);
    expect(unread).toEqual(['1.5.20', '1.5.24', '1.5.25', '2.0.05', '2.0.14']);
    expect(facts.axis.findIndex(({ name }) => name === '2.0.05')).toBe(
      facts.axis.findIndex(({ name }) => name === '2.0.04') + 1,
    );
  });

  it.each([
    ['7.0.ECX[5]', '7.0.ECX[5]'],
    ['CPUID.7.0:ECX[5]', '7.0.ECX[5]'],
    ['CPUID.(EAX=07H,ECX=0H):ECX.WAITPKG[bit 5]', '7.0.ECX[5]'],
    ['CPUID.07H.0H:ECX.WAITPKG[5]', '7.0.ECX[5]'],
    ['CPUID.01H:EDX.MCE[bit 7]', '1.EDX[7]'],
    ['0x7.1.eax.19', '7.1.EAX[19]'],
    ['waitpkg', '7.0.ECX[5]'],
    ['X86_FEATURE_WAITPKG', '7.0.ECX[5]'],
  ])('find %s as %s', (text, bit) => {
    const found = searched(facts, text, {});
    expect('bit' in found && `${formatPlace(found.bit[0])}[${found.bit[1]}]`).toBe(bit);
  });

  it('offer what a name of several bits may mean, and say what is none', () => {
    expect(searched(facts, '7.1.EAX[3:1]', { to: '2.0.08' })).toEqual({
      what: '“7.1.EAX[3:1]” names 3 bits. Choose one:',
      offers: [1, 2, 3].map((bit) => ({
        text: `7.1.EAX[${bit}]`,
        hash: hashOf({ to: '2.0.08', bit: `7.1.EAX[${bit}]` }),
      })),
    });
    expect(searched(facts, 'WAITPKX', {})).toEqual({
      what: expect.stringMatching(/^"WAITPKX" is no bit .*did you mean .*WAITPKG/),
      offers: [],
    });
  });

  it('say which release or KVM version a link names that nobody knows, and offer those that are known', () => {
    const of = (hash: string) => readRoute(facts, hash);
    expect(of('#to=9.9.9&kvm=6.16.1')).toMatchObject({
      what: expect.stringContaining('“9.9.9”, which this page does not know'),
      offers: expect.arrayContaining([{ text: '2.0.18', hash: '#to=2.0.18&kvm=6.16.1' }]),
    });
    expect(of('#to=2.0.05')).toMatchObject({ what: expect.stringContaining('2.0.05 is known by name only') });
    expect(of('#to=2.0.08&from=1.2')).toMatchObject({
      offers: expect.arrayContaining([{ text: '1.5.06', hash: '#to=2.0.08&from=1.5.06' }]),
    });
    expect(of('#to=2.0.08&kvm=5.0')).toMatchObject({
      what: expect.stringContaining('KVM “5.0”'),
      offers: expect.arrayContaining([{ text: 'KVM 7.1.5', hash: '#to=2.0.08&kvm=7.1.5' }]),
    });
    expect(of('#to=TDX_1.5.06&kvm=v6.17')).toMatchObject({ kvm: { version: '6.17' }, isChosen: true });
  });
});

describe('the address', () => {
  const page = pageFacts('a&b=#% ü');
  const facts = factsOf(pageData(viewOf(reportOf('x'), 'title', page), page));
  const { releases, policies } = facts.specs;
  const choice = <T>(...values: readonly T[]) => fc.constantFrom(...values);

  it('gives back every choice that it was made from', () => {
    const chosen = fc.record({
      view: choice(...VIEWS),
      to: choice(...releases.map(nameOf)),
      from: choice('', ...releases.map(nameOf)),
      kvm: choice(...policies.map(({ version }) => version)),
      bit: choice('', '7.1.EAX[3]', '9.EBX[31]'),
      show: choice('', 'all', 'exposed'),
    });
    fc.assert(
      fc.property(chosen, (parts) => {
        const route = readRoute(facts, hashOf(parts));
        if ('what' in route) throw new Error(route.what);
        const { from = '', ...rest } = partsOf(route);
        expect({ ...rest, from }).toEqual(parts);
      }),
    );
  });

  it('reads any text as something that is known, or says what is not', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const route = readRoute(facts, `#${text}`);
        expect('what' in route ? route.what : releases.includes(route.to)).toBeTruthy();
      }),
    );
  });

  it('is what the run was asked about where it is empty, else the newest', () => {
    expect(partsOf(readRoute(facts, '') as Exclude<ReturnType<typeof readRoute>, { what: string }>)).toMatchObject({
      from: 'old',
      to: 'new',
      kvm: '6.1',
    });
    const other = { ...facts, first: { from: null, to: null, kvm: null } };
    expect(readRoute(other, '')).toMatchObject({ to: releases.at(-1), kvm: policies.at(-1), isChosen: false });
  });
});
