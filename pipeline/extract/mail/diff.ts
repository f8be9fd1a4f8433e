import { leafBytes } from './leaves.ts';
import type { Mail } from './mail.ts';

const SIGNATURE = Buffer.from('\n-- \n');

/** Where a line with this beginning starts, or -1. */
function lineWith(bytes: Buffer, beginning: string): number {
  if (bytes.subarray(0, beginning.length).toString('latin1') === beginning) return 0;
  const at = bytes.indexOf(`\n${beginning}`);
  return at < 0 ? -1 : at + 1;
}

/** Where the diff in decoded bytes begins, or -1: at `diff --git`, or at `--- ` with `+++ ` on the next line. */
function diffStart(bytes: Buffer): number {
  const git = lineWith(bytes, 'diff --git ');
  if (git >= 0) return git;
  for (let at = lineWith(bytes, '--- '); at >= 0; ) {
    const eol = bytes.indexOf(0x0a, at);
    if (eol < 0) return -1;
    if (bytes.subarray(eol + 1, eol + 5).toString('latin1') === '+++ ') return at;
    const next = bytes.indexOf('\n--- ', eol - 1);
    at = next < 0 ? -1 : next + 1;
  }
  return -1;
}

/**
 * The diff of a mail, byte for byte as its decoded body has it (also where the mail is format=flowed), without the signature
 * behind it; `null` where there is none. Looked for in the text parts, inline ones and attachments, in their order.
 */
export function diffOf(mail: Mail): Buffer | null {
  for (const leaf of mail.leaves) {
    if (!leaf.type.startsWith('text/') && !/patch|diff/.test(leaf.type)) continue;
    const bytes = leafBytes(mail.bytes, leaf);
    const start = diffStart(bytes);
    if (start < 0) continue;
    const end = bytes.lastIndexOf(SIGNATURE);
    return bytes.subarray(start, end > start ? end + 1 : bytes.length);
  }
  return null;
}
