import type { Command } from 'commander';

/** Where drafts and sent mails are kept, where nothing else is named. */
export const OUTBOX = 'outbox';

/** The options of `bitwatch post`. */
export const postCommandOptions = (command: Command): Command =>
  command
    .option('--outbox <dir>', 'where drafts and sent mails are kept', OUTBOX)
    .option('--send', 'sends; without it, says what would be sent')
    .option('--host <name>', 'the SMTP server (also BITWATCH_SMTP_HOST)')
    .option('--port <n>', 'its port: 587 with STARTTLS, 465 with TLS (also BITWATCH_SMTP_PORT)')
    .option('--timeout <seconds>', 'how long an answer is waited for', '60')
    .option('--resolve <message-id>', 'a person’s decision on a mail that may have been sent')
    .option('--as <decision>', 'sent, or retry');

/** The options of `bitwatch reply`: those of `bitwatch series`, and what a mail needs beside. */
export const replyCommandOptions = (
  command: Command,
  collect: (value: string, all: readonly string[]) => readonly string[],
): Command =>
  command
    .option('--archive <path>', 'where the series and its other versions are looked up, several times', collect, [])
    .option('--state <file>', 'where the state of the archives’ scan is kept')
    .option('--kernel <gitdir>', 'a clone of Linux that the series is applied to')
    .option('--base <rev>', 'the revision that the series is applied to')
    .option('--date <date>', 'the Date of the reply: ISO 8601 with a zone, or as in mail; now where none is named')
    .option('--from <name-and-address>', 'who writes: "A. Name <name@example.org>" (also BITWATCH_FROM)')
    .option('--opt-out <address>', 'where one writes to get no more replies; the address of --from where none is named')
    .option('--outbox <dir>', 'where the draft goes, where no --out eml=PATH is named', OUTBOX);
