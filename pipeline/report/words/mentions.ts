import { textOf } from '../../model/constant-text.ts';
import type { Finding, FoundPlace } from '../../model/finding.ts';
import { countBits, FULL, formatBits, hex, or } from '../../model/mask.ts';
import { placeId } from '../../model/place.ts';
import { leafText, placeLines, underGuest } from '../places.ts';
import { CONTROL_TEXT } from './fact-words.ts';
import { holdNumbers, numbersOf } from './number-words.ts';

/** What a finding that needs no action says: its kind, and what it names where that is no CPUID bit. */
type Mention = { readonly label: string; readonly names: readonly string[] };

/** More than so many registers or names are cut, with how many more there are. */
const MOST = 4;

/** What needs no action: each kind once, with the leaves, bits or names that it is about. */
export function mentionsText(findings: readonly Finding[]): string {
  const groups = new Map<string, { names: string[]; places: FoundPlace[]; count: number }>();
  for (const finding of findings) {
    const { label, names } = mentionOf(finding);
    const group = groups.get(label) ?? { names: [], places: [], count: 0 };
    groups.set(label, group);
    group.names.push(...names);
    group.places.push(...finding.places);
    group.count += 1;
  }
  return [...groups]
    .map(([label, { names, places, count }]) => {
      if (names.length > 0) return `${label}: ${few([...new Set(names)])}`;
      if (places.length > 0) return `${label}: ${placesOf(places)}`;
      return count === 1 ? label : `${label} (${count} times)`;
    })
    .join('; ');
}

const few = (list: readonly string[]): string =>
  list.length <= MOST ? list.join(', ') : `${list.slice(0, MOST - 1).join(', ')} and ${list.length - MOST + 1} more`;

/** A few bits themselves, else their registers with the number of bits; a bit that two findings name counts once. */
function placesOf(places: readonly FoundPlace[]): string {
  const registers = new Map<string, FoundPlace>();
  for (const place of places) {
    const known = registers.get(placeId(place));
    registers.set(placeId(place), known === undefined ? place : { ...known, mask: or(known.mask, place.mask) });
  }
  const all = [...registers.values()];
  const bits = all.reduce((sum, { mask }) => sum + countBits(mask), 0);
  if (bits <= MOST)
    return placeLines(all)
      .map(({ where, mask }) => `${where}${formatBits(Number(mask))}`)
      .join(', ');
  const whole = placeLines(all.map((place) => ({ ...place, mask: FULL })));
  return `${few(whole.map(({ where }) => where))} (${bits} bits)`;
}

/** That KVM takes care is said only where it does: of a release that it refuses it need not. */
function hostLabel({ change, msrs }: Extract<Finding['facts'], { readonly kind: 'host-state' }>): string {
  if (change === 'removed') return 'no longer left changed';
  return msrs.every(({ kvm }) => kvm === 'restores' || kvm === 'closes')
    ? 'left changed, KVM takes care'
    : 'left changed';
}

const CLASS_TEXT = {
  fixed1: 'now 1',
  fixed0: 'now 0',
  'not-fixed1': 'no longer 1',
  native: 'native',
  gated: 'not fixed any more',
  choice: 'chosen otherwise',
} as const;

const LEAF_TEXT = {
  added: 'leaf enumerated',
  removed: 'leaf not enumerated',
  've-added': 'leaf #VE',
  've-removed': 'leaf answered',
} as const;

type Facts<K extends Finding['facts']['kind']> = Extract<Finding['facts'], { readonly kind: K }>;

function classMention(finding: Finding, label: string): Mention {
  const names = numbersOf(finding);
  if (names.length > 0) return { label: 'numbers', names };
  return { label: holdNumbers(finding) ? 'numbers, the same in every TD now' : label, names: [] };
}

const zeroMention = ({ change, always, asked, rest, guest }: Facts<'zero-leaves'>): Mention => ({
  label: `${change === 'added' ? 'read as 0' : 'no longer read as 0'}${underGuest(guest)}`,
  names: rest ? ['every leaf that no table has'] : [...always, ...asked].map(hex),
});

function controlMention({ control, change, bits }: Facts<'control'>): Mention {
  const sign = change === 'added' ? '+' : '-';
  return { label: CONTROL_TEXT[control], names: bits.map(({ bit, name }) => `${sign}${name ?? `[${bit}]`}`) };
}

function mentionOf(finding: Finding): Mention {
  const { facts, verdict, places } = finding;
  const plainly = (label: string): Mention => ({ label, names: [] });
  switch (facts.kind) {
    case 'configurable':
      return plainly(`configurable now${verdict === null ? '' : `, ${verdict}`}`);
    case 'not-configurable':
      return plainly('no longer configurable');
    case 'class':
      return classMention(finding, CLASS_TEXT[facts.to]);
    case 'constant':
      return {
        label: `a text that TDs read${underGuest(facts.guest)}`,
        names: [`“${textOf(facts.before)}” became “${textOf(facts.after)}”`],
      };
    case 'leaf':
      return { label: `${LEAF_TEXT[facts.change]}${underGuest(facts.guest)}`, names: [leafText(places)] };
    case 'zero-leaves':
      return zeroMention(facts);
    case 'decider':
      return plainly('what decides the value changed');
    case 'deciding-code':
      return plainly('the code that decides changed, not examined');
    case 'gate':
      return plainly('gates changed');
    case 'promise':
      return plainly(facts.promise === 'unfixed' ? 'not fixed any more' : 'fixed otherwise without a new feature bit');
    case 'control':
      return controlMention(facts);
    case 'features-renumbered':
      return plainly('TDX_FEATURES0 renamed');
    case 'cpuid-flags':
      return { label: `cpuid_flags ${facts.change === 'added' ? 'new' : 'gone'}`, names: facts.flags };
    case 'host-state':
      return {
        label: hostLabel(facts),
        names: facts.msrs.map(({ msr }) => msr),
      };
    case 'config-slots':
      return plainly(`${facts.used} slots`);
    default:
      return plainly(facts.kind);
  }
}
