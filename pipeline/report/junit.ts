import type { Item, Section, View } from './view.ts';

/** Escapes for XML and drops what XML 1.0 cannot hold. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&apos;')
    .replace(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JUnit XML: a suite per review, a case per finding; errors and warnings fail, info passes, decided ones are skipped. */
export function junit(view: View): string {
  const cases = view.sections.flatMap(({ items }) => items);
  const failed = cases.filter(isFailure).length;
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="bitwatch" tests="${cases.length}" failures="${failed}">`,
    ...view.sections.flatMap(suite),
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

const isFailure = ({ finding }: Item): boolean => finding.decided === null && finding.level !== 'info';

function suite(section: Section): readonly string[] {
  const failed = section.items.filter(isFailure).length;
  const skipped = section.items.filter(({ finding }) => finding.decided !== null).length;
  return [
    `  <testsuite name="${escapeXml(section.id)}" tests="${section.items.length}" failures="${failed}" skipped="${skipped}">`,
    ...section.items.flatMap((item) => testCase(section, item)),
    '  </testsuite>',
  ];
}

function testCase(section: Section, item: Item): readonly string[] {
  const { finding } = item;
  const head = `    <testcase classname="${escapeXml(section.id)}.${finding.rule}" name="${escapeXml(item.headline)} [${finding.fingerprint}]"`;
  if (item.decided !== null)
    return [`${head}>`, `      <skipped message="${escapeXml(item.decided)}"/>`, '    </testcase>'];
  if (!isFailure(item)) return [`${head}/>`];
  return [
    `${head}>`,
    `      <failure type="${finding.level}" message="${escapeXml(item.because)}">${escapeXml(item.todo)}</failure>`,
    '    </testcase>',
  ];
}
