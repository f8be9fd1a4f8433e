import type { Command } from 'commander';
import type { Context } from './context.ts';

/** Where drafts and sent mails are kept, where nothing else is named. */
export const OUTBOX = 'outbox';

type Opts = Readonly<Record<string, unknown>>;

/** What a command needs of the program to be part of it. */
type Program = {
  readonly add: (name: string, description: string, example: string) => Command;
  readonly contextOf: (command: Command) => Context;
  readonly collect: (value: string, all: readonly string[]) => readonly string[];
  readonly done: (status: number) => void;
};

/** `bitwatch reply` and `bitwatch post`. */
export function addMail(program: Program): void {
  addReply(program);
  addPost(program);
}

function addReply({ add, contextOf, collect, done }: Program): void {
  add(
    'reply <file-or-message-id>',
    'drafts the reply to a patch series: what it changes, for which releases, what stays open',
    'bitwatch reply series.mbox --kernel ../linux --from "A. Name <name@example.org>"\n  bitwatch reply 20260618120000.1-1-a@example.org --archive ../kvm/git/0.git --kernel ../linux --out eml=reply.eml',
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

function addPost({ add, contextOf, done }: Program): void {
  add(
    'post',
    'sends the replies of the outbox to lists that opted in; without --send, says what it would do',
    'bitwatch post\n  BITWATCH_SMTP_USER=me BITWATCH_SMTP_PASSWORD=… bitwatch post --send --host smtp.example.org',
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
