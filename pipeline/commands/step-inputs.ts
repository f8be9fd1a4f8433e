import { UsageError } from '../model/errors.ts';
import { suggest } from '../model/suggest.ts';

/** What an action's inputs may run, and which inputs each takes; others would be passed over in silence. */
const TAKES = {
  report: ['base'],
  review: ['release', 'kvm', 'since'],
  check: ['fail-on', 'base'],
  diff: [],
  explain: [],
  history: [],
  sync: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

const OPTIONS = ['release', 'kvm', 'since', 'fail-on', 'base'] as const;
const isCommand = (name: string): name is keyof typeof TAKES => Object.hasOwn(TAKES, name);

/**
 * The command line that an action's inputs mean. They come as environment variables, `BITWATCH_FAIL_ON` for `fail-on`, and
 * never through a shell; `arguments` holds one argument a line. Throws a UsageError for an input that the command does not take.
 */
export function inputArguments(env: NodeJS.ProcessEnv): readonly string[] {
  const input = (name: string): string => (env[`BITWATCH_${name.toUpperCase().replace('-', '_')}`] ?? '').trim();
  const command = input('command') === '' ? 'check' : input('command');
  if (!isCommand(command)) {
    const names = Object.keys(TAKES);
    throw new UsageError(
      `command: no command ${JSON.stringify(command)} for the action${suggest(command, names)}; commands: ${names.join(', ')}`,
    );
  }
  const taken: readonly string[] = TAKES[command];
  const given = OPTIONS.filter((name) => input(name) !== '');
  const wrong = given.find((name) => !taken.includes(name));
  if (wrong !== undefined) throw new UsageError(`${wrong}: the command ${command} does not take this input`);
  if (command === 'review' && input('release') === '') throw new UsageError('release: the command review needs it');
  const more = input('arguments')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const specs = input('specs') === '' ? [] : [`--specs=${input('specs')}`];
  // `--name=value` and `--`: no value can pass for an option.
  const options = given.filter((name) => name !== 'release').map((name) => `--${name}=${input(name)}`);
  const release = command === 'review' ? ['--', input('release')] : [];
  return [command, ...specs, ...options, ...more, ...release];
}
