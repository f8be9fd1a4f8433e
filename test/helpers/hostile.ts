import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { git } from './repository.ts';

/** The keys of git-config(1) and its companions whose value git runs, or that lead git to what it runs, and how they are written. */
const KEYS: readonly (readonly [key: string, value: (canary: string, folder: string) => string])[] = [
  ...[
    'core.alternateRefsCommand',
    'core.askPass',
    'core.editor',
    'core.fsmonitor',
    'core.gitProxy',
    'core.pager',
    'core.sshCommand',
    'diff.external',
    'diff.hostile.command',
    'diff.hostile.textconv',
    'difftool.hostile.cmd',
    'difftool.hostile.path',
    'filter.hostile.clean',
    'filter.hostile.smudge',
    'filter.hostile.process',
    'gc.recentObjectsHook',
    'gpg.program',
    'gpg.openpgp.program',
    'gpg.ssh.program',
    'gpg.ssh.defaultKeyCommand',
    'gpg.x509.program',
    'guitool.hostile.cmd',
    'imap.tunnel',
    'instaweb.httpd',
    'interactive.diffFilter',
    'man.hostile.cmd',
    'man.hostile.path',
    'browser.hostile.cmd',
    'browser.hostile.path',
    'merge.hostile.driver',
    'mergetool.hostile.cmd',
    'mergetool.hostile.path',
    'receive.procReceiveRefs',
    'remote.origin.uploadpack',
    'remote.origin.receivepack',
    'remote.evil.uploadpack',
    'remote.evil.receivepack',
    'sendemail.smtpServer',
    'sendemail.sendmailCmd',
    'sendemail.toCmd',
    'sendemail.ccCmd',
    'sendemail.headerCmd',
    'sequence.editor',
    'tar.tar.command',
    'trailer.hostile.cmd',
    'trailer.hostile.command',
    'uploadpack.packObjectsHook',
    'web.browser',
    ...['log', 'diff', 'show', 'config', 'ls-tree', 'for-each-ref'].map((command) => `pager.${command}`),
  ].map((key) => [key, (canary: string) => canary] as const),
  ...['log', 'fetch', 'rev-parse', 'cat-file', 'rev-list', 'x'].map(
    (name) => [`alias.${name}`, (canary: string) => `!${canary}`] as const,
  ),
  ['credential.helper', (canary) => `!${canary}`],
  ['credential.https://example.org.helper', (canary) => `!${canary}`],
  ['submodule.hostile.update', (canary) => `!${canary}`],
  ['core.hooksPath', (_, folder) => join(folder, 'more-hooks')],
  ['init.templateDir', (_, folder) => join(folder, 'template')],
  ['core.attributesFile', (_, folder) => join(folder, 'attributes')],
  ['core.worktree', (_, folder) => folder],
  ['include.path', (_, folder) => join(folder, 'included')],
  ['includeIf.gitdir:/.path', (_, folder) => join(folder, 'included')],
  ['log.showSignature', () => 'true'],
  ['diff.noprefix', () => 'true'],
  ['extensions.partialClone', () => 'origin'],
  ['core.repositoryFormatVersion', () => '1'],
  ['remote.origin.promisor', () => 'true'],
  ['remote.origin.partialCloneFilter', () => 'blob:none'],
  // A remote that is the repository itself forks without end where git fetches what lacks.
  ['remote.origin.url', (_, folder) => folder],
  ['remote.evil.url', (canary) => `ext::${canary}`],
  ['remote.evil.vcs', () => 'ext'],
  ['remote.evil.promisor', () => 'true'],
  ['protocol.ext.allow', () => 'always'],
  ['protocol.file.allow', () => 'always'],
  ['url.ext::sh -c canary% .insteadOf', () => 'https://'],
  ['url.ext::sh.insteadOf', () => 'file://'],
  ['uploadpack.allowFilter', () => 'true'],
  ['uploadpack.allowAnySHA1InWant', () => 'true'],
];

const HOOKS = [
  'applypatch-msg commit-msg fsmonitor-watchman post-applypatch post-checkout post-commit post-index-change post-merge',
  'post-receive post-rewrite post-update pre-applypatch pre-auto-gc pre-commit pre-merge-commit pre-push pre-rebase',
  'pre-receive prepare-commit-msg proc-receive push-to-checkout reference-transaction sendemail-validate update',
].flatMap((line) => line.split(' '));

/** A program that leaves a mark when anybody runs it, and the marks. */
export function canaryIn(folder: string): {
  readonly path: string;
  readonly marks: () => string;
  readonly hush: () => void;
} {
  const path = join(folder, 'canary');
  const file = join(folder, 'marks');
  writeFileSync(path, `#!/bin/sh\necho "$0 $*" >> ${file}\nexit 1\n`);
  chmodSync(path, 0o755);
  const hush = (): void => writeFileSync(file, '');
  hush();
  chmodSync(file, 0o666);
  return { path, marks: () => readFileSync(file, 'utf8'), hush };
}

/** Gives a bare repository a configuration, hooks and attributes that run the canary wherever git lets them. */
export function poison(gitDir: string, canary: string): void {
  const own = KEYS.filter(([key]) => !key.startsWith('include'));
  writeFileSync(join(gitDir, 'included'), configText(own, canary, gitDir));
  appendFileSync(join(gitDir, 'config'), configText(KEYS, canary, gitDir));
  for (const folder of ['hooks', 'more-hooks', 'template/hooks']) {
    mkdirSync(join(gitDir, folder), { recursive: true });
    for (const hook of HOOKS) {
      linkSync(canary, join(gitDir, folder, hook));
    }
  }
  mkdirSync(join(gitDir, 'info'), { recursive: true });
  for (const file of ['info/attributes', 'attributes'])
    writeFileSync(join(gitDir, file), '* diff=hostile merge=hostile filter=hostile\n');
}

const configText = (keys: typeof KEYS, canary: string, folder: string): string =>
  keys
    .map(([key, value]) => {
      const [section = '', name = ''] = [key.slice(0, key.indexOf('.')), key.slice(key.lastIndexOf('.') + 1)];
      const middle = key.slice(section.length + 1, -(name.length + 1));
      const head = middle === '' ? `[${section}]` : `[${section} ${JSON.stringify(middle)}]`;
      return `${head}\n\t${name} = ${JSON.stringify(value(canary, folder))}\n`;
    })
    .join('');

/** Puts a signature into the newest commit of a branch, which git asks a program about; the branch then is at that commit. */
export function sign(gitDir: string, branch: string): void {
  const text = git(gitDir, 'cat-file', 'commit', branch);
  const at = text.indexOf('\n\n');
  const signature = 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----';
  const commit = `${text.slice(0, at)}\n${signature}${text.slice(at)}\n`;
  const file = join(gitDir, 'signed');
  writeFileSync(file, commit);
  const id = git(gitDir, 'hash-object', '-w', '-t', 'commit', file);
  git(gitDir, 'update-ref', `refs/heads/${branch}`, id);
}

/** A folder for PATH whose `git` writes down how it is called and goes on as the real one, and what it wrote. */
export function recorder(folder: string): { readonly path: string; readonly calls: () => readonly Call[] } {
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const [bin, log] = [join(folder, 'bin'), join(folder, 'calls')];
  mkdirSync(bin);
  // A file for each process: what several write at once must not mix.
  mkdirSync(log);
  chmodSync(log, 0o777);
  writeFileSync(
    join(bin, 'git'),
    `#!/bin/sh\n{ printf '%s\\000' "$@"; printf '\\036'; env -0; printf '\\035'; } >> ${log}/$$\nexec ${real} "$@"\n`,
  );
  chmodSync(join(bin, 'git'), 0o755);
  const calls = (): readonly Call[] =>
    readdirSync(log)
      .flatMap((name) => readFileSync(join(log, name), 'utf8').split('\x1d'))
      .filter((entry) => entry !== '')
      .map((entry) => {
        const [words = '', env = ''] = entry.split('\x1e');
        return { args: words.split('\0').slice(0, -1), env: env.split('\0').filter((each) => each !== '') };
      });
  return { path: `${bin}:${process.env.PATH}`, calls };
}

export type Call = { readonly args: readonly string[]; readonly env: readonly string[] };

/** What a caller's environment could make git run, write or read. */
export const hostileEnvironment = (folder: string, canary: string): NodeJS.ProcessEnv => ({
  HOME: folder,
  XDG_CONFIG_HOME: folder,
  GIT_DIR: join(folder, 'nowhere'),
  GIT_WORK_TREE: folder,
  GIT_OBJECT_DIRECTORY: join(folder, 'nowhere'),
  GIT_CONFIG_GLOBAL: join(folder, '.gitconfig'),
  GIT_CONFIG_SYSTEM: join(folder, '.gitconfig'),
  GIT_CONFIG_NOSYSTEM: '0',
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'core.fsmonitor',
  GIT_CONFIG_VALUE_0: canary,
  GIT_CONFIG_PARAMETERS: `'core.fsmonitor=${canary}'`,
  GIT_NO_LAZY_FETCH: '0',
  GIT_ALLOW_PROTOCOL: 'ext:file:https',
  GIT_TRACE: join(folder, 'trace'),
  GIT_TRACE2: join(folder, 'trace'),
  GIT_TEMPLATE_DIR: join(folder, 'template'),
  GIT_REPLACE_REF_BASE: 'refs/heads',
  ...Object.fromEntries(
    [
      'GIT_ASKPASS SSH_ASKPASS GIT_EDITOR GIT_SEQUENCE_EDITOR EDITOR VISUAL GIT_EXTERNAL_DIFF GIT_PAGER PAGER',
      'GIT_PROXY_COMMAND GIT_SSH GIT_SSH_COMMAND BROWSER',
    ]
      .flatMap((line) => line.split(' '))
      .map((name) => [name, canary]),
  ),
});
