import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Letter } from '../../../pipeline/deliver/mail/letter.ts';
import type { KnownList } from '../../../pipeline/extract/mail/list-address.ts';

export const LISTS: readonly KnownList[] = [
  { name: 'open', address: 'open@lists.example.org', optIn: true },
  { name: 'shut', address: 'shut@lists.example.org', optIn: false },
];

export const letter = (more: Partial<Letter> = {}): Letter => ({
  from: { name: 'bitwatch', email: 'bot@example.org' },
  to: [{ name: 'Jane Roe', email: 'jane@example.com' }],
  cc: [{ name: '', email: 'open@lists.example.org' }],
  subject: 'Re: [PATCH v2 0/3] KVM: TDX: Say which bits are allowed',
  messageId: 'bitwatch-0123456789abcdef@example.org',
  inReplyTo: '20261120.1@example.com',
  references: ['20261120.0@example.com', '20261120.1@example.com'],
  date: 1_795_255_200,
  body: '> One line of the cover.\n\nAn answer below it.\n',
  ...more,
});

/** A folder of its own for one test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'bitwatch-mail-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
