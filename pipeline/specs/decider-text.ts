import type { DecidingCode } from '../extract/module/deciding-code.ts';
import type { CodeChange, DeciderRules } from '../model/decider-rules.ts';
import type { PlainDeciders } from './decider-shape.ts';
import { yamlText } from './yaml-text.ts';

type NewRelease = {
  readonly release: string;
  /** The rules that it starts from. */
  readonly base: DeciderRules;
  readonly repository: string;
  readonly commit: string;
  readonly files: ReadonlyMap<string, { readonly blob: string }>;
  readonly code: DecidingCode;
  readonly changes: readonly CodeChange[];
};

/** `specs/deciders/<release>.yaml` of a release that the program met: its predecessor's rules, or what of its code changed. */
export function newDecidersToYaml(met: NewRelease): Promise<string> {
  const { release, base, repository, commit, files, code, changes } = met;
  const plain: PlainDeciders = {
    release,
    like: base.release,
    reason:
      changes.length === 0
        ? `the functions that decide are those of ${base.release}, token by token`
        : `the functions that decide are not those of ${base.release}: nobody examined the difference, so its rules are not used`,
    sources: [...files].map(([path, { blob }], index) => ({
      id: `file-${index + 1}`,
      how: 'read',
      repository,
      revision: commit,
      path,
      blob,
    })),
    rules: [],
    without: [],
    limits: {},
    checks: [],
    withoutChecks: [],
    functions: code.functions.map(({ path, name, line, tokens }) => ({ path, name, line, tokens })),
    unexamined: changes.map(({ path, name, line, kind }) => ({ path, name, line, kind })),
  };
  return yamlText(plain, {
    comment:
      'Who decides the CPUID bits of a TD under this release, beyond its tables: what its code does, in the order in which it does it.',
  });
}
