import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { unreadOf } from '../cases/coverage.ts';
import { parentOf } from '../cases/series/mails.ts';
import { statusOf, weigh } from '../cases/series/weigh.ts';
import { knownLists } from '../cases/sources.ts';
import { composeMail } from '../deliver/mail/compose.ts';
import { dateText } from '../deliver/mail/date-text.ts';
import { type DraftState, entryPath, putDraft } from '../deliver/mail/outbox.ts';
import { recipientsOf } from '../deliver/mail/recipients.ts';
import { letterTo } from '../deliver/mail/reply-to.ts';
import { writeFiles } from '../disk/write.ts';
import { type Address, readAddresses } from '../extract/mail/address.ts';
import { readDate } from '../extract/mail/date.ts';
import { bodyText, type Mail } from '../extract/mail/mail.ts';
import { formatMboxrd } from '../extract/mail/mbox.ts';
import { replyHash, seriesKey, silenceOf } from '../judge/reply.ts';
import { DataError, EXIT, UsageError } from '../model/errors.ts';
import { jsonText } from '../report/machine.ts';
import { type Quoted, replyText } from '../report/mail/reply.ts';
import { leftText, putText, silenceText } from '../report/mail/reply-words.ts';
import {
  type CommandLine,
  type Context,
  collect,
  type Opts,
  printFormats,
  type Target,
  targetsOf,
  textOf,
} from './command-line.ts';

/** Where drafts and sent mails are kept, where nothing else is named. */
const OUTBOX = 'outbox';

/** A draft, written elsewhere than into the outbox, and what became of it. */
const REPLY_FORMATS = ['eml', 'mboxrd', 'json'] as const;

/** `bitwatch reply FILE|MESSAGE-ID`. */
export function declare({ program, addFor, contextOf, done }: CommandLine): void {
  addFor(REPLY_FORMATS)(
    program,
    'reply <file-or-message-id>',
    'drafts the reply to a patch series: what it changes, for which releases, what stays open',
    [
      'bitwatch reply series.mbox --kernel ../linux --from "A. Name <name@example.org>"',
      'bitwatch reply 20260618120000.1-1-a@example.org --archive ../kvm/git/0.git --kernel ../linux --out eml=reply.eml',
    ],
  )
    .option('--archive <path>', 'where the series and its other versions are looked up, several times', collect, [])
    .option('--state <file>', 'where the state of the archives’ scan is kept')
    .option('--kernel <gitdir>', 'a clone of Linux that the series is applied to')
    .option('--base <rev>', 'the revision that the series is applied to')
    .option('--date <date>', 'the Date of the reply: ISO 8601 with a zone, or as in mail; now where none is named')
    .option('--from <name-and-address>', 'who writes: "A. Name <name@example.org>" (also BITWATCH_FROM)')
    .option('--opt-out <address>', 'where one writes to get no more replies; the address of --from where none is named')
    .option('--always', 'drafts it also where nothing at warning or above changes')
    .option('--outbox <dir>', 'where the draft goes, where no --out eml=PATH or mboxrd=PATH is named', OUTBOX)
    .action(async (operand: string, opts: Opts, command: Command) =>
      done(await replyCommand(contextOf(command), operand, opts)),
    );
}

/** An option or variable that was given empty was not given. */
const givenOf = (value: unknown): string | null => textOf(value) || null;

/**
 * `bitwatch reply FILE|MESSAGE-ID`: drafts the reply to a series, in the outbox or in the files that `--out eml=PATH` and `--out
 * mboxrd=PATH` name. Where nothing is to be said, says why and writes nothing.
 */
async function replyCommand(context: Context, operand: string, opts: Opts): Promise<number> {
  const from = senderOf(context, opts);
  const date = dateOf(context, opts);
  const asked = targetsOf(context.options.out, REPLY_FORMATS, ['mboxrd']);
  const targets = asked.flatMap(({ format, path }) => (format === 'json' ? [] : [{ format, path }]));
  const reports = asked.flatMap(({ format, path }) => (format === 'json' ? [{ format, path }] : []));
  const specs = await specsOf(context);
  const { effect, found } = await weigh(context, specs, operand, {
    archives: Array.isArray(opts.archive) ? opts.archive.map(String) : [],
    state: givenOf(opts.state),
    kernel: givenOf(opts.kernel),
    base: givenOf(opts.base),
    from: null,
  });
  const silence = silenceOf(effect, opts.always === true);
  const { id: series, version } = effect.series;
  const json = { schema: 'bitwatch.reply/1', series, version, silence, draft: null };
  const tell = (value: object, text: string): Promise<void> =>
    printFormats(context, reports, (format) => (format === 'json' ? jsonText(value) : text), 'text');
  if (silence !== null || effect.outcome.kind !== 'applied') {
    await tell(json, silence === null ? '' : silenceText(silence));
    // Silence that is meant is no failure, whatever an old version did or did not apply to.
    return silence?.kind === 'newer' ? EXIT.clean : statusOf(effect);
  }
  const parent = parentOf(found.series, effect.inputs);
  if (parent === null || parent.id === '')
    throw new DataError({
      where: { file: operand },
      expected: 'a Message-ID to answer',
      found: 'none',
      hint: 'mails that git format-patch wrote have none before they are sent',
    });
  const recipients = recipientsOf(parent, from.email, await knownLists(context));
  const [domain = ''] = from.email.split('@').slice(-1);
  const letter = letterTo(parent, recipients, {
    from,
    date,
    messageId: `bitwatch-${replyHash(parent.id, effect.outcome)}@${domain}`,
    body: replyText({
      effect,
      outcome: effect.outcome,
      parent: quotedOf(parent, null),
      patches: found.series.patches.flatMap(({ part, mail }) =>
        mail === parent ? [] : [quotedOf(mail, `${part}/${found.series.total}`)],
      ),
      unread: unreadOf(specs).length,
      optOut: givenOf(opts.optOut) ?? from.email,
    }),
  });
  const bytes = composeMail(letter);
  const { left } = recipients;
  if (left.length > 0) context.stderr.write(leftText(left));
  const { state, paths } = await deliver(targets, bytes, `reply-${seriesKey(effect)}`, givenOf(opts.outbox) ?? OUTBOX);
  const [to, cc] = [letter.to, letter.cc].map((list) => list.map(({ email }) => email));
  const draft = { parent: parent.id, messageId: letter.messageId, to, cc, left, state, paths };
  const isPrinted = targets.some(({ path }) => path === '-');
  await tell({ ...json, draft }, isPrinted ? '' : paths.map((path) => putText(state, path)).join(''));
  if (isPrinted) context.stdout.write(bytes.toString('utf8'));
  return EXIT.clean;
}

const quotedOf = (mail: Mail, part: string | null): Quoted => ({
  author: nameOf(mail),
  date: mail.date === null ? 'an unknown day' : dateText(mail.date),
  part,
  text: bodyText(mail),
});

const nameOf = ({ author: { name, email } }: Mail): string => (name === '' ? email : name);

/** Writes the files that are named, else the draft of the outbox. */
async function deliver(
  targets: readonly Target<'eml' | 'mboxrd'>[],
  bytes: Buffer,
  key: string,
  outbox: string,
): Promise<{ readonly state: DraftState; readonly paths: readonly string[] }> {
  if (targets.length === 0) {
    const put = await putDraft(outbox, key, bytes);
    const state = put === 'written' || put === 'unchanged' ? 'draft' : put;
    return { state: put, paths: [entryPath(outbox, { state, key })] };
  }
  const files = targets.filter(({ path }) => path !== '-');
  writeFiles(files.map(({ format, path }) => ({ path, content: format === 'mboxrd' ? formatMboxrd([bytes]) : bytes })));
  return { state: 'written', paths: files.map(({ path }) => path) };
}

/** Who writes, by option or environment: one address, for it is where people answer and opt out. */
function senderOf(context: Context, opts: Opts): Address {
  const text = givenOf(opts.from) ?? givenOf(context.env.BITWATCH_FROM);
  if (text === null) throw new UsageError('who writes? name yourself with --from "A. Name <name@example.org>"');
  const [address, ...others] = readAddresses(text);
  if (address === undefined || others.length > 0)
    throw new UsageError(`--from ${JSON.stringify(text)}: expected one address, such as "A. Name <name@example.org>"`);
  return address;
}

const ISO = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2}))?(?:Z|[+-]\d{2}:?\d{2})$/;

/** `--date` in epoch seconds: ISO 8601 with a zone, or as mail writes it; else the clock's. */
function dateOf(context: Context, opts: Opts): number {
  const text = givenOf(opts.date);
  if (text === null) {
    if (context.now === undefined) throw new UsageError('no clock: name the Date of the reply with --date');
    return context.now();
  }
  const seconds = ISO.test(text) ? Math.floor(Date.parse(text) / 1000) : readDate(text);
  if (seconds === null || !Number.isFinite(seconds))
    throw new UsageError(
      `--date ${JSON.stringify(text)}: expected 2026-11-21T10:00:00Z or Sat, 21 Nov 2026 10:00:00 +0000`,
    );
  return seconds;
}
