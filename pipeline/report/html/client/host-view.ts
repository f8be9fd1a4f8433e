import { listed } from '../../../judge/verdict.ts';
import type { ClassedRelease } from '../../../model/class.ts';
import { DataError, KnownError } from '../../../model/errors.ts';
import { and, hex, hex32, or, without } from '../../../model/mask.ts';
import { REGISTERS, subleafOf } from '../../../model/place.ts';
import type { Policy } from '../../../model/policy.ts';
import { xfamMask } from '../../../model/policy.ts';
import { plain } from '../../../model/text.ts';
import { answerCase, type Kvm } from '../../../td/answer.ts';
import { type Host, hostKey } from '../../../td/case.ts';
import { programOf } from '../../../td/program.ts';
import { readCase, unknownFields } from '../../../td/read-case.ts';
import { hostOf } from '../../../td/read-host.ts';
import { answerJson } from '../../td-json.ts';
import { kvmText, tdText } from '../../td-text.ts';
import { choice, el, folded, preformatted, span } from './dom.ts';
import { type Facts, nameOf } from './facts.ts';
import { hashOf, type Route } from './route.ts';

/** What the reader brought: it stays while the page is open, and goes nowhere. */
type Given = { name: string; host: Host | null; params: string; problem: string };
const given: Given = { name: '', host: null, params: '', problem: '' };

/** Captures are some kilobytes; what is far larger is another file. */
const MOST = 4 * 1024 * 1024;

/** Takes a capture of a host and parameters of a TD, and shows the CPUID of that TD as `bitwatch td` computes it. */
export function hostView(facts: Facts, route: Route, go: (hash: string) => void): readonly HTMLElement[] {
  const kvm = route.show === 'module' ? null : route.kvm;
  const out = el('div', { id: 'td' });
  const told = el('p', { id: 'host-name' });
  const params = el('textarea', { id: 'params', rows: 8, spellcheck: false });
  const show = (): void => {
    told.textContent = plain(hostText());
    out.replaceChildren(
      ...answerOf(facts, route.to, kvm === null ? null : { policy: kvm, features0: route.to.module.features0 }),
    );
  };
  const take = async (file: File): Promise<void> => {
    await takeFile(file);
    if (given.params === '') given.params = presetOf(route.to, kvm, given.host);
    params.value = given.params;
    show();
  };
  params.value = given.params;
  params.addEventListener('input', () => {
    given.params = params.value;
    show();
  });
  const preset = (id: string, label: string, text: () => string): HTMLElement => {
    const button = el('button', { type: 'button', id }, label);
    button.addEventListener('click', () => {
      given.params = text();
      params.value = given.params;
      show();
    });
    return button;
  };
  show();
  return [
    el('h2', { id: 'title', tabindex: -1 }, 'What a TD on your host gets'),
    el(
      'p',
      {},
      'Drop what ',
      el('code', {}, 'bitwatch host'),
      ' or ',
      el('code', {}, 'cpuid -r'),
      ' wrote on the host. The page works the TD’s CPUID out by itself: nothing leaves this file.',
    ),
    dropZone(take, told),
    fields(facts, route, go),
    el(
      'label',
      { class: 'field' },
      span('', 'The TD: what bitwatch td reads, such as attributes, xfam, cpuidConfig and guest, as JSON'),
      params,
    ),
    el(
      'p',
      {},
      preset('preset-all', 'All that the VMM may set and the host has', () => presetOf(route.to, kvm, given.host)),
      ' ',
      preset('preset-none', 'Nothing but what must be', () => presetOf(route.to, kvm, null)),
    ),
    out,
  ];
}

const hostText = (): string =>
  given.host === null
    ? 'No host yet.'
    : `${given.name}: ${given.host.leaves.size} leaves and sub-leaves, ${given.host.msrs.size} MSRs.`;

async function takeFile(file: File): Promise<void> {
  given.name = file.name;
  given.host = null;
  given.problem = '';
  if (file.size > MOST) {
    given.problem = `${file.name}: ${file.size} bytes are no capture of a host`;
    return;
  }
  const text = await file.text();
  given.problem = known(() => {
    given.host = hostOf(text, file.name).host;
  });
}

/** What is wrong with what somebody gave, in the words of the command; the empty text where nothing is. */
function known(work: () => void): string {
  try {
    work();
    return '';
  } catch (error) {
    if (error instanceof KnownError) return error.message;
    throw error;
  }
}

function dropZone(take: (file: File) => Promise<void>, told: HTMLElement): HTMLElement {
  const input = el('input', { type: 'file', id: 'host-file', accept: '.json,.txt,.cpuid,application/json,text/plain' });
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    if (file !== undefined) void take(file);
  });
  const zone = el(
    'div',
    { class: 'drop', id: 'drop' },
    el('label', { for: 'host-file' }, 'Capture of the host: drop it here, or choose it '),
    input,
    told,
  );
  zone.addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('over');
  });
  zone.addEventListener('dragleave', () => zone.classList.remove('over'));
  zone.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    const [file] = event.dataTransfer?.files ?? [];
    if (file !== undefined) void take(file);
  });
  return zone;
}

function fields({ specs, axis }: Facts, route: Route, go: (hash: string) => void): HTMLElement {
  const [to, kvm] = [nameOf(route.to), route.kvm?.version ?? ''];
  const isAlone = route.show === 'module';
  const releases = [...axis].reverse().map(({ name, release }) => ({
    value: name,
    text: release === null ? `${name} (not read)` : specs.deciders.has(name) ? name : `${name} (code not examined)`,
    isOff: release === null || !specs.deciders.has(name),
  }));
  const versions = [...specs.policies].reverse().map(({ version }) => ({ value: version, text: version }));
  return el(
    'div',
    { class: 'fields' },
    choice('to', {
      label: 'Release',
      options: releases,
      value: to,
      onChange: (value) => go(hashOf({ view: 'host', to: value, kvm, show: route.show })),
    }),
    choice('kvm', {
      label: 'on KVM',
      options: [{ value: '', text: 'none: the module alone' }, ...versions],
      value: isAlone ? '' : kvm,
      onChange: (value) =>
        go(hashOf({ view: 'host', to, kvm: value === '' ? kvm : value, show: value === '' ? 'module' : '' })),
    }),
  );
}

function answerOf({ specs }: Facts, release: ClassedRelease, kvm: Kvm | null): readonly HTMLElement[] {
  const warning = (text: string): HTMLElement => el('p', { class: 'warning', role: 'alert' }, `${text}.`);
  const name = nameOf(release);
  const rules = specs.deciders.get(name);
  if (given.problem !== '') return [warning(given.problem)];
  if (rules === undefined)
    return [warning(`What the code of ${name} does with CPUID was not examined: no TD can be worked out`)];
  if (given.params.trim() === '') return [];
  const content: HTMLElement[] = [];
  const problem = known(() => {
    const value = parsed(given.params);
    const program = programOf(release.module, rules);
    const answer = answerCase(program, kvm, readCase(value, { file: 'the TD' }, given.host));
    const { question, result, through } = answer;
    const says = through === null ? '' : kvmText(kvm?.policy.version ?? '', through);
    const told = { program, release, names: specs.knowledge.names };
    const json = preformatted(JSON.stringify(answerJson(program, kvm, answer)));
    json.id = 'td-json';
    const unknown = unknownFields(value).map(({ field }) => field);
    content.push(
      ...(unknown.length === 0
        ? []
        : [el('p', { class: 'soft' }, `Left out, as it means nothing here: ${unknown.join(', ')}.`)]),
      preformatted(`${says}${through?.kind === 'refused' ? '' : tdText(told, question, result)}`),
      folded('As JSON', '', () => []),
    );
    content.at(-1)?.append(json);
  });
  return problem === '' ? content : [warning(problem)];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const found = error instanceof Error ? error.message : 'something else';
    throw new DataError({ where: { file: 'the TD' }, expected: 'JSON', found });
  }
}

const XFAM_LEAST = 3n;
/** A guest's address width of 48 bits, where KVM takes it from: 0x80000008.EAX[23:16]. */
const WIDTH = { leaf: 0x80000008, eax: '0x00300000' } as const;

/** All that the release lets a VMM set, KVM lets through and the host has, but numbers that have rules of their own. */
function presetOf({ module }: ClassedRelease, kvm: Policy | null, host: Host | null): string {
  const own = (leaf: number, subleaf: number, register: number): number =>
    host?.leaves.get(hostKey(leaf, subleaf))?.[register] ?? 0;
  const has = BigInt(or(own(0xd, 0, 0), own(0xd, 1, 2))) & (kvm === null ? ~0n : xfamMask(kvm));
  const xfam = (has & (module.xfam?.fixed0 ?? XFAM_LEAST)) | (module.xfam?.fixed1 ?? XFAM_LEAST);
  const entries = module.configurable.flatMap((entry) => {
    const { leaf, subleaf, configDirect, allowDirect } = entry;
    if (leaf === 0x1f || leaf === WIDTH.leaf) return [];
    const values = REGISTERS.flatMap((register, at) => {
      if (leaf === 1 && register === 'eax') return [];
      const denied = kvm === null ? 0 : listed(kvm.deny, { leaf, subleaf, register });
      const settable = without(or(configDirect[register] ?? 0, allowDirect[register] ?? 0), denied);
      const value = and(own(leaf, subleafOf(entry), at), settable);
      return value === 0 ? [] : [[register, hex32(value)] as const];
    });
    const place = { leaf: hex(leaf), subleaf: hex(subleafOf(entry)) };
    return values.length === 0 ? [] : [JSON.stringify({ ...place, ...Object.fromEntries(values) })];
  });
  const width = JSON.stringify({ ...WIDTH, leaf: hex(WIDTH.leaf) });
  const lines = [...entries, ...(kvm === null ? [] : [width])].map((entry) => `    ${entry}`);
  return `{\n  "attributes": "0x0",\n  "xfam": "${hex(xfam)}",\n  "cpuidConfig": [\n${lines.join(',\n')}\n  ]\n}`;
}
