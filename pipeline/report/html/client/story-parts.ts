import { hasBit } from '../../../model/mask.ts';
import type { PageEvidence } from '../shape.ts';
import type { Cell, Dom, Model, PageData, Selection } from './types.ts';

type Run = { readonly text: string; readonly first: number; readonly last: number };

/** The parts of a bit's story, each an element or nothing. */
export function createStoryParts(data: PageData, model: Model, dom: Dom) {
  const EXITS: { readonly [exit: string]: string } = {
    none: 'written on the way into a TD, never on the way out',
    init: 'left with an initial value',
    restored: 'restored by the module',
    unknown: 'not examined',
  };
  const KINDS = {
    clobber: 'clobbers host state',
    handled: 'clobbers host state that KVM brings back',
    functional: 'needs the VMM’s help, no clobber',
    harmless: 'leaves no host state and needs no help',
  } as const;
  /** Neighbouring releases that say the same, as one run. */
  const runsOf = (textOf: (release: number) => string): readonly Run[] => {
    const runs: Run[] = [];
    data.releases.forEach((_, release) => {
      const text = textOf(release);
      const last = runs.at(-1);
      if (last !== undefined && last.text === text) runs[runs.length - 1] = { ...last, last: release };
      else runs.push({ text, first: release, last: release });
    });
    return runs;
  };
  const rangeText = ({ first, last }: Run): string =>
    first === last ? model.releaseName(first) : `${model.releaseName(first)} to ${model.releaseName(last)}`;
  const evidence = ([source, line]: PageEvidence): HTMLElement => {
    const { text = '', url = '', lineMark = '' } = data.sources[source] ?? {};
    return dom.link(
      url === '' || line === 0 ? url : `${url}${lineMark}${line}`,
      `${text}${line === 0 ? '' : `:${line}`}`,
    );
  };

  const notesOf = ({ row, bit }: Cell, release: number): readonly string[] => {
    const state = model.stateOf(row, release);
    const gates = model.gatesOf(row, release, bit).map(model.gateText);
    const leaf = (data.leaves[data.rows[row]?.leaf ?? -1] ?? '').split('.')[0] ?? '';
    const readsZero = state === undefined && data.releases[release]?.zeroLeaves.includes(leaf) === true;
    return [
      ...(readsZero ? ['among the leaves that read as 0 instead of #VE'] : []),
      ...(state !== undefined && hasBit(state.dynamic, bit) ? ['dynamic: computed when the guest asks'] : []),
      ...(state !== undefined && hasBit(state.verified, bit) ? ['verified on the platform at the module’s start'] : []),
      ...(gates.length === 0 ? [] : [`gated by ${gates.join(', ')}`]),
    ];
  };
  /** Where a run was read: its newest release, and the newest whose line is known. */
  const readIn = ({ first, last }: Run, leaf: number): readonly HTMLElement[] => {
    const at = (release: number) => data.releases[release]?.lines[leaf] ?? 0;
    let lined = last;
    while (lined > first && at(lined) === 0) lined -= 1;
    const cited = at(lined) === 0 || lined === last ? [last] : [last, lined];
    return cited.map((release) =>
      dom.el(
        'span',
        { class: 'source' },
        `${model.releaseName(release)}: `,
        evidence([data.releases[release]?.source ?? -1, at(release)]),
      ),
    );
  };
  const classes = (cell: Cell): HTMLElement => {
    const leaf = data.rows[cell.row]?.leaf ?? 0;
    const runs = runsOf((release) =>
      [model.classOf(cell.row, release, cell.bit), ...notesOf(cell, release)].join('\n'),
    );
    const rows = runs.map((run) => {
      const cls = model.classOf(cell.row, run.last, cell.bit);
      const says = dom.el('div', {}, dom.span(`key ${model.styleOf(cls)}`, data.classes[cls]?.sign ?? ''));
      says.append(` ${model.className(cls)}`);
      says.append(...notesOf(cell, run.last).map((note) => dom.span('gate', note)), ...readIn(run, leaf));
      return [rangeText(run), says];
    });
    return dom.table('In each release that was read', ['Release', 'Class'], rows);
  };

  const verdicts = (cell: Cell): readonly HTMLElement[] =>
    data.policies.map((policy, kvm) => {
      const runs = runsOf((release) => {
        const word = data.verdicts[model.verdictOf(cell.row, kvm, release, cell.bit)];
        return word === undefined
          ? 'no say: not configurable, fixed-1 or native'
          : `${word.sign} ${word.name}: ${word.says}`;
      });
      const listed = (data.rows[cell.row]?.listed[kvm] ?? []).filter(({ mask }) => hasBit(mask, cell.bit));
      const LISTS: { readonly [list: string]: string } = {
        deny: 'denied at ',
        allow: 'opted in at ',
        adds: 'reported as configurable by KVM itself at ',
      };
      return dom.el(
        'div',
        {},
        dom.table(
          `Verdict of KVM ${policy.name} (${policy.generation})`,
          ['Release', 'Verdict'],
          runs.map((run) => [rangeText(run), run.text]),
        ),
        ...listed.map(({ list, at }) => dom.el('p', {}, LISTS[list] ?? '', evidence(at))),
      );
    });

  const hostItem = (index: number, { to, kvm }: Selection, byGate: boolean): HTMLElement => {
    const host = data.hosts[index];
    const msrs = (host?.msrs ?? []).map(({ msr, exits, restored }) => {
      const exitText = (release: number): string =>
        `${model.releaseName(release)}: ${EXITS[exits[release] ?? 'unknown'] ?? ''}`;
      const read = exits.findLastIndex((exit) => exit !== 'unknown');
      const other = exits[to] === 'unknown' && read >= 0 ? `; ${exitText(read)}, the newest that was read` : '';
      const kvmText =
        kvm < 0
          ? ''
          : `; KVM ${model.policyName(kvm)} ${restored[kvm] === true ? 'restores it' : 'does not restore it'}`;
      return dom.el('li', {}, `${msr}: ${exitText(to)}${other}${kvmText}`);
    });
    const kind = KINDS[host?.kind ?? 'functional'];
    return dom.el(
      'div',
      {},
      dom.el('p', {}, dom.el('strong', {}, `${host?.feature ?? ''}: ${kind}`), byGate ? ', through its gate' : ''),
      dom.el('ul', {}, ...msrs),
      ...(host?.kind === 'harmless' ? [dom.el('p', {}, host.why)] : []),
      dom.el('p', { class: 'source' }, host?.at ?? ''),
    );
  };
  /** Features that the bit, or a gate of it, opens. */
  const hosts = (cell: Cell, selection: Selection): readonly HTMLElement[] => {
    const own = model.hostsOf(cell.row, cell.bit);
    const gates = model.gatesOf(cell.row, selection.to, cell.bit);
    const gated = data.hosts.flatMap((host, index) =>
      !own.includes(index) && host.gates.some((gate) => gates.includes(gate)) ? [index] : [],
    );
    if (own.length + gated.length === 0) return [dom.el('p', {}, 'Not examined: specs/clobbers.md has no row for it.')];
    return [
      ...own.map((index) => hostItem(index, selection, false)),
      ...gated.map((index) => hostItem(index, selection, true)),
    ];
  };

  const discussions = ({ row, bit }: Cell): readonly HTMLElement[] => {
    if (data.discussions === null)
      return [dom.el('p', {}, 'Not known: no mail archive was searched when this page was made.')];
    const { searched, mails, bits } = data.discussions;
    const source = dom.el('p', { class: 'source' }, searched);
    const own = bits.find((each) => each.row === row && each.bit === bit);
    if (own === undefined) return [dom.el('p', {}, 'None found in the archives that were searched.'), source];
    const items = own.threads.map(([index, others]) => {
      const { title = '', url = '' } = mails[index] ?? {};
      const rest = others === 0 ? '' : ` and ${others} more ${others === 1 ? 'mail' : 'mails'} of the thread`;
      return dom.el('li', {}, dom.link(url, title), rest);
    });
    const older = own.more === 0 ? '' : `${own.more} older ${own.more === 1 ? 'thread is' : 'threads are'} not listed.`;
    return [dom.el('ul', {}, ...items), ...(older === '' ? [] : [dom.el('p', {}, older)]), source];
  };

  return { classes, verdicts, hosts, discussions, evidence };
}
