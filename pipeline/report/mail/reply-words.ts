import type { Silence } from '../../judge/reply.ts';
import { plain } from '../../model/text.ts';

/** Why no reply is written, on one line. */
export function silenceText(silence: Silence): string {
  switch (silence.kind) {
    case 'newer':
      return plainLine(`no reply: a newer version is known, v${silence.version} <${silence.id}>`);
    case 'unchanged':
      return plainLine('no reply: the series changes nothing for the TDs of any release');
    case 'minor':
      return plainLine('no reply: nothing at warning or above changes; --always drafts one all the same');
    case 'untouched':
      return plainLine('no reply: the series touches no file that KVM’s TDX policy is read from');
    case 'incomplete':
      return plainLine(`no reply: the series is not whole: ${silence.reason}`);
    case 'rejected':
      return plainLine(`no reply: the series does not apply: ${silence.reason}; bitwatch series says where`);
    case 'unreadable':
      return plainLine(`no reply: the policy cannot be read: ${silence.reason}`);
  }
}

const PUT_TEXT = {
  written: 'wrote',
  unchanged: 'the draft is the same as before:',
  sending: 'no draft: a mail for this version is being sent, or a run ended while it was:',
  sent: 'no draft: this version was answered:',
  uncertain: 'no draft: a reply to this version may have been sent:',
} as const;

/** What became of a draft, and where it or the mail before it is. */
export const putText = (put: keyof typeof PUT_TEXT, path: string): string => plainLine(`${PUT_TEXT[put]} ${path}`);

/** Addresses of the parent that no mail can be sent to. */
export const leftText = (left: readonly string[]): string =>
  plainLine(`bitwatch: left out of Cc, for they are no addresses: ${left.join(', ')}`);

const plainLine = (text: string): string => `${plain(text)}\n`;
