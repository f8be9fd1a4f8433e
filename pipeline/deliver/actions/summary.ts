import { EXIT } from '../../model/errors.ts';
import { plain } from '../../model/text.ts';
import { escapeMessage } from '../../report/annotations.ts';
import { codeSpan, escapeMarkdown } from '../../report/markdown.ts';
import { logLine } from './log.ts';

/** A status in a word, for outputs and conditions, and in a sentence, for people. */
const RESULTS: Readonly<Record<number, readonly [string, string]>> = {
  [EXIT.clean]: ['clean', 'Ended well.'],
  [EXIT.usage]: ['usage', 'The command line is wrong; nothing was done.'],
  [EXIT.data]: ['data', 'Data could not be read: this run is no verdict.'],
  [EXIT.noInput]: ['no-input', 'Something that was asked for is not there: this run is no verdict.'],
  [EXIT.unavailable]: ['unavailable', 'Incomplete: nothing could be fetched. This does not mean that nothing is new.'],
  [EXIT.cannotCreate]: ['cannot-create', 'An output could not be written: this run is no verdict.'],
  [EXIT.io]: ['io', 'The machine failed to read or write: this run is no verdict.'],
  [EXIT.bug]: ['bug', 'The program failed: this run is no verdict.'],
  [EXIT.incomplete]: ['incomplete', 'Incomplete: part of it could not be fetched or read. The rest stands below.'],
  [EXIT.findings]: ['findings', 'Findings reach the level that fails this check.'],
  [EXIT.closedPipe]: ['closed-pipe', 'Whoever read the output left before its end: this run is no verdict.'],
};

/** What a step may add to a summary, in bytes. */
const LIMIT = 1024 * 1024;

export const resultWord = (status: number): string => RESULTS[status]?.[0] ?? 'bug';

/** An annotation of the run for a step that gave no verdict or only part of one, with the reason that was given; nothing for others. */
export function stepAnnotation(name: string, status: number, errors: string): string {
  if (status === EXIT.clean || status === EXIT.findings) return '';
  const [, sentence] = RESULTS[status] ?? ['bug', `Ended with status ${status}.`];
  const [, reason = ''] = /^bitwatch: (.*)$/m.exec(errors) ?? [];
  const message = [sentence, logLine(reason)].join(' ').trim();
  return `::error title=bitwatch ${name.replace(/[^a-z-]/g, '')}::${escapeMessage(message)}\n`;
}

/** What a step says in the job's summary: the command, how it ended, who approved it, then a text in Markdown or lines as printed. */
export function stepSummary(
  command: string,
  status: number,
  said: { readonly markdown: string } | { readonly lines: string },
  approval: string | null = null,
): string {
  const [, ended] = RESULTS[status] ?? ['bug', `Ended with status ${status}.`];
  const sentence =
    approval === null ? ended : escapeMarkdown(`${ended.slice(0, -1)}; the label ${plain(approval)} approves them.`);
  const head = `## ${escapeMarkdown(`bitwatch ${command.split(' ')[0] ?? ''}`)}\n\n**${sentence}** ${codeSpan(logLine(`bitwatch ${command}`.slice(0, 300)))}\n\n`;
  const room = LIMIT - Buffer.byteLength(head) - 64;
  if ('lines' in said) return `${head}${linesBlock(said.lines, room)}\n`;
  // The report's own summary was cut at an item; what still does not fit is not shown in part.
  const fits = Buffer.byteLength(said.markdown) <= room;
  return `${head}${fits ? said.markdown : 'The report is too long for a summary; see the artifact.'}\n`;
}

/** Printed lines in a fence that none of them can close, cut at a line's end. */
function linesBlock(text: string, room: number): string {
  const all = text
    .trimEnd()
    .split('\n')
    .map(logLine)
    .filter((line) => line !== '');
  const longest = all.reduce((most, line) => Math.max(most, /^ *(`+)/.exec(line)?.[1]?.length ?? 0), 2);
  const fence = '`'.repeat(longest + 1);
  const kept: string[] = [];
  let size = 2 * fence.length + 64;
  for (const line of all) {
    size += Buffer.byteLength(line) + 1;
    if (size > room) break;
    kept.push(line);
  }
  const left = all.length - kept.length;
  return `${fence}text\n${kept.join('\n')}\n${fence}${left === 0 ? '' : `\n\n${left} lines are left out here.`}`;
}
