import type { PageEvidence } from '../shape.ts';
import type { Dom, Model, PageData, PageWord } from './types.ts';

/** What stands still on the page: the legend, and what was read and what was not. */
export function createNotes(data: PageData, model: Model, dom: Dom, evidence: (at: PageEvidence) => HTMLElement) {
  const legend = (words: readonly PageWord[], classOf: (index: number) => string): HTMLElement =>
    dom.el(
      'ul',
      {},
      ...words.map(({ sign, name, says }, index) =>
        dom.el('li', {}, dom.span(`key ${classOf(index)}`, sign), dom.el('strong', {}, ` ${name}`), ` ${says}`),
      ),
    );
  const showLegend = (): void => {
    dom.byId('legend-classes').replaceChildren(legend(data.classes, model.styleOf));
    dom
      .byId('legend-verdicts')
      .replaceChildren(legend(data.verdicts, (index) => `badge v-${data.verdicts[index]?.name ?? ''}`));
  };
  const showRead = (): void => {
    const releases = data.axis.map(({ name, release, reason }) => {
      const { source = -1, notes = [] } = data.releases[release] ?? {};
      if (release < 0) return [name, dom.el('em', {}, 'known by name only'), reason];
      return [name, evidence([source, 0]), notes.join('; ')];
    });
    const policies = data.policies.map(({ name, generation, source, notes }) => [
      name,
      generation,
      evidence([source, 0]),
      notes.join('; '),
    ]);
    dom
      .byId('read')
      .replaceChildren(
        dom.table('TDX module releases', ['Release', 'Read in', 'Notes'], releases),
        dom.table('KVM versions', ['Version', 'Form of its policy', 'Read in', 'Notes'], policies),
        dom.el('ul', {}, ...data.coverage.map((line) => dom.el('li', {}, line))),
      );
  };
  return { showLegend, showRead };
}
