/**
 * Colours by meaning, light and dark. Hues follow Okabe and Ito, which people of every colour vision tell apart; each class has
 * its sign besides, and each text at least 4.5 to 1 against its ground.
 */
const LIGHT = `
  --page: #fbfbfa; --panel: #ffffff; --text: #1b1f24; --soft: #57606a; --line: #d5d9de; --strong: #8a929b; --link: #0550ae; --focus: #0550ae;
  --cd: #0b5394; --cd-text: #ffffff; --ad: #cfe3f6; --ad-text: #0a3a66; --f1: #f3c969; --f1-text: #3a2a00;
  --f0: #f1f2f3; --f0-text: #5c6570; --na: #d3ecdf; --na-text: #0d4a33; --ve: #e3dbe8; --ve-text: #4d3560; --de: #f6e3d3; --de-text: #6a3200;
  --bad: #a83a00; --bad-text: #ffffff; --stop: #24292f; --stop-text: #ffffff; --ask: #7d3f98; --ask-text: #ffffff; --old: #eadcf0; --old-text: #562a6b;
  --good: #e0f0e6; --good-text: #14532d; --mute: #e9ebee; --mute-text: #4d5661; --frame: #1b1f24; --error: #a40e26; --warning: #8a4b00;`;
const DARK = `
  --page: #14171b; --panel: #1b1f25; --text: #e4e7eb; --soft: #a4adb8; --line: #343b44; --strong: #6b7480; --link: #7cb7ff; --focus: #7cb7ff;
  --cd: #8cc4ff; --cd-text: #06213d; --ad: #1d3f60; --ad-text: #d5e9ff; --f1: #b98a1c; --f1-text: #161000;
  --f0: #20252b; --f0-text: #949eaa; --na: #1b4433; --na-text: #c4efd9; --ve: #3f3349; --ve-text: #e5d6f0; --de: #4a3320; --de-text: #ffdcbc;
  --bad: #ff9a62; --bad-text: #2b0e00; --stop: #e4e7eb; --stop-text: #14171b; --ask: #d6a4ec; --ask-text: #2b0d38; --old: #3d2a47; --old-text: #e7c9f5;
  --good: #1d3a2a; --good-text: #b9e8ca; --mute: #2a3037; --mute-text: #b3bcc6; --frame: #ffffff; --error: #ff9aa5; --warning: #f0b463;`;

export const PALETTE = `:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
@media print { :root { ${LIGHT} } }`;
