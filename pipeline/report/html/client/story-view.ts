import { reviewFacts } from '../../../cases/review.ts';
import { restoreOf } from '../../../judge/clobber-facts.ts';
import { arguedOf, numberBits, registerOf } from '../../../judge/lookup.ts';
import { absentRegister } from '../../../model/class.ts';
import type { Finding } from '../../../model/finding.ts';
import { and, bitMask, hasBit } from '../../../model/mask.ts';
import { samePlace } from '../../../model/place.ts';
import { chainOf, KINDS, siteText } from '../../bits/host-state.ts';
import { LETTER_LEGEND, letterOf } from '../../bits/register-table.ts';
import {
  type BitStory,
  decidedRuns,
  decidedText,
  judgedOf,
  kernelRuns,
  rangeText,
  storyOf,
  verdictRuns,
} from '../../bits/story.ts';
import { backingText } from '../../words/fact-words.ts';
import { discussionsOf } from './discussions.ts';
import { el, folded, scrolling, signLink, span, table } from './dom.ts';
import { type Facts, nameOf } from './facts.ts';
import { findingList } from './finding.ts';
import { bitText, contextOf, hashOf, type Route } from './route.ts';
import { roving } from './roving.ts';
import { CLASS_STYLE, NO_VERDICT_WORDS, VERDICT_WORDS, type Word } from './words.ts';

type Bit = NonNullable<Route['bit']>;

const section = (title: string, ...children: readonly HTMLElement[]): HTMLElement =>
  el('section', { class: 'part' }, el('h3', {}, title), ...children);

/** A bit's story: every release and KVM version at a glance, who decides it, host state, findings, discussions, lines. */
export function storyView(facts: Facts, route: Route, bit: Bit): readonly HTMLElement[] {
  const judged = judgedOf(facts.specs, bit);
  const story = storyOf(facts.specs, bit, bit.bit, judged);
  const text = bitText(bit, bit.bit);
  const back = hashOf({ ...contextOf(route), view: route.view, show: route.show });
  return [
    el('p', {}, el('a', { href: back, id: 'back' }, `← Back (Esc)`)),
    el(
      'h2',
      { id: 'title', tabindex: -1 },
      `${text} `,
      story.name === null ? span('none', 'no name in the kernel') : span('name', story.name),
    ),
    el('p', { class: 'lead' }, leadOf(facts, route, story, judged)),
    strip(facts, route, story),
    section('Who decides', decidersTable(facts, story)),
    section('What KVM does', ...kernels(facts, story, bit)),
    section('Host state', ...hostState(facts, route, story)),
    section('Findings', ...findings(facts, route, bit)),
    section('Discussions', ...discussionsOf(facts.discussions, bit)),
    el('p', { class: 'source' }, 'On the command line: ', el('code', {}, `bitwatch explain '${text}'`)),
  ];
}

/** What holds for the release and KVM version that the reader comes from. */
function leadOf(facts: Facts, { to, kvm }: Route, story: BitStory, judged: ReturnType<typeof judgedOf>): string {
  const { policies, releases } = facts.specs;
  const { place, bit } = story;
  const entry = story.releases.find(({ release }) => release === nameOf(to));
  // The table alone would call a bit fixed that the code gates, or whose leaf injects #VE.
  const decided = entry === undefined ? '' : decidedText(entry);
  if (kvm === null) return `In ${nameOf(to)}: ${decided}.`;
  const context = judged[policies.indexOf(kvm)]?.[releases.indexOf(to)];
  const own = context?.verdicts.find((each) => samePlace(each, place) && hasBit(each.mask, bit));
  const why = NO_VERDICT_WORDS[context?.runs.kind === 'no' ? 'refused' : 'not-settable'].says;
  const says =
    own === undefined
      ? why
      : `${own.verdict}: ${own.backing === null ? VERDICT_WORDS[own.verdict].says : backingText(own.backing)}`;
  return `In ${nameOf(to)} on KVM ${kvm.version}: ${decided}. ${says.charAt(0).toUpperCase()}${says.slice(1)}.`;
}

/** Releases from left to right: who decides, then a row for each KVM version. */
function strip(facts: Facts, route: Route, story: BitStory): HTMLElement {
  const { specs, axis } = facts;
  const releases = axis.map(({ name, release }) => ({
    name,
    release,
    at: story.releases.findIndex((each) => each.release === name),
  }));
  const used = new Map<string, Word>();
  const grid: (HTMLElement | null)[][] = [];
  const heads = releases.map(({ name, release }) =>
    el(
      'th',
      { scope: 'col', class: release === route.to ? 'chosen' : release === null ? 'unread' : '' },
      span('turned', name),
    ),
  );
  const unread = (): HTMLElement =>
    el('td', { class: 'unread', title: 'known by name only, not read' }, '/', span('hidden', ' not read'));
  const decided = releases.map(({ release, at }) => {
    if (release === null) return unread();
    const register = registerOf(release, story.place) ?? absentRegister(story.place);
    const letter = register.classes.has('absent') ? '.' : letterOf(register, story.bit);
    const entry = story.releases[at];
    const says = entry?.class === 'absent' ? 'no such leaf in the tables' : (entry?.decider ?? entry?.class ?? '');
    return el('td', { class: `c-${CLASS_STYLE[letter] ?? 'n'}`, title: `${nameOf(release)}: ${says}` }, letter);
  });
  const rows = [...specs.policies].reverse().map((policy) => {
    const verdicts = story.verdicts.find((each) => each.policy === policy.version);
    const cells = releases.map(({ name, release, at }) => {
      const one = verdicts?.per[at];
      if (release === null || one === undefined) return unread();
      const word: Word =
        one.verdict === null
          ? NO_VERDICT_WORDS[one.why ?? 'not-settable']
          : VERDICT_WORDS[one.verdict as keyof typeof VERDICT_WORDS];
      used.set(word.name, word);
      const says = `${name} on KVM ${policy.version}: ${word.name}`;
      const anchor = signLink(hashOf({ to: name, kvm: policy.version }), says, word.sign);
      const isChosen = release === route.to && policy === route.kvm;
      return el('td', { class: `v-${word.name.replace(' ', '-')}${isChosen ? ' chosen' : ''}` }, anchor);
    });
    grid.push(cells.map((cell) => cell.querySelector('a')));
    return el('tr', {}, el('th', { scope: 'row' }, `KVM ${policy.version}`), ...cells);
  });
  const whole = el(
    'table',
    { class: 'strip' },
    el('caption', { class: 'hidden' }, 'Who decides the bit in each release, and what each KVM version does about it'),
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Release'), ...heads)),
    el('tbody', {}, el('tr', {}, el('th', { scope: 'row' }, 'module'), ...decided), ...rows),
  );
  roving(whole, grid, whole.querySelector<HTMLElement>('td.chosen a'));
  const legend = [...used.values()].map(({ sign, name, says }) =>
    el('li', {}, span('sign', sign), el('strong', {}, ` ${name}`), ` ${says}`),
  );
  return el(
    'section',
    { class: 'part' },
    scrolling('Releases and KVM versions at a glance', whole),
    folded('Signs', '', () => [el('p', {}, `${LETTER_LEGEND}; / not read.`), el('ul', { class: 'legend' }, ...legend)]),
  );
}

function decidersTable(facts: Facts, story: BitStory): HTMLElement {
  const readIn = (name: string): HTMLElement => {
    const release = facts.specs.releases.find((each) => nameOf(each) === name);
    const line = release === undefined ? 0 : (registerOf(release, story.place)?.line ?? 0);
    return release === undefined ? el('span', {}) : facts.evidence(release.module.source, line);
  };
  const rows = decidedRuns(story).map(({ text, items }) => [
    rangeText(items.map(({ release }) => release)),
    el('div', {}, text, el('span', { class: 'source' }, readIn(items[0]?.release ?? ''))),
  ]);
  return el(
    'div',
    {},
    table('By the release’s tables and code', ['Release', 'Decided by'], rows),
    ...(story.unread.length === 0
      ? []
      : [el('p', { class: 'soft' }, `Not read, so not said: ${story.unread.join(', ')}.`)]),
  );
}

/** KVM versions that do the same are told together, with the lines of their lists. */
function kernels(facts: Facts, story: BitStory, bit: Bit): readonly HTMLElement[] {
  return kernelRuns(story).map(({ items }) => {
    const [first] = items;
    const names = items.map(({ policy }) => policy);
    const lines = facts.specs.policies
      .filter(({ version }) => names.includes(version))
      .flatMap((policy) =>
        [...policy.deny, ...policy.allow, ...policy.adds]
          .filter((entry) => samePlace(entry, bit) && and(entry.mask, bitMask(bit.bit)) !== 0)
          .map((entry) =>
            el(
              'li',
              {},
              `KVM ${policy.version} names it: `,
              facts.evidence({ ...policy.source, path: entry.path }, entry.line),
            ),
          ),
      );
    const rows =
      first === undefined
        ? []
        : verdictRuns(first).map((run) => [rangeText(run.items.map(({ release }) => release)), run.text]);
    return el(
      'div',
      {},
      table(`KVM ${rangeText(names)} (${first?.generation ?? ''})`, ['Release', 'Verdict'], rows),
      ...(first?.notes ?? []).map((note) => el('p', {}, `${note}.`)),
      ...(lines.length === 0 ? [] : [el('ul', { class: 'source' }, ...lines)]),
    );
  });
}

function hostState(facts: Facts, { to, kvm }: Route, story: BitStory): readonly HTMLElement[] {
  const { specs } = facts;
  const mask = bitMask(story.bit);
  const argued = arguedOf(specs.knowledge, story.place, mask);
  const chains = chainOf(specs, story);
  if (argued.length === 0 && chains.length === 0)
    return [
      el(
        'p',
        {},
        numberBits(specs.knowledge, story.place, mask) !== 0
          ? 'It is part of a number and opens no state.'
          : 'Not examined: specs/clobbers.md has no row for it.',
      ),
    ];
  return [
    ...argued.map(({ feature, kind, source, line }) =>
      el(
        'p',
        {},
        el('strong', {}, `${feature}: ${kind === 'clobber' ? 'clobbers host state' : KINDS[kind]}`),
        `; ${source} `,
        span('source', `specs/clobbers.md:${line}`),
      ),
    ),
    ...chains.map(({ msrs, releases }) => {
      const here = releases.find(({ release }) => release === nameOf(to));
      const care = msrs.map((msr) => {
        const restore = kvm === null ? undefined : restoreOf(kvm, msr);
        return el(
          'li',
          {},
          `${msr}: ${kvm === null ? 'no KVM chosen' : `KVM ${kvm.version} ${restore === undefined ? 'has no line that restores it' : 'restores it: '}`}`,
          ...(restore === undefined || kvm === null
            ? []
            : [facts.evidence({ ...kvm.source, path: restore.path }, restore.line)]),
        );
      });
      return el(
        'div',
        {},
        el('ul', {}, ...care),
        el('p', {}, here === undefined ? `Not examined for ${nameOf(to)}.` : `In ${nameOf(to)}:`),
        ...(here === undefined
          ? []
          : [el('ul', {}, ...here.transitions.map((each) => el('li', {}, transitionText(each))))]),
        folded('In every release that was examined', String(releases.length), () => [
          table(
            'How the module leaves it',
            ['Release', 'Ways in and out'],
            releases.map(({ release, transitions }) => [
              release,
              transitions.map(transitionText).join('; ') || 'not written',
            ]),
          ),
        ]),
      );
    }),
  ];
}

type Transition = ReturnType<typeof chainOf>[number]['releases'][number]['transitions'][number];

const transitionText = ({ msr, guard, entry, exit, exitAt, learnt }: Transition): string =>
  [
    `${msr} under ${guard ?? 'no guard'}`,
    ...entry.map((site) => `written on entry ${siteText(site, learnt?.entry)}`),
    ...(exit === 'none' ? ['never written on exit'] : []),
    ...exitAt.map((site) => `exit (${exit}) ${siteText(site, learnt?.exit)}`),
  ].join(', ');

/** Findings on the bit: of the chosen release under the chosen KVM version, then of the run that made the page. */
function findings(facts: Facts, route: Route, bit: Bit): readonly HTMLElement[] {
  const names = (finding: Finding): boolean =>
    finding.places.some((place) => samePlace(place, bit) && hasBit(place.mask, bit.bit));
  const context = contextOf(route);
  const scope = { release: route.to, since: route.from, policies: [route.kvm] };
  const own = reviewFacts(facts.specs, scope, facts.today).reviews.flatMap((review) => review.findings.filter(names));
  const other = facts.sections.flatMap((each) => {
    const found = each.findings.filter(names);
    return found.length === 0 ? [] : [el('h4', {}, each.title), ...findingList(facts, found, context)];
  });
  const here = `${nameOf(route.to)}${route.kvm === null ? '' : ` on KVM ${route.kvm.version}`}`;
  return [
    el('h4', {}, here),
    ...findingList(facts, own, context),
    ...(other.length === 0 ? [] : [folded('In the other reviews of this report', '', () => other)]),
  ];
}
