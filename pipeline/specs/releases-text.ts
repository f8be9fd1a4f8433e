import { hex } from '../model/mask.ts';
import type { KnownRelease } from './lists-file.ts';
import { quoted } from './yaml-text.ts';

/** `specs/releases.yaml`: releases that are known, with what is published beside their source. */
export function releasesToYaml(releases: readonly KnownRelease[]): string {
  const lines = [
    '# Releases that are known, whether or not their tables could be read, with what is published beside the source.',
    'releases:',
  ];
  for (const entry of releases) {
    lines.push(`  - release: ${quoted(entry.release)}`);
    if (entry.mrseam !== null) lines.push(`    mrseam: ${quoted(entry.mrseam)}`);
    if (entry.link !== null) lines.push(`    link: ${quoted(entry.link)}`);
    if (entry.sourceReleased !== null) lines.push(`    sourceReleased: ${entry.sourceReleased}`);
    if (entry.features0 !== null) lines.push(`    features0: ${quoted(hex(entry.features0))}`);
    if (entry.updatesFrom !== null) lines.push(`    updatesFrom: ${quoted(entry.updatesFrom)}`);
    if (entry.seamldr.length > 0) lines.push(`    seamldr: [${entry.seamldr.map(quoted).join(', ')}]`);
    lines.push(`    seen: [${entry.seen.map(quoted).join(', ')}]`);
  }
  return `${lines.join('\n')}\n`;
}
