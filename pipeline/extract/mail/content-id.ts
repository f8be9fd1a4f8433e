import { createHash } from 'node:crypto';
import { type Head, unfold } from './head.ts';

/**
 * What makes two mails of one Message-ID the same mail: author, subject, date and body, not the trace that each list's
 * delivery leaves in the head. 96 bits of SHA-256 in base64url.
 */
export function contentId(bytes: Buffer, head: Head): string {
  const fields = ['from', 'subject', 'date'] as const;
  const identity = fields.map((name) => unfold(head.fields.get(name) ?? '')).join('\n');
  const hash = createHash('sha256').update(identity, 'latin1').update('\0');
  return hash.update(bytes.subarray(head.bodyStart)).digest('base64url').slice(0, 16);
}
