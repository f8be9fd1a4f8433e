import { compareClobberTable } from '../diff/clobbers-table.ts';
import { compareRegisters, type RegisterMask } from '../diff/registers.ts';
import { CATALOGUE } from '../judge/catalogue.ts';
import { finish } from '../judge/finish.ts';
import { bitsOf64, hex } from '../model/mask.ts';
import type { ModuleRelease } from '../model/module.ts';
import type { RegisterCheck } from '../model/register-mask.ts';
import type { Review } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { unreadOf } from './coverage.ts';

/** Findings about the facts themselves: releases without tables, sources that disagree. */
export function factsReview(specs: Specs): Review {
  const subject = { from: null, to: 'specs', policy: null };
  const missing = unreadOf(specs).map(({ release }) => ({ facts: { kind: 'missing' as const, what: release } }));
  const disagree = specs.known.flatMap((known) => {
    const module = specs.releases.find((release) => release.module.release === known.release)?.module;
    if (module?.features0 == null || known.features0 === null || sameFeatures(module, known.features0)) return [];
    return [
      {
        facts: {
          kind: 'disagreement' as const,
          what: `TDX_FEATURES0 of ${known.release}`,
          left: `${hex(module.features0)} (source ${module.source.repository})`,
          right: `${hex(known.features0)} (mapping_file.json)`,
        },
      },
    ];
  });
  const table = compareClobberTable(specs.knowledge.clobbers, specs.clobbers);
  const row = (feature: string, msr: string) => ({ facts: { kind: 'clobber-row' as const, feature, msr } });
  const undocumented = uniqueBy(
    table.evidenceWithoutRow,
    ({ transition }) => `${transition.msr} ${transition.guard}`,
  ).map(({ transition }) => row(transition.guard ?? 'always', transition.msr));
  const unsupported = table.rowsWithoutEvidence.map(({ row: { feature }, msr }) => row(feature, msr));
  const registers = compareRegisters(specs.registers, newestChecks(specs))
    .filter(({ differs }) => differs)
    .map((columns) => ({
      facts: {
        kind: 'register-mask' as const,
        interface: columns.interface,
        register: columns.register,
        documented: maskText(columns.documented),
        enforced: maskText(columns.enforced),
        validated: maskText(columns.validated),
      },
    }));
  const findings = (
    [
      ['facts-missing', missing],
      ['sources-disagree', disagree],
      ['clobber-undocumented', undocumented],
      ['clobber-unsupported', unsupported],
      ['register-mask-mismatch', registers],
    ] as const
  ).flatMap(([rule, drafts]) => finish(CATALOGUE[rule], drafts, subject, specs.knowledge));
  return {
    id: 'specs',
    from: null,
    to: { name: 'specs', source: null, notes: [] },
    policy: null,
    diff: null,
    findings,
    command: 'bitwatch check',
  };
}

/** Equal in all bits that do not depend on the platform. */
const sameFeatures = (module: ModuleRelease, published: bigint): boolean =>
  ((module.features0 ?? 0n) ^ published) === 0n ||
  (((module.features0 ?? 0n) ^ published) &
    ~module.features0Conditional.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n)) ===
    0n;

/** What the newest release whose check was read enforces. */
const newestChecks = (specs: Specs): readonly RegisterCheck[] =>
  specs.clobbers.findLast(({ registerChecks }) => (registerChecks ?? []).length > 0)?.registerChecks ?? [];

/** `set none, clear 63:32, 4, 1, 0`, or that nothing is checked. */
function maskText(mask: RegisterMask | null): string {
  if (mask === null) return 'not checked';
  const bits = (value: bigint): string =>
    [...bitsOf64(value)].reverse().reduce<string[]>(joinRuns, []).join(', ') || 'none';
  return `set ${bits(mask.mustBeSet)}, clear ${bits(mask.mustBeClear)}`;
}

/** Appends a bit to runs written `63:32`, highest first. */
function joinRuns(runs: string[], bit: number): string[] {
  const last = runs.at(-1)?.split(':').map(Number);
  if (last !== undefined && last.at(-1) === bit + 1) runs[runs.length - 1] = `${last[0]}:${bit}`;
  else runs.push(`${bit}`);
  return runs;
}

const uniqueBy = <T>(items: readonly T[], key: (item: T) => string): readonly T[] => [
  ...new Map(items.map((item) => [key(item), item] as const)).values(),
];
