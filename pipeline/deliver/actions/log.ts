import { plain } from '../../model/text.ts';

/**
 * A line of a step's log that is text and no command to the runner: it reads `::name::` at the start of a line, after blanks,
 * and `##[name]` anywhere in one. Control, colour and bidirectional characters become visible marks.
 */
export const logLine = (line: string): string =>
  plain(line)
    .replace(/^(\s*):(?=:)/, '$1: ')
    .replaceAll('##[', '# #[');

/** Passes text on by whole lines, each made harmless; `end` passes the rest. A command may write a line in parts. */
export function lineWriter(write: (text: string) => void): {
  readonly write: (text: string) => void;
  readonly end: () => void;
} {
  let rest = '';
  return {
    write: (text) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      if (lines.length > 0) write(lines.map((line) => `${logLine(line)}\n`).join(''));
    },
    end: () => {
      if (rest !== '') write(`${logLine(rest)}\n`);
      rest = '';
    },
  };
}
