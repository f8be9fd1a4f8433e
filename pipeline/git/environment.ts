/** A key of git's configuration and its value. */
export type Setting = readonly [key: string, value: string];

/**
 * What holds whatever a configuration says. No repository's configuration is read at all (see `makeRepository`): these stand
 * behind that, for a git that would find one.
 */
const HARDENING: readonly Setting[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.attributesFile', '/dev/null'],
  // Instead of git in the repository that objects are borrowed from, which would read that one's configuration.
  ['core.alternateRefsCommand', 'true'],
  ['core.askPass', ''],
  ['core.pager', ''],
  ['credential.helper', ''],
  ['log.showSignature', 'false'],
  ['color.ui', 'false'],
  ['log.showRoot', 'true'],
  ['log.follow', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
];

/** What the user's environment may say: where programs and certificates are, and the way out of the house. */
const KEPT =
  /^(PATH|TMPDIR|SSL_CERT_FILE|SSL_CERT_DIR|GIT_SSL_CAINFO|https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY|SystemRoot)$/;

/** Seconds in which a transfer may stand still before it is an error instead of a wait without end. */
const STALL = '60';

/**
 * The environment that every git process gets, and no other: no prompt, no configuration of the user, the system or the caller,
 * no home, the same words in any locale, no replaced objects, no object that is fetched because it is missing, and no transport
 * but the two that the program uses, those only where `network` says so.
 */
export function gitEnvironment(
  base: NodeJS.ProcessEnv,
  network: boolean,
  settings: readonly Setting[] = [],
): NodeJS.ProcessEnv {
  const pairs = [...HARDENING, ...settings];
  return {
    ...Object.fromEntries(Object.entries(base).filter(([name]) => KEPT.test(name))),
    LC_ALL: 'C',
    HOME: '/dev/null',
    XDG_CONFIG_HOME: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: network ? 'https:file' : 'none',
    GIT_HTTP_LOW_SPEED_LIMIT: '1',
    GIT_HTTP_LOW_SPEED_TIME: STALL,
    // git flushes after every commit when it writes to a pipe, which doubles the time of a listing.
    GIT_FLUSH: '0',
    GIT_CONFIG_COUNT: String(pairs.length),
    ...Object.fromEntries(
      pairs.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}
