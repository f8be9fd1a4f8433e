/** The start of the action: its inputs stand in the environment, and `bitwatch step` without a command reads them. */
process.argv.splice(2, process.argv.length, 'step');
await import('./cli.ts');
