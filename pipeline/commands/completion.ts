import type { Command } from 'commander';
import { UsageError } from '../model/errors.ts';
import { suggest } from '../model/suggest.ts';
import type { CommandLine, Opts } from './command-line.ts';

/** `bitwatch completion SHELL`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(program, 'completion <shell>', 'a completion script for bash, zsh or fish', [
    'source <(bitwatch completion bash)',
  ]).action((shell: string, _opts: Opts, command: Command) =>
    contextOf(command).stdout.write(completionScript(shell, program)),
  );
}

/** A completion script: commands and their options, made from the program itself. */
function completionScript(shell: string, program: Command): string {
  const commands = program.commands.map((command) => ({
    name: command.name(),
    options: command.options.flatMap((option) => (option.long == null ? [] : [option.long])),
  }));
  const names = commands.map(({ name }) => name).join(' ');
  const writers: Readonly<Record<string, () => string>> = {
    bash: () =>
      [
        '_bitwatch() {',
        '  local current="${COMP_WORDS[COMP_CWORD]}" words',
        '  case "${COMP_WORDS[1]}" in',
        ...commands.map(({ name, options }) => `    ${name}) words="${options.join(' ')}" ;;`),
        `    *) words="${names}" ;;`,
        '  esac',
        `  [ "$COMP_CWORD" -eq 1 ] && words="${names}"`,
        '  COMPREPLY=($(compgen -W "$words" -f -- "$current"))',
        '}',
        'complete -F _bitwatch bitwatch',
        '',
      ].join('\n'),
    zsh: () =>
      [
        '#compdef bitwatch',
        '_bitwatch() {',
        `  if (( CURRENT == 2 )); then compadd -- ${names}; return; fi`,
        '  case "${words[2]}" in',
        ...commands.map(({ name, options }) => `    ${name}) compadd -- ${options.join(' ')} ;;`),
        '  esac',
        '  _files',
        '}',
        'compdef _bitwatch bitwatch',
        '',
      ].join('\n'),
    fish: () =>
      [
        `complete -c bitwatch -n __fish_use_subcommand -a "${names}"`,
        ...commands.flatMap(({ name, options }) =>
          options.map(
            (option) => `complete -c bitwatch -n "__fish_seen_subcommand_from ${name}" -l ${option.slice(2)}`,
          ),
        ),
        '',
      ].join('\n'),
  };
  const writer = Object.hasOwn(writers, shell) ? writers[shell] : undefined;
  if (writer === undefined)
    throw new UsageError(
      `no completion for ${JSON.stringify(shell)}${suggest(shell, Object.keys(writers))}; shells: ${Object.keys(writers).join(', ')}`,
    );
  return writer();
}
