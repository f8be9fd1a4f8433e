import { bitMask, bitsOf, countBits, formatBits, hasBit, runsOf } from '../../model/mask.ts';
import { createAddress } from './client/address.ts';
import { createChanges } from './client/changes.ts';
import { createControls } from './client/controls.ts';
import { createDifferences } from './client/differences.ts';
import { createDom } from './client/dom.ts';
import { createFilter } from './client/filter.ts';
import { createFindings } from './client/findings.ts';
import { createGrid } from './client/grid.ts';
import { createGridKeys } from './client/grid-keys.ts';
import { createGridPaint } from './client/grid-paint.ts';
import { createModel } from './client/model.ts';
import { createNotes } from './client/notes.ts';
import { startPage } from './client/start.ts';
import { createStory } from './client/story.ts';
import { createStoryParts } from './client/story-parts.ts';
import { createTimeline } from './client/timeline.ts';
import type { Factories, MaskTools } from './client/types.ts';

const FACTORIES: Factories = {
  createAddress,
  createChanges,
  createControls,
  createDifferences,
  createDom,
  createFilter,
  createFindings,
  createGrid,
  createGridKeys,
  createGridPaint,
  createModel,
  createNotes,
  createStory,
  createStoryParts,
  createTimeline,
};
const MASKS: MaskTools = { bitMask, bitsOf, countBits, formatBits, hasBit };

/**
 * The page's script as text. Each part is a function that sees nothing but its parameters, so its own text is all of it: the
 * sources are compiled, checked and tested as any other, and no bundler stands between them and the page.
 */
export function pageScript(): string {
  const declare = (part: (...args: never[]) => unknown): string => `const ${part.name} = ${part.toString()};`;
  const named = (parts: object): string => `{ ${Object.keys(parts).join(', ')} }`;
  return [
    "(() => { 'use strict';",
    // `formatBits` calls these by name.
    ...[...Object.values(MASKS), runsOf].map(declare),
    ...Object.values(FACTORIES).map(declare),
    declare(startPage),
    `startPage(${named(FACTORIES)}, ${named(MASKS)});`,
    '})();',
  ].join('\n');
}
