import type { Command } from 'commander';
import { type CommandLine, collect, type Opts, textOf, textsOf } from './command-line.ts';

/** Where drafts and sent mails are kept, where nothing else is named. */
export const OUTBOX = 'outbox';

/** What reads and writes mail: `archive`, `merge`, `series`, `reply` and `post`. Returns the group that `archive fetch` joins. */
export function addMail(line: CommandLine): Command {
  const archive = addArchive(line);
  addSeries(line);
  addReply(line);
  addPost(line);
  return archive;
}

function addArchive({ program, add, group, contextOf }: CommandLine): Command {
  const archive = group('archive', 'mail archives: public-inbox git repositories, mbox, maildir, .eml');
  add(
    archive,
    'scan <paths...>',
    'reads what is new and keeps a small state: threads that name TDX, and what was skipped and why',
    [
      'bitwatch archive scan ../kvm/git/0.git ../linux-coco/git/0.git',
      'bitwatch archive scan kvm/git/0.git --shard 1/4 --part part-1.json',
    ],
  )
    .option('--state <file>', 'where the state is kept')
    .option('--jobs <n>', 'reader processes at once')
    .option('--shard <i/n>', 'only this share of what is new')
    .option('--part <file>', 'where a share goes')
    .option('--subjects', 'lists TDX patch subjects only')
    .action(async (paths: string[], opts: Opts, command: Command) =>
      (await import('./archive.ts')).archiveScanCommand(contextOf(command), paths, {
        state: textOf(opts.state),
        shard: textOf(opts.shard),
        part: textOf(opts.part),
        subjects: opts.subjects === true,
        jobs: textOf(opts.jobs),
      }),
    );
  add(program, 'merge <parts...>', 'joins the shards of a scan to what one run would have left', [
    'bitwatch merge part-1.json part-2.json --state archives.json',
  ])
    .option('--state <file>', 'where the state is kept')
    .action(async (parts: string[], opts: Opts, command: Command) =>
      (await import('./archive.ts')).mergeCommand(contextOf(command), parts, textOf(opts.state)),
    );
  return archive;
}

function addSeries({ program, add, contextOf, done }: CommandLine): void {
  add(
    program,
    'series <file-or-message-id>',
    'what a patch series does to KVM’s policy and to the TDs of every release',
    [
      'bitwatch series series.mbox --kernel ../linux',
      'bitwatch series 20260618120000.1-1-a@example.org --archive ../kvm/git/0.git --kernel ../linux --base v6.16',
    ],
  )
    .option('--archive <path>', 'a mail archive, several times', collect, [])
    .option('--state <file>', 'where the state of the scan is kept')
    .option('--kernel <gitdir>', 'a clone of Linux; nothing is written to it')
    .option('--base <rev>', 'what to apply it to, instead of what it names or what is found')
    .action(async (operand: string, opts: Opts, command: Command) =>
      done(
        await (await import('./series.ts')).seriesCommand(contextOf(command), operand, {
          archives: textsOf(opts.archive),
          state: textOf(opts.state),
          kernel: textOf(opts.kernel),
          base: textOf(opts.base),
        }),
      ),
    );
}

function addReply({ program, add, contextOf, done }: CommandLine): void {
  add(
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
    .option('--outbox <dir>', 'where the draft goes, where no --out eml=PATH or mboxrd=PATH is named', OUTBOX)
    .action(async (operand: string, opts: Opts, command: Command) =>
      done(await (await import('./reply.ts')).replyCommand(contextOf(command), operand, opts)),
    );
}

function addPost({ program, add, contextOf, done }: CommandLine): void {
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
    .action(async (opts: Opts, command: Command) =>
      done(await (await import('./post.ts')).postCommand(contextOf(command), opts)),
    );
}
