import { RULES } from '../judge/catalogue.ts';
import { jsonText } from '../report/machine.ts';
import { wrap } from '../report/text.ts';
import type { Context } from './context.ts';

/** `bitwatch rules`: the catalogue. */
export function rulesCommand(context: Context): void {
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
