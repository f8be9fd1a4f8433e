import type { Command } from 'commander';
import { RULES } from '../judge/catalogue.ts';
import { jsonText } from '../report/machine.ts';
import { wrap } from '../report/text.ts';
import type { CommandLine, Context, Opts } from './command-line.ts';

/** `bitwatch rules`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(program, 'rules', 'the catalogue', ['bitwatch rules --json']).action((_opts: Opts, command: Command) =>
    rulesCommand(contextOf(command)),
  );
}

/** `bitwatch rules`: the catalogue. */
function rulesCommand(context: Context): void {
  if (context.options.json) {
    context.stdout.write(
      jsonText({
        schema: 'bitwatch.rules/1',
        rules: RULES.map(({ id, title, level, mirror, why, action, scope }) => ({
          id,
          title,
          level,
          mirror,
          why,
          action,
          scope,
        })),
      }),
    );
    return;
  }
  const lines = RULES.flatMap((rule) => [`${rule.id} (${rule.level})`, ...wrap(`${rule.title}.`, '  ')]);
  context.stdout.write(`${lines.join('\n')}\n`);
}
