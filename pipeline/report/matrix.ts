import type { Matrix } from '../cases/matrix.ts';
import { VERDICTS } from '../model/finding.ts';
import { plain } from '../model/text.ts';
import { escapeMarkdown } from './markdown.ts';
import { wrap } from './wrap.ts';

/** `1 exposed, 3 denied, 40 passed`, that KVM refuses the release, or `not judged`. */
function cellText({ cells }: Matrix, release: string, policy: string): string {
  const cell = cells.find((each) => each.release === release && each.policy === policy);
  if (cell === undefined) return 'not judged';
  if (cell.runs === 'no') return 'refused by KVM';
  const parts = VERDICTS.flatMap((verdict) => {
    const count = cell.counts.find((each) => each.verdict === verdict)?.features ?? 0;
    return count === 0 ? [] : [`${count} ${verdict}`];
  });
  return parts.length === 0 ? 'no feature offered' : parts.join(', ');
}

/** A table with a row per release and a column per policy; numbers are features. */
export function matrixMarkdown(matrix: Matrix): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const name = (text: string): string => escapeMarkdown(plain(text));
  const lines = [
    row(['TDX module', ...matrix.policies.map((policy) => `KVM ${name(policy)}`)]),
    row(['---', ...matrix.policies.map(() => '---')]),
    ...matrix.releases.map((release) =>
      row([name(release), ...matrix.policies.map((policy) => cellText(matrix, release, policy))]),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

/** The same as plain text of at most 72 columns: a block per release, a line per policy. */
export function matrixText(matrix: Matrix): string {
  const width = Math.min(24, Math.max(0, ...matrix.policies.map((policy) => plain(policy).length)));
  const lines = matrix.releases.flatMap((release) => [
    ...wrap(`TDX module ${plain(release)}`),
    ...matrix.policies.flatMap((policy) =>
      wrap(cellText(matrix, release, policy), `  KVM ${plain(policy).padEnd(width)}  `),
    ),
  ]);
  return `${lines.join('\n')}\n`;
}
