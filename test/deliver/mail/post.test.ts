import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { composeMail } from '../../../pipeline/deliver/mail/compose.ts';
import { listOutbox, putDraft } from '../../../pipeline/deliver/mail/outbox.ts';
import { postOutbox, previewOutbox, resolveEntry } from '../../../pipeline/deliver/mail/post.ts';
import { type SmtpSettings, sendMail } from '../../../pipeline/deliver/mail/smtp.ts';
import { ROOT } from '../../helpers/run.ts';
import { folder, LISTS, letter } from './letters.ts';
import { CERTIFICATE, type Intercept, settingsFor, startInterceptor, startServer, type TestServer } from './server.ts';

const KEY = 'reply-1';
const DRAFT = composeMail(letter());

async function outboxWith(bytes: Buffer = DRAFT, key = KEY): Promise<string> {
  const outbox = join(folder(), 'outbox');
  await putDraft(outbox, key, bytes);
  return outbox;
}

const sender =
  (settings: SmtpSettings): Parameters<typeof postOutbox>[2] =>
  (envelope, bytes) =>
    sendMail(settings, envelope, bytes);
const statesOf = (outbox: string): readonly string[] => listOutbox(outbox).map(({ state, key }) => `${state} ${key}`);

async function server(options: Parameters<typeof startServer>[0] = {}): Promise<TestServer> {
  const started = await startServer(options);
  onTestFinished(started.close);
  return started;
}

async function interceptor(target: number, intercept: Intercept): Promise<TestServer> {
  const started = await startInterceptor(target, intercept);
  onTestFinished(started.close);
  return started;
}

const at =
  (pattern: RegExp, what: ReturnType<Intercept>): Intercept =>
  (line) =>
    line !== null && pattern.test(line) ? what : undefined;

test('a server that takes a mail gets it once, byte for byte but for line breaks, and a second run sends nothing', async () => {
  const { port, deliveries } = await server();
  const outbox = await outboxWith(composeMail(letter({ body: '> é\n\n.\n..\nFrom here on ≥ 1\n-- \nbot\n' })));
  const draft = listOutbox(outbox)[0]?.bytes.toString('utf8');
  const results = await postOutbox(outbox, LISTS, sender(settingsFor(port)));
  expect(results.map(({ outcome }) => outcome)).toMatchObject([{ kind: 'accepted', refused: [] }]);
  expect(deliveries.map(({ to }) => to)).toEqual([['jane@example.com', 'open@lists.example.org']]);
  expect(deliveries[0]?.text.replaceAll('\r\n', '\n')).toBe(draft);
  expect(statesOf(outbox)).toEqual([`sent ${KEY}`]);
  expect(await postOutbox(outbox, LISTS, sender(settingsFor(port)))).toEqual([]);
  expect(await putDraft(outbox, KEY, DRAFT)).toBe('sent');
  expect(deliveries).toHaveLength(1);
});

test('a preview changes nothing and sends nothing', async () => {
  const outbox = await outboxWith();
  expect(previewOutbox(outbox, LISTS)).toMatchObject([{ outcome: { kind: 'ready' }, id: letter().messageId }]);
  expect(statesOf(outbox)).toEqual([`draft ${KEY}`]);
});

/** Both at once: a server waits a while before it greets, and that is most of what a session takes. */
async function withAndWithoutPipelining(work: (hidePIPELINING: boolean) => Promise<void>): Promise<void> {
  await Promise.all([false, true].map(work));
}

const refusing = (code: number) => Object.assign(new Error('no'), { responseCode: code });

test.each([
  ['greeting', { onConnect: (_session, done) => done(refusing(554)) }, 'not-sent', 'draft'],
  ['sender, for good', { onMailFrom: (_address, _session, done) => done(refusing(550)) }, 'rejected', 'rejected'],
  ['sender, for now', { onMailFrom: (_address, _session, done) => done(refusing(451)) }, 'not-sent', 'draft'],
  ['all recipients', { onRcptTo: (_address, _session, done) => done(refusing(550)) }, 'rejected', 'rejected'],
  ['all recipients, for now', { onRcptTo: (_address, _session, done) => done(refusing(450)) }, 'not-sent', 'draft'],
  [
    'after the text',
    { onData: (stream, _session, done) => stream.resume().on('end', () => done(refusing(554))) },
    'rejected',
    'rejected',
  ],
  [
    'after the text, for now',
    { onData: (stream, _session, done) => stream.resume().on('end', () => done(refusing(451))) },
    'not-sent',
    'draft',
  ],
] as const satisfies readonly [string, Parameters<typeof startServer>[0], string, string][])(
  'a server that refuses at %s',
  async (_stage, options, kind, state) => {
    await withAndWithoutPipelining(async (hidePIPELINING) => {
      const { port, deliveries } = await server({ ...options, hidePIPELINING });
      const outbox = await outboxWith();
      const results = await postOutbox(outbox, LISTS, sender(settingsFor(port)));
      expect(results.map(({ outcome }) => outcome.kind)).toEqual([kind]);
      expect([statesOf(outbox), deliveries]).toEqual([[`${state} ${KEY}`], []]);
    });
  },
);

test('a recipient that is refused is named, and the others get the mail once', async () => {
  const { port, deliveries } = await server({
    onRcptTo: ({ address }, _session, done) => done(address.startsWith('open') ? refusing(550) : null),
  });
  const outbox = await outboxWith();
  const [result] = await postOutbox(outbox, LISTS, sender(settingsFor(port)));
  expect(result?.outcome).toMatchObject({ kind: 'accepted', refused: [{ address: 'open@lists.example.org' }] });
  expect(deliveries.map(({ to }) => to)).toEqual([['jane@example.com']]);
  expect(readFileSync(join(outbox, 'sent', `${KEY}.txt`), 'utf8')).toContain('refused: open@lists.example.org');
});

test.each([
  ['the greeting', () => 'cut' as const, 'not-sent'],
  ['EHLO', at(/^EHLO/, 'cut'), 'not-sent'],
  ['MAIL', at(/^MAIL/, 'cut'), 'not-sent'],
  ['RCPT', at(/^RCPT/, 'cut'), 'not-sent'],
  ['DATA', at(/^DATA/, 'cut'), 'not-sent'],
  ['the first line of the text', at(/^From:/, 'cut'), 'uncertain'],
  ['the end of the text', at(/^\.$/, 'cut'), 'uncertain'],
  ['421 instead of an answer to EHLO', at(/^EHLO/, { answer: '421 going down' }), 'not-sent'],
  ['421 instead of an answer to the text', at(/^\.$/, { answer: '421 going down' }), 'uncertain'],
  ['500 to EHLO', at(/^(?:EHLO|HELO)/, { answer: '550 not you' }), 'not-sent'],
] as const)('a connection that ends at %s: delivered never twice', async (_stage, intercept, kind) => {
  await withAndWithoutPipelining(async (hidePIPELINING) => {
    const { port, deliveries } = await server({ hidePIPELINING });
    const between = await interceptor(port, intercept);
    const outbox = await outboxWith();
    const results = await postOutbox(outbox, LISTS, sender(settingsFor(between.port, { timeout: 250 })));
    expect(results.map(({ outcome }) => outcome.kind)).toEqual([kind]);
    expect(deliveries).toEqual([]);
    // A healthy server afterwards gets it where it was surely not sent, and never where that is unknown.
    await postOutbox(outbox, LISTS, sender(settingsFor(port)));
    expect(deliveries).toHaveLength(kind === 'not-sent' ? 1 : 0);
  });
});

test('a server that refuses DATA for good', async () => {
  const { port, deliveries } = await server({ hidePIPELINING: true });
  const between = await interceptor(port, at(/^DATA/, { answer: '552 too much' }));
  const outbox = await outboxWith();
  const results = await postOutbox(outbox, LISTS, sender(settingsFor(between.port)));
  expect(results[0]?.outcome).toMatchObject({ kind: 'rejected' });
  expect([statesOf(outbox), deliveries]).toEqual([[`rejected ${KEY}`], []]);
});

test.each([
  ['is cut', 'cut-answer'],
  ['is lost', 'lose-answer'],
  ['comes after the time-out', { delay: 600 }],
] as const)(
  'an answer to the text that %s leaves the mail to a person, though it was delivered',
  async (_how, what) => {
    const { port, deliveries } = await server();
    const between = await interceptor(port, at(/^\.$/, what));
    const outbox = await outboxWith();
    const results = await postOutbox(outbox, LISTS, sender(settingsFor(between.port, { timeout: 300 })));
    expect(results.map(({ outcome }) => outcome.kind)).toEqual(['uncertain']);
    expect(deliveries).toHaveLength(1);
    for (let run = 0; run < 2; run += 1)
      expect(await postOutbox(outbox, LISTS, sender(settingsFor(port)))).toMatchObject([
        { outcome: { kind: 'undecided' }, id: letter().messageId },
      ]);
    expect(await putDraft(outbox, KEY, DRAFT)).toBe('uncertain');
    expect(deliveries).toHaveLength(1);
  },
);

test.each([['EHLO'], ['MAIL'], ['RCPT'], ['DATA'], ['.']])(
  'an answer to %s that is late but in time is waited for',
  async (start) => {
    const { port, deliveries } = await server({ hidePIPELINING: true });
    const between = await interceptor(port, (line) => (line?.startsWith(start) ? { delay: 100 } : undefined));
    const outbox = await outboxWith();
    const results = await postOutbox(outbox, LISTS, sender(settingsFor(between.port, { timeout: 2000 })));
    expect(results[0]?.outcome.kind).toBe('accepted');
    expect(deliveries).toHaveLength(1);
  },
);

test.each([['EHLO'], ['MAIL'], ['RCPT'], ['DATA']])('no answer to %s in time: surely not sent', async (start) => {
  const { port, deliveries } = await server({ hidePIPELINING: true });
  const between = await interceptor(port, (line) => (line?.startsWith(start) ? 'lose-answer' : undefined));
  const outbox = await outboxWith();
  const results = await postOutbox(outbox, LISTS, sender(settingsFor(between.port, { timeout: 200 })));
  expect(results[0]?.outcome.kind).toBe('not-sent');
  expect([statesOf(outbox), deliveries]).toEqual([[`draft ${KEY}`], []]);
});

test('of two drafts that answer one mail one goes out, in one run as in two, and one to another mail too', async () => {
  const { port, deliveries } = await server();
  const outbox = await outboxWith();
  const other = (messageId: string, inReplyTo = letter().inReplyTo) =>
    composeMail(letter({ messageId: `${messageId}@example.org`, inReplyTo, references: [inReplyTo] }));
  await putDraft(outbox, 'reply-2', other('bitwatch-1111111111111111'));
  await putDraft(outbox, 'reply-3', other('bitwatch-2222222222222222', '20261120.9@example.com'));
  const kinds = async () =>
    (await postOutbox(outbox, LISTS, sender(settingsFor(port)))).map(({ key, outcome }) => [
      key,
      outcome.kind === 'held' ? outcome.why.kind : outcome.kind,
    ]);
  expect(await kinds()).toEqual([
    [KEY, 'accepted'],
    ['reply-2', 'answered'],
    ['reply-3', 'accepted'],
  ]);
  expect(await kinds()).toEqual([['reply-2', 'answered']]);
  expect(deliveries).toHaveLength(2);
});

test('a draft that the server refused for good keeps no later answer to the same mail back', async () => {
  const outbox = await outboxWith();
  const sent: string[] = [];
  const refuse = async () => ({ kind: 'rejected', answer: '550 no' }) as const;
  const take: Parameters<typeof postOutbox>[2] = async (_, bytes) => {
    sent.push(/^Message-ID: <(.*)>/im.exec(bytes.toString())?.[1] ?? '');
    return { kind: 'accepted', answer: '250 ok', refused: [] };
  };
  await postOutbox(outbox, LISTS, refuse);
  await putDraft(outbox, 'reply-2', composeMail(letter({ messageId: 'bitwatch-1111111111111111@example.org' })));
  expect((await postOutbox(outbox, LISTS, take)).map(({ key, outcome }) => [key, outcome.kind])).toEqual([
    ['reply-2', 'accepted'],
  ]);
  expect([[...statesOf(outbox)].sort(), sent]).toEqual([
    [`rejected ${KEY}`, 'sent reply-2'],
    ['bitwatch-1111111111111111@example.org'],
  ]);
});

test('a person decides on an uncertain mail: sent, or to be tried again', async () => {
  const { port, deliveries } = await server();
  const outbox = await outboxWith();
  const uncertain = async () => ({ kind: 'uncertain', reason: 'nobody knows' }) as const;
  await postOutbox(outbox, LISTS, uncertain);
  expect(await resolveEntry(outbox, 'nobody@example.org', 'retry')).toBeNull();
  expect(await resolveEntry(outbox, `<${letter().messageId}>`, 'retry')).toContain('draft');
  await postOutbox(outbox, LISTS, uncertain);
  expect(await resolveEntry(outbox, KEY, 'sent')).toContain('sent');
  await postOutbox(outbox, LISTS, sender(settingsFor(port)));
  expect([statesOf(outbox), deliveries]).toEqual([[`sent ${KEY}`], []]);
});

test('a recorder that fails after the sending leaves the mail to a person', async () => {
  const { port, deliveries } = await server();
  const outbox = await outboxWith();
  const failing: Parameters<typeof postOutbox>[2] = async (envelope, bytes) => {
    await sendMail(settingsFor(port), envelope, bytes);
    throw new Error('the disk is full');
  };
  await expect(postOutbox(outbox, LISTS, failing)).rejects.toThrow('the disk is full');
  expect(statesOf(outbox)).toEqual([`sending ${KEY}`]);
  expect(previewOutbox(outbox, LISTS)).toMatchObject([{ outcome: { kind: 'crashed' } }]);
  expect(await putDraft(outbox, KEY, DRAFT)).toBe('sending');
  expect(await postOutbox(outbox, LISTS, sender(settingsFor(port)))).toMatchObject([{ outcome: { kind: 'crashed' } }]);
  expect([statesOf(outbox), deliveries.length]).toEqual([[`uncertain ${KEY}`], 1]);
});

/** The sending half as plain JavaScript, for a process of its own. */
function compiled(): string {
  const dist = folder();
  execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), [
    ...['--ignoreConfig', '--incremental', 'false', '--outDir', dist, '--rootDir', ROOT, '--noCheck'],
    ...['--module', 'nodenext', '--target', 'es2023', '--types', 'node', '--skipLibCheck'],
    ...['--rewriteRelativeImportExtensions', '--allowImportingTsExtensions', '--noEmit', 'false'],
    join(ROOT, 'pipeline/deliver/mail/post.ts'),
    join(ROOT, 'pipeline/deliver/mail/smtp.ts'),
  ]);
  writeFileSync(join(dist, 'package.json'), '{"type":"module"}');
  symlinkSync(join(ROOT, 'node_modules'), join(dist, 'node_modules'));
  return dist;
}

test('a process that is killed while it waits for the answer: the next run reports the mail and does not repeat it', async () => {
  const { port, deliveries } = await server();
  const outbox = await outboxWith();
  const dist = compiled();
  const killed = await new Promise<boolean>((resolve, reject) => {
    startInterceptor(port, (line) => {
      if (line !== '.') return undefined;
      setTimeout(() => child.kill('SIGKILL'), 100);
      return 'lose-answer';
    }).then((between) => {
      onTestFinished(between.close);
      writeFileSync(
        join(dist, 'run.js'),
        `import { postOutbox } from './pipeline/deliver/mail/post.js';
import { sendMail } from './pipeline/deliver/mail/smtp.js';
const settings = ${JSON.stringify(settingsFor(between.port))};
await postOutbox(${JSON.stringify(outbox)}, ${JSON.stringify(LISTS)}, (envelope, bytes) => sendMail(settings, envelope, bytes));`,
      );
      child = spawn(process.execPath, [join(dist, 'run.js')], { stdio: ['ignore', 'ignore', 'inherit'] });
      child.on('close', (_code, signal) => resolve(signal === 'SIGKILL'));
    }, reject);
    let child: ReturnType<typeof spawn>;
  });
  expect([killed, deliveries.length, statesOf(outbox)]).toEqual([true, 1, [`sending ${KEY}`]]);
  // The dead run's lock does not stand in the way.
  const results = await postOutbox(outbox, LISTS, sender(settingsFor(port)));
  expect(results).toMatchObject([{ outcome: { kind: 'crashed' }, id: letter().messageId }]);
  expect([statesOf(outbox), deliveries.length]).toEqual([[`uncertain ${KEY}`], 1]);
});

test('two runs at once: one works, the other is told so', async () => {
  const { port, deliveries } = await server();
  const between = await interceptor(port, at(/^\.$/, { delay: 200 }));
  const outbox = await outboxWith();
  const runs = [between.port, port].map((each) => postOutbox(outbox, LISTS, sender(settingsFor(each))));
  const results = await Promise.allSettled(runs);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(deliveries).toHaveLength(1);
});

test('a server that is down ends the run; what was not tried says so', async () => {
  const outbox = await outboxWith();
  const second = letter({
    messageId: 'bitwatch-2@example.org',
    inReplyTo: 'other@example.com',
    references: ['other@example.com'],
  });
  await putDraft(outbox, 'reply-2', composeMail(second));
  const { port, close } = await startServer();
  await close();
  const results = await postOutbox(outbox, LISTS, sender(settingsFor(port, { timeout: 500 })));
  expect(results.map(({ outcome }) => outcome.kind)).toEqual(['not-sent', 'untried']);
  expect(statesOf(outbox)).toEqual([`draft ${KEY}`, 'draft reply-2']);
});

test('STARTTLS with authentication; a certificate that is not trusted, or no STARTTLS, sends neither password nor mail', async () => {
  const asked: string[] = [];
  const { port, deliveries } = await server({
    disabledCommands: [],
    authOptional: false,
    onAuth: ({ username = '', password = '' }, _session, done) => {
      asked.push(username);
      if (password === 'right') done(null, { user: username });
      else done(refusing(535));
    },
  });
  const { port: plainPort, deliveries: plainDeliveries } = await server();
  const outbox = await outboxWith();
  const auth = { user: 'bot', password: 'right' };
  const settings = settingsFor(port, { tls: 'starttls', ca: CERTIFICATE, auth });
  const kindOf = async (tried: SmtpSettings): Promise<string | undefined> =>
    (await postOutbox(outbox, LISTS, sender(tried)))[0]?.outcome.kind;
  expect(await kindOf({ ...settings, ca: null })).toBe('not-sent');
  expect(await kindOf({ ...settings, port: plainPort })).toBe('not-sent');
  expect(await kindOf({ ...settings, port: plainPort, tls: 'none' })).toBe('not-sent');
  expect(asked).toEqual([]);
  expect(await kindOf({ ...settings, auth: { ...auth, password: 'wrong' } })).toBe('not-sent');
  expect(asked).toEqual(['bot']);
  expect(await kindOf(settings)).toBe('accepted');
  expect([deliveries.length, plainDeliveries.length]).toEqual([1, 0]);
});

test.each([['is cut'], ['never comes']])('STARTTLS or a password whose answer %s: surely not sent', async (how) => {
  const { port, deliveries, cut } = await server({
    disabledCommands: [],
    authOptional: false,
    onAuth: () => {
      if (how === 'is cut') cut();
    },
  });
  const between = await interceptor(port, at(/^STARTTLS/, how === 'is cut' ? 'cut' : 'silence'));
  const outbox = await outboxWith();
  for (const each of [port, between.port]) {
    const settings = settingsFor(each, { tls: 'starttls', ca: CERTIFICATE, timeout: 300 });
    const auth = { user: 'bot', password: 'right' };
    const [result] = await postOutbox(outbox, LISTS, sender({ ...settings, auth }));
    expect(result?.outcome).toMatchObject({ kind: 'not-sent', server: true });
  }
  expect([statesOf(outbox), deliveries]).toEqual([[`draft ${KEY}`], []]);
});

test('a draft to a list that did not opt in, to none, or of a broken form stays where it is', async () => {
  const outbox = join(folder(), 'outbox');
  const list = (email: string) => [{ name: '', email }];
  await putDraft(outbox, 'a', composeMail(letter({ cc: list('shut@lists.example.org') })));
  await putDraft(outbox, 'b', composeMail(letter({ cc: [...letter().cc, ...list('linux-kernel@vger.kernel.org')] })));
  await putDraft(outbox, 'c', composeMail(letter({ cc: [] })));
  await putDraft(outbox, 'd', Buffer.from(DRAFT.toString().replace('\nTo: ', '\nBcc: all@example.org\nTo: ')));
  const never = async (): Promise<never> => {
    throw new Error('nothing may be sent');
  };
  const results = await postOutbox(outbox, LISTS, never);
  expect(results.map(({ outcome }) => outcome)).toMatchObject([
    { kind: 'held', why: { kind: 'not-opted-in', lists: ['shut@lists.example.org'] } },
    { kind: 'held', why: { kind: 'answered' } },
    { kind: 'held', why: { kind: 'answered' } },
    { kind: 'held', why: { kind: 'invalid' } },
  ]);
});
