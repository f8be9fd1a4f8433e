import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { findPolicy, findRelease } from '../cases/operand.ts';
import { clobbersOf } from '../judge/lookup.ts';
import type { ClassedRelease, RegisterClasses } from '../model/class.ts';

import { and, bitMask, bitsOf, FULL, formatBits, hex32, or } from '../model/mask.ts';
import { configSlotsOf } from '../model/module.ts';
import { namedBits } from '../model/names.ts';
import { formatPlace, type Place, placeId } from '../model/place.ts';
import type { Policy } from '../model/policy.ts';
import { plain } from '../model/text.ts';
import { judgedOf } from '../report/bits/story.ts';
import { columnLines } from '../report/columns.ts';
import { deciderWords } from '../report/decider-words.ts';
import { placeJson } from '../report/machine.ts';
import { placeLines } from '../report/places.ts';
import { kvmTitle } from '../report/status-words.ts';
import { wrap } from '../report/wrap.ts';
import type { Specs } from '../specs/store.ts';
import { type CommandLine, type Context, type Opts, printAnswer, textOf } from './command-line.ts';

/** `bitwatch bits RELEASE`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(program, 'bits <release>', 'every CPUID bit that a VMM may set: class, who decides it, verdict, host state', [
    'bitwatch bits 2.0.08 --kvm 6.16.1',
    'bitwatch bits latest --kvm ../linux@HEAD --json',
    'bitwatch bits 2.0.18 --masks',
  ])
    .option('--kvm <kvm>', 'a version, a specification file, or GITDIR[@REV]; the newest where none is named')
    .option('--masks', 'a line for each register: what a VMM may set, and what KVM keeps back; and how many slots')
    .action((release: string, opts: Opts, command: Command) =>
      bitsCommand(contextOf(command), release, textOf(opts.kvm) ?? 'latest', opts.masks === true),
    );
}

/** Bits of one name, or a single bit without one, that a VMM may set in the same way. */
type Settable = Place & {
  readonly mask: number;
  readonly name: string | null;
  readonly class: 'config-direct' | 'allow-direct';
  /** Null where nobody examined the release's code. */
  readonly decider: string | null;
  /** Null where KVM says nothing of it. */
  readonly verdict: string | null;
  /** Features of `specs/clobbers.md` that the bits open. */
  readonly hostState: readonly string[];
};

// The context, the release and the KVM as they were named, and the form.
async function bitsCommand(context: Context, name: string, kvm: string, isMasks: boolean): Promise<void> {
  const specs = await specsOf(context);
  const release = findRelease(specs, name);
  const policy = await findPolicy(context, specs, kvm);
  const bits = settableBits(specs, release, policy);
  await printAnswer(context, {
    json: () => ({
      schema: 'bitwatch.bits/1',
      release: release.module.release,
      kvm: policy.version,
      slots: configSlotsOf(release.module),
      bits: bits.map(({ mask, leaf, subleaf, register, ...rest }) => ({
        ...placeJson({ leaf, subleaf, register }),
        mask: hex32(mask),
        ...rest,
      })),
      masks: masksOf(bits).map(maskJson),
    }),
    text: () => (isMasks ? masksText(release, policy, masksOf(bits)) : bitsListText(release, policy, bits)),
  });
}

const titleOf = ({ version, operand }: Policy): string => plain(kvmTitle({ name: version, operand }));

/** What is let through undecided and what KVM keeps back, then every bit; sub-leaves that say the same are one line. */
function bitsListText({ module }: ClassedRelease, policy: Policy, bits: readonly Settable[]): string {
  const title = `TDX module ${module.release} on ${titleOf(policy)}: what a VMM may set`;
  const legend = `${Object.values(CLASS)
    .map(({ letter, means }) => `${letter} ${means}`)
    .join(', ')}; what else decides stands below a bit`;
  const lines = sharedLines(bits);
  const ofVerdict = (verdict: string): readonly string[] => {
    const own = lines.filter((each) => each.first.verdict === verdict);
    return own.length === 0
      ? []
      : wrap(
          own.map(({ where, first }) => `${where} ${first.name ?? ''}`.trim()).join(', '),
          `  ${verdict.padEnd(11)} `,
        );
  };
  const told = ['exposed', 'needs-optin', 'denied', 'closed'].flatMap(ofVerdict);
  return `${[...wrap(title), '', ...told, ...(told.length === 0 ? [] : ['']), ...lines.flatMap(bitLines), '', ...wrap(legend, '  ')].join('\n')}\n`;
}

/** A row, under the name of all sub-leaves that have it: `4.{0,1,2,3}.EAX[4:0]`. */
type SharedLine = { readonly where: string; readonly first: Settable };

function sharedLines(bits: readonly Settable[]): readonly SharedLine[] {
  const groups = new Map<string, Settable[]>();
  for (const bit of bits) {
    const { subleaf: _, ...same } = bit;
    const key = JSON.stringify(same);
    groups.set(key, [...(groups.get(key) ?? []), bit]);
  }
  return [...groups.values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const [place] = placeLines(
      own.map(({ leaf, subleaf, register }) => ({ leaf, subleaf, register, mask: FULL, bits: [] })),
    );
    return [
      { where: `${place?.where ?? formatPlace(first)}${first.mask === FULL ? '' : formatBits(first.mask)}`, first },
    ];
  });
}

/** A register's bits that a VMM may set, those of them that only a host that has them gives, and those that KVM keeps back. */
type RegisterMasks = Place & { readonly configurable: number; readonly allowed: number; readonly kept: number };

const KEPT: ReadonlySet<string | null> = new Set(['denied', 'needs-optin', 'closed']);

/** By register, in the order of the table. */
function masksOf(bits: readonly Settable[]): readonly RegisterMasks[] {
  const masks = new Map<string, RegisterMasks>();
  for (const { leaf, subleaf, register, mask, class: cls, verdict } of bits) {
    const place = { leaf, subleaf, register };
    const { configurable, allowed, kept } = masks.get(placeId(place)) ?? { configurable: 0, allowed: 0, kept: 0 };
    masks.set(placeId(place), {
      ...place,
      configurable: or(configurable, mask),
      allowed: cls === 'allow-direct' ? or(allowed, mask) : allowed,
      kept: KEPT.has(verdict) ? or(kept, mask) : kept,
    });
  }
  return [...masks.values()];
}

const maskJson = ({ configurable, allowed, kept, leaf, subleaf, register }: RegisterMasks) => ({
  ...placeJson({ leaf, subleaf, register }),
  configurable: hex32(configurable),
  allowed: hex32(allowed),
  kept: hex32(kept),
});

/** What a VMM has to handle, for its own tables: entries, and a line for each register. */
function masksText({ module }: ClassedRelease, policy: Policy, masks: readonly RegisterMasks[]): string {
  const limit = policy.configLimit === null ? '' : ` of the ${policy.configLimit} that KVM takes`;
  const head = ['Register', 'A VMM may set', 'Only as the host', 'KVM keeps back'];
  const rows = masks.map((each) => [
    formatPlace(each),
    hex32(each.configurable),
    each.allowed === 0 ? '' : hex32(each.allowed),
    each.kept === 0 ? '' : hex32(each.kept),
  ]);
  return `${[
    ...wrap(
      `TDX module ${module.release} on ${titleOf(policy)}: ${configSlotsOf(module)} CPUID_CONFIG entries${limit}`,
    ),
    '',
    ...columnLines(head, rows),
  ].join('\n')}\n`;
}

/** A line a row; what decides goes below it where it is more than the class says. */
function bitLines({ where, first }: SharedLine): readonly string[] {
  const { decider, hostState, verdict, name } = first;
  const { letter, means } = CLASS[first.class];
  return [
    `  ${where.padEnd(20)} ${(name ?? '').padEnd(20)} ${letter} ${verdict ?? ''}`.trimEnd(),
    ...(decider === means ? [] : wrap(decider ?? 'decider not examined', '      ')),
    ...hostState.flatMap((feature) => wrap(`host state: ${feature}`, '      ')),
  ];
}

const CLASS = {
  'config-direct': { letter: 'C', means: 'the VMM chooses' },
  'allow-direct': { letter: 'A', means: 'the VMM may clear what the host has' },
} as const;
const CONFIGURABLE = ['config-direct', 'allow-direct'] as const;

function settableBits(specs: Specs, release: ClassedRelease, policy: Policy): readonly Settable[] {
  const at = specs.releases.indexOf(release);
  const judged = (judgedOf({ ...specs, policies: [policy] })[0] ?? []).map(({ verdicts }) => verdicts);
  const verdicts = judged[at] ?? [];
  return release.registers.flatMap((register) =>
    bitsOf(CONFIGURABLE.reduce((mask, name) => or(mask, register.classes.get(name) ?? 0), 0))
      .map((bit): Settable => {
        const place = { leaf: register.leaf, subleaf: register.subleaf, register: register.register };
        const mask = bitMask(bit);
        const isHere = (each: Place & { readonly mask: number }): boolean =>
          each.leaf === place.leaf &&
          each.subleaf === place.subleaf &&
          each.register === place.register &&
          and(each.mask, mask) !== 0;
        return {
          ...place,
          mask,
          name: namedBits(specs.knowledge.names, place, mask)[0]?.name ?? null,
          class: and(register.classes.get('config-direct') ?? 0, mask) !== 0 ? 'config-direct' : 'allow-direct',
          decider: deciderOf(register, mask),
          verdict: verdicts.find(isHere)?.verdict ?? null,
          hostState: clobbersOf(specs.knowledge, place, mask).map(({ row }) => row.feature),
        };
      })
      .reduce<Settable[]>(joined, []),
  );
}

function deciderOf({ deciders }: RegisterClasses, mask: number): string | null {
  const own = deciders.find((each) => and(each.mask, mask) !== 0);
  return own === undefined ? null : deciderWords(own.decider);
}

/** Neighbours that differ in the bit alone are one row. */
function joined(rows: Settable[], row: Settable): Settable[] {
  const last = rows.at(-1);
  const key = ({ name, class: cls, decider, verdict, hostState }: Settable): string =>
    JSON.stringify([name, cls, decider, verdict, hostState]);
  if (last !== undefined && key(last) === key(row)) rows[rows.length - 1] = { ...last, mask: or(last.mask, row.mask) };
  else rows.push(row);
  return rows;
}
