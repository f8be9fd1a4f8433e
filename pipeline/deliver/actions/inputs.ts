import { readInputText } from '../../disk/read.ts';
import { DataError, UsageError } from '../../model/errors.ts';
import { suggest } from '../../model/suggest.ts';

/** What an action's inputs may run, and which inputs each takes; others would be passed over in silence. */
const TAKES = {
  report: ['base'],
  review: ['release', 'kvm', 'from', 'fail-on'],
  check: ['release', 'kvm', 'from', 'fail-on', 'base', 'decisions'],
  status: [],
  bits: ['release', 'kvm'],
  diff: [],
  explain: [],
  history: [],
  td: ['release', 'kvm'],
  stack: ['kvm'],
  update: ['kvm'],
  sync: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Commands that mean nothing without a release. */
const NEEDS_RELEASE: ReadonlySet<string> = new Set(['review', 'bits', 'td']);
const OPTIONS = ['release', 'kvm', 'from', 'fail-on', 'base', 'decisions'] as const;
const isCommand = (name: string): name is keyof typeof TAKES => Object.hasOwn(TAKES, name);

/** An input as the runner hands it to an action's program: `INPUT_FAIL-ON` for `fail-on`; empty where it was not given. */
const inputOf = (env: NodeJS.ProcessEnv, name: string): string => (env[`INPUT_${name.toUpperCase()}`] ?? '').trim();

/**
 * The command line that an action's inputs mean. They never go through a shell; `arguments` holds one argument a line. Throws a
 * UsageError for an input that the command does not take.
 */
export function inputArguments(env: NodeJS.ProcessEnv): readonly string[] {
  const input = (name: string): string => inputOf(env, name);
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
  if (NEEDS_RELEASE.has(command) && input('release') === '')
    throw new UsageError(`release: the command ${command} needs it`);
  const more = input('arguments')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const specs = input('specs') === '' ? [] : [`--specs=${input('specs')}`];
  // `--name=value` and `--`: no value can pass for an option.
  const options = given.filter((name) => name !== 'release').map((name) => `--${name}=${input(name)}`);
  const release = input('release') === '' ? [] : ['--', input('release')];
  return [command, ...specs, ...options, ...more, ...release];
}

/** How a step that an action's inputs describe reports; `directory` is null where none is named. */
export type StepInputs = {
  readonly directory: string | null;
  readonly annotations: boolean;
  /** The label that approves what a check finds, where this run's pull request has it. */
  readonly approval: string | null;
};

/** Reads the inputs that are no command line. Throws a UsageError for one that says neither yes nor no. */
export function stepInputs(env: NodeJS.ProcessEnv): StepInputs {
  const annotations = inputOf(env, 'annotations');
  if (!['', 'true', 'false'].includes(annotations))
    throw new UsageError(`annotations: expected true or false, found ${JSON.stringify(annotations)}`);
  const label = inputOf(env, 'approve-label');
  const directory = inputOf(env, 'directory');
  return {
    directory: directory === '' ? null : directory,
    annotations: annotations !== 'false',
    approval: label !== '' && labelsOf(env).includes(label) ? label : null,
  };
}

/** The labels of the pull request that this run is for, as its event has them; none for other events. */
function labelsOf({ GITHUB_EVENT_PATH: file }: NodeJS.ProcessEnv): readonly string[] {
  if (file === undefined || file === '') return [];
  const labels = fieldOf(fieldOf(parsed(file), 'pull_request'), 'labels');
  if (!Array.isArray(labels)) return [];
  return labels.map((label: unknown) => fieldOf(label, 'name')).filter((name) => typeof name === 'string');
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;

function parsed(file: string): unknown {
  try {
    return JSON.parse(readInputText(file));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new DataError({ where: { file }, expected: 'the event of the run as JSON', found: error.message });
  }
}
