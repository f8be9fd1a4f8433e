import { compareRegisters, type RegisterMask } from '../../diff/registers.ts';
import { bitsOf64, hex } from '../../model/mask.ts';
import { disputedFeatures } from '../../model/module.ts';
import type { ProjectContext } from '../project.ts';
import type { Draft, Rule } from '../rule.ts';

export const sourcesDisagree = {
  id: 'sources-disagree',
  title: 'Two sources of the same fact disagree',
  level: 'warning',
  for: ['vendor'],
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'Both cannot hold for one build of the release; which one does is not decided here.',
  action: 'Report the difference to whoever publishes them; until then rely on neither.',
  scope: 'project',
  judge: ({ releases, published }): readonly Draft[] =>
    published.flatMap(({ release, features0 }) => {
      const module = releases.find((each) => each.module.release === release)?.module;
      const disputed = module === undefined ? null : disputedFeatures(module, features0);
      if (module === undefined || disputed === null) return [];
      const what = `TDX_FEATURES0 of ${release}`;
      return [
        {
          story: what,
          facts: {
            kind: 'disagreement',
            what,
            left: `${hex(disputed.source)} (source ${module.source.repository})`,
            right: `${hex(disputed.published)} (mapping_file.json)`,
          },
        },
      ];
    }),
} as const satisfies Rule;

export const registerMaskMismatch = {
  id: 'register-mask-mismatch',
  title: 'Documented, enforced and validated register masks disagree',
  level: 'warning',
  for: ['vendor', 'kernel'],
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'Software written to the documentation is refused by the module or by KVM (April 2026: TDG.VP.VMCALL’s RCX).',
  action: 'Write to the strictest of the three; report the difference to whoever is wrong.',
  scope: 'project',
  judge: ({ registers, clobbers }): readonly Draft[] => {
    // What the newest release whose check was read enforces.
    const checks = clobbers.findLast(({ registerChecks }) => (registerChecks ?? []).length > 0)?.registerChecks ?? [];
    return compareRegisters(registers, checks)
      .filter(({ differs }) => differs)
      .map((columns) => ({
        story: `${columns.interface} ${columns.register}`,
        facts: {
          kind: 'register-mask',
          interface: columns.interface,
          register: columns.register,
          documented: maskText(columns.documented),
          enforced: maskText(columns.enforced),
          validated: maskText(columns.validated),
        },
      }));
  },
} as const satisfies Rule;

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

export const factsMissing = {
  id: 'facts-missing',
  title: 'Releases are known and their tables could not be read',
  level: 'info',
  for: ['vendor'],
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'Their changes are not in this report; whatever they made configurable is not known here.',
  action: 'Get the release’s public source, or ask Intel for it, and run bitwatch sync.',
  scope: 'project',
  judge: ({ unread }): readonly Draft[] =>
    unread.length === 0 ? [] : [{ facts: { kind: 'missing', releases: unread } }],
} as const satisfies Rule;

export const hostStateNotExamined = {
  id: 'host-state-not-examined',
  title: 'What releases leave of the host’s state was not examined',
  level: 'info',
  for: ['kernel'],
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'Nothing is said of host state for these releases: neither that it is kept nor that it is lost.',
  action: 'Read the entry and exit code of the release: bitwatch extract clobbers.',
  scope: 'project',
  judge: ({ releases, clobbers }): readonly Draft[] => {
    const examined = new Set(clobbers.map(({ release }) => release));
    const rest = releases.map(({ module }) => module.release).filter((release) => !examined.has(release));
    return rest.length === 0 ? [] : [{ facts: { kind: 'not-examined', what: 'host-state', releases: rest } }];
  },
} as const satisfies Rule;

export const decidersNotExamined = {
  id: 'deciders-not-examined',
  title: 'Who decides the bits of releases was not examined',
  level: 'warning',
  for: ['kernel', 'userspace'],
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'For these releases only the tables are told: what the code makes of them, and so what a TD really gets, is not said.',
  action: 'Read the code that decides and write it into specs/deciders (docs/extending.md).',
  scope: 'project',
  judge: ({ releases }): readonly Draft[] => {
    // What of a release's code changed is told in its own review.
    const rest = releases.filter(
      ({ registers, unexamined }) =>
        (unexamined ?? []).length === 0 && registers.every(({ deciders }) => deciders.length === 0),
    );
    return rest.length === 0
      ? []
      : [{ facts: { kind: 'not-examined', what: 'deciders', releases: rest.map(({ module }) => module.release) } }];
  },
} as const satisfies Rule;

export const levelUnknownRule = {
  id: 'level-unknown-rule',
  title: 'specs/levels.yaml names a rule that there is not',
  level: 'warning',
  for: ['operator'],
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'The override changes nothing; its rule is mistyped or was folded into another.',
  action: 'Correct the name: bitwatch rules lists them.',
  scope: 'project',
  judge: ({ knowledge, rules }): readonly Draft[] =>
    knowledge.levels
      .filter(({ rule }) => !rules.includes(rule))
      .map(({ rule }) => ({ story: rule, facts: { kind: 'override', rule } })),
} as const satisfies Rule;

export const waiverExpired = {
  id: 'waiver-expired',
  title: 'A decision has expired',
  level: 'warning',
  for: ['operator'],
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'Somebody promised to look again by that date; the finding counts again.',
  action: 'Look again: renew the decision with a reason, or act on the finding.',
  scope: 'project',
  judge: ({ decisions }): readonly Draft[] =>
    decisions.filter(({ problem }) => problem === 'expired').map(decisionDraft),
} as const satisfies Rule;

export const waiverUnmatched = {
  id: 'waiver-unmatched',
  title: 'A decision matches no finding',
  level: 'warning',
  for: ['operator'],
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'What was decided on is gone, or the selector is mistyped and hides nothing.',
  action: 'Prune the decision (bitwatch decide --prune) or correct it.',
  scope: 'project',
  judge: ({ decisions }): readonly Draft[] =>
    decisions.filter(({ problem }) => problem === 'unmatched').map(decisionDraft),
} as const satisfies Rule;

const decisionDraft = (decision: ProjectContext['decisions'][number]): Draft => ({
  story: decision.selector,
  facts: { kind: 'decision', ...decision },
});
