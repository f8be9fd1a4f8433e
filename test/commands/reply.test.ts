import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bodyText, readMail } from '../../pipeline/extract/mail/mail.ts';
import { SCHEMAS } from '../../pipeline/report/schema.ts';
import { CERTIFICATE, startServer } from '../deliver/mail/server.ts';
import { gitEnv, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch, type RunResult } from '../helpers/run.ts';
import { type Edit, edited, kernelClone, mboxFile, postingOf, TDX } from '../helpers/series.ts';
import { FEW, fewSpecs, smallSpecs } from '../helpers/specs.ts';

const MORE = 'feature_bit(X86_FEATURE_HLE)';
const DENIES: Edit = {
  title: 'Deny QUINCE',
  files: edited(TDX, MORE, `${MORE} | __feature_bit(X86_FEATURE_QUINCE)`),
};
const DOCUMENTS: Edit = { title: 'Say so', files: { 'Documentation/list.rst': 'A list.\n' } };
const FROM = ['--from', 'A Bot <bot@example.org>', '--date', '2026-11-21T10:00:00Z'];

const reply = (mails: readonly string[], kernel: string, ...more: readonly string[]): Promise<RunResult> =>
  bitwatch(['reply', mboxFile(mails), '--kernel', kernel, '--specs', fewSpecs(), ...FROM, ...more]);

test('a series gets one draft in the outbox, the same bytes each time, to the one patch that matters', async () => {
  const { path, base } = kernelClone();
  const outbox = join(temporaryFolder(), 'outbox');
  const mails = postingOf([DENIES, DOCUMENTS], { trailers: `base-commit: ${base}` });
  const first = await reply(mails, path, '--outbox', outbox);
  expect([first.status, first.stderr]).toEqual([0, '']);
  const [name = ''] = readdirSync(join(outbox, 'draft'));
  expect(first.stdout).toBe(`wrote ${join(outbox, 'draft', name)}\n`);
  const bytes = readFileSync(join(outbox, 'draft', name));
  const mail = readMail(bytes);
  expect([mail.subject, mail.links, mail.to, mail.cc.map(({ email }) => email)]).toEqual([
    'Re: [PATCH 1/2] Deny QUINCE',
    ['v1.0@example.org', 'v1.1@example.org'],
    [{ name: 'Jane Doe', email: 'jane@example.org' }],
    ['kvm@vger.kernel.org', 'joe@example.org', 'linux-coco@lists.linux.dev'],
  ]);
  // The line that does it is longer than a mail's: it is left out whole.
  expect(bodyText(mail)).toMatch(/^> \[\.\.\.\]$/m);
  expect(bodyText(mail)).toMatch(/^\* ABI break for user space that sets 7\.0\.EBX ADX\[19\]:/m);
  expect(bodyText(mail)).toContain(`base-commit: ${base}\n             as the series names it\n`);
  expect(bodyText(mail)).toMatch(/^This series makes KVM deny ADX \(7\.0\.EBX\[19\]\) on TDX module$/m);
  const again = await reply(mails, path, '--outbox', outbox);
  expect(again.stdout).toContain('the same as before');
  expect(readFileSync(join(outbox, 'draft', name)).equals(bytes)).toBe(true);
  // A second posting of the same version replaces the draft, and is not a second one.
  await reply(mails, path, '--outbox', outbox, '--date', '2026-11-22T10:00:00Z');
  expect(readdirSync(join(outbox, 'draft'))).toEqual([name]);
});

test('an .eml, and an mboxrd that git reads', async () => {
  const { path } = kernelClone();
  const folder = temporaryFolder();
  const [eml, mbox] = [join(folder, 'a.eml'), join(folder, 'a.mbox')];
  const result = await reply(postingOf([DENIES]), path, '--out', `eml=${eml}`, '--out', `mboxrd=${mbox}`);
  expect(result.stdout).toBe(`wrote ${eml}\nwrote ${mbox}\n`);
  const split = join(folder, 'split');
  mkdirSync(split);
  execFileSync('git', ['mailsplit', '--mboxrd', `-o${split}`, mbox], { env: gitEnv });
  const [only = '', ...others] = readdirSync(split);
  expect(others).toEqual([]);
  const text = readFileSync(join(split, only), 'utf8');
  expect(text.trim()).toBe(`From mboxrd@z Thu Jan  1 00:00:00 1970\n${readFileSync(eml, 'utf8')}`.trim());
  const info = execFileSync('git', ['mailinfo', join(folder, 'msg'), join(folder, 'patch')], {
    env: gitEnv,
    input: readFileSync(eml),
    encoding: 'utf8',
  });
  expect(info).toContain('Author: A Bot\nEmail: bot@example.org\n');
  expect((await reply(postingOf([DENIES]), path, '--out', 'eml=-')).stdout).toBe(readFileSync(eml, 'utf8'));
});

test('silence where a newer version is known, nothing is touched or nothing changes', async () => {
  const { path } = kernelClone();
  const silent = async (mails: readonly string[]): Promise<string> => {
    const outbox = join(temporaryFolder(), 'outbox');
    const result = await reply(mails, path, '--outbox', outbox);
    expect([result.status, existsSync(outbox)]).toEqual([0, false]);
    return result.stdout;
  };
  expect(await silent(postingOf([DOCUMENTS]))).toMatch(/^no reply: the series touches no file/);
  const comment: Edit = { title: 'Comment', files: edited(TDX, '#include "tdx.h"', '#include "tdx.h"\n/* Words. */') };
  expect(await silent(postingOf([comment]))).toMatch(/^no reply: the series changes nothing/);
  const archive = mboxFile([...postingOf([DENIES]), ...postingOf([DENIES], { version: 2, day: 2 })]);
  const old = await bitwatch([
    ...['reply', 'v1.1@example.org', '--archive', archive, '--state', join(temporaryFolder(), 'state.json')],
    ...['--kernel', path, '--specs', fewSpecs(), ...FROM, '--json'],
  ]);
  expect(old.status).toBe(0);
  expect(SCHEMAS.reply.parse(JSON.parse(old.stdout))).toMatchObject({
    silence: { kind: 'newer', version: 2 },
    draft: null,
  });
});

test('a file or URL that a mail names is never read: its text is quoted as text', async () => {
  const { path } = kernelClone();
  const bait = join(temporaryFolder(), 'bait');
  writeFileSync(bait, 'SECRET OF THIS MACHINE');
  let calls = 0;
  const { port, close } = await startServer({
    onConnect: (_session, done) => {
      calls += 1;
      done();
    },
  });
  onTestFinished(close);
  const trailers = `QUINCE file://${bait}\nQUINCE {"path":"${bait}"}\nQUINCE http://127.0.0.1:${port}/`;
  const [cover = '', ...rest] = postingOf([DENIES], { trailers });
  const lured = cover.replace(
    '\n\n',
    `\nContent-Type: message/external-body; access-type=local-file; name="${bait}"\n\n`,
  );
  for (const mails of [
    [cover, ...rest],
    [lured, ...rest],
  ]) {
    const { stdout, stderr } = await reply(mails, path, '--out', 'eml=-');
    expect(stdout + stderr).not.toContain('SECRET');
    expect(stdout).toContain('\nIn-Reply-To: <v1.1@example.org>\n');
  }
  expect(calls).toBe(0);
});

/** specs/ as they are, with lists that opted in. */
function optedIn(): string {
  const specs = smallSpecs(temporaryFolder(), FEW);
  const file = join(specs, 'sources.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('optIn: false', 'optIn: true'));
  return specs;
}

test('post: shows by default, refuses lists that did not opt in, and sends once with STARTTLS and a password', async () => {
  const { path } = kernelClone();
  const outbox = join(temporaryFolder(), 'outbox');
  await reply(postingOf([DENIES]), path, '--outbox', outbox);
  const preview = await bitwatch(['post', '--outbox', outbox]);
  expect([preview.status, preview.stdout]).toEqual([
    75,
    expect.stringContaining('stays a draft: kvm@vger.kernel.org, linux-coco@lists.linux.dev did not opt in'),
  ]);
  const { port, deliveries, close } = await startServer({
    disabledCommands: [],
    authOptional: false,
    onAuth: ({ username, password }, _session, done) =>
      password === 'right' ? done(null, { user: username ?? '' }) : done(new Error('no')),
  });
  onTestFinished(close);
  const ca = join(temporaryFolder(), 'ca.pem');
  writeFileSync(ca, CERTIFICATE);
  const env = {
    PATH: process.env.PATH,
    BITWATCH_SMTP_HOST: '127.0.0.1',
    BITWATCH_SMTP_PORT: String(port),
    BITWATCH_SMTP_USER: 'bot',
    BITWATCH_SMTP_PASSWORD: 'right',
    BITWATCH_SMTP_CA: ca,
  };
  const post = (...args: readonly string[]) => bitwatch(['post', '--outbox', outbox, ...args], { env });
  expect([(await post('--send')).status, deliveries.length]).toEqual([75, 0]);
  expect(await bitwatch(['post', '--outbox', `${outbox}x`], { env })).toEqual({
    status: 66,
    stdout: '',
    stderr: `bitwatch: ${outbox}x: no such outbox\n`,
  });
  const specs = optedIn();
  expect((await post('--specs', specs)).stdout).toContain('would go to jane@example.org, kvm@vger.kernel.org');
  const sent = await post('--specs', specs, '--send', '--json');
  expect(SCHEMAS.post.parse(JSON.parse(sent.stdout)).mails).toMatchObject([{ outcome: { kind: 'accepted' } }]);
  expect([sent.status, (await post('--specs', specs, '--send')).stdout]).toEqual([0, 'nothing to send\n']);
  expect((await reply(postingOf([DENIES]), path, '--outbox', outbox)).stdout).toContain('this version was answered');
  expect(deliveries).toHaveLength(1);
  expect(JSON.stringify(deliveries)).not.toContain('right');
});

test.each([
  [['reply', '/nonexistent', '--kernel', '/nonexistent'], 64, /--from/],
  [['reply', 'x', '--kernel', 'x', '--from', 'nobody', '--date', '2026-11-21T10:00:00Z'], 64, /expected one address/],
  [['reply', 'x', '--kernel', 'x', '--from', 'a@b.org'], 64, /--date/],
  [['reply', 'x', '--kernel', 'x', '--from', 'a@b.org', '--date', 'tomorrow'], 64, /--date "tomorrow"/],
  [['reply', 'x', '--from', 'a@b.org', '--date', '2026-11-21T10:00:00Z'], 64, /--kernel/],
  [['reply', 'x', '--kernel', 'x', ...FROM, '--out', 'pdf=x'], 64, /formats: eml, mboxrd/],
  [['post', '--send', '--outbox', '/nonexistent/outbox'], 64, /--host/],
  [['post', '--send', '--offline', '--host', 'x'], 64, /--offline/],
  [['post', '--send', '--host', 'x', '--port', '70000'], 64, /--port/],
  [['post', '--resolve', 'a@b'], 64, /--as/],
])('%j is refused with one clear line', async (args, status, text) => {
  const result = await bitwatch(args);
  expect([result.status, result.stdout]).toEqual([status, '']);
  expect(result.stderr).toMatch(/^bitwatch: [^\n]{10,}\n$/);
  expect(result.stderr).toMatch(text);
});
