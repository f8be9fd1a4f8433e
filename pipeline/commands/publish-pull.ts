import { join } from 'node:path';
import { specsDirectory } from '../cases/context.ts';
import { type Change, changeOf, pushChange } from '../deliver/branch.ts';
import { writeFiles } from '../deliver/files.ts';
import { itemOfDraft } from '../deliver/github/item.ts';
import { pullShelf } from '../deliver/github/pull.ts';
import { UsageError } from '../model/errors.ts';
import { plain } from '../model/text.ts';
import { codeSpan } from '../report/markdown.ts';
import { type Draft, titleText } from '../report/posting.ts';
import type { Context } from './context.ts';
import { checkSend, keepJob, linkOf, type PublishOptions, targetOf } from './publish.ts';
import { changeDraft } from './publish-drafts.ts';

export type ProposalOptions = PublishOptions & {
  readonly checkout: string;
  readonly branch: string;
  readonly into: string;
};

/**
 * `bitwatch publish pull`: proposes these specifications (--specs) to the repository of a checkout, as one commit on a branch and
 * one pull request. Where they are the same as the checkout's, it says so and asks the forge for nothing.
 */
export async function publishPull(context: Context, options: ProposalOptions): Promise<number> {
  const { checkout, branch, into } = options;
  const folder = context.options.specs;
  if (folder === null) throw new UsageError('publish pull needs --specs DIR, the specifications to propose');
  if (branch === into)
    throw new UsageError(`--branch and --into are both ${JSON.stringify(into)}: the branch is written over`);
  const target = targetOf(context, options);
  const proposal = { checkout, folder, branch, env: context.env };
  const change = await changeOf(proposal);
  if (change === null) {
    context.stdout.write('nothing new\n');
    return 0;
  }
  const draft = draftOf(change, await changeDraft(context, join(checkout, 'specs')));
  const item = itemOfDraft('pull', branch, draft, linkOf(context, options));
  if (options.drafts !== null)
    writeFiles([{ path: join(options.drafts, 'pull.md'), content: `Title: ${item.title}\n\n${item.body}` }]);
  // Before the push: it is a write too.
  if (options.send) await checkSend(context, target, context.env.GITHUB_TOKEN ?? '');
  for (const { kind, path } of change.files) context.stdout.write(`${kind} ${plain(path)}\n`);
  if (options.send) {
    const deed = await pushChange(proposal, change, messageOf(change));
    context.stdout.write(deed === 'pushed' ? `pushed ${plain(branch)}\n` : `${plain(branch)} has this already\n`);
  } else context.stdout.write(`would push ${plain(branch)}\n`);
  return keepJob(
    context,
    { ...options, state: options.state ?? join(specsDirectory(context), 'posted.yaml') },
    target,
    {
      kind: 'pull',
      items: [item],
      notes: [],
      shelf: async (client, api, place, login) =>
        pullShelf(client, api, place, login, { branch, into, hash: item.hash }),
    },
  );
}

/** What is new in a few words: releases and KVM versions by the names of their files. */
export function subjectOf({ files }: Change): string {
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

const messageOf = (change: Change): string =>
  `${subjectOf(change)}\n\nExtracted from the sources that specs/sources.yaml names. Hold the new files\nagainst their evidence before they are merged.\n`;

/** The files first, then what they change in the findings. */
function draftOf(change: Change, findings: Draft | null): Draft {
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
