import { defineConfig } from 'vitest/config';
import { memoryFolder } from './test/helpers/memory-folder.ts';

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
