import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Bundles the page's script as it stands before any test reads it: a run without a build must not test an older page. */
export function setup(): void {
  execFileSync('npm', ['run', '--silent', 'bundle'], { cwd: join(import.meta.dirname, '..', '..'), stdio: 'inherit' });
}
