/** What the runner of a forge makes of a step's files and lines, for tests. */

/** Whether the runner takes a line for a command: `::name…::` at its start, after blanks, or `##[name]` anywhere. */
export const isCommand = (line: string): boolean => line.trimStart().startsWith('::') || line.includes('##[');

/** The outputs in a file as GITHUB_OUTPUT and GITHUB_ENV name it: `name=value` or `name<<MARK`, lines, `MARK`. Throws where it is damaged. */
export function readOutputs(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n');
  const outputs: Record<string, string> = {};
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (line === '') continue;
    const block = /^([^=<]+)<<(.+)$/.exec(line);
    if (block === null) {
      const [, name, value] = /^([^=]+)=(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`not an output: ${line}`);
      outputs[name] = value;
      continue;
    }
    const [, name = '', mark = ''] = block;
    const end = lines.indexOf(mark, index + 1);
    if (end < 0) throw new Error(`no end of ${name}`);
    outputs[name] = lines.slice(index + 1, end).join('\n');
    index = end;
  }
  return outputs;
}
