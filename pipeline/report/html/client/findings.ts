import { hasBit } from '../../../model/mask.ts';
import type { PageEvidence, PageFinding } from '../shape.ts';
import type { Cell, Dom, PageData } from './types.ts';

/** Findings as list items, for a bit's story and for the list of all reviews. */
export function createFindings(data: PageData, dom: Dom, evidence: (at: PageEvidence) => HTMLElement) {
  const text = (index: number): string => data.texts[index] ?? '';
  const item = (finding: PageFinding, withSection: boolean): HTMLElement => {
    const section = data.sections[finding.section]?.title ?? '';
    return dom.el(
      'li',
      { class: 'finding' },
      dom.el(
        'p',
        {},
        dom.span(`level l-${finding.level}`, finding.level),
        ' ',
        dom.el('strong', {}, text(finding.headline)),
      ),
      ...(withSection ? [dom.el('p', {}, section)] : []),
      ...(finding.waived < 0 ? [] : [dom.el('p', {}, text(finding.waived))]),
      dom.el('p', {}, `Why: ${text(finding.because)}`),
      dom.el('p', {}, `Do: ${text(finding.todo)}`),
      ...finding.evidence.map((at) => dom.el('p', { class: 'source' }, evidence(at))),
      dom.el(
        'p',
        { class: 'source' },
        `${data.rules[finding.rule] ?? ''} ${finding.fingerprint}: bitwatch explain ${finding.fingerprint}`,
      ),
    );
  };
  const ofBit = ({ row, bit }: Cell): readonly HTMLElement[] => {
    const own = data.findings.filter((finding) => finding.row === row && hasBit(finding.mask, bit));
    if (own.length === 0) return [dom.el('p', {}, 'None.')];
    return [dom.el('ul', { class: 'findings' }, ...own.map((finding) => item(finding, true)))];
  };

  /** Every review with its findings; a review's items are made when it is opened. */
  const showAll = (): void => {
    const groups = data.sections.map((section, index) => {
      const body = dom.el('div', {});
      const details = dom.el(
        'details',
        {},
        dom.el('summary', {}, dom.el('h3', {}, section.title), dom.span('count', section.summary)),
        body,
      );
      details.addEventListener('toggle', () => {
        if (!details.open || body.childNodes.length > 0) return;
        const own = data.findings.filter((finding) => finding.section === index);
        body.append(
          ...section.notes.map((note) => dom.el('p', { class: 'source' }, note)),
          dom.el('p', { class: 'source' }, `Reproduce: ${section.command}`),
          dom.el('ul', { class: 'findings' }, ...own.map((finding) => item(finding, false))),
        );
      });
      return details;
    });
    dom.byId('findings').replaceChildren(...groups);
  };
  return { ofBit, showAll };
}
