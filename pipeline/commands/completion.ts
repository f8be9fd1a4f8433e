import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { RULES } from '../judge/catalogue.ts';
import { STACK_RULES } from '../judge/qemu-rules.ts';
import { UsageError } from '../model/errors.ts';
import { compareTexts, compareVersions } from '../model/order.ts';
import { suggest } from '../model/suggest.ts';
import type { Specs } from '../specs/store.ts';
import type { CommandLine, Opts } from './command-line.ts';

/** `bitwatch completion SHELL`. */
export function declare({ program, addFor, contextOf }: CommandLine): void {
  addFor([])(program, 'completion <shell>', 'a completion script for bash, zsh or fish', [
    'source <(bitwatch completion bash)',
  ]).action(async (shell: string, _opts: Opts, command: Command) => {
    const context = contextOf(command);
    const writer = Object.hasOwn(WRITERS, shell) ? WRITERS[shell] : undefined;
    if (writer === undefined) {
      const shells = Object.keys(WRITERS);
      throw new UsageError(
        `no completion for ${JSON.stringify(shell)}${suggest(shell, shells)}; shells: ${shells.join(', ')}`,
      );
    }
    context.stdout.write(writer(wordsOf(program, await specsOf(context))));
  });
}

/** What may stand behind a command, and behind an option that takes a value. */
type Words = {
  readonly commands: readonly {
    readonly name: string;
    readonly options: readonly string[];
    readonly operands: readonly string[];
  }[];
  readonly values: Readonly<Record<'--kvm' | '--from' | '--since' | '--fail-on', readonly string[]>>;
};

/** A word that no shell takes for more than a word. */
const isSafe = (word: string): boolean => /^[\w.:[\]+-]+$/.test(word);

function wordsOf(program: Command, specs: Specs): Words {
  const releases = [
    'latest',
    ...specs.releases
      .map(({ module }) => module.release)
      .sort(compareVersions)
      .reverse(),
  ].filter(isSafe);
  const kernels = specs.policies
    .map(({ version }) => version)
    .sort(compareVersions)
    .reverse()
    .filter(isSafe);
  const features = [...new Set(specs.knowledge.names.map(({ name }) => name))].sort(compareTexts).filter(isSafe);
  const operands: Readonly<Record<string, readonly string[]>> = {
    review: releases,
    check: releases,
    bits: releases,
    td: releases,
    abi: releases,
    diff: [...releases, ...kernels],
    history: features,
    explain: [...releases, ...kernels, ...[...RULES, ...STACK_RULES].map(({ id }) => id), ...features],
  };
  return {
    commands: program.commands.map((command) => ({
      name: command.name(),
      options: command.options.flatMap(({ long }) => (long == null ? [] : [long])),
      operands: [...command.commands.map((each) => each.name()), ...(operands[command.name()] ?? [])],
    })),
    values: { '--kvm': kernels, '--from': releases, '--since': releases, '--fail-on': ['info', 'warning', 'error'] },
  };
}

const WRITERS: Readonly<Record<string, (words: Words) => string>> = {
  bash: ({ commands, values }) =>
    lines(
      '_bitwatch() {',
      // A bracket or a colon is part of a bit's name here, not a pattern or a separator.
      '  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words',
      '  case "${COMP_WORDS[1]}" in',
      ...commands.map(
        ({ name, options, operands }) => `    ${name}) words="${[...operands, ...options].join(' ')}" ;;`,
      ),
      '  esac',
      `  [ "$COMP_CWORD" -eq 1 ] && words="${commands.map(({ name }) => name).join(' ')}"`,
      '  case "$before" in',
      ...Object.entries(values).map(([option, list]) => `    ${option}) words="${list.join(' ')}" ;;`),
      '  esac',
      '  COMPREPLY=($(compgen -W "$words" -f -- "$current"))',
      '}',
      'complete -F _bitwatch bitwatch',
    ),
  zsh: ({ commands, values }) =>
    lines(
      '#compdef bitwatch',
      '_bitwatch() {',
      `  if (( CURRENT == 2 )); then compadd -- ${commands.map(({ name }) => name).join(' ')}; return; fi`,
      '  case "${words[CURRENT-1]}" in',
      ...Object.entries(values).map(([option, list]) => `    ${option}) compadd -- ${quoted(list)}; _files; return ;;`),
      '  esac',
      '  case "${words[2]}" in',
      ...commands.map(
        ({ name, options, operands }) => `    ${name}) compadd -- ${quoted([...operands, ...options])} ;;`,
      ),
      '  esac',
      '  _files',
      '}',
      'compdef _bitwatch bitwatch',
    ),
  fish: ({ commands, values }) =>
    lines(
      `complete -c bitwatch -n __fish_use_subcommand -a "${commands.map(({ name }) => name).join(' ')}"`,
      ...commands.flatMap(({ name, options, operands }) => [
        ...(operands.length === 0
          ? []
          : [`complete -c bitwatch -n "__fish_seen_subcommand_from ${name}" -a "${operands.join(' ')}"`]),
        ...options.map((option) => {
          const list = Object.entries(values).find(([known]) => known === option)?.[1];
          const more = list === undefined ? '' : ` -x -a "${list.join(' ')}"`;
          return `complete -c bitwatch -n "__fish_seen_subcommand_from ${name}" -l ${option.slice(2)}${more}`;
        }),
      ]),
    ),
};

const lines = (...all: readonly string[]): string => `${all.join('\n')}\n`;
const quoted = (list: readonly string[]): string => list.map((word) => `'${word}'`).join(' ');
