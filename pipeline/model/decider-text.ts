import type { Decider, Decision } from './decider.ts';
import type { CodeChange, Condition } from './decider-rules.ts';
import { onceFor } from './once.ts';
import { formatPlace } from './place.ts';

/** `xfam:17+18`, `cpuid:7.1.EAX[8]`, `!guest:REDUCE_VE`, `(a or b)`: a condition as machine formats write it. */
export function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case 'xfam':
    case 'attributes':
    case 'config-flags':
      return `${condition.kind}:${condition.bits.join('+')}`;
    case 'cpuid':
      return `cpuid:${formatPlace(condition.place)}[${condition.bit}]`;
    case 'guest':
      return `guest:${condition.control}`;
    case 'paravirt':
      return `paravirt:${condition.bit}`;
    case 'xfd':
      return 'xfd';
    case 'not':
      return `!${conditionText(condition.of)}`;
    case 'any':
      return `(${condition.of.map(conditionText).join(' or ')})`;
  }
}

/** `host`, `attributes:30`, `constant:1`, `computed:maxpa`: a decision as machine formats write it. */
export function decisionText(by: Decision): string {
  switch (by.kind) {
    case 'constant':
      return `constant:${by.value}`;
    case 'td-params':
      return `td-params:${by.field}`;
    case 'computed':
      return `computed:${by.what}`;
    case 'host':
    case 'vmm':
    case 'vmm-and-host':
    case 've':
      return by.kind;
    default:
      return conditionText(by);
  }
}

/** A decider in one line, for keys and lists: `host; 0 unless xfam:2`. */
export const deciderText = onceFor(({ by, conditions }: Decider): string =>
  [
    decisionText(by),
    ...conditions.map(
      ({ when, otherwise }) => `${otherwise === 've' ? '#VE' : otherwise} unless ${conditionText(when)}`,
    ),
  ].join('; '),
);

/** What to tell where the code that decides is not that of an older release and nobody examined it. */
export const codeChangeText = (changes: readonly CodeChange[]): string =>
  `the code that decides changed, not examined: ${changes.map(changeText).join(', ')}`;

/** `check_xfam (src/common/helpers/helpers.c:1436)`: what of the deciding code changed, and where it stands now. */
export const changeText = ({ path, name, line, kind }: CodeChange): string =>
  name === null
    ? `${path} (could not be read)`
    : `${name} (${kind === 'changed' ? '' : `${kind}, `}${path}${line === null ? '' : `:${line}`})`;
