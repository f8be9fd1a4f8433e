import type { EntrySite, ExitKind, FlagBits, MsrTransition } from '../../../model/clobber.ts';
import { hex } from '../../../model/mask.ts';
import type { Expr } from '../../c/ast.ts';
import { spend } from './budget.ts';
import { isOnOwnValue, isOptimisation, type MsrView, resolveGuard, valueKind, type Write } from './exit-kind.ts';
import { bare, show } from './expression.ts';
import { featureOf, openersOf } from './features.ts';
import { truthOf } from './guard.ts';
import { resolveText, type Stores } from './stores.ts';
import { constantOf } from './tree.ts';

/** One choice of the features that decide over an MSR's writes. */
type Choice = ReadonlyMap<string, boolean>;
type Outcome = {
  readonly exit: ExitKind;
  readonly exitValue?: string;
  readonly reason: string | null;
  readonly entry: readonly EntrySite[];
  readonly exitAt: readonly EntrySite[];
};

/** More features than this around one MSR make more contexts than a reader could check. */
const MAX_FEATURES = 6;

/** The transitions of one MSR: one for each context of features in which it behaves differently. */
export function transitionsOf(
  view: MsrView,
  flags: readonly FlagBits[],
  entry: readonly Write[],
  exit: readonly Write[],
): readonly MsrTransition[] {
  const features = [...new Set([...entry, ...exit].flatMap((write) => featuresOf(view.stores, write)))].sort();
  const contexts = features.length > MAX_FEATURES ? [new Map<string, boolean>()] : choices(features);
  const writes = [...entry, ...exit];
  const guards = writes.reduce((sum, write) => sum + 1 + write.guards.length, 0);
  const at = writes[0]?.site;
  if (at !== undefined)
    spend(view.tree.budget, contexts.length * guards * (1 + entry.length), { file: at.path, line: at.line });
  const groups = new Map<string, { outcome: Outcome; members: Choice[] }>();
  for (const choice of contexts) {
    const found =
      features.length > MAX_FEATURES
        ? tooMany(view, entry, exit)
        : outcomeOf(view, entry.filter(active(view, choice)), exit.filter(active(view, choice)), choice);
    if (found === null) continue;
    const outcome = ofCommand(view, found);
    const key = JSON.stringify(outcome);
    const group = groups.get(key) ?? { outcome, members: [] };
    group.members.push(choice);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap(({ outcome, members }) =>
    cubes(features, members).map((literals): MsrTransition => {
      const { name, address, isRange } = view.msr;
      return {
        msr: name,
        address,
        ...(isRange ? { range: true as const } : {}),
        guard: literals.length === 0 ? null : literals.join(' && '),
        ...outcome,
        openers: literals
          .filter((literal) => !literal.startsWith('!'))
          .flatMap((literal) => openersOf(view.tree, flags, literal)),
      };
    }),
  );
}

const tooMany = (view: MsrView, entry: readonly Write[], exit: readonly Write[]): Outcome => ({
  exit: 'unknown',
  reason: `${view.msr.name} depends on more than ${MAX_FEATURES} features`,
  entry: sites(view, entry, entry),
  exitAt: sites(view, exit, entry),
});

const choices = (features: readonly string[]): readonly Choice[] =>
  Array.from(
    { length: 2 ** features.length },
    (_, number) => new Map(features.map((feature, at) => [feature, Math.floor(number / 2 ** at) % 2 === 1] as const)),
  );

/** Names in a condition that are features of the TD. */
function featuresOf(stores: Stores, write: Write): readonly string[] {
  const found: string[] = [];
  for (const { expr } of write.guards)
    if (expr !== null)
      truthOf(expr, (part) => {
        const feature = featureOf(resolveText(stores, show(part)));
        if (feature !== null) found.push(feature);
        return null;
      });
  return found;
}

const known =
  (view: MsrView, choice: Choice) =>
  (part: Expr): boolean | null =>
    choice.get(featureOf(resolveText(view.stores, show(bare(part)))) ?? '') ?? null;

/** True for what the choice of features does not rule out. */
const active =
  (view: MsrView, choice: Choice) =>
  (item: Pick<Write, 'guards'>): boolean =>
    item.guards.every(({ expr, negated }) => expr === null || truthOf(expr, known(view, choice)) !== negated);

/** Conditions that the features do not settle, without optimisations. */
function conditions(view: MsrView, write: Write, entry: readonly Write[], choice: Choice): readonly string[] {
  return write.guards
    .filter((guard) => guard.expr === null || truthOf(guard.expr, known(view, choice)) === null)
    .filter((guard) => !isOptimisation(view, guard, write.value, entry) && !isOnOwnValue(view, guard))
    .map((guard) => resolveGuard(view.stores, guard));
}

function sites(view: MsrView, writes: readonly Write[], entry: readonly Write[]): readonly EntrySite[] {
  const found = new Map<string, EntrySite>();
  for (const write of writes) {
    const guards = write.guards
      .filter((guard) => !isOptimisation(view, guard, write.value, entry) && !isOnOwnValue(view, guard))
      .map((guard) => readable(resolveGuard(view.stores, guard)));
    const key = `${write.site.path}:${write.site.line}:${guards.join(';')}`;
    found.set(key, { path: write.site.path, line: write.site.line, guards: [...new Set(guards)] });
  }
  return [...found.values()];
}

/** `tdcs.executions_ctl_fields.cpuid_flags.tsx_supported` is `cpuid_flags.tsx_supported`. */
function readable(text: string): string {
  const negated = text.startsWith('!');
  const feature = featureOf(negated ? text.slice(1) : text);
  return feature === null ? text : `${negated ? '!' : ''}${feature}`;
}

/** What happens to the MSR in one context, null where it is not written at all. */
function outcomeOf(view: MsrView, entry: readonly Write[], exit: readonly Write[], choice: Choice): Outcome | null {
  if (entry.length === 0 && exit.length === 0) return null;
  const entrySites = sites(view, entry, entry);
  const judged = exit.map((write) => ({ write, value: valueKind(view, write, entry, active(view, choice)) }));
  const back = judged.filter(({ value }) => value.kind !== 'own');
  const exitAt = sites(
    view,
    back.map(({ write }) => write),
    entry,
  );
  const last = judged.at(-1);
  if (back.length === 0 || last === undefined) {
    const own = judged.map(({ write }) => `${write.site.path}:${write.site.line}`);
    const reason =
      own.length === 0
        ? null
        : `the way out writes only the TD's own value (${[...new Set(own)].join(', ')}): nothing is brought back`;
    return withVmcs(view, { exit: 'none', reason, entry: entrySites, exitAt: [] });
  }
  if (last.value.kind === 'own')
    return {
      exit: 'unknown',
      reason: 'the last write on the way out is of the TD’s own value',
      entry: entrySites,
      exitAt,
    };
  const shared = entry.map((write) => new Set(conditions(view, write, entry, choice)));
  const alone = conditions(view, last.write, entry, choice).filter(
    (text) => entry.length === 0 || !shared.every((own) => own.has(text)),
  );
  const kinds = new Set(back.map(({ value }) => value.kind));
  const others = back.flatMap(({ write }) => conditions(view, write, entry, choice));
  const extra = kinds.size > 1 ? alone : alone.filter((text) => !others.some((other) => isOpposite(text, other)));
  const only = extra.length === 0 ? [] : [`the exit write stands also under \`${extra.join(' && ')}\``];
  const parts = [...(last.value.reason === null ? [] : [last.value.reason]), ...only];
  if (kinds.size > 1 && extra.length > 0)
    return {
      exit: 'unknown',
      reason: ['exit writes under different conditions differ in kind', ...parts].join('; '),
      entry: entrySites,
      exitAt,
    };
  const constant = last.value.kind === 'init' ? constantOf(view.tree, last.write.value) : null;
  const value = constant === null ? {} : { exitValue: hex(constant) };
  return {
    exit: last.value.kind,
    ...value,
    reason: parts.length === 0 ? null : parts.join('; '),
    entry: entrySites,
    exitAt,
  };
}

/** `#if a` and `#if !(a)`: one of both is always compiled. */
const isOpposite = (a: string, b: string): boolean =>
  a.startsWith('#if ') && b.startsWith('#if ') && (a === `#if !(${b.slice(4)})` || b === `#if !(${a.slice(4)})`);

const plain = (name: string): string =>
  name
    .replace(/^VMX_GUEST_/, '')
    .replace(/(_FULL|_HIGH)?_ENCODE$/, '')
    .replace(/^IA32_/, '')
    .replace(/CTLMSR$/, 'CTL')
    .replace(/CONTROL$/, 'CTRL');

export const VMCS_LOADS = 'the VMCS has a field for it';

/** An MSR that a VMCS field holds is loaded by VM entry and SEAMRET: what it then holds is not in the C code. */
function withVmcs(view: MsrView, outcome: Outcome): Outcome {
  const field = [...view.tree.macros.keys()]
    .filter((name) => /^VMX_GUEST_\w+_ENCODE$/.test(name))
    .sort()
    .find((name) => plain(name) === plain(view.msr.name));
  if (field === undefined) return outcome;
  return {
    ...outcome,
    exit: 'unknown',
    reason: `no write on the way out, and ${VMCS_LOADS} (${field}) that SEAMRET loads`,
  };
}

/** `X_SET` and `X_RESET` beside an X set and clear bits of X: what X then holds depends on what it held. */
function ofCommand(view: MsrView, outcome: Outcome): Outcome {
  const base = /^(\w+)_(SET|RESET)$/.exec(view.msr.name)?.[1];
  if (base === undefined || !view.tree.macros.has(`${base}_MSR_ADDR`)) return outcome;
  const { exitValue: _, ...rest } = outcome;
  return { ...rest, exit: 'unknown', reason: `a command on bits of ${base}: what that is left with is not settled` };
}

/** The choices as conjunctions of literals: one where they are a cube, else one for each choice. */
function cubes(features: readonly string[], members: readonly Choice[]): readonly (readonly string[])[] {
  const fixed = features.filter((feature) => new Set(members.map((choice) => choice.get(feature))).size === 1);
  const literal = (choice: Choice, feature: string): string => `${choice.get(feature) === true ? '' : '!'}${feature}`;
  const [first] = members;
  if (first === undefined) return [];
  if (members.length === 2 ** (features.length - fixed.length))
    return [fixed.map((feature) => literal(first, feature))];
  return members.map((choice) => features.map((feature) => literal(choice, feature)));
}
