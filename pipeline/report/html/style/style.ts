import { LAYOUT } from './layout.ts';
import { PALETTE } from './palette.ts';
import { PRINT, TABLES } from './tables.ts';

/** The page's style sheet. */
export const STYLE = [PALETTE, LAYOUT, TABLES, PRINT].join('\n').trim();
