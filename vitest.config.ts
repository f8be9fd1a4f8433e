import { defineConfig } from 'vitest/config';
import { memoryFolder } from './test/helpers/memory-folder.ts';

// Libraries as users get them: their development builds check themselves with every step, which takes most of a parser's time.
process.env.NODE_ENV = 'production';

const folder = memoryFolder();
if (folder !== null) process.env.TMPDIR = folder;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/helpers/page-script.ts', 'test/helpers/shared-folder.ts'],
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
