import { unreadOf } from '../../../cases/coverage.ts';
import { searchedText } from './discussions.ts';
import { el, folded, scrolling, table } from './dom.ts';
import type { Facts } from './facts.ts';
import { findingList } from './finding.ts';

/** What stands below the map: what this run reports, and what was read and what was not. */
export function notesView(facts: Facts): HTMLElement {
  const { sections, specs } = facts;
  const count = sections.reduce((sum, { findings }) => sum + findings.length, 0);
  return el(
    'section',
    { class: 'notes', 'aria-labelledby': 'notes-title' },
    el('h2', { id: 'notes-title' }, 'What this report says, and what it rests on'),
    folded('Findings, review by review', `${count} in ${sections.length} reviews`, () => reviews(facts)),
    folded(
      'What was read, and what was not',
      `${specs.releases.length} releases, ${specs.policies.length} KVM versions`,
      () => read(facts),
    ),
  );
}

const reviews = (facts: Facts): readonly HTMLElement[] =>
  facts.sections.map(({ title, summary, notes, command, findings }) =>
    folded(title, summary, () => [
      ...notes.map((note) => el('p', { class: 'source' }, note)),
      el('p', { class: 'source' }, 'On the command line: ', el('code', {}, command)),
      ...findingList(facts, findings, {}),
    ]),
  );

function read({ axis, specs, coverage, discussions, evidence }: Facts): readonly HTMLElement[] {
  const reasons = new Map(unreadOf(specs).map(({ release, reason }) => [release, reason]));
  const releases = axis.map(({ name, release }) =>
    release === null
      ? [name, el('em', {}, 'known by name only'), reasons.get(name) ?? '']
      : [name, evidence(release.module.source, 0), release.module.notes.join('; ')],
  );
  const policies = specs.policies.map(({ version, generation, source, notes }) => [
    version,
    generation,
    evidence(source, 0),
    notes.join('; '),
  ]);
  return [
    scrolling('TDX module releases', table('TDX module releases', ['Release', 'Read in', 'Notes'], releases)),
    scrolling('KVM versions', table('KVM versions', ['Version', 'Form of its policy', 'Read in', 'Notes'], policies)),
    el(
      'ul',
      {},
      ...coverage.map((line) => el('li', {}, line)),
      ...(discussions === null ? [] : [el('li', {}, searchedText(discussions))]),
    ),
  ];
}
