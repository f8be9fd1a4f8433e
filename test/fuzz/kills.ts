import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { composeMail } from '../../pipeline/deliver/mail/compose.ts';
import { putDraft } from '../../pipeline/deliver/mail/outbox.ts';
import { copySpecs } from '../helpers/copy-specs.ts';
import { CHECKED_REGISTERS, moduleFiles } from '../helpers/module-source.ts';
import { startForge } from './forge.ts';
import { startPostOffice } from './post-office.ts';

/**
 * Kills the program with -9 at random moments of sync, report, scan, post and publish, and checks what is left: nothing
 * half-written, nothing lost, nothing sent twice without a word; then that the next run ends the work and clears up.
 * Arguments: how many kills over all commands, a seed, and optionally the commands.
 */
const ROOT = join(import.meta.dirname, '..', '..', '..');
const CLI = join(ROOT, 'dist', 'pipeline', 'cli.js');
const AT_ONCE = 4;

type Files = ReadonlyMap<string, string>;
type Ended = { readonly status: number | null; readonly out: string; readonly isKilled: boolean };

/** A command in a folder of its own. */
type Scenario = {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A folder whose first change may be the moment, or a signal from a server. */
  readonly moment: (strike: () => void) => () => void;
  /** Problems that the kill left. */
  readonly afterKill: () => readonly string[];
  /** Problems after the next run, whose output this is. */
  readonly afterRun: (next: Ended) => readonly string[];
  readonly close?: () => void;
};

function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const isOwn = (path: string): boolean =>
  /(^|\/)\.[^/]*\.(tmp|guard|lock)$|(^|\/)\.bitwatch-[0-9a-f]{16}\.new(\/|$)/.test(path);

/** Every file below a folder that a person would see, by path. */
function filesIn(folder: string): Files {
  const all = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  const files = all.sort().filter((path) => !isOwn(path) && statSync(join(folder, path)).isFile());
  return new Map(files.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}
const leftIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => isOwn(path) && !path.startsWith('cache/'),
  );

const differences = (a: Files, b: Files): readonly string[] =>
  [...new Set([...a.keys(), ...b.keys()])].filter((path) => a.get(path) !== b.get(path));

/** Runs the program; kills it where `strikeAt` says. */
function run(
  scenario: Scenario,
  kill: { readonly after: number; readonly isOnMoment: boolean } | null,
): Promise<Ended> {
  const child = spawn(process.execPath, [CLI, ...scenario.args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...scenario.env },
  });
  let [out, isKilled] = ['', false];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      out += data.toString('utf8');
    });
  const strike = (): void => {
    if (child.pid === undefined || child.exitCode !== null) return;
    isKilled = true;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It ended by itself just now.
    }
  };
  const later = (after: number): NodeJS.Timeout => setTimeout(strike, after);
  const timer = kill === null || kill.isOnMoment ? undefined : later(kill.after);
  const stop = kill?.isOnMoment === true ? scenario.moment(() => void later(kill.after)) : () => {};
  return new Promise((resolve) =>
    child.once('close', (status) => {
      clearTimeout(timer);
      stop();
      resolve({ status, out, isKilled });
    }),
  );
}

/** The first change in one of these folders. */
const changeIn =
  (...folders: readonly string[]) =>
  (strike: () => void): (() => void) => {
    let isOver = false;
    const watchers = folders
      .filter((folder) => existsSync(folder))
      .map((folder) =>
        watch(folder, () => {
          if (!isOver) strike();
          isOver = true;
        }),
      );
    return () => {
      for (const each of watchers) each.close();
    };
  };

const git = (folder: string, ...args: readonly string[]): void => {
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
    cwd: folder,
    stdio: 'ignore',
  });
};

/** A module's repository with one release that has tables and transitions. */
function moduleSource(folder: string): string {
  const files: Readonly<Record<string, string>> = {
    ...Object.fromEntries(filesIn(join(ROOT, 'fixtures', 'clobbers', 'base'))),
    ...moduleFiles('0x00000010'),
    ...CHECKED_REGISTERS,
    'README.md': `| Version | MRSEAM |\n|-|-|\n| 1.5.77 | ${'ab'.repeat(48)} |\n`,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  git(folder, 'init', '-q');
  git(folder, 'add', '.');
  git(folder, 'commit', '-qm', 'TDX 1.5.77');
  return folder;
}

/** Small specifications: what a run costs is the moments that it has. */
const smallSpecs = (folder: string, releases: readonly string[]): string =>
  copySpecs(join(ROOT, 'specs'), folder, { releases, kernels: ['6.16.1'] });

const bytesOf = (files: Files, path: string): string => files.get(path) ?? '';

/** Every file is as before or as a whole run leaves it. */
const halfWritten = (now: Files, ...whole: readonly Files[]): readonly string[] =>
  [...now].flatMap(([path, text]) =>
    whole.some((files) => files.get(path) === text) ? [] : [`${path} is neither old nor new`],
  );

type World = {
  readonly template: string;
  readonly reference: Files;
  readonly make: (folder: string) => Scenario | Promise<Scenario>;
};
const worlds = new Map<string, Promise<World>>();

async function finished(scenario: Scenario): Promise<void> {
  const { status, out } = await run(scenario, null);
  if (status !== 0) throw new Error(`the reference run ended with ${status}: ${out}`);
}

async function syncWorld(base: string): Promise<World> {
  const [template, whole] = [join(base, 'sync'), join(base, 'sync-whole')];
  const source = moduleSource(mkdtempSync(join(base, 'source-')));
  smallSpecs(join(template, 'specs'), ['1.5.06']);
  writeFileSync(
    join(template, 'specs', 'sources.yaml'),
    `sources:\n  - {name: one, kind: module, url: ${JSON.stringify(source)}, repository: a/b, licence: MIT}\n`,
  );
  const before = filesIn(join(template, 'specs'));
  let reference: Files = new Map();
  const make = (folder: string): Scenario => {
    const specs = join(folder, 'specs');
    return {
      args: ['sync', '--specs', specs, '--cache', join(folder, 'cache')],
      moment: changeIn(specs, join(specs, 'modules'), join(specs, 'clobbers')),
      afterKill: () => halfWritten(filesIn(specs), before, reference),
      afterRun: ({ status, out }) => [
        ...(status === 0 ? [] : [`sync ended with ${status}: ${out}`]),
        ...differences(filesIn(specs), reference).map((path) => `${path} is not what a whole run leaves`),
        ...leftIn(folder).map((path) => `${path} is left`),
      ],
    };
  };
  cpSync(template, whole, { recursive: true });
  await finished(make(whole));
  reference = filesIn(join(whole, 'specs'));
  return { template, reference, make };
}

async function reportWorld(base: string): Promise<World> {
  const [template, whole] = [join(base, 'report'), join(base, 'report-whole')];
  smallSpecs(join(template, 'specs'), ['1.5.06', '2.0.16']);
  const make = (folder: string): Scenario => {
    const reports = join(folder, 'reports');
    return {
      args: ['report', '--specs', join(folder, 'specs'), '--directory', reports],
      moment: changeIn(folder, reports),
      afterKill: () => {
        const now = filesIn(reports);
        // The folder of somebody else is the last to move: the next run brings it.
        const hasTheirs = existsSync(join(reports, 'theirs', 'x')) || existsSync(join(newIn(folder), 'theirs', 'x'));
        const isWhole = [before, reference].some((files) =>
          differences(now, files).every((path) => path === 'theirs/x'),
        );
        return [...(isWhole ? [] : ['the report is neither old nor new']), ...(hasTheirs ? [] : ['theirs/x is lost'])];
      },
      afterRun: ({ status, out }) => [
        ...(status === 0 ? [] : [`report ended with ${status}: ${out}`]),
        ...differences(filesIn(reports), reference).map((path) => `${path} is not what a whole run leaves`),
        ...leftIn(folder).map((path) => `${path} is left`),
      ],
    };
  };
  let [before, reference]: [Files, Files] = [new Map(), new Map()];
  await finished(make(template));
  writeFileSync(join(template, 'reports', 'notes.md'), 'mine');
  mkdirSync(join(template, 'reports', 'theirs'));
  writeFileSync(join(template, 'reports', 'theirs', 'x'), 'x');
  before = filesIn(join(template, 'reports'));
  smallSpecs(join(template, 'specs'), ['1.5.06', '2.0.16', '2.0.18']);
  cpSync(template, whole, { recursive: true });
  await finished(make(whole));
  reference = filesIn(join(whole, 'reports'));
  return { template, reference, make };
}

const newIn = (folder: string): string =>
  join(folder, readdirSync(folder).find((name) => name.endsWith('.new')) ?? '.none.new');

async function scanWorld(base: string): Promise<World> {
  const [template, whole] = [join(base, 'scan'), join(base, 'scan-whole')];
  mkdirSync(template, { recursive: true });
  const mail = (at: number): string =>
    `From a@b Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nSubject: [PATCH] tdx ${at}\nMessage-ID: <${at}@example.org>\n\nTDX and WAITPKG\n\n`;
  // Named from where the program stands: the state names its archives so.
  const archive = (name: string): string => join(base, name);
  writeFileSync(archive('old.mbox'), mail(0));
  writeFileSync(archive('new.mbox'), Array.from({ length: 3000 }, (_, at) => mail(at + 1)).join(''));
  const scan = (folder: string, name: string): readonly string[] => [
    'archive',
    'scan',
    archive(name),
    '--state',
    join(folder, 'state.json'),
  ];
  let [before, reference]: [Files, Files] = [new Map(), new Map()];
  const make = (folder: string): Scenario => ({
    args: scan(folder, 'new.mbox'),
    moment: changeIn(folder),
    afterKill: () =>
      halfWritten(filesIn(folder), before, reference).concat(
        filesIn(folder).has('state.json') ? [] : ['the state is lost'],
      ),
    afterRun: ({ status, out }) => [
      ...(status === 0 ? [] : [`scan ended with ${status}: ${out}`]),
      ...differences(filesIn(folder), reference).map((path) => `${path} is not what a whole run leaves`),
      ...leftIn(folder).map((path) => `${path} is left`),
    ],
  });
  await finished({ ...make(template), args: scan(template, 'old.mbox') });
  before = filesIn(template);
  cpSync(template, whole, { recursive: true });
  await finished(make(whole));
  reference = filesIn(whole);
  return { template, reference, make };
}

async function postWorld(base: string): Promise<World> {
  const template = join(base, 'post');
  smallSpecs(join(template, 'specs'), ['1.5.06']);
  writeFileSync(
    join(template, 'specs', 'sources.yaml'),
    'sources: []\nlists:\n  - {name: open, address: open@lists.example.org, url: "https://lists.example.org/open", optIn: true}\n',
  );
  const draft = composeMail({
    from: { name: 'bitwatch', email: 'bot@example.org' },
    to: [{ name: 'Jane Roe', email: 'jane@example.com' }],
    cc: [{ name: '', email: 'open@lists.example.org' }],
    subject: 'Re: [PATCH] KVM: TDX: Say which bits are allowed',
    messageId: 'bitwatch-0123456789abcdef@example.org',
    inReplyTo: '20261120.1@example.com',
    references: ['20261120.1@example.com'],
    date: 1_795_255_200,
    body: '> One line.\n\nAn answer below it.\n',
  });
  await putDraft(join(template, 'outbox'), 'reply-1', draft);
  const mails = (folder: string): readonly string[] =>
    [...filesIn(join(folder, 'outbox')).keys()].filter((path) => path.endsWith('.eml'));
  const make = async (folder: string): Promise<Scenario> => {
    const office = await startPostOffice();
    return {
      args: [
        'post',
        '--send',
        '--outbox',
        join(folder, 'outbox'),
        '--specs',
        join(folder, 'specs'),
        '--host',
        '127.0.0.1',
        '--port',
        `${office.port}`,
      ],
      moment: (strike) => {
        const stop = changeIn(join(folder, 'outbox'), join(folder, 'outbox', 'draft'))(strike);
        office.onMail = strike;
        return () => {
          stop();
          office.onMail = () => {};
        };
      },
      afterKill: () => {
        const now = mails(folder);
        const whole = now.every((path) => bytesOf(filesIn(join(folder, 'outbox')), path) === draft.toString('utf8'));
        return now.length === 1 && whole ? [] : [`the outbox holds ${now.join(', ') || 'nothing'}`];
      },
      afterRun: ({ status, out }) => {
        const [now = '', ...more] = mails(folder);
        const isSent = now.startsWith('sent/') && office.sent === 1;
        // It may have gone out or not: told, and never sent again.
        const isTold =
          now.startsWith('uncertain/') && office.sent <= 1 && status === 75 && /reply-1|0123456789abcdef/.test(out);
        return [
          ...(more.length === 0 && (isSent || isTold)
            ? []
            : [`sent ${office.sent} times, now ${now} ${more.join(' ')}: ${out}`]),
          ...leftIn(folder).map((path) => `${path} is left`),
        ];
      },
      close: office.close,
    };
  };
  return { template, reference: new Map(), make };
}

async function publishWorld(base: string): Promise<World> {
  const template = join(base, 'publish');
  smallSpecs(join(template, 'specs'), ['1.5.06', '2.0.18']);
  writeFileSync(
    join(template, 'specs', 'sources.yaml'),
    'sources: []\nrepositories:\n  - {repository: a/b, optIn: true}\n',
  );
  const before = filesIn(join(template, 'specs'));
  const make = async (folder: string): Promise<Scenario> => {
    const forge = await startForge();
    forge.lag = 2;
    const specs = join(folder, 'specs');
    return {
      args: [
        'publish',
        'releases',
        '--repository',
        'a/b',
        '--since',
        '1.5.06',
        '--kvm',
        '6.16.1',
        '--send',
        '--specs',
        specs,
      ],
      env: { GITHUB_TOKEN: 'token', GITHUB_API_URL: forge.url },
      moment: (strike) => {
        const stop = changeIn(specs)(() => {});
        forge.onWrite = strike;
        return () => {
          stop();
          forge.onWrite = () => {};
        };
      },
      afterKill: () => {
        const now = new Map([...filesIn(specs)].filter(([path]) => path !== 'posted.yaml'));
        return differences(now, before).map((path) => `${path} changed`);
      },
      afterRun: ({ status, out }) => {
        const open = forge.issues.filter(({ state }) => state === 'open').length;
        const isTold = /withdrawn|stands twice/.test(out);
        return [
          ...(status === 0 || isTold ? [] : [`publish ended with ${status}: ${out}`]),
          ...(open === 1 || (open > 1 && isTold) ? [] : [`${open} issues are open: ${out}`]),
          ...(bytesOf(filesIn(specs), 'posted.yaml').includes('key: "2.0.18"') ? [] : ['posted.yaml does not name it']),
          ...leftIn(folder).map((path) => `${path} is left`),
        ];
      },
      close: forge.close,
    };
  };
  return { template, reference: new Map(), make };
}

const WORLDS: Readonly<Record<string, (base: string) => Promise<World>>> = {
  sync: syncWorld,
  report: reportWorld,
  scan: scanWorld,
  post: postWorld,
  publish: publishWorld,
};

type Tally = { kills: number; early: number; problems: string[] };

/** One kill and the run after it; a run that ends before its kill counts as none. */
async function attempt(
  name: string,
  base: string,
  next: () => number,
  length: number,
): Promise<readonly string[] | null> {
  const world = await (worlds.get(name) ?? Promise.reject(new Error(name)));
  const folder = mkdtempSync(join(base, `${name}-`));
  cpSync(world.template, folder, { recursive: true });
  const scenario = await world.make(folder);
  try {
    const isOnMoment = next() < 0.6;
    const after = isOnMoment ? next() * 40 : next() * length;
    const killed = await run(scenario, { after, isOnMoment });
    if (!killed.isKilled || killed.status !== null) return null;
    await sleep(5);
    const left = scenario.afterKill();
    const ended = await run(scenario, null);
    return [
      ...left.map((text) => `after the kill: ${text}`),
      ...scenario.afterRun(ended).map((text) => `after the next run: ${text}`),
    ];
  } finally {
    scenario.close?.();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main([count = '1000', seed = '1', ...names]: readonly string[]): Promise<number> {
  const base = mkdtempSync(join(tmpdir(), 'bitwatch-kills-'));
  const wanted = Object.keys(WORLDS).filter((name) => names.length === 0 || names.includes(name));
  const next = random(Number(seed));
  const tallies = new Map<string, Tally>();
  try {
    for (const name of wanted) {
      tallies.set(name, { kills: 0, early: 0, problems: [] });
      worlds.set(name, WORLDS[name]?.(base) ?? Promise.reject(new Error(name)));
    }
    await Promise.all(worlds.values());
    const share = Math.ceil(Number(count) / wanted.length);
    // How long a run takes on this machine, as it is now.
    const lengths = new Map<string, number>();
    for (const name of wanted) lengths.set(name, await lengthOf(name, base));
    const work = async (): Promise<void> => {
      for (;;) {
        const [name, tally] = [...tallies].sort(([, a], [, b]) => a.kills - b.kills)[0] ?? [];
        if (name === undefined || tally === undefined || tally.kills >= share) return;
        tally.kills += 1;
        const done = [...tallies.values()].reduce((sum, { kills }) => sum + kills, 0);
        if (done % 50 === 0) console.log(`${done} kills begun`);
        const problems = await attempt(name, base, next, lengths.get(name) ?? 1000);
        if (problems === null) {
          tally.kills -= 1;
          tally.early += 1;
        } else
          for (const problem of problems) {
            tally.problems.push(problem);
            console.log(`${name}: ${problem.slice(0, 600)}`);
          }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    for (const [name, { kills, early, problems }] of tallies)
      console.log(`${name}: ${kills} kills, ${problems.length} problems; ${early} runs ended before their kill`);
    rmSync(base, { recursive: true, force: true });
  }
  return [...tallies.values()].some(({ problems }) => problems.length > 0) ? 100 : 0;
}

async function lengthOf(name: string, base: string): Promise<number> {
  const world = await (worlds.get(name) ?? Promise.reject(new Error(name)));
  const folder = mkdtempSync(join(base, `${name}-`));
  cpSync(world.template, folder, { recursive: true });
  const scenario = await world.make(folder);
  const start = performance.now();
  await run(scenario, null);
  scenario.close?.();
  rmSync(folder, { recursive: true, force: true });
  return performance.now() - start;
}

process.exitCode = await main(process.argv.slice(2));
