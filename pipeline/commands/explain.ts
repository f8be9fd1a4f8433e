import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { decisionsOf } from '../cases/decisions.ts';
import { bitsIn, findBits, isNamed } from '../cases/find-bits.ts';
import { hostRegister, readHostFile } from '../cases/host-file.ts';
import { specsUnder } from '../cases/operand.ts';
import { stackOf } from '../cases/stack.ts';
import { topicsOf } from '../cases/topics.ts';
import { wholeReport } from '../cases/whole-report.ts';
import { isRule, RULES, ruleOf } from '../judge/catalogue.ts';
import { decisionsOn, selectorText } from '../judge/decisions.ts';
import { STACK_RULES, type StackRule } from '../judge/qemu-rules.ts';
import type { Rule } from '../judge/rule.ts';
import { featureOf } from '../judge/stack.ts';
import { parseBit } from '../model/bit-text.ts';
import { UsageError } from '../model/errors.ts';
import type { Decided } from '../model/finding.ts';
import { hasBit } from '../model/mask.ts';
import { plain } from '../model/text.ts';
import { chainOf, chainText } from '../report/bits/host-state.ts';
import { type BitStory, judgedOf, storiesText, storyOf } from '../report/bits/story.ts';
import { personText } from '../report/briefing.ts';
import { placeJson } from '../report/machine.ts';
import { itemLines } from '../report/text.ts';
import { topicJson, topicText } from '../report/topics.ts';
import { itemOf } from '../report/view.ts';
import { whyJson, whyText } from '../report/vmm/stack.ts';
import { wrap } from '../report/wrap.ts';
import type { Specs } from '../specs/store.ts';
import { type CommandLine, type Context, KVM_OPTION, type Opts, printAnswer, textOf } from './command-line.ts';

/** `bitwatch explain WHAT`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(
    program,
    'explain <what>',
    'a bit, leaf, feature, family, MSR, attribute, XFAM bit, control of the guest, release, kernel, MRSEAM, rule or finding',
    [
      'bitwatch explain WAITPKG',
      'bitwatch explain UMWAIT_CONTROL',
      'bitwatch explain XFAM.LBR',
      'bitwatch explain native-added',
    ],
  )
    .option(...KVM_OPTION)
    .option('--module <release>', 'with --kvm or --qemu: why a TD has the bit or not under that release')
    .option('--qemu <qemu>', 'a version, a specification file, or GITDIR[@REV]; the newest where --module stands alone')
    .option('--host <file>', 'the CPUID of the host: what cpuid -r prints, or a capture')
    .action((what: string, opts: Opts, command: Command) => {
      const context = contextOf(command);
      const isStack = [opts.module, opts.qemu, opts.host].some((value) => value !== undefined);
      return isStack ? whyCommand(context, what, opts) : explainCommand(context, what, textOf(opts.kvm));
    });
}

/** Everything that a name may mean is told, each with its answer in the first line. */
async function explainCommand(context: Context, text: string, kvm: string | null): Promise<void> {
  const rule = isRule(text) ? ruleOf(text) : STACK_RULES.find(({ id }) => id === text);
  if (rule !== undefined) return explainRule(context, rule);
  const specs = await specsUnder(context, await specsOf(context), kvm);
  if (/^[0-9a-f]{16}$/.test(text)) return explainFingerprint(context, specs, text);
  const topics = topicsOf(specs, text);
  const isBit = parseBit(text) !== null || isNamed(specs, text);
  // What is neither is refused as a bit would be, with a suggestion.
  const bits = isBit || topics.length === 0 ? findBits(specs, text, besideBits(specs)) : [];
  const judged = bits.length === 0 ? [] : judgedOf(specs);
  const stories = bits.flatMap(({ place, mask }) => bitsIn(mask).map((bit) => storyOf(specs, place, bit, judged)));
  return printAnswer(context, {
    json: () => ({
      schema: 'bitwatch.explain/1',
      bits: stories.map((story) => ({
        ...story,
        place: placeJson(story.place),
        decided: decidedOn(context, specs, story),
        clobbers: chainOf(specs, story),
      })),
      topics: topics.map(topicJson),
    }),
    text: () =>
      [
        ...topics.map(topicText),
        ...storiesText(stories, (story) =>
          [...decidedOn(context, specs, story).flatMap(decidedLines), chainText(specs, story)].join('\n'),
        ),
      ].join('\n'),
  });
}

type DecidedOn = Decided & { readonly selector: string };

/** What people decided on a bit, where it holds. */
function decidedOn(context: Context, specs: Specs, { place, bit, verdicts }: BitStory): readonly DecidedOn[] {
  const isExposed = verdicts.some(({ per }) => per.some(({ verdict }) => verdict === 'exposed'));
  return decisionsOn(decisionsOf(specs), { place, bit, isExposed }, context.today()).map(
    ({ selector, reason, by, until }) => ({ selector: selectorText(selector), reason, by, until }),
  );
}

const decidedLines = ({ selector, ...person }: DecidedOn): readonly string[] =>
  wrap(plain(`${selector}: ${personText(person)}`), '  decided: ');

const besideBits = (specs: Specs) => ({
  kinds: ['family', 'MSR', 'attribute', 'XFAM bit', 'control of the guest', 'release', 'kernel', 'rule', 'finding'],
  names: [
    ...[...RULES, ...STACK_RULES].map(({ id }) => id),
    ...specs.releases.map(({ module }) => module.release),
    ...specs.policies.map(({ version }) => version),
    ...specs.knowledge.clobbers.flatMap(({ msrs }) => msrs),
  ],
});

/** Why a TD has a bit or not, under one module, KVM and QEMU, and on one host where it is named. */
async function whyCommand(context: Context, text: string, opts: Opts): Promise<void> {
  const specs = await specsOf(context);
  const stack = await stackOf(context, specs, {
    module: textOf(opts.module) ?? 'latest',
    kvm: textOf(opts.kvm) ?? 'latest',
    qemu: textOf(opts.qemu) ?? 'latest',
  });
  const file = textOf(opts.host);
  const host = file === null ? null : readHostFile(file).host;
  const answers = findBits(specs, text).flatMap(({ place, mask }) =>
    bitsIn(mask).map((bit) => {
      const value = host === null ? null : hostRegister(host, place);
      return { feature: featureOf(stack, place, bit), onHost: value === null ? null : hasBit(value, bit) };
    }),
  );
  return printAnswer(context, {
    json: () => whyJson(stack, answers),
    text: () => answers.map(({ feature, onHost }) => whyText(stack, feature, onHost)).join('\n'),
  });
}

function explainRule(context: Context, rule: Rule | StackRule): Promise<void> {
  const { id, title, level, mirror, why, action, scope } = rule;
  const other = mirror ?? `none: ${rule.noMirror ?? ''}`;
  return printAnswer(context, {
    json: () => ({ schema: 'bitwatch.rule/1', id, title, level, mirror, why, action, scope }),
    text: () =>
      `${[`${id} (${level})`, ...wrap(title, '  what:   '), ...wrap(why, '  why:    '), ...wrap(action, '  do:     '), ...wrap(other, '  mirror: ')].join('\n')}\n`,
  });
}

function explainFingerprint(context: Context, specs: Specs, fingerprint: string): Promise<void> {
  const report = wholeReport(specs, context.today());
  for (const review of report.reviews) {
    const finding = review.findings.find((candidate) => candidate.fingerprint === fingerprint);
    if (finding === undefined) continue;
    const item = itemOf(finding);
    return printAnswer(context, {
      json: () => ({
        schema: 'bitwatch.finding/1',
        review: review.id,
        command: review.command,
        headline: item.headline,
        because: item.because,
        todo: item.todo,
        finding: { ...finding },
      }),
      text: () => `${[...itemLines(item), ...wrap(review.command, '  reproduce: ')].join('\n')}\n`,
    });
  }
  throw new UsageError(`no finding has the fingerprint ${fingerprint}; \`bitwatch report --json\` lists them`);
}
