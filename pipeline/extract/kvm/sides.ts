import { DataError } from '../../model/errors.ts';
import { REGISTERS } from '../../model/place.ts';
import { valueFor } from '../machine/group.ts';
import { blank, type Entry, full, type Inputs, type Leaf, NO_SUBLEAF } from './inputs.ts';
import { ALL_BITS, type Side, UNHEARD } from './probe.ts';
import { type Choices, explore, type Outcome, type Root } from './trial.ts';

/** Masks of KVM's own that tdx.c asks for. */
export type Supported = { readonly xcr0: bigint; readonly xss: bigint };

/** A leaf of which nothing is asked. */
const NOTHING_ASKED: Entry = blank({ function: 0x87654321n, index: 0n });

/** A leaf is treated alike wherever it stands among the module's: else one run tells nothing of the others. */
export function checkOrder(side: Side): void {
  const own = side.inputs(UNHEARD, blank(UNHEARD));
  const inputs = { ...own, second: own.second ?? NOTHING_ASKED, tried: { of: 'user' as const, members: ALL_BITS } };
  const told = (isLast: boolean): string =>
    explore(side.root, { ...inputs, isLast }, side.given, false)
      .flatMap(toldAlone)
      .sort()
      .join();
  if (told(false) === told(true)) return;
  throw new DataError({
    where: { file: side.root.unit.file, line: side.root.fn.line },
    expected: 'a set-up that treats a leaf alike wherever it stands among the module’s',
    found: `${side.root.fn.name}(), which does not`,
  });
}

/** What comes out for each tried bit, in words that are equal where it is. */
function toldAlone({ members, result }: Outcome): readonly string[] {
  const all: string[] = [];
  for (let left = members; left !== 0n; left &= left - 1n) {
    const member = left & -left;
    const values = REGISTERS.map((register) => valueFor(result.numbers[register], member));
    all.push(`${member} ${result.isRefused ? 'refused' : values.join(' ')}`);
  }
  return all;
}

/** What the host must say for anything to be let through: conditions that have one answer wherever nothing fails. */
function forced(root: Root, inputs: Inputs, isShown: boolean): Choices | null {
  const outcomes = explore(root, inputs, new Map(), isShown).filter(({ result }) => !result.isRefused);
  const [first, ...more] = outcomes;
  if (first === undefined) return null;
  return new Map(
    [...first.choices].filter(([text, value]) => more.every(({ choices }) => (choices.get(text) ?? value) === value)),
  );
}

export function shownSide(root: Root, supported: Supported): Side {
  const inputs = (_: Leaf, config: Entry): Inputs => ({ config, user: null, supported });
  const given = forced(root, inputs(UNHEARD, blank(UNHEARD)), true);
  if (given === null) throw refusesAll(root, 'KVM_TDX_CAPABILITIES');
  return { root, isShown: true, inputs, given };
}

/** Address bits of the guest: a set-up of later kernels asks for 48 or 52. */
export const WIDTH: Leaf = { function: 0x80000008n, index: NO_SUBLEAF };
const WIDTH_BITS = 48n << 16n;
const WIDTH_ENTRY: Entry = { ...blank(WIDTH), eax: WIDTH_BITS };
const isWidth = (leaf: Leaf): boolean =>
  leaf.function === WIDTH.function && (leaf.index === 0n || leaf.index === NO_SUBLEAF);

export function setUpSide(root: Root, supported: Supported, shown: Side): Side {
  const indexes = new Map<string, bigint>();
  const indexOf = (leaf: Leaf): bigint => {
    const key = `${leaf.function}.${leaf.index}`;
    const index = indexes.get(key) ?? shownIndex(shown, leaf);
    indexes.set(key, index);
    return index;
  };
  const plain = (leaf: Leaf, user: Entry): Inputs => ({
    config: full(leaf),
    user: { ...user, index: indexOf(leaf) },
    supported,
    isIndexed: leaf.index !== NO_SUBLEAF,
  });
  const alone = forced(root, plain(UNHEARD, blank(UNHEARD)), false);
  if (alone !== null) return { root, isShown: false, inputs: plain, given: alone };
  const base = (leaf: Leaf): Entry => (isWidth(leaf) ? { ...blank(leaf), eax: WIDTH_BITS } : blank(leaf));
  const both = (leaf: Leaf, user: Entry): Inputs => ({
    ...plain(leaf, user),
    ...(isWidth(leaf) ? {} : { second: WIDTH_ENTRY }),
  });
  const given = forced(root, both(UNHEARD, blank(UNHEARD)), false);
  if (given === null) throw refusesAll(root, 'KVM_TDX_INIT_VM');
  return { root, isShown: false, inputs: both, given, base };
}

/** User space asks for the sub-leaf that it was shown. */
function shownIndex(shown: Side, leaf: Leaf): bigint {
  const [first] = explore(shown.root, shown.inputs(leaf, blank(leaf)), shown.given, true);
  return first?.result.index ?? leaf.index;
}

const refusesAll = ({ unit, fn }: Root, command: string): DataError =>
  new DataError({
    where: { file: unit.file, line: fn.line },
    expected: `${command} to take an entry without any bits`,
    found: `${fn.name}(), which gives up on it`,
  });

/** The bits of a field that the set-up takes, each asked for alone. */
export function takenField(side: Side, field: 'attributes' | 'xfam'): bigint {
  const tried = { of: field, members: (1n << 64n) - 1n };
  const inputs = { ...side.inputs(UNHEARD, blank(UNHEARD)), tried };
  return explore(side.root, inputs, side.given, false)
    .filter(({ result }) => !result.isRefused)
    .reduce((taken, { members }) => taken | members, 0n);
}
