import { expect, test } from 'vitest';
import { readModuleRevision } from '../../../pipeline/cases/module-revision.ts';
import { openBlobs } from '../../../pipeline/git/blobs.ts';
import { listReleases } from '../../../pipeline/git/releases.ts';
import { openRepository } from '../../../pipeline/git/repository.ts';
import { classify } from '../../../pipeline/model/class.ts';
import { shippedSpecs } from '../../helpers/specs.ts';

const { BITWATCH_MODULE_REPO: clone } = process.env;

test.skipIf(clone === undefined)(
  'real history gives the classes that specs/ holds (skipped without BITWATCH_MODULE_REPO)',
  async () => {
    const specs = await shippedSpecs();
    const repository = openRepository(clone ?? '', process.env);
    const blobs = openBlobs(repository);
    const found = await listReleases(repository);
    expect(found.length).toBeGreaterThan(0);
    for (const { release, commit } of found) {
      const module = await readModuleRevision(repository, blobs, commit, release);
      const embedded = specs.releases.find((each) => each.module.release === release);
      const plain = (registers: ReturnType<typeof classify>) => registers.map(({ line: _, ...register }) => register);
      expect([release, plain(classify(module, specs.deciders.get(release)))]).toEqual([
        release,
        plain(embedded?.registers ?? []),
      ]);
    }
    await blobs.close();
  },
);
