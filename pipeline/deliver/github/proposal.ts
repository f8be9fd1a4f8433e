import { plain } from '../../model/text.ts';
import { codeSpan } from '../../report/markdown.ts';
import { type Draft, titleText } from '../../report/posting.ts';
import type { Change } from '../branch.ts';

/** What is new in a few words: releases and KVM versions by the names of their files. */
function subjectOf({ files }: Change): string {
  const added = (folder: string): readonly string[] =>
    files.flatMap(({ kind, path }) => {
      const name = new RegExp(`/${folder}/([^/]+)\\.yaml$`).exec(path)?.[1];
      return kind === 'A' && name !== undefined ? [name] : [];
    });
  const [modules, policies] = [added('modules'), added('kvm')];
  const parts = [
    ...(modules.length === 0 ? [] : [`TDX module ${modules.join(', ')}`]),
    ...(policies.length === 0 ? [] : [`KVM ${policies.join(', ')}`]),
  ];
  return parts.length === 0 ? 'Take over what the sources newly say' : `Add ${parts.join(' and ')}`;
}

/** The message of the commit. */
export const messageOf = (change: Change): string =>
  `${subjectOf(change)}\n\nExtracted from the sources that specs/sources.yaml names. Hold the new files\nagainst their evidence before they are merged.\n`;

/** The files first, then what they change in the findings. */
export function proposalDraft(change: Change, findings: Draft | null): Draft {
  const words: Readonly<Record<string, string>> = { A: 'new', D: 'removed' };
  const list = change.files.map(({ kind, path }) => `- ${codeSpan(plain(path))}: ${words[kind] ?? 'changed'}`);
  const head = `Extracted from the sources that ${codeSpan('specs/sources.yaml')} names. Hold each new file against its evidence before you merge.\n\n${list.join('\n')}\n`;
  const none = { text: 'No finding comes or goes with it.\n', items: 0 };
  return {
    title: titleText(subjectOf(change)),
    blocks: [{ text: head, items: 0 }, ...(findings?.blocks ?? [none])],
    noun: findings?.noun ?? 'parts',
  };
}
