import type { ClassedRelease } from '../model/class.ts';
import { compareVersions } from '../model/order.ts';
import type { Policy } from '../model/policy.ts';
import type { Specs } from '../specs/store.ts';

export const newestFirst = (names: readonly string[]): readonly string[] => [...names].sort(compareVersions).reverse();

/** A release without what people write around it: `TDX_1.5.06`, `v1.5.06`, `1.5-beta` and `1.5 Beta`. */
export const releaseName = (text: string): string =>
  text
    .toLowerCase()
    .replace(/^(?:intel[ _-]?)?tdx(?:[ _-]?module)?[ _-]?/, '')
    .replace(/^v(?=\d)/, '')
    .replace(/[_-]/g, ' ');

/** `1.5.06.00.744` is a build of 1.5.06: binaries carry numbers behind the name that a source's release does not. */
export function buildOf(text: string): { readonly name: string; readonly build: string | null } {
  const [, name, build] = /^(.*?\d+\.\d+\.\d+)\.(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  return name === undefined || build === undefined ? { name: text, build: null } : { name, build };
}

/** The specifications' name of a release, read or known by name only; null where there is none. */
export function namedRelease(specs: Specs, text: string): string | null {
  const read = releaseNamed(specs, text)?.module.release;
  return read ?? specs.known.find(({ release }) => releaseName(release) === releaseName(text))?.release ?? null;
}

/** A release by any of its names, or `latest`. */
export function releaseNamed(specs: Pick<Specs, 'releases'>, text: string): ClassedRelease | undefined {
  const [latest] = newestFirst(specs.releases.map(({ module }) => module.release));
  const name = text === 'latest' ? latest : text;
  return (
    specs.releases.find(({ module }) => module.release === name) ??
    specs.releases.find(({ module }) => releaseName(module.release) === releaseName(text))
  );
}

/** A KVM version by name, with or without its v, or `latest`. */
export function policyNamed(specs: Pick<Specs, 'policies'>, text: string): Policy | undefined {
  const [latest] = newestFirst(specs.policies.map(({ version }) => version));
  const name = text === 'latest' ? latest : text.replace(/^v(?=\d)/, '');
  return specs.policies.find(({ version }) => version === text || version === name);
}
