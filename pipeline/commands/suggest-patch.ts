import type { Context } from './context.ts';
export async function suggestCommand(
  _context: Context,
  _release: string,
  _tree: string,
  _since: string | null,
): Promise<void> {}
