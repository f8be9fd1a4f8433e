import type { Context } from './context.ts';
export async function syncCommand(_context: Context, _only: string | null): Promise<number> {
  return 0;
}
