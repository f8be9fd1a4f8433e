import { plain } from '../model/text.ts';
import type { View } from './view.ts';

const COMMAND = { error: 'error', warning: 'warning', info: 'notice' } as const;

/** Workflow commands escape `%`, CR and LF in the message, and `:` and `,` in properties too. */
/** A text as the message of a workflow command. */
export const escapeMessage = (text: string): string =>
  text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
const escapeProperty = (text: string): string => escapeMessage(text).replace(/:/g, '%3A').replace(/,/g, '%2C');

/** GitHub annotations, one line a finding that is not decided. Evidence lies in other repositories, so no file is named. */
export function annotations(view: View): string {
  const lines = view.sections.flatMap(({ items }) =>
    items
      .filter((item) => item.decided === null)
      .map(
        (item) =>
          `::${COMMAND[item.finding.level]} title=${escapeProperty(plain(`${item.finding.rule} ${item.headline}`.slice(0, 200)))}::${escapeMessage(`${item.because} ${item.todo} [${item.finding.fingerprint}]`)}`,
      ),
  );
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
