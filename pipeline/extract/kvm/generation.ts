import { DataError } from '../../model/errors.ts';
import type { PolicyMask } from '../../model/policy.ts';
import type { Stmt } from '../c/ast.ts';
import { evaluate32 } from '../c/evaluate.ts';
import { bodyOf } from '../c/unit.ts';
import { allStatements } from '../c/walk.ts';
import { type Filter, readEntryFilter } from './filter.ts';
import { findInits } from './find.ts';
import { findMaskings, type Masking } from './masking.ts';
import { conditionNotes, featureScope, type Program } from './program.ts';
import { findSetUps, readSetUp } from './set-up.ts';
import type { Supported } from './sides.ts';
import { findSupported, readFixups } from './supported.ts';

/** A way of filtering that the file's code takes, with where it is seen. */
type Form = { readonly name: string; readonly line: number; readonly read: () => Filter };

/**
 * What KVM does to the bits that the module reports as configurable, by the generation of its code. A DataError where none
 * is recognised, or more than one.
 */
export function readFilter(program: Program, masks: Supported): Filter {
  const entries = entryForms(program, masks);
  const setUps = new Set(findSetUps(program).map(({ fn }) => fn));
  // A set-up that masks by what such a function leaves of an entry is a part of the same form.
  const maskings = findMaskings(program).filter(
    ({ fn, cuts }) => cuts === 'config' || entries.length === 0 || setUps.has(fn),
  );
  const known = [...entries, ...maskingForms(program, maskings)];
  const forms = known.length > 0 ? known : checkingForms(program);
  const [form, ...more] = forms;
  if (form !== undefined && more.length === 0) {
    const filter = form.read();
    return { ...filter, notes: [...filter.notes, ...conditionNotes(program)] };
  }
  throw new DataError({
    where: { file: program.path, line: more[0]?.line ?? 1 },
    expected: 'one way in which this KVM filters the configurable bits',
    found:
      form === undefined
        ? 'none: the tree matches no known generation'
        : forms.map(({ name, line }) => `${name} (line ${line})`).join(', '),
    hint: 'declare the policy by hand in specs/kvm/ where the code is of another kind',
  });
}

const entryForms = (program: Program, masks: Supported): readonly Form[] =>
  findInits(program).map((fn) => ({
    name: `${fn.name}(), which copies the module’s values into a kvm_cpuid_entry2`,
    line: fn.line,
    read: () => readEntryFilter(program, masks),
  }));

/** What cuts the module's bits down to KVM's supported CPUID, and what cuts user space's values down to the module's bits. */
function maskingForms(program: Program, maskings: readonly Masking[]): readonly Form[] {
  const supported = findSupported(program);
  return maskings.flatMap((masking): readonly Form[] => {
    const { fn, line } = masking;
    if (masking.cuts === 'values')
      return [
        {
          name: `${fn.name}(), which cuts values down to what is configurable`,
          line,
          read: () => maskFilter(program, masking),
        },
      ];
    const [source, ...others] = supported;
    if (source === undefined || others.length > 0) return [];
    const name = `${fn.name}(), which cuts what is configurable down to KVM’s supported CPUID`;
    return [{ name, line, read: () => supportedFilter(program, masking, readFixups(program, source)) }];
  });
}

/** Masks by its loop, which is run: what it takes away or refuses besides is denied. */
function maskFilter(program: Program, { fn, line }: Masking): Filter {
  const [setUp, ...more] = findSetUps(program).filter((each) => each.fn === fn);
  if (setUp !== undefined && more.length === 0) return readSetUp(program, setUp);
  throw new DataError({
    where: { file: program.path, line },
    expected: 'a loop over `cpuid_configs[]` that fills `cpuid_values[]`',
    found: setUp === undefined ? 'masks elsewhere' : 'several',
    hint: 'declare the policy by hand in specs/kvm/',
  });
}

/** A set-up of the older form that masks nothing: it may refuse what the module does not report, and let the rest through. */
const checkingForms = (program: Program): readonly Form[] =>
  findSetUps(program).map((setUp) => ({
    name: `${setUp.fn.name}(), which fills values from the module’s leaves`,
    line: setUp.fn.line,
    read: () => readSetUp(program, setUp),
  }));

/** The masks that are added to what KVM supports; the capabilities themselves are `known`. */
function supportedFilter(program: Program, { fn }: Masking, fixups: readonly PolicyMask[]): Filter {
  const adds = [...allStatements(bodyOf(program.unit, fn))].flatMap((statement) => addsOf(program, statement));
  return {
    generation: 'supported-cpuid',
    deny: [],
    allow: [...fixups],
    adds,
    disagreements: [],
    notes: [],
    attributes: null,
    xfam: null,
  };
}

/** `if (config->leaf == 0x80000008) config->eax |= 0x00ff0000;` */
function addsOf(program: Program, statement: Stmt): readonly PolicyMask[] {
  if (statement.kind !== 'if' || statement.test.kind !== 'binary' || statement.test.op !== '==') return [];
  const { left, right } = statement.test;
  if (left.kind !== 'member' || !/^(?:leaf|function)$/.test(left.name)) return [];
  const scope = featureScope(program);
  const leaf = evaluate32(right, scope);
  return statement.then.flatMap((each): readonly PolicyMask[] => {
    if (each.kind !== 'expr' || each.expr.kind !== 'assign' || each.expr.op !== '|=') return [];
    const { target, value } = each.expr;
    if (target.kind !== 'member' || !/^e[abcd]x$/.test(target.name)) return [];
    const register =
      target.name === 'eax' ? 'eax' : target.name === 'ebx' ? 'ebx' : target.name === 'ecx' ? 'ecx' : 'edx';
    const line = each.at.line;
    return [{ leaf, subleaf: 0, register, mask: evaluate32(value, scope), path: program.path, line }];
  });
}
