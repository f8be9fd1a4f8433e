import { followsOf } from '../../../cases/release-steps.ts';
import { reviewFacts } from '../../../cases/review.ts';
import type { Briefing, BriefingPart } from '../../briefing.ts';
import { briefingOf } from '../../briefing.ts';
import { briefingText } from '../../briefing-text.ts';
import { byId, choice, el, folded, preformatted, span } from './dom.ts';
import { type Facts, nameOf } from './facts.ts';
import { findingList, placeRow } from './finding.ts';
import { contextOf, hashOf, type Route } from './route.ts';

/** What a release, a KVM version and a release before are chosen with. */
export function pairFields(
  facts: Facts,
  route: Route,
  go: (hash: string) => void,
  ...more: readonly HTMLElement[]
): HTMLElement {
  const { specs, axis } = facts;
  const [to, kvm, from] = [nameOf(route.to), route.kvm?.version ?? '', route.from === null ? '' : nameOf(route.from)];
  const follows = followsOf(specs, to)?.follows;
  const releases = [...axis].reverse().map(({ name, release }) => ({
    value: name,
    text: release === null ? `${name} (not read)` : name,
    isOff: release === null,
  }));
  const extra = { view: route.view, show: route.show };
  const versions = [...specs.policies].reverse().map(({ version }) => ({ value: version, text: version }));
  return el(
    'div',
    { class: 'fields' },
    // Another release has another predecessor: what somebody chose before stands for the old one only.
    choice('to', {
      label: 'Release',
      options: releases,
      value: to,
      onChange: (value) => go(hashOf({ ...extra, to: value, kvm })),
    }),
    ...(versions.length === 0
      ? []
      : [
          choice('kvm', {
            label: 'on KVM',
            options: versions,
            value: kvm,
            onChange: (value) => go(hashOf({ ...extra, to, from, kvm: value })),
          }),
        ]),
    choice('from', {
      label: 'coming from',
      options: [
        { value: '', text: follows === undefined ? 'nothing: it is the oldest' : `${follows}, whose code it has` },
        ...releases.filter(({ value }) => value !== to && value !== follows),
      ],
      value: from === follows ? '' : from,
      onChange: (value) => go(hashOf({ ...extra, to, from: value, kvm })),
    }),
    ...more,
  );
}

/** The briefing of a release under a KVM version, as `bitwatch review` words it. */
/** The review of a release under one KVM version, as `bitwatch review` makes it. */
function reviewOf({ specs, today }: Facts, { to, from, kvm }: Route) {
  const { coverage, reviews } = reviewFacts(specs, { release: to, since: from, policies: [kvm] }, today);
  const [review] = reviews;
  if (review?.kind !== 'release') throw new Error('a review of a release is of another kind');
  return { review, coverage };
}

export function briefingView(facts: Facts, route: Route, go: (hash: string) => void): readonly HTMLElement[] {
  const { review, coverage } = reviewOf(facts, route);
  const briefing = briefingOf(review, coverage);
  const chosen = { ...contextOf(route), to: nameOf(route.to), kvm: route.kvm?.version ?? '' };
  const open = review.findings.length;
  return [
    el('h2', { id: 'title', tabindex: -1 }, briefing.title),
    pairFields(facts, route, go),
    el(
      'dl',
      { class: 'facts' },
      ...briefing.facts.flatMap(([label, text]) => [el('dt', {}, label), el('dd', {}, text)]),
      el('dt', {}, 'in numbers'),
      el('dd', {}, briefing.counts),
      ...(briefing.unread === '' ? [] : [el('dt', {}, 'not read'), el('dd', {}, `${briefing.unread}, in between`)]),
    ),
    ...briefing.parts.map((part) => partOf(part, chosen)),
    actions(briefing, chosen),
    folded('Every finding with its reason and evidence', String(open), () =>
      findingList(facts, review.findings, chosen),
    ),
    el('p', { class: 'source' }, 'On the command line: ', el('code', {}, briefing.command)),
  ];
}

function partOf({ title, places, sentences }: BriefingPart, context: Parameters<typeof hashOf>[0]): HTMLElement {
  const rows = places.map((line) => placeRow(line, context));
  return el(
    'section',
    { class: 'part' },
    el('h3', {}, title),
    ...(rows.length === 0 ? [] : [el('table', { class: 'places' }, el('tbody', {}, ...rows))]),
    ...[...new Set(sentences)].map((sentence) => el('p', {}, sentence)),
  );
}

function actions(briefing: Briefing, context: Parameters<typeof hashOf>[0]): HTMLElement {
  const button = el('button', { type: 'button', id: 'copy' }, 'Copy as mail');
  const said = span('soft', '');
  const text = briefingText(briefing);
  button.addEventListener('click', () => {
    copied(text).then(
      () => {
        said.textContent = 'Copied: paste it into a mail.';
        byId('status').textContent = said.textContent;
      },
      () => {
        // Where the browser gives no clipboard, the text is there to be copied by hand.
        const area = el('textarea', { readonly: true, rows: 12, 'aria-label': 'The briefing as plain text' });
        area.value = text;
        said.replaceChildren(area);
        area.select();
      },
    );
  });
  return el(
    'div',
    { class: 'actions' },
    el(
      'p',
      {},
      button,
      ' ',
      el('a', { href: hashOf({ ...context, view: 'bits' }) }, 'All bits of this release'),
      ' ',
      el('a', { href: hashOf({ ...context, view: 'host' }) }, 'What a TD on your host gets'),
    ),
    said,
    folded('As plain text', '', () => [preformatted(text)]),
  );
}

const copied = async (text: string): Promise<void> => navigator.clipboard.writeText(text);
