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
