import { GRID, PRINT } from './grid.ts';
import { LAYOUT } from './layout.ts';
import { PALETTE } from './palette.ts';

/** The page's style sheet. */
export const STYLE = [PALETTE, LAYOUT, GRID, PRINT].join('\n').trim();
