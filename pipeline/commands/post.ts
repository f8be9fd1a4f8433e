import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { knownLists } from '../cases/sources.ts';
import { type PostResult, postOutbox, previewOutbox, resolveEntry } from '../deliver/mail/post.ts';
import { type SmtpSettings, sendMail } from '../deliver/mail/smtp.ts';
import { readInputText } from '../disk/read.ts';
import { EXIT, NoInputError, UsageError } from '../model/errors.ts';
import { plain } from '../model/text.ts';
import { postText } from '../report/mail/post-words.ts';
import { type CommandLine, type Context, type Opts, printAnswer, textOf } from './command-line.ts';

/** Where drafts and sent mails are kept, where nothing else is named. */
const OUTBOX = 'outbox';

/** `bitwatch post`. */
export function declare({ program, add, contextOf, done }: CommandLine): void {
  add(
    program,
    'post',
    'sends the replies of the outbox to lists that opted in; without --send, says what it would do',
    ['bitwatch post', 'BITWATCH_SMTP_USER=me BITWATCH_SMTP_PASSWORD=… bitwatch post --send --host smtp.example.org'],
  )
    .option('--outbox <dir>', 'where drafts and sent mails are kept', OUTBOX)
    .option('--send', 'sends; without it, says what would be sent')
    .option('--host <name>', 'the SMTP server (also BITWATCH_SMTP_HOST)')
    .option('--port <n>', 'its port: 587 with STARTTLS, 465 with TLS (also BITWATCH_SMTP_PORT)')
    .option('--timeout <seconds>', 'how long an answer is waited for', '60')
    .option('--resolve <message-id>', 'a person’s decision on a mail that may have been sent')
    .option('--as <decision>', 'sent, or retry')
    .action(async (opts: Opts, command: Command) => done(await postCommand(contextOf(command), opts)));
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1']);

/** An option or variable that was given empty was not given. */
const givenOf = (value: unknown): string | null => textOf(value) || null;

/**
 * `bitwatch post`: what the outbox holds and what would be sent; with `--send`, sends it. 75 where a mail is left to a person or
 * to another run, 69 where the server failed: neither reads as "all sent".
 */
async function postCommand(context: Context, opts: Opts): Promise<number> {
  const outbox = givenOf(opts.outbox) ?? OUTBOX;
  const id = givenOf(opts.resolve);
  if (id !== null) return decide(context, outbox, id, givenOf(opts.as));
  const sender = opts.send === true ? senderOf(settingsOf(context, opts)) : null;
  // Before the first draft there is no outbox; one that was named is expected to be there.
  if (outbox !== OUTBOX && !existsSync(outbox)) throw new NoInputError(`${outbox}: no such outbox`);
  const lists = await knownLists(context);
  const results = sender === null ? previewOutbox(outbox, lists) : await postOutbox(outbox, lists, sender);
  await printAnswer(context, {
    json: () => ({ schema: 'bitwatch.post/1', mails: results }),
    text: () => postText(results),
  });
  return statusOf(results);
}

const senderOf =
  (settings: SmtpSettings): Parameters<typeof postOutbox>[2] =>
  (envelope, bytes) =>
    sendMail(settings, envelope, bytes);

async function decide(context: Context, outbox: string, id: string, as: string | null): Promise<number> {
  if (context.options.json || context.options.out.length > 0)
    throw new UsageError('post --resolve prints a path: leave out --json and --out');
  if (as !== 'sent' && as !== 'retry') throw new UsageError('--resolve needs --as sent or --as retry');
  const path = await resolveEntry(outbox, id, as);
  if (path === null) throw new NoInputError(`${outbox}: no mail ${JSON.stringify(id)} waits for a decision`);
  context.stdout.write(`${plain(path)}\n`);
  return EXIT.clean;
}

function statusOf(results: readonly PostResult[]): number {
  const kinds = results.map(({ outcome }) => outcome);
  if (kinds.some((outcome) => outcome.kind === 'not-sent' && outcome.server)) return EXIT.unavailable;
  const isDone = kinds.every(
    (outcome) => outcome.kind === 'ready' || (outcome.kind === 'accepted' && outcome.refused.length === 0),
  );
  return isDone ? EXIT.clean : EXIT.incomplete;
}

/** The server by options and environment; passwords come by the environment alone, for a command line is seen by all. */
function settingsOf(context: Context, opts: Opts): SmtpSettings {
  const { env } = context;
  if (context.options.offline) throw new UsageError('--offline and --send exclude each other');
  const host = givenOf(opts.host) ?? givenOf(env.BITWATCH_SMTP_HOST);
  if (host === null) throw new UsageError('--send needs --host NAME or BITWATCH_SMTP_HOST');
  const user = givenOf(env.BITWATCH_SMTP_USER);
  const password = givenOf(env.BITWATCH_SMTP_PASSWORD);
  if ((user === null) !== (password === null))
    throw new UsageError('BITWATCH_SMTP_USER and BITWATCH_SMTP_PASSWORD go together');
  const port = numberOf('--port', givenOf(opts.port) ?? givenOf(env.BITWATCH_SMTP_PORT) ?? '587', 65_535);
  const auth = user === null || password === null ? null : { user, password };
  // A relay on this machine needs no encryption to it; everywhere else STARTTLS is required, not tried.
  const tls = port === 465 ? 'implicit' : LOOPBACK.has(host) && auth === null ? 'none' : 'starttls';
  const ca = givenOf(env.BITWATCH_SMTP_CA);
  return {
    host,
    port,
    tls,
    auth,
    ca: ca === null ? null : readInputText(ca),
    timeout: numberOf('--timeout', String(opts.timeout), 3600) * 1000,
  };
}

function numberOf(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^[1-9]\d{0,4}$/.test(text) || value > max)
    throw new UsageError(`${name}: expected a number from 1 to ${max}, found ${JSON.stringify(text)}`);
  return value;
}
