import { DataError } from '../../model/errors.ts';
import { evaluate, type Scope, type ScopedMacro } from '../c/evaluate.ts';
import { type CObject, enumMembers, readUnit, type Unit } from '../c/unit.ts';

export const TDX_PATH = 'target/i386/kvm/tdx.c';
const CPU_PATH = 'target/i386/cpu.c';
const KVM_PATH = 'target/i386/kvm/kvm.c';
/** Headers that name what the tables are made of. */
const HEADERS = ['target/i386/cpu.h', 'include/standard-headers/asm-x86/kvm_para.h', 'include/qemu/bitops.h'] as const;
/** What a QEMU version's facts are read from. */
export const QEMU_PATHS: readonly string[] = ['VERSION', TDX_PATH, CPU_PATH, KVM_PATH, ...HEADERS];

/** A QEMU revision's C files, parsed, and what their names mean. */
export type QemuTree = {
  readonly tdx: Unit;
  readonly cpu: Unit;
  readonly kvm: Unit;
  readonly scopeOf: (unit: Unit) => Scope;
};

/** Parses the files of one revision. Throws a DataError that names a file which is not there or is no C. */
export function openQemu(files: ReadonlyMap<string, string>): QemuTree {
  const unitOf = (path: string): Unit => {
    const text = files.get(path);
    if (text !== undefined) return readUnit(path, text);
    throw new DataError({ where: { file: path }, expected: 'a file of QEMU with TDX (10.1 or later)', found: 'none' });
  };
  const [tdx, cpu, kvm] = [unitOf(TDX_PATH), unitOf(CPU_PATH), unitOf(KVM_PATH)];
  const headers = HEADERS.map(unitOf);
  const shared: Scope = {
    file: CPU_PATH,
    macro: (name) => macroOf(headers, name),
    constant: (name) => constants.get(name),
  };
  // From stdbool.h, which is no file of QEMU's.
  const constants = new Map<string, bigint>([
    ['true', 1n],
    ['false', 0n],
  ]);
  for (const header of headers) readEnumerators(header, shared, constants);
  const scopeOf = (unit: Unit): Scope => ({
    ...shared,
    file: unit.file,
    macro: (name) => unit.macros.get(name) ?? macroOf(headers, name),
  });
  return { tdx, cpu, kvm, scopeOf };
}

function macroOf(headers: readonly Unit[], name: string): ScopedMacro | undefined {
  for (const header of headers) {
    const macro = header.macros.get(name);
    if (macro !== undefined) return { ...macro, file: header.file };
  }
  return undefined;
}

/** Enumerators count on from the last value; one that is no constant of these headers ends its enum, named or not. */
function readEnumerators(header: Unit, scope: Scope, constants: Map<string, bigint>): void {
  for (const aggregate of header.aggregates.filter(({ form }) => form === 'enum')) {
    let next: bigint | null = 0n;
    for (const { name, value } of enumMembers(header, aggregate)) {
      if (value !== null) next = constantOf(value, { ...scope, file: header.file });
      if (next === null) break;
      constants.set(name, next);
      next += 1n;
    }
  }
}

function constantOf(value: Parameters<typeof evaluate>[0], scope: Scope): bigint | null {
  try {
    return evaluate(value, scope).value;
  } catch (error) {
    if (error instanceof DataError) return null;
    throw error;
  }
}

/** A table of a file. Throws a DataError where there is none: another QEMU than the one that is understood. */
export function objectOf(unit: Unit, name: string): CObject {
  const object = unit.objects.get(name);
  if (object !== undefined) return object;
  throw new DataError({
    where: { file: unit.file, line: 1, column: 1 },
    expected: `the table \`${name}\``,
    found: 'none',
    hint: 'TDX came to QEMU in 10.1',
  });
}
